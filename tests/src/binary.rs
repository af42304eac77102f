//! The program itself, as somebody at a terminal meets it.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::machine;

/// The `glovebox` that belongs to this build. `cargo test` of one package does not make the
/// binary of another, so it is built once.
pub fn glovebox() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let is_release = machine::build_dir().ends_with("release");
            let mut cargo =
                Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.current_dir(machine::repository()).args([
                "build",
                "--locked",
                "--package",
                "glovebox-server",
                "--bin",
                "glovebox",
            ]);
            if is_release {
                cargo.arg("--release");
            }
            let built = cargo.stdin(Stdio::null()).output().unwrap();
            let errors = String::from_utf8_lossy(&built.stderr).into_owned();
            assert!(
                built.status.success(),
                "the glovebox binary cannot be built:\n{errors}"
            );
            machine::build_dir().join("glovebox")
        })
        .clone()
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    /// What it answered.
    pub stdout: String,
    /// What else it said.
    pub stderr: String,
}

/// Runs a command to its end; one that serves instead of failing is ended after ten seconds.
pub fn run(arguments: &[&str]) -> Ended {
    let mut child = Command::new(glovebox())
        .args(arguments)
        .env_remove("GLOVEBOX_TOKEN_FILE")
        .env_remove("GLOVEBOX_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Read while it runs: a command that fills its pipe would wait for ever.
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    Ended {
        code: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}
