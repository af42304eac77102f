//! `cargo xtask guests`: the sample apps become components.

use std::path::{Path, PathBuf};

use anyhow::Context;
use glovebox_package::cargo_build::{self, Built, Step};
use indicatif::{ProgressBar, ProgressStyle};

/// Builds every sample app and prints what came of it.
pub(crate) fn run() -> anyhow::Result<()> {
    for built in build()? {
        println_row(&built);
    }
    Ok(())
}

/// Builds every sample app into `target/guests/<app>.wasm`.
pub(crate) fn build() -> anyhow::Result<Vec<Built>> {
    let root = root()?;
    let apps = cargo_build::app_dirs(&root.join("sample-apps"))?;
    let bar = ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("{spinner} building {msg}")?);
    bar.set_message(format!("{} sample apps", apps.len()));
    let built =
        cargo_build::build_apps(
            &apps,
            &root.join("target").join("guests"),
            &mut |step| match step {
                Step::Compiled(name) => {
                    bar.set_message(name.to_owned());
                    bar.tick();
                }
                Step::Packaged(built) => bar.set_message(built.manifest.id.to_string()),
            },
        )?;
    bar.finish_and_clear();
    Ok(built)
}

fn root() -> anyhow::Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .context("xtask lies in the repository")
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
fn println_row(built: &Built) {
    println!(
        "{:<20} {:>9} bytes  {}  {}",
        built.manifest.id.as_str(),
        built.bytes,
        built.digest.short(),
        built.path.display()
    );
}
