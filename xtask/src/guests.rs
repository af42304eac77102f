//! `cargo xtask guests`: the sample apps become components.

use std::path::{Path, PathBuf};

use glovebox_package::cargo_build::{self, Built};

use crate::say::{self, Step};
use crate::{setup, tool};

/// Build the sample apps into components.
///
/// Every app below sample-apps becomes `DIR/<app id>.wasm`, its manifest inside.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  cargo xtask guests --out /tmp/apps")]
pub(crate) struct Arguments {
    /// Folder for the components [default: target/guests]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Builds every sample app and prints what came of it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    setup::guest_target()?;
    let out = match &arguments.out {
        Some(dir) => std::path::absolute(dir)?,
        None => default_dir()?,
    };
    for built in build(&out)? {
        say::answer(&row(&built));
    }
    Ok(())
}

/// Where components go unless somebody says otherwise.
pub(crate) fn default_dir() -> anyhow::Result<PathBuf> {
    Ok(tool::target_dir()?.join("guests"))
}

/// Builds every sample app into `out`.
pub(crate) fn build(out: &Path) -> anyhow::Result<Vec<Built>> {
    let apps = cargo_build::app_dirs(&tool::repository()?.join("sample-apps"))?;
    let step = Step::quiet(&format!("building {} sample apps", apps.len()));
    let built = cargo_build::build_apps(&apps, out, &mut |now| match now {
        cargo_build::Step::Compiled(name) => step.busy_with(name),
        cargo_build::Step::Packaged(built) => step.busy_with(built.manifest.id.as_str()),
    })?;
    step.done();
    Ok(built)
}

fn row(built: &Built) -> String {
    format!(
        "{:<20} {:>9} bytes  {}  {}",
        built.manifest.id.as_str(),
        built.bytes,
        built.digest.short(),
        built.path.display()
    )
}
