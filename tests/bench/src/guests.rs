//! The components that are measured.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use glovebox_package::cargo_build;

/// A component and what it says of itself.
pub(crate) struct Guest {
    pub(crate) bytes: Vec<u8>,
    pub(crate) package: glovebox_package::Package,
}

/// The sample app with the results of the laboratory, as `cargo xtask guests` left it.
pub(crate) fn lab_viewer() -> anyhow::Result<Guest> {
    let out = guests_dir().join("lab-viewer.wasm");
    if !out.is_file() {
        build(&repository().join("sample-apps/lab-viewer"), &out)?;
    }
    read(&out)
}

/// The guest that asks for the time again and again.
pub(crate) fn clock_loop() -> anyhow::Result<Guest> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/clock-loop");
    let out = guests_dir().join("bench/clock-loop.wasm");
    build(&dir, &out)?;
    read(&out)
}

fn build(dir: &Path, out: &Path) -> anyhow::Result<()> {
    cargo_build::build_app(dir, out, &mut |_| ())
        .with_context(|| format!("building {}", dir.display()))?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Guest> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let package = glovebox_package::read(&bytes)?;
    Ok(Guest { bytes, package })
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Beside the profile's folder in which this program lies.
fn guests_dir() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    match program.ancestors().nth(2) {
        Some(target) if target.is_dir() => target.join("guests"),
        _ => repository().join("target/guests"),
    }
}
