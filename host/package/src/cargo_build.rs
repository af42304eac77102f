//! From a vendor's crate to a package: cargo, then [`crate::encode`].
//!
//! The crate may live anywhere, so nothing is expected of its profiles: what makes
//! components small and quick to start is passed from here.

mod cargo;

use std::fs;
use std::path::{Path, PathBuf};

use glovebox_model::Digest;
use glovebox_model::manifest::Manifest;

use crate::error::PackageError;
use crate::manifest_file::{MANIFEST_FILE, manifest_toml};
use cargo::Crate;

/// The compilation target of apps.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// A package on disk.
#[derive(Clone, Debug)]
pub struct Built {
    /// Where the component is.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of the component.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
}

/// What a build is doing, for a progress display.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// cargo finished this crate, or found it finished.
    Compiled(&'a str),
    /// A component was written.
    Packaged(&'a Built),
}

/// Builds the app in `dir` and writes the component to `out`.
pub fn build_app(
    dir: &Path,
    out: &Path,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Built, PackageError> {
    let manifest = read_manifest(dir)?;
    let found = cargo::find_crate(dir)?;
    let modules = cargo::build(std::slice::from_ref(&found), progress)?;
    package(&found, &modules, &manifest, out, progress)
}

/// Builds several apps, those of one workspace in one go, and writes each component to
/// `out_dir/<app id>.wasm`. Manifests are read first: a slip there costs no compilation.
pub fn build_apps(
    dirs: &[PathBuf],
    out_dir: &Path,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Vec<Built>, PackageError> {
    let mut apps = Vec::new();
    for dir in dirs {
        apps.push((read_manifest(dir)?, cargo::find_crate(dir)?));
    }
    let mut roots: Vec<&Path> = apps
        .iter()
        .map(|(_, found)| found.workspace_root.as_path())
        .collect();
    roots.sort_unstable();
    roots.dedup();
    let mut modules = Vec::new();
    for root in roots {
        let together: Vec<Crate> = apps
            .iter()
            .map(|(_, found)| found)
            .filter(|found| found.workspace_root == root)
            .cloned()
            .collect();
        modules.extend(cargo::build(&together, progress)?);
    }
    apps.iter()
        .map(|(manifest, found)| {
            let out = out_dir.join(format!("{}.wasm", manifest.id));
            package(found, &modules, manifest, &out, progress)
        })
        .collect()
}

/// Folders directly below `dir` that hold an app, in order.
pub fn app_dirs(dir: &Path) -> Result<Vec<PathBuf>, PackageError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(|problem| PackageError::file(dir, problem))? {
        let path = entry
            .map_err(|problem| PackageError::file(dir, problem))?
            .path();
        if path.join(MANIFEST_FILE).is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read_manifest(dir: &Path) -> Result<Manifest, PackageError> {
    let path = dir.join(MANIFEST_FILE);
    let text = fs::read_to_string(&path).map_err(|problem| {
        if problem.kind() == std::io::ErrorKind::NotFound {
            PackageError::NotAnApp {
                dir: dir.to_owned(),
                problem: format!("has no {MANIFEST_FILE}; `glovebox app new` writes one"),
            }
        } else {
            PackageError::file(&path, problem)
        }
    })?;
    manifest_toml(&text)
}

fn package(
    found: &Crate,
    modules: &[cargo::Module],
    manifest: &Manifest,
    out: &Path,
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Built, PackageError> {
    let module = modules
        .iter()
        .find(|module| module.manifest_path == found.manifest_path)
        .ok_or_else(|| PackageError::NotAnApp {
            dir: found.manifest_path.clone(),
            problem: "makes no module; add `[lib] crate-type = [\"cdylib\", \"rlib\"]`".to_owned(),
        })?;
    let core =
        fs::read(&module.wasm).map_err(|problem| PackageError::file(&module.wasm, problem))?;
    let component = crate::encode(&core, manifest)?;
    write_whole(out, &component)?;
    let built = Built {
        path: out.to_owned(),
        manifest: manifest.clone(),
        digest: crate::digest(&component),
        bytes: u64::try_from(component.len()).unwrap_or(u64::MAX),
    };
    progress(Step::Packaged(&built));
    Ok(built)
}

/// Writes beside the goal and renames, so that nobody ever reads half a component.
fn write_whole(out: &Path, bytes: &[u8]) -> Result<(), PackageError> {
    if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(|problem| PackageError::file(parent, problem))?;
    }
    let partial = out.with_extension(format!("wasm.{}.partial", std::process::id()));
    fs::write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, out))
        .map_err(|problem| PackageError::file(out, problem))
}

#[cfg(test)]
mod tests;
