//! The runtime of one process: what all calls share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use glovebox_database::Keyspace;
use glovebox_database::fence::Fence;
use glovebox_database::ledger::Ledger;
use glovebox_gateway::Gateway;
use glovebox_model::{AppId, CallId, Clock, SessionId};

use crate::logs::{AppLogs, LogLine};
use crate::permits::Permits;
use crate::prepare::{EngineError, PrepareError, Prepared, Preparer};
use crate::running::{Running, RunningCall, Target};
use crate::settings::RuntimeSettings;
use crate::state::Services;

/// What a runtime needs.
pub struct RuntimeParts {
    /// Checks, compiles and links components.
    pub preparer: Preparer,
    /// The one door to patient data.
    pub gateway: Arc<Gateway>,
    /// Revocation.
    pub fence: Fence,
    /// Where calls are recorded.
    pub ledger: Ledger,
    /// Namespace of app storage.
    pub storage: Keyspace,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Sizes and waits.
    pub settings: RuntimeSettings,
}

/// Runs guests. Clones share everything.
#[derive(Clone)]
pub struct Runtime {
    parts: Arc<Parts>,
}

pub(crate) struct Parts {
    pub(crate) preparer: Preparer,
    pub(crate) services: Arc<Services>,
    pub(crate) permits: Permits,
    pub(crate) running: Arc<Running>,
    pub(crate) logs: AppLogs,
    pub(crate) ids: CallIds,
    pub(crate) settings: RuntimeSettings,
}

impl Runtime {
    /// Puts the parts together.
    ///
    /// # Errors
    /// If the system has no randomness for call ids.
    pub fn new(parts: RuntimeParts) -> Result<Self, RuntimeError> {
        let RuntimeParts {
            preparer,
            gateway,
            fence,
            ledger,
            storage,
            clock,
            settings,
        } = parts;
        let parts = Parts {
            preparer,
            services: Arc::new(Services {
                gateway,
                fence,
                ledger,
                storage,
                clock,
            }),
            permits: Permits::new(settings.concurrent_calls_max, settings.queue_wait),
            running: Arc::new(Running::default()),
            logs: AppLogs::new(settings.log_bytes_per_app_max),
            ids: CallIds::new()?,
            settings,
        };
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// See [`Preparer::prepare`].
    ///
    /// # Errors
    /// Why the component cannot run here.
    pub async fn prepare(&self, bytes: &[u8]) -> Result<Arc<Prepared>, PrepareError> {
        self.parts.preparer.prepare(bytes).await
    }

    /// What checks, compiles and links components.
    pub fn preparer(&self) -> &Preparer {
        &self.parts.preparer
    }

    /// Ends the running calls that match; says how many. Their screens say `reason`.
    /// Sessions stay: see [`crate::Screens::end`].
    pub fn kill(&self, target: &Target, reason: &str) -> usize {
        self.parts.running.kill(target, reason)
    }

    /// The calls that run now.
    pub fn running(&self) -> Vec<RunningCall> {
        self.parts.running.list()
    }

    /// The newest `limit` log lines of an app, oldest first.
    pub fn logs(&self, app: &AppId, limit: usize) -> Vec<LogLine> {
        self.parts.logs.tail(app, limit)
    }
}

/// The runtime cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// See [`EngineError`].
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system gives no randomness.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// Call ids: a random prefix of this process and a counter.
pub(crate) struct CallIds {
    prefix: String,
    next: AtomicU64,
}

impl CallIds {
    fn new() -> Result<Self, RuntimeError> {
        Ok(Self {
            prefix: random_hex(6).ok_or(RuntimeError::NoRandomness)?,
            next: AtomicU64::new(1),
        })
    }

    pub(crate) fn next(&self) -> Option<CallId> {
        format!(
            "{}-{}",
            self.prefix,
            self.next.fetch_add(1, Ordering::Relaxed)
        )
        .parse()
        .ok()
    }
}

/// An unguessable session id.
pub(crate) fn session_id() -> Option<SessionId> {
    random_hex(16)?.parse().ok()
}

fn random_hex(bytes: usize) -> Option<String> {
    let mut random = vec![0_u8; bytes];
    getrandom::fill(&mut random).ok()?;
    Some(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
