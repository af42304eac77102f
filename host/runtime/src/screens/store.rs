//! Sessions in the records: a head, the current state and document in chunks, and a mark
//! for as long as the session is open. One commit changes them together.

use std::sync::Arc;

use glovebox_database::records::{SCAN_MAX, VALUE_BYTES_MAX};
use glovebox_database::{Batch, Durability, Expect, Keyspace, RecordsError};
use glovebox_model::SessionId;
use glovebox_model::view::{Document, ValidDocument};

use super::record::Head;
use crate::error::RunError;
use crate::wire::{FORMAT, Wire};

/// Bytes of one chunk, without the sequence number that stands before it.
const CHUNK_BYTES: usize = VALUE_BYTES_MAX - 64;
/// How often a body is read again when another node was writing it.
const ATTEMPTS_MAX: usize = 4;

/// A session with its current screen.
pub(super) struct Live {
    pub(super) head: Head,
    /// Version of the head's record.
    pub(super) version: u64,
    pub(super) document: Arc<ValidDocument>,
    pub(super) state: Vec<u8>,
}

/// The namespace of sessions.
#[derive(Clone)]
pub(super) struct Store {
    keyspace: Keyspace,
}

fn unavailable(error: RecordsError) -> RunError {
    tracing::error!(%error, "sessions are not available");
    RunError::Unavailable
}

fn damaged(id: &SessionId) -> RunError {
    tracing::error!(session = %id, "a stored session cannot be read");
    RunError::Unavailable
}

fn head_key(id: &SessionId) -> Vec<u8> {
    format!("head/{id}").into_bytes()
}

fn open_key(id: &SessionId) -> Vec<u8> {
    format!("open/{id}").into_bytes()
}

fn chunk_key(id: &SessionId, position: u32) -> Vec<u8> {
    format!("body/{id}/{position:04}").into_bytes()
}

impl Store {
    pub(super) fn new(keyspace: Keyspace) -> Self {
        Self { keyspace }
    }

    /// Writes a new screen; `version` is the head that it follows. Says the new version.
    pub(super) async fn save(
        &self,
        head: &mut Head,
        version: Option<u64>,
        state: &[u8],
        document: &ValidDocument,
    ) -> Result<u64, RunError> {
        let body = encode_body(state, document.document());
        let chunks = body.chunks(CHUNK_BYTES);
        let before = head.chunks;
        head.chunks = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        let expect = version.map_or(Expect::Absent, Expect::Version);
        let mut batch = Batch::new().put(head_key(&head.id), head.encode(), expect);
        if version.is_none() {
            batch = batch.put(open_key(&head.id), Vec::new(), Expect::Any);
        }
        for (position, chunk) in (0_u32..).zip(chunks) {
            let mut value = Vec::with_capacity(chunk.len() + size_of::<u64>());
            head.seq.put(&mut value);
            value.extend_from_slice(chunk);
            batch = batch.put(chunk_key(&head.id, position), value, Expect::Any);
        }
        for position in head.chunks..before {
            batch = batch.delete(chunk_key(&head.id, position), Expect::Any);
        }
        // Whoever was shown a screen goes on from it after a crash. What the app stored during
        // the call was committed before, so it is on disk then too.
        self.commit(batch, Durability::Sync).await
    }

    /// Writes the end of a session.
    pub(super) async fn end(
        &self,
        head: &mut Head,
        version: u64,
        forget: bool,
        durability: Durability,
    ) -> Result<u64, RunError> {
        let chunks = head.chunks;
        if forget {
            head.chunks = 0;
        }
        let mut batch = Batch::new()
            .put(head_key(&head.id), head.encode(), Expect::Version(version))
            .delete(open_key(&head.id), Expect::Any);
        if forget {
            for position in 0..chunks {
                batch = batch.delete(chunk_key(&head.id, position), Expect::Any);
            }
        }
        self.commit(batch, durability).await
    }

    async fn commit(&self, batch: Batch, durability: Durability) -> Result<u64, RunError> {
        match self
            .keyspace
            .commit(batch, durability)
            .await
            .map_err(unavailable)?
        {
            Ok(versions) => versions.first().copied().ok_or(RunError::HostFault),
            // another node was faster: the caller's picture of the session is old
            Err(_) => Err(RunError::Busy),
        }
    }

