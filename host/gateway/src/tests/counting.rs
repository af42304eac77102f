//! Records that count how often they are asked, and that can be told to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use glovebox_database::records::CommitResult;
use glovebox_database::{Batch, Durability, Hint, Records, RecordsError, Stored};
use tokio::sync::broadcast;

pub(super) struct Counting {
    inner: Arc<dyn Records>,
    reads: AtomicUsize,
    broken: AtomicBool,
    commits_are_lost: AtomicBool,
}

impl Counting {
    pub(super) fn over(inner: Arc<dyn Records>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            reads: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            commits_are_lost: AtomicBool::new(false),
        })
    }

    /// Keys looked at by `get` and `get_many`, and scans, since the last call.
    pub(super) fn take(&self) -> usize {
        self.reads.swap(0, Ordering::SeqCst)
    }

    /// From now on every read of the FHIR store fails.
    pub(super) fn break_store(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// Commits to the FHIR store go through, but their answers are lost on the way.
    pub(super) fn lose_answers(&self, lost: bool) {
        self.commits_are_lost.store(lost, Ordering::SeqCst);
    }

    fn check(&self, key: &[u8]) -> Result<(), RecordsError> {
        if key.starts_with(b"fhir/") && self.broken.load(Ordering::SeqCst) {
            return Err(RecordsError::Unusable("told to fail".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Records for Counting {
    async fn get(&self, key: &[u8]) -> Result<Option<Stored>, RecordsError> {
        self.check(key)?;
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.get(key).await
    }

    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Stored>>, RecordsError> {
        keys.iter().try_for_each(|key| self.check(key))?;
        self.reads.fetch_add(keys.len(), Ordering::SeqCst);
        self.inner.get_many(keys).await
    }

    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Stored)>, RecordsError> {
        self.check(prefix)?;
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.scan(prefix, after, limit).await
    }

    async fn commit(&self, batch: Batch, durability: Durability) -> CommitResult {
        let of_store = batch
            .operations()
            .iter()
            .any(|op| op.key().starts_with(b"fhir/"));
        let result = self.inner.commit(batch, durability).await;
        if of_store && self.commits_are_lost.load(Ordering::SeqCst) {
            return Err(RecordsError::Unusable("the answer was lost".to_owned()));
        }
        result
    }

    fn watch(&self, prefix: &[u8]) -> broadcast::Receiver<Hint> {
        self.inner.watch(prefix)
    }
}
