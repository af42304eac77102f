//! The embedded store: [`Records`] on sled, for one node.
//!
//! sled is fast and old; it is used by narrow rules. One thread writes, so that
//! expectations need no transactions; one thread makes what was written durable, with
//! an fsync of its own, because sled's `flush` is none on Linux; reads happen where
//! they are asked for, since they cost about a microsecond. Values stay small enough
//! never to become sled's blob files, which nobody fsyncs.

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::limits;
use crate::records::{
    Batch, CommitResult, Durability, Hint, Records, RecordsError, SCAN_MAX, Stored,
};
use crate::watch::Watchers;

mod flusher;
mod opening;
mod sequence;
#[cfg(test)]
mod tests;
mod writer;

/// Commits that wait for the writer before `commit` itself has to wait.
const QUEUE_MAX: usize = 1_024;
/// A version in front of each stored value: eight bytes, big-endian.
const VERSION_BYTES: usize = 8;

/// How the embedded store is run.
#[derive(Clone, Debug)]
pub struct SledSettings {
    /// Bytes of memory for sled's page cache. sled's own default of 1 GiB is too much
    /// for a program that shares a machine.
    pub cache_bytes: u64,
}

impl Default for SledSettings {
    fn default() -> Self {
        Self {
            cache_bytes: 128 << 20,
        }
    }
}

/// [`Records`] on sled. Dropping it waits until everything is on disk and gives the
/// directory free.
pub struct SledRecords {
    tree: sled::Tree,
    watchers: Arc<Watchers>,
    queue: Option<mpsc::Sender<writer::Request>>,
    threads: Vec<std::thread::JoinHandle<()>>,
    disk: Option<opening::Opened>,
}

impl SledRecords {
    /// Opens the store in `dir` and creates it where there is none. Blocks while sled
    /// recovers: some seconds for gigabytes.
    ///
    /// # Errors
    /// [`RecordsError::Locked`] if another process (or another handle) has it open,
    /// [`RecordsError::Unusable`] with the next step in its text if the directory is of
    /// another format or damaged.
    pub fn open(dir: &Path, settings: &SledSettings) -> Result<Arc<Self>, RecordsError> {
        let disk = opening::open(dir, settings)?;
        let watchers = Arc::new(Watchers::default());
        let health = Arc::new(flusher::Health::default());

        let (flushes, flush_queue) = std::sync::mpsc::channel();
        let flusher =
            flusher::Flusher::new(disk.db.clone(), disk.file.clone(), Arc::clone(&health));
        let flusher = spawn("glovebox-flush", move || flusher.run(&flush_queue))?;

        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        let sequence = sequence::Sequence::open(&disk.db, disk.file.clone())?;
        let tree = disk.tree.clone();
        let writer = writer::Writer::new(
            tree.clone(),
            sequence,
            Arc::clone(&watchers),
            health,
            flushes,
        );
        let writer = spawn("glovebox-write", move || writer.run(requests))?;

        // the writer first: it owns the flusher's queue, so the flusher ends after it
        Ok(Arc::new(Self {
            tree,
            watchers,
            queue: Some(queue),
            threads: vec![writer, flusher],
            disk: Some(disk),
        }))
    }

    /// Where the store lives.
    pub fn dir(&self) -> Option<PathBuf> {
        self.disk.as_ref().map(|disk| disk.dir.clone())
    }
}

fn spawn(
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<std::thread::JoinHandle<()>, RecordsError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .map_err(RecordsError::engine)
}

/// Splits what sled holds into version and value, without copying the value.
fn decode(bytes: sled::IVec) -> Result<Stored, RecordsError> {
    let Some(version) = bytes.first_chunk::<VERSION_BYTES>() else {
        return Err(RecordsError::Unusable(
            "the record store holds a value without a version; restore the data directory from a backup".into(),
        ));
    };
    let version = u64::from_be_bytes(*version);
    Ok(Stored {
        value: Bytes::from_owner(bytes).slice(VERSION_BYTES..),
        version,
    })
}

#[async_trait]
impl Records for SledRecords {
    async fn get(&self, key: &[u8]) -> Result<Option<Stored>, RecordsError> {
        limits::key(key)?;
        self.tree
            .get(key)
            .map_err(RecordsError::engine)?
            .map(decode)
            .transpose()
    }

    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Stored>>, RecordsError> {
        limits::keys(keys)?;
        keys.iter()
            .map(|key| {
                self.tree
                    .get(key)
                    .map_err(RecordsError::engine)?
                    .map(decode)
                    .transpose()
            })
            .collect()
    }

    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Stored)>, RecordsError> {
        limits::key(prefix)?;
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let mut found = Vec::new();
        for entry in self
            .tree
            .range::<&[u8], _>((start, Bound::Unbounded))
            .take(limit.min(SCAN_MAX))
        {
            let (key, bytes) = entry.map_err(RecordsError::engine)?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key.to_vec(), decode(bytes)?));
        }
        Ok(found)
    }

    /// Once this was polled the batch is carried out, even if the caller goes away.
    async fn commit(&self, batch: Batch, durability: Durability) -> CommitResult {
        limits::batch(&batch)?;
        let stopped = || RecordsError::engine("the writer of the record store has stopped");
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        let (answer, answered) = oneshot::channel();
        queue
            .send(writer::Request {
                batch,
                durability,
                answer,
            })
            .await
            .map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    fn watch(&self, prefix: &[u8]) -> broadcast::Receiver<Hint> {
        self.watchers.subscribe(prefix)
    }
}

impl Drop for SledRecords {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the record store ended in a panic");
            }
        }
        if let Some(disk) = self.disk.take()
            && let Err(error) = disk.settle()
        {
            tracing::error!(%error, "the record store could not be flushed while closing");
        }
    }
}
