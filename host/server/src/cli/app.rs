//! `glovebox app …`: for those who write apps.

mod build;
mod check;

use std::path::Path;

use glovebox_package::{COMPONENT_BYTES_MAX, Package};

use crate::cli::failure::{Done, Failure};

/// Builds and checks apps.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  glovebox app build my-app --out my-app.wasm\n  glovebox app check my-app.wasm"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a component of a crate.
    Build(build::Arguments),
    /// Check a component as an upload would.
    Check(check::Arguments),
}

pub(crate) async fn run(arguments: Arguments) -> Result<Done, Failure> {
    match arguments.command {
        Command::Build(arguments) => build::run(&arguments),
        Command::Check(arguments) => check::run(&arguments).await,
    }
}

/// Reads a component and its manifest; a file that cannot be one is not read whole.
pub(crate) fn read_component(path: &Path) -> Result<(Vec<u8>, Package), Failure> {
    use std::io::Read as _;
    let failed = |problem: std::io::Error| Failure::file(path, &problem);
    let mut bytes = Vec::new();
    let max = u64::try_from(COMPONENT_BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    std::fs::File::open(path)
        .map_err(failed)?
        .take(max)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let package = glovebox_package::read(&bytes)
        .map_err(|problem| Failure::fault(format!("{}: {problem}", path.display())))?;
    Ok((bytes, package))
}
