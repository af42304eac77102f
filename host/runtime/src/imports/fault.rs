//! The gateway's refusals in the guest's words. Absent and forbidden are one and the same.

use glovebox_database::fence::Revoked;
use glovebox_fhir::{InteractionKind, Issue};
use glovebox_gateway::Refusal;
use serde_json::json;

use crate::bindings::{FhirTypesHost, WitFhirError};
use crate::state::{CallEnv, CallState};
use crate::stop::{Halt, Stopped};

/// Why a FHIR call has no result: an answer for the guest, or the end of the call.
#[derive(Debug)]
#[expect(
    unreachable_pub,
    reason = "the generated bindings re-export it inside this crate"
)]
pub enum FhirFault {
    /// The guest is told and goes on.
    Answer(WitFhirError),
    /// The call ends.
    Stop(Stopped),
}

impl FhirFault {
    /// A limit is in the way; names it.
    pub(crate) fn too_costly(limit: &str) -> Self {
        Self::Answer(WitFhirError::TooCostly(limit.to_owned()))
    }

    /// The request makes no sense; says why, as an OperationOutcome.
    pub(crate) fn invalid(text: &str) -> Self {
        Self::Answer(WitFhirError::Invalid(
            json!({
                "resourceType": "OperationOutcome",
                "issue": [{ "severity": "error", "code": "invalid", "diagnostics": text }],
            })
            .to_string(),
        ))
    }

    /// A cause without a case of its own: `code: text`.
    pub(crate) fn other(code: &str, text: &str) -> Self {
        Self::Answer(WitFhirError::Other(format!("{code}: {text}")))
    }
}

impl CallEnv {
    /// The fault of a request that makes no sense, recorded like any other refusal.
    pub(crate) fn senseless(
        &self,
        kind: InteractionKind,
        resource_type: &str,
        problem: impl std::fmt::Display,
    ) -> FhirFault {
        let (gateway, session) = (&self.services.gateway, &self.session);
        gateway
            .invalid(session, kind, resource_type, &problem.to_string())
            .into()
    }
}

impl From<Stopped> for FhirFault {
    fn from(stopped: Stopped) -> Self {
        Self::Stop(stopped)
    }
}

impl From<Halt> for FhirFault {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Stopped(stopped) => Self::Stop(stopped),
            Halt::TimedOut => Self::Answer(WitFhirError::Unavailable),
        }
    }
}

impl From<Revoked> for FhirFault {
    fn from(revoked: Revoked) -> Self {
        Self::Stop(Stopped::Killed(revoked.reason))
    }
}

impl From<Refusal> for FhirFault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotGranted(scope) => Self::Answer(WitFhirError::NotGranted(scope)),
            Refusal::Relation | Refusal::NotFound => Self::Answer(WitFhirError::NotFound),
            Refusal::Gone => Self::Answer(WitFhirError::Gone),
            Refusal::Conflict(current) => Self::Answer(WitFhirError::Conflict(current)),
            Refusal::Invalid(text) => Self::invalid(&text),
            Refusal::IfMatchRequired => Self::invalid("name the version that you read"),
            Refusal::OtherRequest => {
                Self::invalid("this request id was used for another request: give each its own")
            }
            Refusal::SeveralMatches => {
                Self::other("several-matches", "give a condition that selects one")
            }
            Refusal::NotValid(issues) => {
                let outcome = Issue::outcome(&issues).to_value();
                Self::Answer(WitFhirError::Invalid(outcome.to_string()))
            }
            Refusal::InEntry { refusal, .. } => Self::from(*refusal),
            Refusal::TooCostly(limit) => Self::too_costly(&limit),
            Refusal::NotSupported(text) => Self::other("not-supported", &text),
            Refusal::Throttled { retry_after } => Self::other(
                "throttled",
                &format!("try again in {} ms", retry_after.as_millis().max(1)),
            ),
            Refusal::Stopped { limit, .. } => Self::too_costly(&limit),
            Refusal::Terminated(reason) => Self::Stop(Stopped::Killed(reason)),
            Refusal::BadCursor => Self::other("bad-cursor", "search again"),
            Refusal::Unavailable => Self::Answer(WitFhirError::Unavailable),
        }
    }
}

impl FhirTypesHost for CallState {
    fn convert_fhir_error(&mut self, fault: FhirFault) -> wasmtime::Result<WitFhirError> {
        match fault {
            FhirFault::Answer(error) => Ok(error),
            FhirFault::Stop(stopped) => Err(stopped.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_forbidden_look_the_same_to_a_guest() {
        for refusal in [Refusal::NotFound, Refusal::Relation] {
            let fault = FhirFault::from(refusal);
            assert!(matches!(fault, FhirFault::Answer(WitFhirError::NotFound)));
        }
    }

    #[test]
    fn a_revocation_ends_the_call() {
        let fault = FhirFault::from(Refusal::Terminated("quarantined".to_owned()));
        assert!(
            matches!(fault, FhirFault::Stop(Stopped::Killed(reason)) if reason == "quarantined")
        );
    }
}
