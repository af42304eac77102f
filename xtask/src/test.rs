//! `cargo xtask test`: everything the project promises, with the set-up it needs.

use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::process::Stdio;

use anyhow::{Context as _, bail};

use crate::say::{self, Step};
use crate::tally::Tally;
use crate::{guests, setup, tool};

/// Run every test, with the set-up that they need.
///
/// Unit, property, integration, sandbox, storage and browser tests. What this machine cannot
/// run (no PostgreSQL, no Chromium) is named before anything is compiled.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --quick\n  \
    cargo xtask test -- --package glovebox-policy"
)]
pub(crate) struct Arguments {
    /// Leave out what takes minutes
    #[arg(long)]
    quick: bool,
    /// A part of the machine that is missing is a failure, not a skip
    #[arg(long)]
    no_skips: bool,
    /// Passed to `cargo test` in place of `--workspace`
    #[arg(last = true, value_name = "CARGO TEST ARGUMENTS")]
    cargo: Vec<String>,
}

/// Sets up, builds and tests.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    setup::guest_target()?;
    let skipped = look_for_parts(arguments.no_skips)?;
    guests::build(&guests::default_dir()?)?;
    let step = Step::loud("testing (compiling takes minutes the first time)");
    let (tally, passed) = cargo_test(arguments)?;
    let mut line = tally.line();
    for part in &skipped {
        line.push_str(&format!("; skipped: {part}"));
    }
    if !passed {
        say::answer(&format!("FAILED: {line}"));
        drop(step);
        bail!(
            "tests failed; run one again with `cargo xtask test -- --package PACKAGE NAME`, \
             where PACKAGE is named by the last \"Running\" line above the failure"
        );
    }
    step.done();
    say::answer(&format!("passed: {line}"));
    Ok(())
}

/// Says what is missing and how to get it, before anybody waits for a compiler.
fn look_for_parts(no_skips: bool) -> anyhow::Result<Vec<&'static str>> {
    let mut skipped = Vec::new();
    for part in setup::parts() {
        match &part.missing {
            None => say::note(&format!("✓ {} is there", part.name)),
            Some(why) => {
                say::note(&format!(
                    "! {why}: the {} will be skipped\n  to run them: {}",
                    part.needed_by, part.install
                ));
                skipped.push(part.needed_by);
            }
        }
    }
    if no_skips && !skipped.is_empty() {
        bail!(
            "with --no-skips nothing may be left out, and {} cannot run; the lines above say what to install",
            skipped.join(" and ")
        );
    }
    Ok(skipped)
}

/// Runs `cargo test`, hands its output on and counts what it says.
fn cargo_test(arguments: &Arguments) -> anyhow::Result<(Tally, bool)> {
    let mut command = tool::cargo()?;
    command.args(["test", "--locked", "--no-fail-fast"]);
    if arguments.cargo.is_empty() {
        command.args(["--workspace", "--"]);
    } else {
        command.args(&arguments.cargo);
        if !arguments.cargo.iter().any(|argument| argument == "--") {
            command.arg("--");
        }
    }
    if std::io::stdout().is_terminal() {
        command.args(["--color", "always"]);
    }
    for (name, set) in [
        ("GLOVEBOX_QUICK", arguments.quick),
        ("GLOVEBOX_NO_SKIPS", arguments.no_skips),
    ] {
        if set {
            command.env(name, "1");
        }
    }
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo cannot be started; install Rust from https://rustup.rs")?;
    let mut tally = Tally::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.context("cargo's output cannot be read")?;
            let line = String::from_utf8_lossy(&line);
            tally.count(&line);
            say::answer(&line);
        }
    }
    let passed = child.wait()?.success();
    Ok((tally, passed))
}
