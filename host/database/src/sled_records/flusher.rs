//! Group commit: one flush and one fsync for all commits that wait for the disk.

use std::fs::File;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};

use tokio::sync::oneshot;

use crate::records::{CommitResult, RecordsError};

/// Whether the engine can still be trusted. After a failed write or fsync nobody knows
/// what the disk holds, so the store takes no more commits until it is opened again.
#[derive(Default)]
pub(super) struct Health {
    failure: OnceLock<String>,
}

impl Health {
    /// Refuses if there was a failure.
    pub(super) fn check(&self) -> Result<(), RecordsError> {
        match self.failure.get() {
            None => Ok(()),
            Some(failure) => Err(RecordsError::engine(format!(
                "no more writes after a failure: {failure}"
            ))),
        }
    }

    /// Keeps the first failure.
    pub(super) fn fail(&self, failure: &RecordsError) {
        tracing::error!(%failure, "the record store takes no more writes");
        let _ = self.failure.set(failure.to_string());
    }
}

/// A commit that is visible already and waits for the disk.
pub(super) struct Waiting {
    pub(super) versions: Vec<u64>,
    pub(super) answer: oneshot::Sender<CommitResult>,
}

/// Runs on a thread of its own, so that relaxed commits never wait for an fsync.
pub(super) struct Flusher {
    db: sled::Db,
    file: Arc<File>,
    health: Arc<Health>,
}

impl Flusher {
    pub(super) fn new(db: sled::Db, file: Arc<File>, health: Arc<Health>) -> Self {
        Self { db, file, health }
    }

    /// Until the writer is gone.
    pub(super) fn run(self, queue: &Receiver<Waiting>) {
        while let Ok(first) = queue.recv() {
            let group: Vec<Waiting> = std::iter::once(first).chain(queue.try_iter()).collect();
            if let Err(failure) = self.flush() {
                self.health.fail(&failure);
            }
            for waiting in group {
                // nobody may be waiting any more; the commit stands all the same
                let _ = waiting
                    .answer
                    .send(self.health.check().map(|()| Ok(waiting.versions)));
            }
        }
    }

    /// sled writes, the kernel brings it to disk: data, and what is needed to find it again.
    fn flush(&self) -> Result<(), RecordsError> {
        self.db.flush().map_err(RecordsError::engine)?;
        self.file.sync_data().map_err(RecordsError::engine)
    }
}
