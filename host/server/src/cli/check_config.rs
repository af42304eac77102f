//! `glovebox check-config`.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::cli::failure::{Done, Failure};
use crate::cli::installation::Written;
use crate::cli::say;
use crate::config::{Engine, Settings};

/// Checks a configuration and prints everything that is in force, defaults included. A
/// wrong one is answered with its line, the nearest known key, and exit code 2.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox check-config --config glovebox.toml")]
pub(crate) struct Arguments {
    /// Configuration file; without one, the defaults are printed
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Prints the settings.
pub(crate) fn run(arguments: &Arguments) -> Result<Done, Failure> {
    let settings = Written::load(arguments.config.as_deref())?.resolve(None, None)?;
    say::answer(print(&settings).trim_end());
    Ok(Done::Yes)
}

/// The settings in the form of the configuration file.
fn print(settings: &Settings) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_settings(&mut out, settings);
    out
}

fn write_settings(out: &mut String, settings: &Settings) -> std::fmt::Result {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    writeln!(
        out,
        "data_dir = {}",
        quoted(&settings.data_dir.to_string_lossy())
    )?;
    writeln!(
        out,
        "\n[listen]\naddress = {}",
        quoted(&settings.address.to_string())
    )?;
    writeln!(out, "base_url = {}", quoted(&settings.base_url))?;
    match &settings.engine {
        Engine::Sled { cache_bytes } => {
            writeln!(
                out,
                "\n[database]\nengine = \"sled\"\ncache_mib = {}",
                cache_bytes >> 20
            )?;
        }
        Engine::Postgres { url } => {
            writeln!(
                out,
                "\n[database]\nengine = \"postgres\"\nurl = {}",
                quoted(&masked(url))
            )?;
        }
    }
    writeln!(
        out,
        "\n[ledger]\nflush_ms_max = {}",
        settings.ledger_flush.as_millis()
    )?;
    writeln!(out, "\n[apps]\ninstances = {}", settings.instances)?;
    writeln!(out, "\n[apps.limits]")?;
    for (name, value) in settings.ceiling.rows() {
        writeln!(out, "{name} = {value}")?;
    }
    for (id, _) in &settings.tenants {
        let Some(budgets) = settings.tenant_budgets.get(id) else {
            continue;
        };
        for (section, budget) in [
            ("per_app", &budgets.per_app),
            ("per_user", &budgets.per_user),
            ("whole", &budgets.whole),
        ] {
            writeln!(out, "\n[budgets.{}.{section}]", quoted(id.as_str()))?;
            for (name, max) in budget.rows() {
                writeln!(out, "{name} = {max}")?;
            }
        }
    }
    for (id, _) in &settings.tenants {
        let Some(brand) = settings.brands.get(id) else {
            continue;
        };
        writeln!(out, "\n[brands.{}]", quoted(id.as_str()))?;
        for (name, value) in [
            ("name", Some(&brand.name)),
            ("website", Some(&brand.website)),
            ("identifier", Some(&brand.identifier)),
            ("logo", brand.logo.as_ref()),
            ("portal", Some(&brand.portal)),
        ] {
            if let Some(value) = value {
                writeln!(out, "{name} = {}", quoted(value))?;
            }
        }
    }
    for (id, name) in &settings.tenants {
        writeln!(
            out,
            "\n[[tenants]]\nid = {}\nname = {}",
            quoted(id.as_str()),
            quoted(name)
        )?;
    }
    Ok(())
}

/// A connection URL without what is secret in it; one that is not understood is not shown.
fn masked(url: &str) -> String {
    const MASK: &str = "********";
    let Ok(mut parsed) = url::Url::parse(url) else {
        return MASK.to_owned();
    };
    if parsed.password().is_some() && parsed.set_password(Some(MASK)).is_err() {
        return MASK.to_owned();
    }
    // PostgreSQL takes a password as a parameter too.
    let is_open = |name: &str| {
        [
            "host",
            "port",
            "user",
            "dbname",
            "sslmode",
            "application_name",
        ]
        .contains(&name)
    };
    let parameters: Vec<(String, String)> = parsed
        .query_pairs()
        .map(|(name, value)| {
            let value = if is_open(&name) {
                value.into_owned()
            } else {
                MASK.to_owned()
            };
            (name.into_owned(), value)
        })
        .collect();
    if !parameters.is_empty() {
        parsed.query_pairs_mut().clear().extend_pairs(parameters);
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn settings(text: &str) -> Settings {
        Settings::resolve(&Config::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn what_is_printed_is_a_configuration_with_the_same_meaning() {
        let text = "data_dir = \"/srv/glove \\\"box\"\n[listen]\naddress = \"127.0.0.1:9\"\n\
            [apps.limits]\nrows_max = 7\n[[tenants]]\nid = \"ward\"\nname = \"Ward\"\n";
        let printed = print(&settings(text));
        assert!(printed.contains("rows_max = 7"), "{printed}");
        assert_eq!(print(&settings(&printed)), printed);
    }

    #[test]
    fn no_secret_of_a_connection_is_printed() {
        for url in [
            "postgres://glove:hunter2@db.example/glove?sslmode=require",
            "postgres://db.example/glove?user=glove&password=hunter2",
            "postgres://db.example/glove?options=hunter2",
            "hunter2",
        ] {
            let text = format!("[database]\nengine = \"postgres\"\nurl = \"{url}\"\n");
            let printed = print(&settings(&text));
            assert!(!printed.contains("hunter2"), "{printed}");
            assert!(printed.contains("********"), "{printed}");
        }
        let plain = masked("postgres://glove@db.example/glove?sslmode=require");
        assert_eq!(plain, "postgres://glove@db.example/glove?sslmode=require");
    }
}
