//! Why the gateway did not do it. Each caller answers in its own protocol; none of these
//! tells an absent resource from a forbidden one.

use std::time::Duration;

use glovebox_database::fence::Revoked;
use glovebox_fhir::Issue;
use glovebox_policy::Rule;

/// The cause as the caller may know it. The true cause is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A scope is missing; names the scope that would satisfy the rule.
    NotGranted(String),
    /// The user may not open the patient in context.
    Relation,
    /// Absent, or outside what this session may see.
    NotFound,
    /// Deleted, and the last version was readable.
    Gone,
    /// Another version is current; carries its id.
    Conflict(String),
    /// A change must name the version that it was made for (`If-Match`).
    IfMatchRequired,
    /// The request id was used for another request before.
    OtherRequest,
    /// A condition that must have one match has several.
    SeveralMatches,
    /// The resource does not have the structure of FHIR R4.
    NotValid(Vec<Issue>),
    /// An entry of a transaction was refused, and so nothing was done.
    InEntry {
        /// Number of the entry, from 0.
        index: usize,
        /// Why.
        refusal: Box<Refusal>,
    },
    /// The request or resource is not valid; says what and how to mend it.
    Invalid(String),
    /// Not supported for this session; says what and what would do instead.
    NotSupported(String),
    /// Over a limit; names it.
    TooCostly(String),
    /// Too many requests; says when there is room again.
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// More patients or records than may be taken; names the limit. Stops until its window
    /// is over.
    Stopped {
        /// The limit, such as `patients_per_hour of the app`.
        limit: String,
        /// How long until the window is over.
        retry_after: Duration,
    },
    /// The session was revoked, quarantined or closed.
    Terminated(String),
    /// A page token that was not made for this session and query, or has run out.
    BadCursor,
    /// The store or the ledger does not answer.
    Unavailable,
}

impl From<Revoked> for Refusal {
    fn from(revoked: Revoked) -> Self {
        Self::Terminated(revoked.reason)
    }
}

impl Refusal {
    pub(crate) fn from_rule(rule: &Rule) -> Self {
        match rule {
            Rule::ScopeMissing(scope) => Self::NotGranted(scope.clone()),
            Rule::NoPatientInContext => Self::NotGranted("launch/patient".to_owned()),
            Rule::Relation => Self::Relation,
            Rule::TooManyPatients => {
                Self::TooCostly("more than 200 patients: name a patient in the search".to_owned())
            }
            Rule::ScopeFilterUnknown => Self::Invalid(
                "a granted scope filters by a parameter that cannot be evaluated".to_owned(),
            ),
            Rule::HiddenElement(parameter) => Self::NotSupported(format!(
                "this app's approval hides what `{parameter}` looks at: search without it"
            )),
            Rule::PartlyShown(resource_type) => Self::NotSupported(format!(
                "this app's approval shows {resource_type} in part only, so the app cannot change or delete one: it would change what it does not see"
            )),
            Rule::NotForApps => Self::NotSupported("AuditEvent is not given to apps".to_owned()),
            Rule::Compartment | Rule::ScopeFilter | Rule::Label | Rule::ProvenanceTarget => {
                Self::NotFound
            }
        }
    }
}
