//! The stages of an app version. Each carries exactly its own data.

use glovebox_model::limits::Limits;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{Timestamp, UserId};
use glovebox_policy::Terms;

/// What an administrator allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who decided.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The scopes allowed; what the manifest asks beyond them is not granted.
    pub scopes: ScopeSet,
    /// Limits below the deployment's ceiling.
    pub limits: Limits,
    /// What it says beyond scopes: projection, labels, drafts, budget.
    pub terms: Terms,
}

/// Why and by whom a version was taken out of service, evidence kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Who decided.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The first of the two people whom a release needs.
    pub release_asked_by: Option<UserId>,
}

/// Where a version is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Uploaded and checked; its vendor has not submitted it.
    Checked,
    /// Waits for an administrator.
    InReview,
    /// Can be launched.
    Live(Approval),
    /// Was live, then a newer version was approved.
    Superseded(Approval),
    /// An administrator said no.
    Rejected {
        /// Why.
        reason: String,
    },
    /// Taken out of service; can come back through two people and a review.
    Quarantined(Quarantine),
    /// Taken out of service for good.
    Revoked {
        /// Why.
        reason: String,
    },
}

impl Stage {
    /// The stable name in the API, the ledger and on disk.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::InReview => "in-review",
            Self::Live(_) => "live",
            Self::Superseded(_) => "superseded",
            Self::Rejected { .. } => "rejected",
            Self::Quarantined(_) => "quarantined",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// Whether a withdrawn app would have had users.
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}
