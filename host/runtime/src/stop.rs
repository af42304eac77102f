//! What ends a call from outside: a kill, a revocation, the deadline. Checked at every
//! tick while the guest computes, and awaited beside every host call.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use glovebox_database::fence::Pass;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The switch of one running call.
#[derive(Debug, Default)]
pub(crate) struct Kill {
    token: CancellationToken,
    reason: OnceLock<String>,
}

impl Kill {
    /// Ends the call; the first reason counts.
    pub(crate) fn set(&self, reason: &str) {
        let _ = self.reason.set(reason.to_owned());
        self.token.cancel();
    }

    fn reason(&self) -> Option<&str> {
        self.token
            .is_cancelled()
            .then(|| self.reason.get().map_or("stopped", String::as_str))
    }
}

/// The error with which a host function or the clock hand ends a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Killed or revoked, with the reason.
    Killed(String),
    /// Out of time.
    Deadline,
    /// A limit, by its name.
    OverBudget(&'static str),
    /// Linear memory or table elements.
    Memory,
    /// Ledger or records failed: nothing is served.
    Unavailable,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(reason) => write!(f, "stopped: {reason}"),
            Self::Deadline => f.write_str("out of time"),
            Self::OverBudget(limit) => write!(f, "over {limit}"),
            Self::Memory => f.write_str("over the memory limit"),
            Self::Unavailable => f.write_str("ledger or records are unavailable"),
        }
    }
}

impl std::error::Error for Stopped {}

/// Why a guarded host call has no result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The whole call ends.
    Stopped(Stopped),
    /// Only this host call took too long; the guest may go on.
    TimedOut,
}

/// Everything that can end one call.
pub(crate) struct Stop {
    pub(crate) pass: Pass,
    pub(crate) kill: Arc<Kill>,
    pub(crate) deadline: Instant,
    /// Longest host call.
    pub(crate) host_call: Duration,
}

impl Stop {
    /// Whether the call may go on.
    pub(crate) fn check(&self) -> Result<(), Stopped> {
        if let Some(reason) = self.kill.reason() {
            return Err(Stopped::Killed(reason.to_owned()));
        }
        self.pass
            .check()
            .map_err(|revoked| Stopped::Killed(revoked.reason))?;
        if Instant::now() >= self.deadline {
            return Err(Stopped::Deadline);
        }
        Ok(())
    }

    /// Runs a host call beside everything that may end it. Nothing is registered with the
    /// timer unless the work really waits.
    pub(crate) async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Halt> {
        let limit = self.deadline.min(Instant::now() + self.host_call);
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.kill.token.cancelled() => {
                Err(Halt::Stopped(Stopped::Killed(self.kill.reason().unwrap_or("stopped").to_owned())))
            }
            () = self.pass.cancelled() => {
                let reason = self.pass.check().err().map_or_else(|| "revoked".to_owned(), |revoked| revoked.reason);
                Err(Halt::Stopped(Stopped::Killed(reason)))
            }
            () = tokio::time::sleep_until(limit) => {
                if limit >= self.deadline { Err(Halt::Stopped(Stopped::Deadline)) } else { Err(Halt::TimedOut) }
            }
        }
    }
}
