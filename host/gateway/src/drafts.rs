//! Writes that wait for a clinician.
//!
//! An app whose approval says so writes nothing into the record: what it sends is checked
//! as any write is, and kept. A clinician who may open the patient looks at it and commits
//! or rejects it. The commit asks again for everything that may have changed since: the
//! app's approval (its generations), the version that it wanted to replace, and what the
//! clinician may do. Then it writes all of the draft, and a Provenance that names app and
//! clinician, in one commit.

mod commit;
mod create;
mod provenance;
mod review;
mod stored;

use std::time::Duration;

use bytes::Bytes;
use glovebox_database::Keyspace;
use glovebox_database::fence::{Held, Mark};
use glovebox_fhir::InteractionKind;
use glovebox_model::ledger::Subject;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{AppId, PatientId, Timestamp, UserId};

use crate::refusal::Refusal;

/// How long a draft waits before it can only be rejected.
const LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Bytes of the resources of one draft at most.
const BYTES_MAX: usize = 8 << 20;
/// Drafts on one page of a listing at most.
const PAGE_MAX: usize = 200;
/// Longest reason of a rejection, in characters.
const REASON_CHARS_MAX: usize = 1_000;

/// Where drafts are kept.
pub(crate) struct Drafts {
    keyspace: Keyspace,
}

impl Drafts {
    pub(crate) fn new(keyspace: Keyspace) -> Self {
        Self { keyspace }
    }
}

/// One write of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftWrite {
    /// Create, update or delete.
    pub kind: InteractionKind,
    /// Resource type.
    pub resource_type: String,
    /// The id under which it is written; a create has its own from the start.
    pub id: String,
    /// The version that the app saw; `None` for a create.
    pub expected: Option<String>,
    /// What the app sent; empty for a delete.
    pub content: Bytes,
}

/// How far a draft has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftStage {
    /// Nobody has decided.
    Waiting,
    /// It is in the record.
    Committed {
        /// By whom.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// It will never be in the record.
    Rejected {
        /// By whom.
        by: UserId,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

impl DraftStage {
    /// The stable name.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Committed { .. } => "committed",
            Self::Rejected { .. } => "rejected",
        }
    }
}

/// A draft as lists show it: what it would do, without the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftSummary {
    /// Its id; ids sort by time.
    pub id: String,
    /// App, version, digest, session, user, patient: who wrote it for whom.
    pub subject: Subject,
    /// When it was written.
    pub created: Timestamp,
    /// From when on it can only be rejected.
    pub expires: Timestamp,
    /// Kind, type and id of each write.
    pub writes: Vec<(InteractionKind, String, String)>,
    /// How far it has come.
    pub stage: DraftStage,
}

/// A draft with all that a commit needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What lists show.
    pub summary: DraftSummary,
    /// What the app had been granted.
    pub scopes: ScopeSet,
    /// The generations of app, version, publisher, client and tenant at the time.
    pub held: Vec<Held>,
    /// What it would write.
    pub writes: Vec<DraftWrite>,
    /// Pieces in which the content is kept.
    pieces: u32,
    /// Version of the record that holds its stage.
    record: u64,
}

/// What an app is told of a write that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafted {
    /// The draft.
    pub draft: String,
    /// Resource type.
    pub resource_type: String,
    /// The id that the resource will have.
    pub id: String,
    /// When it was written.
    pub created: Timestamp,
}

/// A draft that is in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftCommitted {
    /// The draft.
    pub draft: String,
    /// `Type/id` and the new version of each write, in order.
    pub written: Vec<(String, String)>,
    /// `Provenance/id`.
    pub provenance: String,
}

/// Which drafts are listed.
#[derive(Clone, Debug, Default)]
pub struct DraftFilter {
    /// Of this patient.
    pub patient: Option<PatientId>,
    /// Of this app.
    pub app: Option<AppId>,
    /// Only those that wait.
    pub waiting: bool,
}

/// Why nothing was done with a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftRefused {
    /// There is none, or its patient is not one whom the clinician may open.
    NotFound,
    /// Somebody has decided already.
    Settled(DraftStage),
    /// It waited too long.
    Expired,
    /// The app, its version or its publisher was withdrawn since; says why.
    Frozen(String),
    /// A resource is at another version than the app saw; names it.
    Stale(String),
    /// The content may not be written any more; says what is wrong.
    Invalid(String),
    /// The gateway does not answer, or refused for another reason.
    Gateway(Refusal),
}

impl From<Refusal> for DraftRefused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::Invalid(problem) => Self::Invalid(problem),
            Refusal::Terminated(reason) => Self::Frozen(reason),
            other => Self::Gateway(other),
        }
    }
}

/// The generations that a draft depends on: those of the app and where it comes from, not
/// of the session or the person, who may be gone when the clinician looks.
fn lasting(held: &[Held]) -> Vec<Held> {
    let lasts = |held: &&Held| {
        matches!(
            held.mark,
            Mark::Tenant(_)
                | Mark::Publisher(_)
                | Mark::App(..)
                | Mark::Version(..)
                | Mark::Client(..)
                | Mark::Policy(_)
        )
    };
    held.iter().filter(lasts).cloned().collect()
}
