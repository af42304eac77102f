//! What the program runs with: addresses parsed, files read, limits checked.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use glovebox_model::TenantId;
use glovebox_model::limits::Limits;
use glovebox_policy::{Budget, TenantBudgets};

use super::Config;
use super::OAuthSettings;
use super::brand::{Brand, brands};

/// Which storage engine runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sled {
        /// Bytes of the page cache.
        cache_bytes: u64,
    },
    /// Shared by several nodes.
    Postgres {
        /// Connection URL, with its password: never printed.
        url: String,
    },
}

/// The resolved configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where the server listens.
    pub address: SocketAddr,
    /// What browsers and clients use, without a slash at the end.
    pub base_url: String,
    /// Which storage engine runs.
    pub engine: Engine,
    /// Every tenant and its name on pages.
    pub tenants: Vec<(TenantId, String)>,
    /// What no app may exceed.
    pub ceiling: Limits,
    /// Guest instances that may run at once.
    pub instances: u32,
    /// Longest time until a read's entry is on disk.
    pub ledger_flush: Duration,
    /// What apps may take, for each tenant that sets limits.
    pub tenant_budgets: HashMap<TenantId, TenantBudgets>,
    /// How each tenant's organisation appears in apps.
    pub brands: HashMap<TenantId, Brand>,
    /// What clients may do, and what may be called for them.
    pub oauth: OAuthSettings,
}

/// A configuration that cannot be used. The text names the key and the next step.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct SettingsError {
    key: &'static str,
    problem: String,
}

impl SettingsError {
    /// The key that is wrong, such as `listen.address`.
    pub fn key(&self) -> &'static str {
        self.key
    }
}

pub(super) fn wrong<T>(key: &'static str, problem: impl Into<String>) -> Result<T, SettingsError> {
    Err(SettingsError {
        key,
        problem: problem.into(),
    })
}

impl Settings {
    /// Resolves a configuration as written.
    pub fn resolve(config: &Config) -> Result<Self, SettingsError> {
        let address: SocketAddr = match config.listen.address.parse() {
            Ok(address) => address,
            Err(_) => {
                return wrong(
                    "listen.address",
                    "give an address and a port such as 127.0.0.1:8080",
                );
            }
        };
        let base_url = match &config.listen.base_url {
            Some(url) => base_url(url)?,
            None => format!("http://localhost:{}", address.port()),
        };
        let mut ceiling = Limits::default();
        for (name, value) in &config.apps.limits {
            if !ceiling.set(name, *value) {
                return wrong("apps.limits", format!("there is no limit named `{name}`"));
            }
        }
        let tenants = tenants(config)?;
        Ok(Self {
            tenant_budgets: budgets(config, &tenants)?,
            brands: brands(config, &tenants, &base_url)?,
            oauth: OAuthSettings::resolve(config, &tenants)?,
            data_dir: config
                .data_dir
                .clone()
                .unwrap_or_else(|| PathBuf::from("glovebox-data")),
            address,
            base_url,
            engine: engine(config)?,
            tenants,
            ceiling,
            instances: config.apps.instances.unwrap_or(64).clamp(1, 1_000),
            ledger_flush: Duration::from_millis(config.ledger.flush_ms_max.clamp(1, 100)),
        })
    }

    /// Whether people reach it over TLS (which a proxy in front may end).
    pub fn is_https(&self) -> bool {
        self.base_url.starts_with("https://")
    }

    /// The name of a tenant on pages, if there is such a tenant.
    pub fn tenant_name(&self, tenant: &TenantId) -> Option<&str> {
        let found = self.tenants.iter().find(|(id, _)| id == tenant);
        found.map(|(_, name)| name.as_str())
    }
}

