//! The demo as a child process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::demo_world::DemoWorld;
use crate::tool;

/// How long the demo may take until it serves: importing patients is most of it.
const READY_MAX: Duration = Duration::from_secs(300);
/// How long it may take to end after it was asked to.
const STOP_MAX: Duration = Duration::from_secs(15);
/// Lines of its output that are shown when something went wrong.
const LINES_SHOWN: usize = 20;

/// A running demo, killed when dropped.
pub(super) struct Server {
    child: Child,
    ready_file: PathBuf,
    log: PathBuf,
}

impl Server {
    /// Starts it, with its output in a file.
    pub(super) fn start(mut command: Command, data: &Path) -> anyhow::Result<Self> {
        let ready_file = data.join("demo.json");
        if ready_file.exists() {
            // the demo removes it too, but perhaps later than this process looks
            std::fs::remove_file(&ready_file)
                .with_context(|| format!("{} cannot be removed", ready_file.display()))?;
        }
        let log = tool::target_dir()?.join("demo-check.log");
        let output =
            File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        let errors = output.try_clone()?;
        let child = command
            // its last lines are shown: they should say what happened, not where
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .context("the server that was just built cannot be started")?;
        Ok(Self {
            child,
            ready_file,
            log,
        })
    }

    /// Waits for `demo.json`, which the demo writes when it is ready to serve.
    pub(super) fn wait_until_ready(&mut self) -> anyhow::Result<DemoWorld> {
        let ready = self.wait(READY_MAX, |this| {
            if let Some(status) = this.child.try_wait()? {
                bail!(
                    "the demo ended by itself with {status}\n{}",
                    this.last_words()
                );
            }
            // half a file is no file yet
            Ok(std::fs::read(&this.ready_file)
                .ok()
                .and_then(|text| serde_json::from_slice(&text).ok()))
        })?;
        ready.with_context(|| {
            format!(
                "the demo was not ready after {} s: {} is missing or is not what it should be\n{}",
                READY_MAX.as_secs(),
                self.ready_file.display(),
                self.last_words()
            )
        })
    }

    /// Asks it to end, and insists that it does so by itself and in order.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .is_ok_and(|status| status.success());
        if !asked {
            // no such program here: dropping ends it
            return Ok(());
        }
        match self.wait(STOP_MAX, |this| Ok(this.child.try_wait()?))? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!(
                "the demo answered Ctrl-C with {status}\n{}",
                self.last_words()
            ),
            None => bail!(
                "the demo did not end within {} s of Ctrl-C\n{}",
                STOP_MAX.as_secs(),
                self.last_words()
            ),
        }
    }

    /// The end of its output.
    pub(super) fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut lines: Vec<&str> = text.lines().rev().take(LINES_SHOWN).collect();
        lines.reverse();
        format!(
            "the end of {}:\n  {}",
            self.log.display(),
            lines.join("\n  ")
        )
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "another process's exit and file tell nobody when they come"
    )]
    fn wait<T>(
        &mut self,
        at_most: Duration,
        mut found: impl FnMut(&mut Self) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<Option<T>> {
        let until = Instant::now() + at_most;
        loop {
            if let Some(found) = found(self)? {
                return Ok(Some(found));
            }
            if Instant::now() > until {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // it may have ended already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
