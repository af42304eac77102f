//! `glovebox-bench`: what this host adds to a floor that no host of its design can beat.
//!
//! A figure alone says more of the machine than of the program, so each is measured next
//! to its floor in the same run, in alternating blocks: what disturbs one disturbs both.
#![forbid(unsafe_code)]

mod charts;
mod clock;
mod decision;
mod fhir_create;
mod fhir_http;
mod fhir_inproc;
mod flight;
mod floor;
mod guests;
mod hostcall;
mod house;
mod instantiate;
mod introspect;
mod launch;
mod ledger;
mod measure;
mod open_screen;
mod refresh;
mod report;
mod smart;
mod store;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;

use measure::Row;

/// As in `glovebox`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The lines that can be measured, in the order in which they are.
const NAMES: [&str; 17] = [
    "instantiate",
    "hostcall",
    "open-screen",
    "fhir-read",
    "fhir-search",
    "fhir-create",
    "fhir-read-inproc",
    "fhir-search-inproc",
    "fhir-search-among-100",
    "fhir-search-among-1000",
    "fhir-search-among-10000",
    "authorize-decision",
    "ledger",
    "token",
    "refresh",
    "introspect",
    "launch",
];

/// Measures the host, each figure next to its floor.
#[derive(Parser)]
#[command(
    name = "glovebox-bench",
    after_help = "Example:\n  glovebox-bench instantiate hostcall open-screen --json bench.json"
)]
struct Arguments {
    /// Write the rows to this file as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Which lines to measure [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            report::problem(&problem);
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let names = chosen(&arguments.names)?;
    if cfg!(debug_assertions) {
        report::note("this is a debug build: the figures mean nothing, use `cargo xtask bench`");
    }
    report::note(&report::machine());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut rows = Vec::new();
    for name in names {
        report::note(&format!("measuring {name} …"));
        // on a worker, as a server's handler runs: from outside, each call into a guest
        // would pay for waking one
        let row = runtime.block_on(async { tokio::spawn(measure_one(name)).await })?;
        rows.push(row.with_context(|| format!("measuring {name}"))?);
    }
    report::table(&rows);
    match &arguments.json {
        Some(file) => report::json(&rows, file),
        None => Ok(()),
    }
}

/// Everything unless something was named; each once, in our order.
fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static str>> {
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        bail!(
            "there is no benchmark `{unknown}`; known are: {}",
            NAMES.join(", ")
        );
    }
    let wanted = |name: &&str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    Ok(NAMES.into_iter().filter(wanted).collect())
}

async fn measure_one(name: &'static str) -> anyhow::Result<Row> {
    match name {
        "instantiate" => instantiate::measure().await,
        "hostcall" => hostcall::measure().await,
        "open-screen" => open_screen::measure().await,
        "fhir-read" => fhir_http::measure_read().await,
        "fhir-search" => fhir_http::measure_search().await,
        "fhir-create" => fhir_create::measure().await,
        "fhir-read-inproc" => fhir_inproc::read().await,
        "fhir-search-inproc" => fhir_inproc::search().await,
        "fhir-search-among-100" => fhir_inproc::search_among(name, 100).await,
        "fhir-search-among-1000" => fhir_inproc::search_among(name, 1_000).await,
        "fhir-search-among-10000" => fhir_inproc::search_among(name, 10_000).await,
        "authorize-decision" => decision::measure().await,
        "ledger" => ledger::measure().await,
        "token" => token::measure().await,
        "refresh" => refresh::measure().await,
        "introspect" => introspect::measure().await,
        "launch" => launch::measure().await,
        _ => bail!("{name} is listed and not written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let refused = chosen(&["open-sreen".to_owned()]).unwrap_err().to_string();
        assert!(refused.contains("`open-sreen`"), "{refused}");
        assert!(
            refused.contains("instantiate, hostcall, open-screen"),
            "{refused}"
        );
    }

    #[test]
    fn no_name_stands_for_all_and_names_keep_our_order() {
        assert_eq!(chosen(&[]).unwrap(), NAMES);
        let two = ["open-screen", "instantiate"].map(str::to_owned);
        assert_eq!(chosen(&two).unwrap(), ["instantiate", "open-screen"]);
    }
}
