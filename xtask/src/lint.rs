//! `cargo xtask lint`: formatting, lints, bans and licences.

use anyhow::bail;

use crate::say::Step;
use crate::tool;

/// The version that the configuration was written for.
const CARGO_DENY: &str = "0.20.2";

/// Check formatting, lints, licences, and which crate may depend on what.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  cargo xtask lint --install")]
pub(crate) struct Arguments {
    /// Install cargo-deny first if it is missing (takes a few minutes)
    #[arg(long)]
    install: bool,
}

/// Runs the checks, the quick ones first.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    ensure_cargo_deny(arguments.install)?;
    let checks: [(&str, &[&str], &str); 3] = [
        (
            "formatting",
            &["fmt", "--all", "--check"],
            "`cargo fmt --all` mends it",
        ),
        (
            "licences and bans",
            &[
                "deny",
                "--locked",
                "--log-level",
                "error",
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ],
            "deny.toml says why each rule stands",
        ),
        (
            "clippy",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ],
            "each message above says what to change",
        ),
    ];
    for (label, arguments, next) in checks {
        let step = Step::loud(label);
        tool::run(tool::cargo()?.args(arguments), next)?;
        step.done();
    }
    Ok(())
}

fn ensure_cargo_deny(install: bool) -> anyhow::Result<()> {
    if tool::find(&["cargo-deny", "cargo-deny.exe"]).is_some() {
        return Ok(());
    }
    if !install {
        bail!(
            "cargo-deny is not installed; `cargo install --locked cargo-deny --version {CARGO_DENY}`, \
             or run `cargo xtask lint --install`"
        );
    }
    let step = Step::loud("installing cargo-deny");
    tool::run(
        tool::cargo()?.args(["install", "--locked", "cargo-deny", "--version", CARGO_DENY]),
        "it needs crates.io and a C compiler",
    )?;
    step.done();
    Ok(())
}
