//! `cargo xtask demo`: from a fresh clone to the demo world.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::say::Step;
use crate::{check, guests, setup, tool};

/// Build everything and run the demo world until Ctrl-C.
///
/// Adds the compilation target of apps if it is missing, builds the sample apps and the
/// server, creates a data directory if there is none, and serves. All patients are synthetic.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask demo\n  \
    cargo xtask demo --port 9000 --data /tmp/demo --patients 500\n  cargo xtask demo --check")]
pub(crate) struct Arguments {
    /// Port on this machine [default: 8080; with --check: a free one]
    #[arg(long)]
    port: Option<u16>,
    /// Data directory [default: demo-data; with --check: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Synthetic patients to create in a new data directory [default: 100]
    #[arg(long, value_name = "N")]
    patients: Option<u32>,
    /// One password for every demo user, instead of a random one each
    #[arg(long, value_name = "TEXT")]
    password: Option<String>,
    /// Do the main job through the running server's own forms, then stop
    #[arg(long)]
    check: bool,
}

/// Runs, or checks, the demo.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    setup::guest_target()?;
    let apps = guests::default_dir()?;
    guests::build(&apps)?;
    let binary = build_server()?;
    if arguments.check {
        let temporary = tempfile::Builder::new()
            .prefix("glovebox-check")
            .tempdir()?;
        let data = match &arguments.data {
            Some(dir) => std::path::absolute(dir)?,
            None => temporary.path().join("data"),
        };
        let port = match arguments.port {
            Some(port) => port,
            None => free_port()?,
        };
        let command = demo(&binary, &apps, &data, port, arguments);
        return check::run(command, &data);
    }
    let data = match &arguments.data {
        Some(dir) => std::path::absolute(dir)?,
        None => tool::repository()?.join("demo-data"),
    };
    let port = arguments.port.unwrap_or(8080);
    become_server(demo(&binary, &apps, &data, port, arguments))
}

/// The release build of the one binary.
fn build_server() -> anyhow::Result<PathBuf> {
    let step = Step::loud("building the server (release; a few minutes the first time)");
    tool::run(
        tool::cargo()?.args([
            "build",
            "--release",
            "--locked",
            "--package",
            "glovebox-server",
        ]),
        "the first error above says why; `rustc --version` must be 1.95 or later, and a C compiler is needed",
    )?;
    step.done();
    let name = format!("glovebox{}", std::env::consts::EXE_SUFFIX);
    Ok(tool::target_dir()?.join("release").join(name))
}

fn demo(binary: &Path, apps: &Path, data: &Path, port: u16, arguments: &Arguments) -> Command {
    let mut command = Command::new(binary);
    command
        .arg("demo")
        .arg("--apps")
        .arg(apps)
        .arg("--data")
        .arg(data)
        .args(["--port", &port.to_string()]);
    if let Some(patients) = arguments.patients {
        command.args(["--patients", &patients.to_string()]);
    }
    if let Some(password) = &arguments.password {
        command.args(["--password", password]);
    }
    command
}

/// The server takes this process over, so that Ctrl-C and signals reach it directly.
#[cfg(unix)]
fn become_server(mut command: Command) -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec()).context("the server that was just built cannot be started")
}

/// The server runs below this process; Ctrl-C reaches both through the console.
#[cfg(not(unix))]
fn become_server(mut command: Command) -> anyhow::Result<()> {
    tool::run(&mut command, "its own message above says why")
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}
