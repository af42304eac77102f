//! The one storage trait: a small ordered keyspace with two real implementations,
//! sled (embedded) and PostgreSQL (shared by several nodes), and one suite of contract
//! tests run against both.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::broadcast::{self, error::RecvError};

/// Largest value of a record, in bytes; larger things are artifacts or are chunked.
pub const VALUE_BYTES_MAX: usize = 64 << 10;
/// Largest key, in bytes, the namespace included.
pub const KEY_BYTES_MAX: usize = 1 << 10;
/// Most entries that one `scan` returns.
pub const SCAN_MAX: usize = 4_096;
/// Most operations in one batch.
pub const BATCH_MAX: usize = 4_096;
/// Most bytes of keys and values in one batch.
pub const BATCH_BYTES_MAX: usize = 32 << 20;

/// A value and the version under which it was written. Versions grow with each write of
/// a key and are never reused, not even after a delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The value.
    pub value: bytes::Bytes,
    /// Its version.
    pub version: u64,
}

/// What a write expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No such key.
    Absent,
    /// The key with exactly this version.
    Version(u64),
    /// Anything.
    Any,
}

impl Expect {
    /// Whether it holds for a key that has this version, or is absent.
    pub fn holds(self, found: Option<u64>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::Version(version) => found == Some(version),
            Self::Any => true,
        }
    }
}

/// When a commit is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After an fsync: what is acknowledged survives power loss.
    Sync,
    /// Once it is visible to every reader; on disk soon after.
    Relaxed,
}

/// One operation of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Writes a value.
    Put {
        /// The key.
        key: Vec<u8>,
        /// The value, at most [`VALUE_BYTES_MAX`].
        value: bytes::Bytes,
        /// What must be there before.
        expect: Expect,
    },
    /// Removes a key. Deleting what is absent under [`Expect::Any`] is no conflict.
    Delete {
        /// The key.
        key: Vec<u8>,
        /// What must be there before.
        expect: Expect,
    },
    /// Changes nothing, but refuses the batch if the expectation does not hold.
    Check {
        /// The key.
        key: Vec<u8>,
        /// What must be there.
        expect: Expect,
    },
}

impl Operation {
    /// The key that it is about.
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } | Self::Check { key, .. } => key,
        }
    }

    /// What it expects to find.
    pub fn expect(&self) -> Expect {
        match self {
            Self::Put { expect, .. } | Self::Delete { expect, .. } | Self::Check { expect, .. } => {
                *expect
            }
        }
    }
}

/// Operations that happen together or not at all. A key may appear once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    operations: Vec<Operation>,
}

impl Batch {
    /// No operations yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a put.
    #[must_use]
    pub fn put(
        mut self,
        key: impl Into<Vec<u8>>,
        value: impl Into<bytes::Bytes>,
        expect: Expect,
    ) -> Self {
        self.operations.push(Operation::Put {
            key: key.into(),
            value: value.into(),
            expect,
        });
        self
    }

    /// Adds a delete.
    #[must_use]
    pub fn delete(mut self, key: impl Into<Vec<u8>>, expect: Expect) -> Self {
        self.operations.push(Operation::Delete {
            key: key.into(),
            expect,
        });
        self
    }

    /// Adds an expectation that changes nothing.
    #[must_use]
    pub fn check(mut self, key: impl Into<Vec<u8>>, expect: Expect) -> Self {
        self.operations.push(Operation::Check {
            key: key.into(),
            expect,
        });
        self
    }

    /// The operations in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

/// A batch was refused because an expectation did not hold. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The first key whose expectation failed, without the namespace.
    pub key: Vec<u8>,
    /// The version that is there, if any.
    pub found: Option<u64>,
}

/// Something that should not happen.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// A key, value or batch is over its limit.
    #[error("{what} has {size}, at most {max} are allowed")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// A key appears twice in one batch.
    #[error("a key appears twice in one batch")]
    RepeatedKey,
    /// The data on disk is of another format or damaged.
    #[error("{0}")]
    Unusable(String),
    /// Another process holds the data directory.
    #[error("the data directory is in use by another process")]
    Locked,
    /// The engine failed.
    #[error("storage failed: {0}")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl RecordsError {
    /// A failure of the engine.
    pub(crate) fn engine(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Engine(error.into())
    }
}

/// What a watcher hears. Hints are only hints: who gets one reads again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// This key (without the namespace) may have changed.
    Changed(Vec<u8>),
    /// Hints may have been lost: read everything again.
    Resync,
}

/// The result of a commit: the new version of each put, in batch order, or the conflict.
pub type CommitResult = Result<Result<Vec<u64>, Conflict>, RecordsError>;

