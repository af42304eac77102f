use glovebox_model::Digest;

use crate::RecordsError;

/// What is wrong with the first bad entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The line's hash is not the hash of its content.
    #[error("its content was changed: the hash does not match")]
    Hash,
    /// Another sequence number stands here: something was deleted, added or moved.
    #[error("sequence number {found} stands here: entries were deleted, added or moved")]
    Sequence {
        /// The number found.
        found: u64,
    },
    /// It does not continue the entry before it.
    #[error("it does not continue the entry before it")]
    Previous,
    /// Not a line of the ledger at all.
    #[error("it is not a ledger entry: {0}")]
    Shape(String),
    /// The last line is not complete.
    #[error("the line is not complete")]
    Torn,
    /// The files end before the anchored head.
    #[error("the ledger was cut: the anchor stands at {anchor}")]
    Cut {
        /// The anchored sequence number.
        anchor: u64,
    },
    /// The entry at the anchor is another one than was anchored.
    #[error("the anchor says hash {expected}: the ledger was rewritten")]
    Anchor {
        /// The anchored hash.
        expected: Digest,
    },
    /// There are entries, but no anchor.
    #[error("the anchor of this ledger is missing from the records")]
    NoAnchor,
    /// A checkpoint's signature does not verify.
    #[error("the signature of the checkpoint is not valid")]
    Checkpoint,
    /// A sealed segment does not end with a checkpoint.
    #[error("the sealed segment does not end with a checkpoint")]
    Unsealed,
    /// A segment file is missing.
    #[error("the segment file is missing")]
    Segment,
    /// The sidecar says something else than the segment.
    #[error("the sidecar index does not agree with the segment")]
    Sidecar,
}

/// Why the ledger refuses.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The chain does not hold. Names the first bad entry.
    #[error("the ledger is broken at entry {seq} (segment {segment}, line {line}): {what}")]
    Broken {
        /// Number of the segment file.
        segment: u32,
        /// Line in that file, from 1.
        line: u64,
        /// The sequence number that belongs there.
        seq: u64,
        /// What is wrong.
        what: Fault,
    },
    /// The entry is over [`super::LINE_BYTES_MAX`]. Nothing was written.
    #[error("a ledger entry has {size} bytes, at most {max} are allowed")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// An earlier write or fsync failed: nothing can be recorded until a restart.
    #[error("the ledger cannot be written: {0}")]
    Poisoned(String),
    /// The head could not be anchored; tried again with the next group.
    #[error("the ledger cannot be anchored: {0}")]
    Unanchored(String),
    /// It was shut down.
    #[error("the ledger is closed")]
    Closed,
    /// Another process writes this ledger.
    #[error("the ledger is in use by another process")]
    InUse,
    /// The signing key is unusable.
    #[error("the ledger's signing key is not an Ed25519 key in PKCS #8")]
    Key,
    /// A file could not be read or written.
    #[error("ledger file: {0}")]
    Io(#[from] std::io::Error),
    /// The records failed.
    #[error(transparent)]
    Records(#[from] RecordsError),
}
