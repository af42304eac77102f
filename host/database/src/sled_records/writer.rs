//! The one thread that changes the store.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::sync::{mpsc, oneshot};

use super::VERSION_BYTES;
use super::flusher::{Health, Waiting};
use super::sequence::Sequence;
use crate::records::{Batch, CommitResult, Conflict, Durability, Operation, RecordsError};
use crate::watch::Watchers;

/// A commit on its way.
pub(super) struct Request {
    pub(super) batch: Batch,
    pub(super) durability: Durability,
    pub(super) answer: oneshot::Sender<CommitResult>,
}

/// Checks and applies batches one after the other. Since nobody else writes, what it
/// has just read is still true when it writes.
pub(super) struct Writer {
    tree: sled::Tree,
    sequence: Sequence,
    watchers: Arc<Watchers>,
    health: Arc<Health>,
    flushes: Sender<Waiting>,
}

impl Writer {
    pub(super) fn new(
        tree: sled::Tree,
        sequence: Sequence,
        watchers: Arc<Watchers>,
        health: Arc<Health>,
        flushes: Sender<Waiting>,
    ) -> Self {
        Self {
            tree,
            sequence,
            watchers,
            health,
            flushes,
        }
    }

    /// Until every handle is gone and the queue is empty.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(Request {
            batch,
            durability,
            answer,
        }) = requests.blocking_recv()
        {
            let result = self.health.check().and_then(|()| self.apply(&batch));
            match (result, durability) {
                (Ok(Ok(versions)), Durability::Sync) => {
                    // the flusher lives as long as this sender
                    let _ = self.flushes.send(Waiting { versions, answer });
                }
                (result, _) => {
                    let _ = answer.send(result);
                }
            }
        }
    }

    fn apply(&mut self, batch: &Batch) -> CommitResult {
        for operation in batch.operations() {
            let found = self.version(operation.key())?;
            if !operation.expect().holds(found) {
                return Ok(Err(Conflict {
                    key: operation.key().to_vec(),
                    found,
                }));
            }
        }
        let version = self
            .sequence
            .take()
            .inspect_err(|failure| self.health.fail(failure))?;
        let mut versions = Vec::new();
        let mut changes = sled::Batch::default();
        for operation in batch.operations() {
            match operation {
                Operation::Put { key, value, .. } => {
                    let mut stored = Vec::with_capacity(VERSION_BYTES + value.len());
                    stored.extend_from_slice(&version.to_be_bytes());
                    stored.extend_from_slice(value);
                    changes.insert(key.as_slice(), stored);
                    versions.push(version);
                }
                Operation::Delete { key, .. } => changes.remove(key.as_slice()),
                Operation::Check { .. } => {}
            }
        }
        self.tree
            .apply_batch(changes)
            .map_err(RecordsError::engine)
            .inspect_err(|failure| self.health.fail(failure))?;
        for operation in batch.operations() {
            if !matches!(operation, Operation::Check { .. }) {
                self.watchers.changed(operation.key());
            }
        }
        Ok(Ok(versions))
    }

    fn version(&self, key: &[u8]) -> Result<Option<u64>, RecordsError> {
        let stored = self.tree.get(key).map_err(RecordsError::engine)?;
        stored
            .map(|bytes| super::decode(bytes).map(|stored| stored.version))
            .transpose()
    }
}
