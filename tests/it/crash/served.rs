//! The server as a process of its own, to be killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use glovebox_tests::binary::glovebox;
use glovebox_tests::host::Left;
use glovebox_tests::{Options, TestHost};

/// Longest time until a server that was killed is back.
const START: Duration = Duration::from_secs(60);

/// What a server left behind, and how another one is to take it up.
pub(super) struct Installed {
    pub(super) left: Left,
    pub(super) config: PathBuf,
}

impl Installed {
    /// The demo world, to be served on one free port by one process after the other.
    /// `database` is a part of the configuration.
    pub(super) async fn new(database: &str, options: Options) -> Self {
        let left = TestHost::with(options).await.leave().await;
        let config = left.dir.with_extension("toml");
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        std::fs::write(
            &config,
            format!(
                "data_dir = \"{}\"\n[listen]\naddress = \"127.0.0.1:{port}\"\n\
                 base_url = \"http://127.0.0.1:{port}\"\n{database}",
                left.dir.display()
            ),
        )
        .unwrap();
        Self { left, config }
    }

    pub(super) fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.config);
    }
}

pub(super) struct Served {
    process: Child,
    pub(super) base_url: String,
}

impl Served {
    /// Starts the server, and waits until it listens.
    pub(super) fn start(config: &Path) -> Self {
        // Built where it is not yet: that is not the server's time.
        let program = glovebox();
        let started = Instant::now();
        let mut process = Command::new(program)
            .args(["serve", "--config", config.to_str().unwrap()])
            .env_remove("GLOVEBOX_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let base_url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("the server does not start again: {line}"))
            .to_owned();
        let taken = started.elapsed();
        assert!(taken < START, "it took {taken:?} to start again");
        Self { process, base_url }
    }

    pub(super) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}
