//! What a store holds during one call: who calls, what it may use, what it has used.

use std::sync::Arc;

use glovebox_database::Keyspace;
use glovebox_database::fence::Fence;
use glovebox_database::ledger::Ledger;
use glovebox_gateway::{Gateway, Session};
use glovebox_model::Clock;
use glovebox_model::launch::LaunchContext;
use glovebox_model::ledger::Event;
use glovebox_model::limits::Limits;
use wasmtime::component::ResourceTable;

use crate::limiter::SummingLimiter;
use crate::logs::LogLine;
use crate::stop::{Stop, Stopped};
use crate::usage::Usage;

/// What all calls share.
pub(crate) struct Services {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) fence: Fence,
    pub(crate) ledger: Ledger,
    pub(crate) storage: Keyspace,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What all host functions of one call share; several may run side by side.
pub(crate) struct CallEnv {
    pub(crate) services: Arc<Services>,
    /// Subject with the call's id; scopes and patient of the session.
    pub(crate) session: Session,
    pub(crate) context: Arc<LaunchContext>,
    pub(crate) storage_granted: bool,
    pub(crate) limits: Limits,
    pub(crate) stop: Stop,
}

impl CallEnv {
    /// Records an event; without the ledger nothing is served.
    pub(crate) fn record(&self, event: Event) -> Result<(), Stopped> {
        match self.services.ledger.append(event) {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "the ledger refused an entry of a call");
                Err(Stopped::Unavailable)
            }
        }
    }
}

/// The data of a store.
pub(crate) struct CallState {
    pub(crate) env: Arc<CallEnv>,
    pub(crate) limiter: SummingLimiter,
    pub(crate) table: ResourceTable,
    pub(crate) usage: Usage,
    pub(crate) log: Vec<LogLine>,
    pub(crate) log_bytes: u64,
}

impl CallState {
    pub(crate) fn new(env: Arc<CallEnv>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(usize::try_from(env.limits.cursors_max).unwrap_or(usize::MAX));
        let limiter =
            SummingLimiter::new(env.limits.memory_bytes_max, env.limits.table_elements_max);
        Self {
            env,
            limiter,
            table,
            usage: Usage::default(),
            log: Vec::new(),
            log_bytes: 0,
        }
    }

    /// The first act of every host function: is the call still alive, and has it calls and
    /// bytes left? `bytes` came from the guest.
    pub(crate) fn enter(&mut self, bytes: usize) -> Result<(), Stopped> {
        self.env.stop.check()?;
        self.usage.host_calls += 1;
        if self.usage.host_calls > self.env.limits.host_calls_max {
            return Err(Stopped::OverBudget("host_calls_max"));
        }
        self.usage.bytes_in = self
            .usage
            .bytes_in
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.usage.bytes_in > self.env.limits.request_bytes_max {
            return Err(Stopped::OverBudget("request_bytes_max"));
        }
        Ok(())
    }

    /// Reserves room for data that goes to the guest; names the limit that is in the way.
    pub(crate) fn reserve(&mut self, rows: u64, bytes: usize) -> Result<(), &'static str> {
        let bytes = self
            .usage
            .bytes_out
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let rows = self.usage.rows.saturating_add(rows);
        if bytes > self.env.limits.response_bytes_max {
            return Err("response_bytes_max");
        }
        if rows > self.env.limits.rows_max {
            return Err("rows_max");
        }
        (self.usage.bytes_out, self.usage.rows) = (bytes, rows);
        Ok(())
    }
}
