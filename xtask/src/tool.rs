//! Running cargo and other programs of the toolchain.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// The repository's folder.
pub(crate) fn repository() -> anyhow::Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .context("xtask does not lie in a repository; build it again where it is now")
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> anyhow::Result<PathBuf> {
    Ok(match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => repository()?.join(dir),
        None => repository()?.join("target"),
    })
}

/// The cargo that runs this command, in the repository.
pub(crate) fn cargo() -> anyhow::Result<Command> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsStr::new("cargo").to_owned());
    let mut command = Command::new(program);
    command.current_dir(repository()?).stdin(Stdio::null());
    Ok(command)
}

/// Runs a program that writes to the terminal itself. `next` says what to do when it fails.
pub(crate) fn run(command: &mut Command, next: &str) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{} cannot be started", name(command)))?;
    if status.success() {
        return Ok(());
    }
    bail!("{} failed; {next}", name(command))
}

/// What a program prints, or `None` where there is no such program.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<Option<String>> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => {
            Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()))
        }
        Ok(output) => bail!(
            "{} failed: {}",
            name(command),
            String::from_utf8_lossy(&output.stderr).trim()
        ),
        Err(problem) if problem.kind() == ErrorKind::NotFound => Ok(None),
        Err(problem) => {
            Err(problem).with_context(|| format!("{} cannot be started", name(command)))
        }
    }
}

/// The first of these programs that is on the path.
pub(crate) fn find(programs: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|dir| programs.iter().map(move |program| dir.join(program)))
        .find(|program| program.is_file())
}

/// Program and arguments, as one would type them.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
