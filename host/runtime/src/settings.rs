//! What an operator may set about the sandbox as a whole. Per-app limits are
//! [`glovebox_model::limits::Limits`].

use std::time::Duration;

/// Sizes and waits of the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeSettings {
    /// Calls into guests that run at once, all apps together; also the size of the pool.
    pub concurrent_calls_max: u32,
    /// Whether memory is pooled where the address space allows it. Off means memory on
    /// demand for each call: slower, and no slot is ever used twice.
    pub pooling: bool,
    /// How long a call waits for its turn before it is refused as busy.
    pub queue_wait: Duration,
    /// Prepared components that are kept in memory.
    pub prepared_max: usize,
    /// Largest component, in bytes.
    pub component_bytes_max: usize,
    /// How long a screen session lives at most.
    pub session_life: Duration,
    /// Log bytes kept per app, in memory.
    pub log_bytes_per_app_max: usize,
}

impl Default for RuntimeSettings {
    fn default() -> Self {
        Self {
            concurrent_calls_max: 256,
            pooling: true,
            queue_wait: Duration::from_millis(250),
            prepared_max: 256,
            component_bytes_max: 8 << 20,
            session_life: Duration::from_secs(8 * 60 * 60),
            log_bytes_per_app_max: 1 << 20,
        }
    }
}
