//! `glovebox audit …`.

mod entries;
mod export;
mod source;
mod verify;

use crate::cli::failure::{Done, Failure};

/// Reads and verifies the audit ledger: every access to patient data, every launch and
/// every decision about an app.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  glovebox audit search --app lab-viewer --data glovebox-data")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print the latest entries.
    Tail(entries::TailArguments),
    /// Find entries.
    Search(entries::SearchArguments),
    /// Write entries to a file, as they are stored.
    Export(export::Arguments),
    /// Check that no entry was changed, removed, added or moved.
    Verify(verify::Arguments),
}

pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    match arguments.command {
        Command::Tail(arguments) => entries::tail(arguments).await,
        Command::Search(arguments) => entries::search(arguments).await,
        Command::Export(arguments) => export::run(arguments).await,
        Command::Verify(arguments) => verify::run(&arguments).await,
    }
}
