//! Reading: facts first, bytes only after the caller has decided.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use glovebox_database::{Keyspace, Stored};
use glovebox_fhir::{Facts, Interaction};
use glovebox_model::Digest;
use glovebox_policy::Permitted;
use tokio::sync::OnceCell;

use crate::error::StoreError;
use crate::head::{Head, facts_part, fold, is_folded, unfolded};
use crate::key;
use crate::write::{FACTS_BYTES_MAX, RESOURCE_BYTES_MAX};

/// Bytes of one piece of a resource: below the largest value of a record.
pub(crate) const PIECE_BYTES: usize = 60 << 10;

/// The embedded FHIR store of one tenant.
#[derive(Clone)]
pub struct FhirStore {
    pub(crate) records: Keyspace,
    /// Looked up once: see `newest.rs`.
    pub(crate) newest_is_whole: Arc<OnceCell<bool>>,
}

impl FhirStore {
    /// The store in a namespace of its own.
    pub fn new(records: Keyspace) -> Self {
        Self {
            records,
            newest_is_whole: Arc::default(),
        }
    }

    /// What is known of the current version of the resource that an interaction names. One
    /// point read, whether it exists or not.
    pub async fn head(
        &self,
        permitted: &Permitted<Interaction>,
    ) -> Result<Option<Head>, StoreError> {
        let (resource_type, id) = named(permitted)?;
        let stored = self.records.get(&key::head(resource_type, id)).await?;
        match stored {
            Some(stored) => self.open(resource_type, id, &stored).await.map(Some),
            None => Ok(None),
        }
    }

    /// What is known of the current versions that reads name, in their order: one point
    /// read each.
    pub async fn heads(
        &self,
        reads: &[Permitted<Interaction>],
    ) -> Result<Vec<Option<Head>>, StoreError> {
        let names = reads.iter().map(named).collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<_> = names.iter().map(|(of, id)| key::head(of, id)).collect();
        let mut heads = Vec::with_capacity(names.len());
        for (stored, (of, id)) in self.records.get_many(&keys).await?.iter().zip(names) {
            heads.push(match stored {
                Some(stored) => Some(self.open(of, id, stored).await?),
                None => None,
            });
        }
        Ok(heads)
    }

    /// The version that a vread names, and the current one: a version is given out only if
    /// the current one may be seen too. Two point reads, whatever exists.
    pub async fn version(
        &self,
        permitted: &Permitted<Interaction>,
    ) -> Result<(Option<Head>, Option<Head>), StoreError> {
        let (resource_type, id) = named(permitted)?;
        let Interaction::Vread { version_id, .. } = permitted.interaction() else {
            return Err(StoreError::WrongInteraction);
        };
        // Only the spelling that the store itself uses names a version; there is no version 0.
        let version = version_id
            .parse()
            .ok()
            .filter(|version: &u64| version.to_string() == *version_id)
            .unwrap_or(0);
        let keys = [
            key::version(resource_type, id, version),
            key::head(resource_type, id),
        ];
        let found = self.records.get_many(&keys).await?;
        let mut opened = Vec::with_capacity(2);
        for stored in &found {
            opened.push(match stored {
                Some(stored) => Some(self.open(resource_type, id, stored).await?),
                None => None,
            });
        }
        let mut opened = opened.into_iter();
        let asked = opened.next().flatten();
        let current = opened.next().flatten();
        Ok((asked, current))
    }

    /// The bytes of a version whose facts were checked. The digest binds the two.
    pub async fn load(&self, head: &Head) -> Result<Bytes, StoreError> {
        let facts = &head.facts;
        self.load_bytes(
            facts.resource_type(),
            facts.id(),
            head.version,
            head.length,
            &head.digest,
        )
        .await
    }

    /// A stored head with its facts, wherever they stand.
    pub(crate) async fn open(
        &self,
        resource_type: &str,
        id: &str,
        stored: &Stored,
    ) -> Result<Head, StoreError> {
        if is_folded(&stored.value) {
            return decode(resource_type, id, &self.unfold(stored).await?);
        }
        decode(resource_type, id, stored)
    }

    /// A stored head whose facts stand in records of their own, with them in it.
    pub(crate) async fn unfold(&self, stored: &Stored) -> Result<Stored, StoreError> {
        let damaged = || StoreError::Damaged("a resource with large facts".to_owned());
        let fold = fold(&stored.value).ok_or_else(damaged)?;
        if fold.length > FACTS_BYTES_MAX {
            return Err(damaged());
        }
        let pieces = u32::try_from(fold.length.div_ceil(PIECE_BYTES)).map_err(|_| damaged())?;
        let keys: Vec<_> = (0..pieces)
            .map(|piece| key::facts(fold.resource_type, fold.id, fold.version, piece))
            .collect();
        let mut facts = BytesMut::with_capacity(fold.length);
        for piece in self.records.get_many(&keys).await? {
            facts.extend_from_slice(&piece.ok_or_else(damaged)?.value);
        }
        let facts = verified(facts.freeze(), fold.length, &fold.digest).ok_or_else(damaged)?;
        Ok(Stored {
            value: unfolded(&stored.value, &facts).ok_or_else(damaged)?,
            version: stored.version,
        })
    }

    pub(crate) async fn load_bytes(
        &self,
        resource_type: &str,
        id: &str,
        version: u64,
        length: u32,
        digest: &Digest,
    ) -> Result<Bytes, StoreError> {
        let damaged = || StoreError::Damaged(format!("{resource_type}/{id}"));
        let length = usize::try_from(length).map_err(|_| damaged())?;
        if length > RESOURCE_BYTES_MAX {
            return Err(damaged());
        }
        let pieces = u32::try_from(length.div_ceil(PIECE_BYTES)).map_err(|_| damaged())?;
        let keys: Vec<_> = (0..pieces)
            .map(|piece| key::piece(resource_type, id, version, piece))
            .collect();
        let mut whole = BytesMut::with_capacity(length);
        for piece in self.records.get_many(&keys).await? {
            whole.extend_from_slice(&piece.ok_or_else(damaged)?.value);
        }
        verified(whole.freeze(), length, digest).ok_or_else(damaged)
    }

    /// Whether the commit of this write intent happened. Settles intents after a crash.
    pub async fn intent_was_committed(&self, sequence: u64) -> Result<bool, StoreError> {
        Ok(self.records.get(&key::intent(sequence)).await?.is_some())
    }
}

pub(crate) fn decode(resource_type: &str, id: &str, stored: &Stored) -> Result<Head, StoreError> {
    Head::decode(&stored.value, stored.version)
        .filter(|head| head.facts.resource_type() == resource_type && head.facts.id() == id)
        .ok_or_else(|| unreadable(&stored.value, &format!("{resource_type}/{id}")))
}

/// Why a head could not be read.
pub(crate) fn unreadable(value: &[u8], what: &str) -> StoreError {
    if facts_part(value).is_some_and(Facts::is_other_format) {
        StoreError::OtherFormat(what.to_owned())
    } else {
        StoreError::Damaged(what.to_owned())
    }
}

/// The bytes, if they are those whose length and digest were kept.
pub(crate) fn verified(bytes: Bytes, length: usize, digest: &Digest) -> Option<Bytes> {
    (bytes.len() == length && glovebox_database::sha256(&bytes) == *digest).then_some(bytes)
}

/// Type and id of what an interaction names.
fn named(permitted: &Permitted<Interaction>) -> Result<(&str, &str), StoreError> {
    let interaction = permitted.interaction();
    let id = interaction.id().ok_or(StoreError::WrongInteraction)?;
    Ok((interaction.resource_type(), id))
}
