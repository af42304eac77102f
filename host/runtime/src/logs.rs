//! What apps log: bounded, made harmless, kept in memory per app. It stays inside the
//! hospital, because an app may write anything into it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use glovebox_model::manifest::is_deceptive;
use glovebox_model::{AppId, SessionId, Timestamp};

/// How loud a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// Ordinary.
    Info,
    /// Odd.
    Warn,
    /// Wrong.
    Error,
}

impl LogLevel {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// In which session.
    pub session: Option<SessionId>,
    /// How loud.
    pub level: LogLevel,
    /// The text, escaped and perhaps cut.
    pub message: String,
    /// Named values, escaped and perhaps cut.
    pub fields: Vec<(String, String)>,
}

impl LogLine {
    fn bytes(&self) -> usize {
        let fields: usize = self
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        64 + self.message.len() + fields
    }
}

/// The lines of each app, oldest dropped first.
pub(crate) struct AppLogs {
    rings: DashMap<AppId, Mutex<Ring>>,
    bytes_max: usize,
}

#[derive(Default)]
struct Ring {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

impl AppLogs {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            rings: DashMap::new(),
            bytes_max,
        }
    }

    /// Keeps the lines of one call.
    pub(crate) fn append(&self, app: &AppId, lines: Vec<LogLine>) {
        if lines.is_empty() {
            return;
        }
        let ring = self.rings.entry(app.clone()).or_default();
        let mut ring = lock(&ring);
        for line in lines {
            tracing::debug!(target: "app_log", app = %app, level = line.level.as_str(), bytes = line.bytes(), "app log line kept");
            ring.bytes += line.bytes();
            ring.lines.push_back(line);
        }
        while ring.bytes > self.bytes_max {
            let Some(dropped) = ring.lines.pop_front() else {
                break;
            };
            ring.bytes -= dropped.bytes();
        }
    }

    /// The newest `limit` lines of an app, oldest first.
    pub(crate) fn tail(&self, app: &AppId, limit: usize) -> Vec<LogLine> {
        let Some(ring) = self.rings.get(app) else {
            return Vec::new();
        };
        let ring = lock(&ring);
        ring.lines
            .iter()
            .skip(ring.lines.len().saturating_sub(limit))
            .cloned()
            .collect()
    }
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Escapes what could deceive a terminal or a reader and cuts to `bytes_max`, with a mark.
pub(crate) fn harmless(text: &str, bytes_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(bytes_max));
    for c in text.chars() {
        if out.len() >= bytes_max {
            out.push_str("… (cut)");
            break;
        }
        if is_deceptive(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_move_the_cursor_or_forge_another_line() {
        assert_eq!(
            harmless("\u{1b}]0;x\r\n[info] ok\u{202e}", 100),
            "\\u{1b}]0;x\\r\\n[info] ok\\u{202e}"
        );
        assert_eq!(harmless("abcdef", 3), "abc… (cut)");
    }

    #[test]
    fn the_oldest_lines_go_first() {
        let logs = AppLogs::new(200);
        let app: AppId = "lab-viewer".parse().unwrap();
        let line = |message: &str| LogLine {
            at: Timestamp::from_micros(0),
            session: None,
            level: LogLevel::Info,
            message: message.to_owned(),
            fields: Vec::new(),
        };
        logs.append(
            &app,
            vec![line("one"), line("two"), line("three"), line("four")],
        );
        let kept: Vec<_> = logs
            .tail(&app, 10)
            .into_iter()
            .map(|line| line.message)
            .collect();
        assert_eq!(kept, ["three", "four"]);
        assert_eq!(logs.tail(&app, 1).len(), 1);
    }
}