    pub(super) async fn head(&self, id: &SessionId) -> Result<Option<(Head, u64)>, RunError> {
        match self
            .keyspace
            .get(&head_key(id))
            .await
            .map_err(unavailable)?
        {
            None => Ok(None),
            Some(stored) => {
                let head = Head::decode(&stored.value).ok_or_else(|| damaged(id))?;
                Ok(Some((head, stored.version)))
            }
        }
    }

    /// Version of a session's head.
    pub(super) async fn version(&self, id: &SessionId) -> Result<Option<u64>, RunError> {
        let stored = self
            .keyspace
            .get(&head_key(id))
            .await
            .map_err(unavailable)?;
        Ok(stored.map(|stored| stored.version))
    }

    pub(super) async fn load(&self, id: &SessionId) -> Result<Option<Live>, RunError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some((head, version)) = self.head(id).await? else {
                return Ok(None);
            };
            let keys: Vec<_> = (0..head.chunks)
                .map(|position| chunk_key(id, position))
                .collect();
            if keys.is_empty() {
                let (document, state) =
                    (Arc::new(nothing().ok_or(RunError::HostFault)?), Vec::new());
                return Ok(Some(Live {
                    head,
                    version,
                    document,
                    state,
                }));
            }
            let stored = self.keyspace.get_many(&keys).await.map_err(unavailable)?;
            let mut body = Vec::new();
            let whole = stored.iter().all(|chunk| {
                let Some(mut value) = chunk.as_ref().map(|stored| stored.value.as_ref()) else {
                    return false;
                };
                let seq = u64::take(&mut value);
                body.extend_from_slice(value);
                seq == Some(head.seq)
            });
            if whole {
                let (state, document) = decode_body(&body).ok_or_else(|| damaged(id))?;
                return Ok(Some(Live {
                    head,
                    version,
                    document: Arc::new(document),
                    state,
                }));
            }
        }
        Err(damaged(id))
    }

    /// Ids of all sessions that have not ended.
    pub(super) async fn open_sessions(&self) -> Result<Vec<SessionId>, RunError> {
        let mut ids = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self
                .keyspace
                .scan(b"open/", after.as_deref(), SCAN_MAX)
                .await
                .map_err(unavailable)?;
            let Some((last, _)) = page.last() else {
                return Ok(ids);
            };
            after = Some(last.clone());
            ids.extend(page.iter().filter_map(|(key, _)| {
                std::str::from_utf8(key)
                    .ok()?
                    .strip_prefix("open/")?
                    .parse()
                    .ok()
            }));
            if page.len() < SCAN_MAX {
                return Ok(ids);
            }
        }
    }

    pub(super) async fn heads(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Head>, RunError> {
        let after = after.map(head_key);
        let page = self
            .keyspace
            .scan(b"head/", after.as_deref(), limit)
            .await
            .map_err(unavailable)?;
        Ok(page
            .iter()
            .filter_map(|(_, stored)| Head::decode(&stored.value))
            .collect())
    }
}

/// What stands for the document of a session whose content was deleted.
fn nothing() -> Option<ValidDocument> {
    let document = Document {
        title: "Ended".to_owned(),
        nodes: Vec::new(),
        root: Vec::new(),
        extras: Vec::new(),
    };
    document.validate(u64::MAX).ok()
}

fn encode_body(state: &[u8], document: &Document) -> Vec<u8> {
    let mut body = vec![FORMAT];
    u64::try_from(state.len())
        .unwrap_or(u64::MAX)
        .put(&mut body);
    body.extend_from_slice(state);
    document.put(&mut body);
    body
}

fn decode_body(mut body: &[u8]) -> Option<(Vec<u8>, ValidDocument)> {
    (u8::take(&mut body)? == FORMAT).then_some(())?;
    let len = usize::try_from(u64::take(&mut body)?).ok()?;
    let (state, mut rest) = body.split_at_checked(len)?;
    let document = Document::take(&mut rest).filter(|_| rest.is_empty())?;
    Some((state.to_vec(), document.validate(u64::MAX).ok()?))
}