fn base_url(url: &str) -> Result<String, SettingsError> {
    let parsed = url::Url::parse(url).ok();
    let fine = parsed.is_some_and(|url| {
        ["http", "https"].contains(&url.scheme()) && url.host().is_some() && url.query().is_none()
    });
    if !fine {
        return wrong(
            "listen.base_url",
            "give an address such as https://glovebox.hospital.example",
        );
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn engine(config: &Config) -> Result<Engine, SettingsError> {
    let database = &config.database;
    match (database.engine.as_str(), &database.url, &database.url_file) {
        ("sled", None, None) => Ok(Engine::Sled {
            cache_bytes: database.cache_mib.clamp(16, 65_536) << 20,
        }),
        ("sled", ..) => wrong("database.url", "only `engine = \"postgres\"` takes a url"),
        ("postgres", Some(url), None) => Ok(Engine::Postgres { url: url.clone() }),
        ("postgres", None, Some(file)) => match std::fs::read_to_string(file) {
            Ok(url) => Ok(Engine::Postgres {
                url: url.trim().to_owned(),
            }),
            Err(problem) => wrong(
                "database.url_file",
                format!("{}: {problem}", file.display()),
            ),
        },
        ("postgres", ..) => wrong("database.url", "give either `url` or `url_file`"),
        (other, ..) => wrong(
            "database.engine",
            format!("`{other}` is not `sled` or `postgres`"),
        ),
    }
}

fn tenants(config: &Config) -> Result<Vec<(TenantId, String)>, SettingsError> {
    let mut tenants: Vec<(TenantId, String)> = Vec::new();
    let fixed = [("main", "Example Hospital"), ("sandbox", "Sandbox")];
    let written = config
        .tenants
        .iter()
        .map(|t| (t.id.as_str(), t.name.as_str()));
    for (id, name) in written.chain(fixed) {
        let id: TenantId = match id.parse() {
            Ok(id) => id,
            Err(problem) => return wrong("tenants.id", format!("{problem}")),
        };
        // What the file says of `main` and `sandbox` comes first and names them.
        if !tenants.iter().any(|(other, _)| *other == id) {
            tenants.push((id, name.to_owned()));
        }
    }
    tenants.sort_by_key(|(id, _)| (id.as_str() != "main", id.clone()));
    Ok(tenants)
}

fn budgets(
    config: &Config,
    tenants: &[(TenantId, String)],
) -> Result<HashMap<TenantId, TenantBudgets>, SettingsError> {
    let budget = |written: &BTreeMap<String, u64>| {
        let mut budget = Budget::default();
        match written.iter().find(|(name, max)| !budget.set(name, **max)) {
            None => Ok(budget),
            Some((name, _)) => wrong("budgets", format!("there is no limit named `{name}`")),
        }
    };
    let mut found = HashMap::new();
    for (name, written) in &config.budgets {
        let tenant = tenants.iter().find(|(id, _)| id.as_str() == name);
        let Some((tenant, _)) = tenant else {
            return wrong("budgets", format!("there is no tenant `{name}`"));
        };
        let budgets = TenantBudgets {
            per_app: budget(&written.per_app)?,
            per_user: budget(&written.per_user)?,
            whole: budget(&written.whole)?,
        };
        found.insert(tenant.clone(), budgets);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<Settings, String> {
        Settings::resolve(&Config::parse(text)?).map_err(|problem| problem.to_string())
    }

    #[test]
    fn without_a_file_the_defaults_are_safe() {
        let settings = resolved("").unwrap();
        assert!(settings.address.ip().is_loopback());
        assert_eq!(settings.base_url, "http://localhost:8080");
        let names: Vec<&str> = settings.tenants.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(names, ["main", "sandbox"]);
    }

    #[test]
    fn each_wrong_value_is_named_by_its_key() {
        for (text, key) in [
            ("[listen]\naddress = \"8080\"", "listen.address"),
            ("[listen]\nbase_url = \"ftp://x\"", "listen.base_url"),
            ("[database]\nengine = \"mysql\"", "database.engine"),
            ("[database]\nengine = \"postgres\"", "database.url"),
            ("[database]\nurl = \"postgres://x\"", "database.url"),
            ("[apps.limits]\nnonsense = 1", "apps.limits"),
            ("[budgets.nobody.per_app]\nrecords_per_day = 1", "budgets"),
            ("[budgets.main.per_app]\nnonsense = 1", "budgets"),
            (
                "[oauth]\ntrusted_proxies = [\"proxy\"]",
                "oauth.trusted_proxies",
            ),
            (
                "[oauth]\ndynamic_registration = [\"nobody\"]",
                "oauth.dynamic_registration",
            ),
            (
                "[outbound]\nallowed_origins = [\"http://x.example\"]",
                "outbound.allowed_origins",
            ),
            ("[[tenants]]\nid = \"No\"\nname = \"x\"", "tenants.id"),
        ] {
            let error = resolved(text).unwrap_err();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
