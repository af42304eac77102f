//! The head of the chain as the records know it.

use glovebox_model::Digest;
use serde::{Deserialize, Serialize};

use super::error::LedgerError;
use crate::{Batch, Durability, Expect, Keyspace, RecordsError};

const KEY: &[u8] = b"head";

/// What is anchored with each durable group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Anchor {
    pub(super) seq: u64,
    pub(super) hash: String,
    /// The segment in which that entry stands.
    pub(super) segment: u32,
    /// The lowest intent without an outcome, or the next sequence number: a start looks
    /// for open intents from here on.
    pub(super) open_from: u64,
}

impl Anchor {
    /// The anchored hash.
    pub(super) fn digest(&self) -> Result<Digest, LedgerError> {
        Digest::parse(&self.hash).ok_or_else(unusable)
    }
}

fn unusable() -> LedgerError {
    RecordsError::Unusable("the anchor of the ledger cannot be read".to_owned()).into()
}

/// The anchor and the version of its record.
pub(super) async fn read(anchors: &Keyspace) -> Result<Option<(Anchor, u64)>, LedgerError> {
    let Some(stored) = anchors.get(KEY).await? else {
        return Ok(None);
    };
    let anchor = serde_json::from_slice(&stored.value).map_err(|_| unusable())?;
    Ok(Some((anchor, stored.version)))
}

/// Moves the anchor, on disk when this returns. `Ok(None)`: somebody else moved it.
pub(super) async fn write(
    anchors: &Keyspace,
    anchor: &Anchor,
    version: Option<u64>,
) -> Result<Option<u64>, LedgerError> {
    let value = serde_json::to_vec(anchor).map_err(std::io::Error::from)?;
    let expect = version.map_or(Expect::Absent, Expect::Version);
    let batch = Batch::new().put(KEY, value, expect);
    match anchors.commit(batch, Durability::Sync).await? {
        Ok(versions) => Ok(versions.first().copied()),
        Err(_) => Ok(None),
    }
}

/// The anchored sequence number and hash, for the offline verifier.
///
/// # Errors
/// If the records fail or hold something else.
pub async fn read_anchor(anchors: &Keyspace) -> Result<Option<(u64, Digest)>, LedgerError> {
    match read(anchors).await? {
        Some((anchor, _)) => Ok(Some((anchor.seq, anchor.digest()?))),
        None => Ok(None),
    }
}
