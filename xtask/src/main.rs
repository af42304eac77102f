//! Everyday commands of the repository: `cargo xtask …`.

mod guests;

use clap::{Parser, Subcommand};

/// Everyday commands of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the sample apps into components under target/guests.
    Guests,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Guests => guests::run(),
    }
}
