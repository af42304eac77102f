//! Where versions come from: one sequence for the whole store that never goes back.

use std::fs::File;
use std::sync::Arc;

use crate::records::RecordsError;

const CEILING_KEY: &[u8] = b"meta/sequence";
/// Versions that one durable reservation covers. A restart skips what is left of them.
const BLOCK: u64 = 1 << 20;

/// Hands out versions from a block whose end is on disk before its first use, so that
/// no commit has to store the sequence and no crash can bring a version back.
pub(super) struct Sequence {
    db: sled::Db,
    file: Arc<File>,
    next: u64,
    ceiling: u64,
}

impl Sequence {
    pub(super) fn open(db: &sled::Db, file: Arc<File>) -> Result<Self, RecordsError> {
        let next = match db.get(CEILING_KEY).map_err(RecordsError::engine)? {
            None => 1,
            Some(bytes) => bytes.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)).ok_or_else(|| {
                RecordsError::Unusable(
                    "the record store has lost its sequence of versions; restore the data directory from a backup"
                        .into(),
                )
            })?,
        };
        let mut sequence = Self {
            db: db.clone(),
            file,
            next,
            ceiling: next,
        };
        sequence.reserve()?;
        Ok(sequence)
    }

    /// The next version.
    pub(super) fn take(&mut self) -> Result<u64, RecordsError> {
        if self.next >= self.ceiling {
            self.reserve()?;
        }
        let version = self.next;
        self.next += 1;
        Ok(version)
    }

    fn reserve(&mut self) -> Result<(), RecordsError> {
        let ceiling = self.next + BLOCK;
        self.db
            .insert(CEILING_KEY, &ceiling.to_be_bytes())
            .map_err(RecordsError::engine)?;
        self.db.flush().map_err(RecordsError::engine)?;
        self.file.sync_all().map_err(RecordsError::engine)?;
        self.ceiling = ceiling;
        Ok(())
    }
}
