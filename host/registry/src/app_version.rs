//! One version of one app.

use glovebox_model::manifest::Manifest;
use glovebox_model::{Digest, TenantId, Timestamp, UserId};

use crate::stage::Stage;

/// Something that was done to a version, for its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// What, such as `approve`.
    pub what: String,
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// One version of one app in one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppVersion {
    /// Where it is installed.
    pub tenant: TenantId,
    /// SHA-256 of the component.
    pub digest: Digest,
    /// What it says of itself and asks for.
    pub manifest: Manifest,
    /// The interfaces that the component imports: its greatest power.
    pub imports: Vec<String>,
    /// Size of the component in bytes.
    pub bytes: u64,
    /// Where it is in its life.
    pub stage: Stage,
    /// What was done to it, oldest first.
    pub history: Vec<Act>,
}
