//! What has to be on the machine before anything is built or tested.

use std::path::PathBuf;
use std::process::Command;

use anyhow::bail;
use glovebox_package::cargo_build::TARGET;

use crate::say::Step;
use crate::tool;

/// Makes sure that apps can be compiled.
pub(crate) fn guest_target() -> anyhow::Result<()> {
    if has_target()? {
        return Ok(());
    }
    let step = Step::loud(&format!("adding the compilation target {TARGET}"));
    let mut add = Command::new("rustup");
    add.current_dir(tool::repository()?)
        .args(["target", "add", TARGET]);
    if tool::find(&["rustup", "rustup.exe"]).is_none() {
        bail!(
            "apps are compiled for {TARGET}, which this Rust lacks, and rustup is not there to add it; \
             install Rust from https://rustup.rs, or your distribution's package of that target"
        );
    }
    tool::run(
        &mut add,
        "it needs the network once; try the same command by hand",
    )?;
    step.done();
    Ok(())
}

/// Asks rustc, so that toolchains without rustup count too.
fn has_target() -> anyhow::Result<bool> {
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(tool::repository()?)
        .args(["--print", "target-libdir", "--target", TARGET]);
    let Some(dir) = tool::output(&mut rustc)? else {
        bail!("rustc is not on the path; install Rust from https://rustup.rs");
    };
    Ok(PathBuf::from(dir.trim()).is_dir())
}

/// A part of the machine that some tests need.
pub(crate) struct Part {
    /// What it is.
    pub(crate) name: &'static str,
    /// Which tests need it.
    pub(crate) needed_by: &'static str,
    /// Why those tests cannot run; `None` if they can.
    pub(crate) missing: Option<String>,
    /// How to get it.
    pub(crate) install: &'static str,
}

/// The parts that tests look for, in the places where they look.
pub(crate) fn parts() -> Vec<Part> {
    vec![
        Part {
            name: "PostgreSQL",
            needed_by: "tests of the shared storage back end",
            missing: postgres_missing(),
            install: "Debian and Ubuntu: `apt-get install postgresql`; macOS: `brew install postgresql`",
        },
        Part {
            name: "Chromium",
            needed_by: "browser tests",
            missing: chromium_missing(),
            install: "Debian: `apt-get install chromium chromium-driver`",
        },
    ]
}

fn postgres_missing() -> Option<String> {
    let on_path = tool::find(&["initdb"]).is_some() && tool::find(&["pg_ctl"]).is_some();
    let configured = tool::output(Command::new("pg_config").arg("--bindir"))
        .ok()
        .flatten()
        .map(|dir| PathBuf::from(dir.trim()));
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"));
    let beside = configured
        .into_iter()
        .chain(debian)
        .any(|dir| dir.join("initdb").is_file() && dir.join("pg_ctl").is_file());
    (!on_path && !beside).then(|| "initdb and pg_ctl are not installed".to_owned())
}

fn chromium_missing() -> Option<String> {
    let browsers = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    match (tool::find(&browsers), tool::find(&["chromedriver"])) {
        (Some(_), Some(_)) => None,
        (None, _) => Some("there is no Chromium or Chrome on the path".to_owned()),
        (_, None) => Some("there is no chromedriver on the path".to_owned()),
    }
}
