//! On whose behalf an interaction happens.

use std::sync::Arc;

use glovebox_model::ledger::Subject;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{PatientId, TenantId, UserId};
use glovebox_policy::{AccessRequest, Terms, UserRights};

/// By which way a caller came in. It changes nothing but the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `/fhir/{tenant}` with a bearer token.
    Http,
    /// The guest interface.
    Wit,
}

impl Door {
    /// The stable name in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Wit => "wit",
        }
    }
}

/// An app session or an access token, as far as the gateway cares. Nothing here is a
/// credential: whoever builds it has checked one.
#[derive(Clone, Debug)]
pub struct Session {
    /// The tenant whose data is meant.
    pub tenant: TenantId,
    /// What every ledger entry of this session says of app, user, client and patient.
    pub subject: Subject,
    /// What was granted, already narrowed by manifest and approval.
    pub scopes: ScopeSet,
    /// The patient in context.
    pub patient: Option<PatientId>,
    /// The person behind the session; `None` for a backend service.
    pub user: Option<UserId>,
    /// By which way it came in.
    pub door: Door,
    /// What the app's approval says beyond scopes.
    pub terms: Arc<Terms>,
}

impl Session {
    /// What a decision looks at.
    pub(crate) fn request<'a>(&'a self, rights: &'a UserRights) -> AccessRequest<'a> {
        AccessRequest {
            scopes: &self.scopes,
            patient: self.patient.as_ref(),
            rights,
            terms: &self.terms,
        }
    }
}
