//! What a decision looks at.

use std::collections::BTreeSet;
use std::sync::Arc;

use glovebox_model::PatientId;
use glovebox_model::scope::ScopeSet;

use crate::terms::Terms;

/// Everything that a decision about one interaction depends on. The gateway composes it
/// from the session and the stored relations on every call.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// What was granted to this session or token, already narrowed by approval.
    pub scopes: &'a ScopeSet,
    /// The patient in context, if the launch has one.
    pub patient: Option<&'a PatientId>,
    /// What the user, if there is one, may open.
    pub rights: &'a UserRights,
    /// What the app's approval says beyond scopes.
    pub terms: &'a Arc<Terms>,
}

/// What the person behind a session may open. Scopes of an app never go beyond it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRights {
    /// The explicit right to open everyone.
    Everyone,
    /// These patients and nobody else.
    Patients(BTreeSet<PatientId>),
    /// Related to more patients than one search may cover (200): single patients were
    /// checked one by one, and only these few are known.
    TooMany(BTreeSet<PatientId>),
    /// There is no user: a backend service, which only `system/` scopes serve.
    NoUser,
}

impl UserRights {
    /// Whether the user may open this patient.
    pub fn may_open(&self, patient: &PatientId) -> bool {
        match self {
            Self::Everyone => true,
            Self::Patients(patients) | Self::TooMany(patients) => patients.contains(patient),
            Self::NoUser => false,
        }
    }
}
