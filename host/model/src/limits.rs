//! What one app may use up. Three layers (deployment ceiling, administrator per app,
//! manifest request) are met by taking the minimum of each.

use std::time::Duration;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $default:expr,)*) => {
        /// Limits of one call into a guest, or of one session where a field says so.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits { $($(#[$doc])* pub $name: u64,)* }

        impl Default for Limits {
            fn default() -> Self { Self { $($name: $default,)* } }
        }

        impl Limits {
            /// The smaller of each limit.
            #[must_use]
            pub fn min(&self, other: &Self) -> Self {
                Self { $($name: self.$name.min(other.$name),)* }
            }

            /// Name and value of every limit, in declaration order.
            pub fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }

            /// Sets one limit by its name; `false` if there is none of that name.
            pub fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $(stringify!($name) => { self.$name = value; true })*
                    _ => false,
                }
            }
        }
    };
}

limits! {
    /// Fuel for instantiation (about one per wasm operation).
    init_fuel_max = 50_000_000,
    /// Fuel for one call.
    call_fuel_max = 200_000_000,
    /// Wall-clock milliseconds of one call, host calls included.
    wall_ms_max = 2_000,
    /// Wall-clock milliseconds of one FHIR host call.
    host_call_ms_max = 5_000,
    /// Bytes of linear memory, summed over all memories of the instance.
    memory_bytes_max = 64 << 20,
    /// Elements summed over all tables.
    table_elements_max = 20_000,
    /// Live component handles.
    handles_max = 2_000,
    /// Open search cursors.
    cursors_max = 32,
    /// Host calls in one call.
    host_calls_max = 5_000,
    /// Bytes from guest to host in one host call.
    message_bytes_max = 4 << 20,
    /// Bytes from guest to host in one call, all host calls together.
    request_bytes_max = 64 << 20,
    /// Bytes of FHIR data given to the guest in one call.
    response_bytes_max = 64 << 20,
    /// Bytes of one page of results.
    page_bytes_max = 1 << 20,
    /// Resources given to the guest in one call.
    rows_max = 1_000,
    /// Log lines in one call.
    log_lines_max = 200,
    /// Bytes of one log line; longer lines are cut and marked.
    log_line_bytes_max = 4_096,
    /// Log bytes in one call.
    log_bytes_max = 1 << 20,
    /// Bytes of app storage for one app, user and patient.
    storage_bytes_max = 1 << 20,
    /// Keys of app storage for one app, user and patient.
    storage_keys_max = 256,
    /// Bytes of one stored value.
    storage_value_bytes_max = 60 << 10,
    /// Bytes of `state` that a screen hands back.
    state_bytes_max = 64 << 10,
    /// Bytes of one view document.
    document_bytes_max = 256 << 10,
    /// Calls of one app that run at once.
    concurrent_calls_per_app_max = 8,
    /// Calls of one user that run at once.
    concurrent_calls_per_user_max = 4,
}

impl Limits {
    /// [`Limits::wall_ms_max`] as a duration.
    pub fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms_max)
    }

    /// [`Limits::host_call_ms_max`] as a duration.
    pub fn host_call(&self) -> Duration {
        Duration::from_millis(self.host_call_ms_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_never_exceeds_either_side() {
        let ceiling = Limits::default();
        let mut asked = Limits::default();
        assert!(asked.set("wall_ms_max", 10));
        assert!(asked.set("rows_max", u64::MAX));
        assert!(!asked.set("no_such_limit", 1));
        let effective = ceiling.min(&asked);
        assert_eq!(effective.wall_ms_max, 10);
        assert_eq!(effective.rows_max, ceiling.rows_max);
    }
}
