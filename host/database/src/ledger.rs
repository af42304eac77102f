//! The audit ledger: append-only segments of canonical JSON lines in one directory,
//! chained by SHA-256, with the chain's head anchored in the records, signed checkpoints,
//! and a sidecar index per sealed segment.
//!
//! An entry is handed to the kernel before [`Ledger::append`] returns. Within
//! [`LedgerSettings::flush_every`] one group `fsync` puts it on disk, and then (sequence,
//! hash) is committed to the records: whoever cuts the tail of the files would have to
//! change the records too. What lies beyond the last anchor cannot be proved.
//!
//! If an entry cannot be written, the ledger refuses everything from then on: without a
//! ledger nothing is served.

mod anchor;
mod checkpoint;
mod error;
mod flusher;
mod index;
mod intents;
mod line;
mod search;
mod segment;
mod start;
mod verify;
mod walk;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use glovebox_model::ledger::Event;
use glovebox_model::{Clock, Digest};

use crate::Keyspace;

pub use anchor::read_anchor;
pub use error::{Fault, LedgerError};
pub use line::{Entry, LINE_BYTES_MAX};
pub use search::{Filter, SEARCH_MAX};
pub use verify::{Progress, VerifyReport, verify};

use flusher::Shared;

/// How the ledger writes. Sizes in bytes.
#[derive(Clone, Debug)]
pub struct LedgerSettings {
    /// A segment is sealed once it holds this much.
    pub segment_bytes_max: u64,
    /// A segment that is not empty is sealed at this age.
    pub segment_age_max: Duration,
    /// Longest time until an entry is on disk and anchored.
    pub flush_every: Duration,
    /// A signed checkpoint follows at least every so many entries.
    pub checkpoint_every: u64,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            segment_bytes_max: 16 << 20,
            segment_age_max: Duration::from_secs(24 * 60 * 60),
            flush_every: Duration::from_millis(100),
            checkpoint_every: 10_000,
        }
    }
}

/// Where an entry landed in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its sequence number, from 1, without gaps.
    pub seq: u64,
    /// Its hash: the head of the chain up to here.
    pub hash: Digest,
}

/// The ledger of this node. Clones share it; the last one dropped stops the background
/// task, but only [`Ledger::shutdown`] waits for the disk.
#[derive(Clone)]
pub struct Ledger {
    handle: Arc<flusher::Handle>,
}

impl Ledger {
    /// Opens or creates the ledger in `dir` and records that as a `ledger.start` entry.
    ///
    /// The tail from the anchor on is verified again. A torn line beyond the anchor is
    /// dropped, which the entry says; lines beyond the anchor that chain are kept.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] if the chain does not hold or ends before the anchor,
    /// [`LedgerError::InUse`] if another process writes it, [`LedgerError::Key`] if the
    /// key is not an Ed25519 key in PKCS #8.
    pub async fn open(
        dir: cap_std::fs::Dir,
        anchors: Keyspace,
        signing_key_pkcs8: &[u8],
        clock: Arc<dyn Clock>,
        settings: LedgerSettings,
    ) -> Result<Self, LedgerError> {
        let signer = checkpoint::Signer::from_pkcs8(signing_key_pkcs8)?;
        let handle = start::open(dir, anchors, signer, clock, settings).await?;
        Ok(Self {
            handle: Arc::new(handle),
        })
    }

    fn shared(&self) -> &Arc<Shared> {
        self.handle.shared()
    }

    /// Appends an entry. When this returns the kernel has it; it is on disk and anchored
    /// within [`LedgerSettings::flush_every`]. Takes microseconds and never waits for
    /// the disk.
    ///
    /// # Errors
    /// [`LedgerError::TooLarge`] leaves the ledger as it was; after any other error
    /// nothing may be served.
    pub fn append(&self, event: Event) -> Result<Appended, LedgerError> {
        self.shared().append(&event)
    }

    /// Appends an entry and waits until it is on disk and anchored. Many waiters share
    /// one `fsync`.
    ///
    /// # Errors
    /// As [`Ledger::append`]; also if the disk or the records refused.
    pub async fn append_durable(&self, event: Event) -> Result<Appended, LedgerError> {
        let appended = self.append(event)?;
        self.shared().wait_durable(appended.seq).await?;
        Ok(appended)
    }

    /// Waits until everything that was appended so far is on disk and anchored.
    ///
    /// # Errors
    /// If the disk or the records refused.
    pub async fn flush(&self) -> Result<(), LedgerError> {
        let (seq, _) = self.head();
        self.shared().wait_durable(seq).await
    }

    /// Sequence and hash of the last entry that was appended.
    pub fn head(&self) -> (u64, Digest) {
        self.shared().head()
    }

    /// Sequence of the last entry that is on disk and anchored.
    pub fn durable_seq(&self) -> u64 {
        self.shared().durable_seq()
    }

    /// Appends the intent of a write and waits until it is durable: only then may the
    /// store or the upstream be touched. Settle it with [`Ledger::outcome`].
    ///
    /// # Errors
    /// As [`Ledger::append_durable`].
    pub async fn intent(&self, event: Event) -> Result<u64, LedgerError> {
        let appended = self.shared().append_intent(&event)?;
        self.shared().wait_durable(appended.seq).await?;
        Ok(appended.seq)
    }

    /// Appends what became of the intent `intent_seq`, as the named value `intent`.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn outcome(&self, intent_seq: u64, event: Event) -> Result<Appended, LedgerError> {
        self.shared().append_outcome(intent_seq, &event)
    }

    /// Intents of earlier runs that still have no outcome, oldest first.
    pub fn unresolved_intents(&self) -> Vec<Entry> {
        self.shared().unresolved_intents()
    }

    /// Entries that match, newest first. Reads files: call it from a blocking context.
    /// Sealed segments are read only where their sidecar says that something is there.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn search(&self, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
        search::search(self.shared(), filter)
    }

    /// The key that verifies this ledger's checkpoints: 32 bytes of Ed25519.
    pub fn public_key(&self) -> Vec<u8> {
        self.shared().public_key()
    }

    /// Writes a closing checkpoint, waits for the disk and the anchor, and refuses what
    /// comes after.
    ///
    /// # Errors
    /// If the disk or the records refused.
    pub async fn shutdown(&self) -> Result<(), LedgerError> {
        self.shared().close().await
    }
}
