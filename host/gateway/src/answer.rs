//! What the gateway gives back, and the hand-over that a revocation can stop.

use bytes::Bytes;
use glovebox_database::fence::{Pass, Revoked};
use glovebox_fhir::Issue;
use glovebox_model::Timestamp;

use crate::cursor::Cursor;
use crate::drafts::Drafted;
use crate::refusal::Refusal;

/// One resource version that passed the re-check.
#[derive(Clone, Debug)]
pub struct Released {
    /// Resource type.
    pub resource_type: String,
    /// Logical id.
    pub id: String,
    /// `meta.versionId`.
    pub version_id: String,
    /// `meta.lastUpdated`.
    pub last_updated: Timestamp,
    /// The resource as JSON.
    pub bytes: Bytes,
}

/// One page of a search.
#[derive(Clone, Debug)]
pub struct Page {
    /// The matches in order.
    pub matches: Vec<Released>,
    /// What the search includes with them (`_include`, `_revinclude`), none of it a match.
    pub included: Vec<Released>,
    /// Where the next page starts.
    pub next: Option<Cursor>,
    /// All matches that the caller may see, counted exactly, where that was done: if the
    /// search asks for it, or if it took no more than the page. Whether there is more,
    /// `next` says.
    pub total: Option<u64>,
}

/// What a write came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Resource type.
    pub resource_type: String,
    /// Logical id.
    pub id: String,
    /// The new version.
    pub version_id: String,
    /// When.
    pub last_updated: Timestamp,
    /// Whether the resource did not exist before.
    pub created: bool,
    /// Whether anything was written: a conditional create that found a match wrote nothing.
    pub changed: bool,
}

/// One version in a history.
#[derive(Clone, Debug)]
pub enum Version {
    /// The resource as it was.
    Released(Released),
    /// It was deleted.
    Deleted {
        /// Resource type.
        resource_type: String,
        /// Logical id.
        id: String,
        /// The version that the deletion is.
        version_id: String,
        /// When.
        last_updated: Timestamp,
    },
}

/// One page of a history, the newest version first.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The versions that the caller may see.
    pub versions: Vec<Version>,
    /// Where the next page starts.
    pub next: Option<Cursor>,
}

/// The answer to one entry of a batch or transaction.
#[derive(Clone, Debug)]
pub struct EntryAnswer {
    /// Number of the entry, from 0.
    pub index: usize,
    /// What it came to. In a transaction only an entry that reads can be refused alone.
    pub result: Result<Answer, Refusal>,
}

/// The answer to an interaction.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A resource was read.
    Resource(Released),
    /// A search found these.
    Page(Page),
    /// The versions of a resource.
    History(HistoryPage),
    /// A create, update, patch or delete is done.
    Written(Written),
    /// A resource was judged; no issue means that all is well.
    Validated(Vec<Issue>),
    /// A write waits for a clinician.
    Drafted(Drafted),
}

/// An answer that has not left the gateway yet. It can be opened only through the pass
/// under which the call was registered: after a revocation was answered, never.
#[must_use = "an answer reaches nobody until it is handed over"]
#[derive(Debug)]
pub struct Unreleased<T>(T);

impl<T> Unreleased<T> {
    pub(crate) fn new(answer: T) -> Self {
        Self(answer)
    }

    /// Takes it out again, to be released as a part of a larger answer.
    pub(crate) fn into_inner(self) -> T {
        self.0
    }

    /// Hands the answer to `transport` unless the call was revoked. The fence is held only
    /// while `transport` runs: it copies one bounded buffer and does nothing else.
    pub fn release<R>(self, pass: &Pass, transport: impl FnOnce(T) -> R) -> Result<R, Revoked> {
        pass.release(|| transport(self.0))
    }

    /// Changes what is inside without releasing it.
    pub fn map<R>(self, change: impl FnOnce(T) -> R) -> Unreleased<R> {
        Unreleased(change(self.0))
    }
}
