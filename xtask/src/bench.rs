//! `cargo xtask bench`: figures of the release build, next to their floors.

use std::path::PathBuf;

use crate::say::Step;
use crate::{guests, setup, tool};

/// Measure the release build, each figure next to its floor.
///
/// Prints median, p99 and n of each line, and what bare wasmtime, a bare store or a bare
/// signature check needs for the same work in the same run.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  cargo xtask bench instantiate hostcall open-screen --json bench.json"
)]
pub(crate) struct Arguments {
    /// Write the rows to this file as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Which lines to measure [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// Builds the bench in release mode and runs it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    setup::guest_target()?;
    guests::build(&guests::default_dir()?)?;
    let step = Step::loud("building and running the benchmarks (release)");
    let mut cargo = tool::cargo()?;
    cargo.args([
        "run",
        "--release",
        "--locked",
        "--package",
        "glovebox-bench",
        "--",
    ]);
    if let Some(file) = &arguments.json {
        cargo.arg("--json").arg(std::path::absolute(file)?);
    }
    cargo.args(&arguments.names);
    tool::run(&mut cargo, "its own message above says why")?;
    step.done();
    Ok(())
}
