//! `glovebox fhir …`.

mod import;
mod source;
mod synthesize;
mod target;

use crate::cli::failure::{Done, Failure};
pub(crate) use synthesize::patients;

/// Brings in FHIR R4 data, or makes synthetic patients.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox fhir import --data glovebox-data --tenant main bundle.json"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Put resources as given: ids kept, an equal one is no change.
    Import(import::Arguments),
    /// Write synthetic patients as NDJSON.
    Synthesize(synthesize::Arguments),
}

pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    match arguments.command {
        Command::Import(arguments) => import::run(arguments).await,
        Command::Synthesize(arguments) => synthesize::run(&arguments),
    }
}