/// An ordered keyspace. All methods take whole keys; see [`Keyspace`] for namespaces.
#[async_trait]
pub trait Records: Send + Sync + 'static {
    /// One value.
    async fn get(&self, key: &[u8]) -> Result<Option<Stored>, RecordsError>;

    /// Several values, in the order asked.
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Stored>>, RecordsError>;

    /// Keys that start with `prefix`, in byte order, after `after` (exclusive), at most
    /// `limit` (and [`SCAN_MAX`]). Not a snapshot.
    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Stored)>, RecordsError>;

    /// Carries out a batch: all or nothing, serialisable.
    async fn commit(&self, batch: Batch, durability: Durability) -> CommitResult;

    /// Hints about keys that start with `prefix`.
    fn watch(&self, prefix: &[u8]) -> broadcast::Receiver<Hint>;
}

/// A handle on one namespace. A crate is handed the namespaces that it owns, so that
/// none can read another's keys by accident.
#[derive(Clone)]
pub struct Keyspace {
    records: Arc<dyn Records>,
    prefix: Arc<[u8]>,
}

impl Keyspace {
    /// The namespace `name`. Names must not contain `NUL`; keys of one namespace never
    /// start like those of another.
    pub fn new(records: Arc<dyn Records>, name: &str) -> Self {
        let prefix = name.bytes().filter(|b| *b != 0).chain([0]).collect();
        Self { records, prefix }
    }

    fn whole(&self, key: &[u8]) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.prefix.len() + key.len());
        whole.extend_from_slice(&self.prefix);
        whole.extend_from_slice(key);
        whole
    }

    fn inner(&self, mut whole: Vec<u8>) -> Vec<u8> {
        whole.drain(..self.prefix.len().min(whole.len()));
        whole
    }

    /// See [`Records::get`].
    pub async fn get(&self, key: &[u8]) -> Result<Option<Stored>, RecordsError> {
        self.records.get(&self.whole(key)).await
    }

    /// See [`Records::get_many`].
    pub async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Stored>>, RecordsError> {
        let keys: Vec<_> = keys.iter().map(|key| self.whole(key)).collect();
        self.records.get_many(&keys).await
    }

    /// See [`Records::scan`]; keys come back without the namespace.
    pub async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Stored)>, RecordsError> {
        let after = after.map(|key| self.whole(key));
        let found = self
            .records
            .scan(&self.whole(prefix), after.as_deref(), limit)
            .await?;
        Ok(found
            .into_iter()
            .map(|(key, stored)| (self.inner(key), stored))
            .collect())
    }

    /// See [`Records::commit`].
    pub async fn commit(&self, batch: Batch, durability: Durability) -> CommitResult {
        let operations = batch
            .operations
            .into_iter()
            .map(|operation| match operation {
                Operation::Put { key, value, expect } => Operation::Put {
                    key: self.whole(&key),
                    value,
                    expect,
                },
                Operation::Delete { key, expect } => Operation::Delete {
                    key: self.whole(&key),
                    expect,
                },
                Operation::Check { key, expect } => Operation::Check {
                    key: self.whole(&key),
                    expect,
                },
            })
            .collect();
        let result = self
            .records
            .commit(Batch { operations }, durability)
            .await?;
        Ok(result.map_err(|conflict| Conflict {
            key: self.inner(conflict.key),
            ..conflict
        }))
    }

    /// See [`Records::watch`]; keys come without the namespace.
    pub fn watch(&self, prefix: &[u8]) -> Watch {
        Watch {
            receiver: self.records.watch(&self.whole(prefix)),
            keyspace: self.clone(),
        }
    }

    /// The records behind all namespaces, for a batch that spans several: see
    /// [`Keyspace::absolute`].
    pub fn records(&self) -> &Arc<dyn Records> {
        &self.records
    }

    /// The whole key of `key`, for a batch over several namespaces.
    pub fn absolute(&self, key: &[u8]) -> Vec<u8> {
        self.whole(key)
    }
}

/// Hints about keys of one namespace.
pub struct Watch {
    receiver: broadcast::Receiver<Hint>,
    keyspace: Keyspace,
}

impl Watch {
    /// The next hint; `None` once the store is closed. Who is too slow to hear every
    /// hint is told [`Hint::Resync`].
    pub async fn next(&mut self) -> Option<Hint> {
        match self.receiver.recv().await {
            Ok(Hint::Changed(key)) => Some(Hint::Changed(self.keyspace.inner(key))),
            Ok(Hint::Resync) | Err(RecvError::Lagged(_)) => Some(Hint::Resync),
            Err(RecvError::Closed) => None,
        }
    }
}
