//! What every app may ask of the host: why it runs, what time it is, and a place for
//! log lines. Outside WebAssembly the [mock host](crate::mock) answers.

use crate::bindings::glovebox::host as wire;

pub use wire::launch::ContextItem;
/// Why this app is running. Nothing in it is a credential.
pub use wire::launch::LaunchContext as Launch;
/// How urgent a log line is.
pub use wire::log::Level;

/// Who opened this app, for which patient, with which permissions.
pub fn launch() -> Launch {
    #[cfg(target_arch = "wasm32")]
    return wire::launch::context();
    #[cfg(not(target_arch = "wasm32"))]
    crate::mock::current(|host| host.launch.clone())
}

/// The time as an RFC 3339 instant in UTC, rounded to the second.
pub fn now() -> String {
    #[cfg(target_arch = "wasm32")]
    return wire::clock::now();
    #[cfg(not(target_arch = "wasm32"))]
    crate::mock::current(|host| host.now.clone())
}

/// Writes a line to this app's log inside the hospital. No patient data belongs there.
pub fn log(level: Level, message: &str) {
    log_with(level, message, &[]);
}

/// Writes a line with named values.
pub fn log_with(level: Level, message: &str, fields: &[(&str, &str)]) {
    let fields: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    #[cfg(target_arch = "wasm32")]
    wire::log::write(level, message, &fields);
    #[cfg(not(target_arch = "wasm32"))]
    crate::mock::record(level, message, fields);
}

impl Launch {
    /// Logical id of the patient in context, or the message that there is none.
    pub fn require_patient(&self) -> Result<&str, crate::AppError> {
        self.patient
            .as_deref()
            .ok_or_else(|| crate::AppError::message("Open this app from a patient's chart."))
    }
}
