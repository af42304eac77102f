//! What a call used up: for the ledger, the run inspector and the histograms.

use glovebox_model::ledger::Event;

macro_rules! usage {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of one call into a guest.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Usage { $($(#[$doc])* pub $name: u64,)* }

        impl Usage {
            /// Name and value of each counter, in declaration order.
            pub fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

usage! {
    /// Wall-clock microseconds, the queue not included.
    us,
    /// Fuel, instantiation included.
    fuel,
    /// Bytes of linear memory at the end.
    memory_bytes,
    /// Host calls of every kind.
    host_calls,
    /// Bytes from guest to host in host calls.
    bytes_in,
    /// Bytes of patient data and stored values given to the guest.
    bytes_out,
    /// Resources given to the guest.
    rows,
    /// Reads of the clock.
    clock_calls,
    /// Reads of the launch context.
    context_calls,
    /// Log lines kept.
    log_lines,
    /// Log lines dropped because the budget was used up.
    log_dropped,
}

impl Usage {
    /// Adds the counters that are not zero to a ledger entry.
    pub(crate) fn describe(&self, event: Event) -> Event {
        self.rows()
            .into_iter()
            .filter(|(_, value)| *value > 0)
            .fold(event, |event, (name, value)| event.with(name, value))
    }
}
