//! Asking cargo, and reading its JSON messages.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Step, TARGET};
use crate::error::PackageError;

/// A small stack: together with resident memory on the host's side it halves the time
/// of a call, because a fresh instance then touches few pages.
const STACK: &str = "link-arg=-zstack-size=65536";
/// Bytes of cargo's output that an error carries: its end.
const OUTPUT_BYTES_MAX: usize = 16 << 10;
/// Small code, and no unwinding that a fresh instance per call would never use.
const PROFILE: [(&str, &str); 6] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s"),
    ("CARGO_PROFILE_RELEASE_LTO", "true"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_STRIP", "true"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
];

/// A crate that is to become an app.
#[derive(Clone, Debug)]
pub(super) struct Crate {
    pub(super) package: String,
    pub(super) manifest_path: PathBuf,
    pub(super) workspace_root: PathBuf,
}

/// A core module that cargo made.
#[derive(Clone, Debug)]
pub(super) struct Module {
    pub(super) manifest_path: PathBuf,
    pub(super) wasm: PathBuf,
}

/// Finds the package in `dir` and its workspace.
pub(super) fn find_crate(dir: &Path) -> Result<Crate, PackageError> {
    let not_an_app = |problem: &str| PackageError::NotAnApp {
        dir: dir.to_owned(),
        problem: problem.to_owned(),
    };
    let manifest_path = dir
        .join("Cargo.toml")
        .canonicalize()
        .map_err(|_| not_an_app("has no Cargo.toml; `glovebox app new` makes a crate"))?;
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(&manifest_path)
        .output()
        .map_err(no_cargo)?;
    if !output.status.success() {
        return Err(not_an_app(String::from_utf8_lossy(&output.stderr).trim()));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|problem| not_an_app(&format!("cargo metadata: {problem}")))?;
    let workspace_root = text(&metadata, "workspace_root").map(PathBuf::from);
    let package = metadata
        .get("packages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|package| text(package, "manifest_path").is_some_and(|p| *p == manifest_path))
        .and_then(|package| text(package, "name"));
    match (package, workspace_root) {
        (Some(package), Some(workspace_root)) => Ok(Crate {
            package: package.to_owned(),
            manifest_path,
            workspace_root,
        }),
        _ => Err(not_an_app("its Cargo.toml describes no package")),
    }
}

/// Compiles crates of one workspace.
pub(super) fn build(
    crates: &[Crate],
    progress: &mut dyn FnMut(Step<'_>),
) -> Result<Vec<Module>, PackageError> {
    let Some(first) = crates.first() else {
        return Ok(Vec::new());
    };
    require_target(&first.workspace_root)?;
    let mut command = Command::new("cargo");
    command
        .current_dir(&first.workspace_root)
        .args(["build", "--release", "--lib", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .envs(PROFILE)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(&first.workspace_root))
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for one in crates {
        command.args(["--package", &one.package]);
    }
    let mut child = command.spawn().map_err(no_cargo)?;
    let stderr = child.stderr.take().map(|pipe| {
        std::thread::spawn(move || {
            let mut all = Vec::new();
            let _ = BufReader::new(pipe).read_to_end(&mut all);
            all
        })
    });
    let mut modules = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { break };
            let Ok(message) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            if text(&message, "reason") == Some("compiler-artifact") {
                let target = message.get("target");
                progress(Step::Compiled(
                    target.and_then(|t| text(t, "name")).unwrap_or_default(),
                ));
                modules.extend(module(&message));
            }
        }
    }
    let status = child.wait().map_err(no_cargo)?;
    let output = stderr
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default();
    if status.success() {
        Ok(modules)
    } else {
        Err(PackageError::Compile(tail(&output)))
    }
}

fn module(message: &Value) -> Option<Module> {
    let wasm = message
        .get("filenames")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .find(|name| name.ends_with(".wasm"))?;
    Some(Module {
        manifest_path: PathBuf::from(text(message, "manifest_path")?),
        wasm: PathBuf::from(wasm),
    })
}

/// rustc would say "can't find crate for `core`", which does not tell what to do.
fn require_target(dir: &Path) -> Result<(), PackageError> {
    let output = Command::new("rustc")
        .current_dir(dir)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|problem| PackageError::NoCargo {
            command: "rustc",
            problem,
        })?;
    let libdir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && libdir.is_dir() {
        Ok(())
    } else {
        Err(PackageError::NoTarget)
    }
}

/// The flags of the target (never of build scripts: `--target` is given). Source paths
/// are mapped, so that a component neither tells whose machine it was built on nor has
/// another digest on the next one.
fn rustflags(workspace_root: &Path) -> OsString {
    let mut flags = OsString::from(format!("-C\u{1f}{STACK}"));
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    for (from, to) in [
        (cargo_home.as_deref(), "/cargo"),
        (Some(workspace_root), "/app"),
    ] {
        if let Some(from) = from {
            flags.push("\u{1f}--remap-path-prefix=");
            flags.push(from);
            flags.push(format!("={to}"));
        }
    }
    flags
}

fn tail(output: &[u8]) -> String {
    let start = output.len().saturating_sub(OUTPUT_BYTES_MAX);
    String::from_utf8_lossy(output.get(start..).unwrap_or_default())
        .trim()
        .to_owned()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn no_cargo(problem: std::io::Error) -> PackageError {
    PackageError::NoCargo {
        command: "cargo",
        problem,
    }
}
