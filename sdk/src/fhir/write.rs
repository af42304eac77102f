//! Changing patient data. An app that calls nothing here does not import the interface,
//! and its import list is the proof that it cannot write.

use serde_json::Value;

use super::{FhirError, backend};

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written.
    Committed {
        /// Logical id.
        id: String,
        /// Version id.
        version_id: String,
    },
    /// Held as a draft until the user signs it; carries the draft id.
    Drafted(String),
    /// For what later versions name.
    Other(String),
}

/// Creates a resource. `request_id` makes a retry safe: the same id in one session is
/// carried out once.
pub fn create(request_id: &str, resource: &Value) -> Result<Outcome, FhirError> {
    backend::create(request_id, &resource.to_string())
}

/// Replaces a resource; `if_match` is the version id that the app last read.
pub fn update(request_id: &str, resource: &Value, if_match: &str) -> Result<Outcome, FhirError> {
    backend::update(request_id, &resource.to_string(), if_match)
}
