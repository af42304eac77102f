//! Records in memory, for the tests of this crate: the same promises as the real
//! engines (versions that are never reused, batches that hold or fail as a whole).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use glovebox_database::records::{CommitResult, Operation, SCAN_MAX};
use glovebox_database::{
    Batch, Conflict, Durability, Expect, Hint, Keyspace, Records, RecordsError, Stored,
};
use glovebox_model::Timestamp;
use tokio::sync::broadcast;

#[derive(Default)]
struct State {
    entries: BTreeMap<Vec<u8>, Stored>,
    version: u64,
}

/// Records that live as long as the test.
#[derive(Default)]
pub(crate) struct MemoryRecords {
    state: Mutex<State>,
}

/// New, empty records.
pub(crate) fn records() -> Arc<dyn Records> {
    Arc::new(MemoryRecords::default())
}

/// New, empty keyspace.
pub(crate) fn keyspace() -> Keyspace {
    Keyspace::new(records(), "test")
}

/// A fixed instant, as good as any other.
pub(crate) fn noon() -> Timestamp {
    Timestamp::parse("2026-11-23T12:00:00Z").unwrap()
}

#[async_trait]
impl Records for MemoryRecords {
    async fn get(&self, key: &[u8]) -> Result<Option<Stored>, RecordsError> {
        // Lets other tasks in, so that races in tests are races.
        tokio::task::yield_now().await;
        Ok(self.state.lock().unwrap().entries.get(key).cloned())
    }

    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Stored>>, RecordsError> {
        let state = self.state.lock().unwrap();
        Ok(keys
            .iter()
            .map(|key| state.entries.get(key).cloned())
            .collect())
    }

    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Stored)>, RecordsError> {
        let state = self.state.lock().unwrap();
        Ok(state
            .entries
            .range(prefix.to_vec()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| after.is_none_or(|after| key.as_slice() > after))
            .take(limit.min(SCAN_MAX))
            .map(|(key, stored)| (key.clone(), stored.clone()))
            .collect())
    }

    async fn commit(&self, batch: Batch, _: Durability) -> CommitResult {
        let mut state = self.state.lock().unwrap();
        for operation in batch.operations() {
            let (Operation::Put { key, expect, .. }
            | Operation::Delete { key, expect }
            | Operation::Check { key, expect }) = operation;
            let found = state.entries.get(key).map(|stored| stored.version);
            let holds = match expect {
                Expect::Any => true,
                Expect::Absent => found.is_none(),
                Expect::Version(version) => found == Some(*version),
            };
            if !holds {
                return Ok(Err(Conflict {
                    key: key.clone(),
                    found,
                }));
            }
        }
        let mut versions = Vec::new();
        for operation in batch.operations() {
            match operation {
                Operation::Put { key, value, .. } => {
                    state.version += 1;
                    let version = state.version;
                    versions.push(version);
                    state.entries.insert(
                        key.clone(),
                        Stored {
                            value: value.clone(),
                            version,
                        },
                    );
                }
                Operation::Delete { key, .. } => {
                    state.entries.remove(key);
                }
                Operation::Check { .. } => {}
            }
        }
        Ok(Ok(versions))
    }

    fn watch(&self, _: &[u8]) -> broadcast::Receiver<Hint> {
        broadcast::channel(1).1
    }
}
