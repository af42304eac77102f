//! Why a FHIR call did not give what was asked.

/// One cause per variant; a match on it keeps working when the host names more causes,
/// because those come as [`FhirError::Other`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FhirError {
    /// The call needs this scope, which was not granted.
    NotGranted(String),
    /// Absent, or outside what this launch may see: the two look the same.
    NotFound,
    /// It was deleted.
    Gone,
    /// Version conflict; carries the current version id.
    Conflict(String),
    /// Refused by validation; carries an OperationOutcome as JSON.
    Invalid(String),
    /// Over a limit; names the limit.
    TooCostly(String),
    /// Try again after this many milliseconds.
    Throttled(u32),
    /// The launch was revoked, quarantined or closed.
    Terminated(String),
    /// Nobody answers; try again.
    Unavailable,
    /// `code: text`, for causes that later versions name.
    Other(String),
}

impl std::fmt::Display for FhirError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotGranted(scope) => write!(f, "not granted: {scope}"),
            Self::NotFound => f.write_str("not found"),
            Self::Gone => f.write_str("gone"),
            Self::Conflict(version) => write!(f, "conflict: the current version is {version}"),
            Self::Invalid(outcome) => write!(f, "invalid: {outcome}"),
            Self::TooCostly(limit) => write!(f, "too costly: {limit}"),
            Self::Throttled(ms) => write!(f, "throttled: try again after {ms} ms"),
            Self::Terminated(cause) => write!(f, "terminated: {cause}"),
            Self::Unavailable => f.write_str("unavailable"),
            Self::Other(cause) => write!(f, "other: {cause}"),
        }
    }
}

impl std::error::Error for FhirError {}
