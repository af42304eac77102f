//! The stored form of an app version: JSON, converted by hand.

use glovebox_model::limits::Limits;
use glovebox_model::manifest::{Manifest, Written};
use glovebox_model::scope::ScopeSet;
use glovebox_model::{Digest, TenantId, Timestamp};
use glovebox_policy::Terms;
use serde::{Deserialize, Serialize};

use crate::app_version::{Act, AppVersion};
use crate::error::RegistryError;
use crate::stage::{Approval, Quarantine, Stage};

#[derive(Serialize, Deserialize)]
struct StoredVersion {
    digest: String,
    manifest: Written,
    imports: Vec<String>,
    bytes: u64,
    stage: StoredStage,
    history: Vec<StoredAct>,
}

#[derive(Serialize, Deserialize)]
struct StoredAct {
    what: String,
    by: String,
    at: i64,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct StoredApproval {
    by: String,
    at: i64,
    reason: String,
    scopes: String,
    limits: Vec<(String, u64)>,
    /// Approvals of before there were terms had none.
    #[serde(default)]
    terms: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
enum StoredStage {
    Checked,
    InReview,
    Live(StoredApproval),
    Superseded(StoredApproval),
    Rejected {
        reason: String,
    },
    Quarantined {
        by: String,
        at: i64,
        reason: String,
        release_asked_by: Option<String>,
    },
    Revoked {
        reason: String,
    },
}

pub(crate) fn encode(version: &AppVersion) -> Result<Vec<u8>, RegistryError> {
    let stored = StoredVersion {
        digest: version.digest.to_string(),
        manifest: version.manifest.written(),
        imports: version.imports.clone(),
        bytes: version.bytes,
        stage: match &version.stage {
            Stage::Checked => StoredStage::Checked,
            Stage::InReview => StoredStage::InReview,
            Stage::Live(approval) => StoredStage::Live(approval_out(approval)),
            Stage::Superseded(approval) => StoredStage::Superseded(approval_out(approval)),
            Stage::Rejected { reason } => StoredStage::Rejected {
                reason: reason.clone(),
            },
            Stage::Quarantined(quarantine) => StoredStage::Quarantined {
                by: quarantine.by.to_string(),
                at: quarantine.at.micros(),
                reason: quarantine.reason.clone(),
                release_asked_by: quarantine
                    .release_asked_by
                    .as_ref()
                    .map(ToString::to_string),
            },
            Stage::Revoked { reason } => StoredStage::Revoked {
                reason: reason.clone(),
            },
        },
        history: version
            .history
            .iter()
            .map(|act| StoredAct {
                what: act.what.clone(),
                by: act.by.to_string(),
                at: act.at.micros(),
                reason: act.reason.clone(),
            })
            .collect(),
    };
    serde_json::to_vec(&stored).map_err(|problem| RegistryError::Damaged(problem.to_string()))
}

pub(crate) fn decode(tenant: &TenantId, value: &[u8]) -> Result<AppVersion, RegistryError> {
    let stored: StoredVersion = serde_json::from_slice(value)
        .map_err(|problem| RegistryError::Damaged(problem.to_string()))?;
    let name = format!("{} {}", stored.manifest.id, stored.manifest.version);
    read(tenant, stored).ok_or(RegistryError::Damaged(name))
}

fn read(tenant: &TenantId, stored: StoredVersion) -> Option<AppVersion> {
    Some(AppVersion {
        tenant: tenant.clone(),
        digest: Digest::parse(&stored.digest)?,
        manifest: Manifest::check(&stored.manifest).ok()?,
        imports: stored.imports,
        bytes: stored.bytes,
        stage: match stored.stage {
            StoredStage::Checked => Stage::Checked,
            StoredStage::InReview => Stage::InReview,
            StoredStage::Live(approval) => Stage::Live(approval_in(approval)?),
            StoredStage::Superseded(approval) => Stage::Superseded(approval_in(approval)?),
            StoredStage::Rejected { reason } => Stage::Rejected { reason },
            StoredStage::Quarantined {
                by,
                at,
                reason,
                release_asked_by,
            } => Stage::Quarantined(Quarantine {
                by: by.parse().ok()?,
                at: Timestamp::from_micros(at),
                reason,
                release_asked_by: match release_asked_by {
                    Some(user) => Some(user.parse().ok()?),
                    None => None,
                },
            }),
            StoredStage::Revoked { reason } => Stage::Revoked { reason },
        },
        history: stored
            .history
            .into_iter()
            .map(|act| {
                Some(Act {
                    what: act.what,
                    by: act.by.parse().ok()?,
                    at: Timestamp::from_micros(act.at),
                    reason: act.reason,
                })
            })
            .collect::<Option<_>>()?,
    })
}

fn approval_out(approval: &Approval) -> StoredApproval {
    StoredApproval {
        by: approval.by.to_string(),
        at: approval.at.micros(),
        reason: approval.reason.clone(),
        scopes: approval.scopes.to_string(),
        limits: approval
            .limits
            .rows()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        terms: Some(approval.terms.to_json()),
    }
}

fn approval_in(stored: StoredApproval) -> Option<Approval> {
    let mut limits = Limits::default();
    for (name, value) in &stored.limits {
        // A limit that this version no longer knows is dropped; the ceiling still holds.
        limits.set(name, *value);
    }
    Some(Approval {
        by: stored.by.parse().ok()?,
        at: Timestamp::from_micros(stored.at),
        reason: stored.reason,
        scopes: ScopeSet::parse(&stored.scopes).ok()?,
        limits,
        terms: match &stored.terms {
            Some(terms) => Terms::from_json(terms).ok()?,
            None => Terms::default(),
        },
    })
}
