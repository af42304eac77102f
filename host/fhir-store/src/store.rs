//! Reading: facts first, bytes only after the caller has decided.

use bytes::{Bytes, BytesMut};
use glovebox_database::{Keyspace, Stored};
use glovebox_fhir::Interaction;
use glovebox_policy::Permitted;

use crate::error::StoreError;
use crate::head::Head;
use crate::key;

/// Bytes of one piece of a resource: below the largest value of a record.
pub(crate) const PIECE_BYTES: usize = 60 << 10;

/// The embedded FHIR store of one tenant.
#[derive(Clone)]
pub struct FhirStore {
    pub(crate) records: Keyspace,
}

impl FhirStore {
    /// The store in a namespace of its own.
    pub fn new(records: Keyspace) -> Self {
        Self { records }
    }

    /// What is known of the resource that a read, vread, update or delete names. One point
    /// read, whether it exists or not. For a vread it is that version.
    pub async fn head(
        &self,
        permitted: &Permitted<Interaction>,
    ) -> Result<Option<Head>, StoreError> {
        let interaction = permitted.interaction();
        let Some(id) = interaction.id() else {
            return Err(StoreError::WrongInteraction);
        };
        let resource_type = interaction.resource_type();
        let key = match interaction {
            Interaction::Vread { version_id, .. } => match version_id.parse() {
                Ok(version) => key::version(resource_type, id, version),
                Err(_) => return Ok(None),
            },
            _ => key::head(resource_type, id),
        };
        let stored = self.records.get(&key).await?;
        stored
            .map(|stored| decode(resource_type, id, &stored))
            .transpose()
    }

    /// The current version of the resource that a vread names: a version is given out only
    /// if the current one may be seen too.
    pub async fn current(
        &self,
        permitted: &Permitted<Interaction>,
    ) -> Result<Option<Head>, StoreError> {
        let interaction = permitted.interaction();
        let Some(id) = interaction.id() else {
            return Err(StoreError::WrongInteraction);
        };
        let resource_type = interaction.resource_type();
        let stored = self.records.get(&key::head(resource_type, id)).await?;
        stored
            .map(|stored| decode(resource_type, id, &stored))
            .transpose()
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

    pub(crate) async fn load_bytes(
        &self,
        resource_type: &str,
        id: &str,
        version: u64,
        length: u32,
        digest: &glovebox_model::Digest,
    ) -> Result<Bytes, StoreError> {
        let damaged = || StoreError::Damaged(format!("{resource_type}/{id}"));
        let length = usize::try_from(length).map_err(|_| damaged())?;
        let bytes = if length <= PIECE_BYTES {
            let piece = self
                .records
                .get(&key::piece(resource_type, id, version, 0))
                .await?;
            piece.ok_or_else(damaged)?.value
        } else {
            let pieces = u32::try_from(length.div_ceil(PIECE_BYTES)).map_err(|_| damaged())?;
            let keys: Vec<_> = (0..pieces)
                .map(|piece| key::piece(resource_type, id, version, piece))
                .collect();
            let mut whole = BytesMut::with_capacity(length);
            for piece in self.records.get_many(&keys).await? {
                whole.extend_from_slice(&piece.ok_or_else(damaged)?.value);
            }
            whole.freeze()
        };
        if bytes.len() == length && glovebox_database::sha256(&bytes) == *digest {
            Ok(bytes)
        } else {
            Err(damaged())
        }
    }

    /// Whether the commit of this write intent happened. Settles intents after a crash.
    pub async fn intent_was_committed(&self, sequence: u64) -> Result<bool, StoreError> {
        Ok(self.records.get(&key::intent(sequence)).await?.is_some())
    }
}

pub(crate) fn decode(resource_type: &str, id: &str, stored: &Stored) -> Result<Head, StoreError> {
    Head::decode(&stored.value, stored.version)
        .filter(|head| head.facts.resource_type() == resource_type && head.facts.id() == id)
        .ok_or_else(|| StoreError::Damaged(format!("{resource_type}/{id}")))
}
