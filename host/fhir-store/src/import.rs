//! Import: each resource is put as given, in batches of one commit each.

use std::collections::HashSet;

use glovebox_database::{Batch, Durability, Expect};
use glovebox_fhir::{Interaction, Limits, Resource, equal_content};
use glovebox_model::{Digest, Timestamp};
use glovebox_policy::Permitted;

use crate::error::{StoreError, TooLarge};
use crate::head::Head;
use crate::key;
use crate::store::FhirStore;
use crate::write::{Prepared, RECORDS_MAX, operations_of};

/// What putting one resource would do.
#[derive(Debug)]
pub enum Put {
    /// It is new, or differs and updating was asked for.
    Write(Box<Planned>),
    /// An equal resource is there.
    Unchanged,
    /// A different resource with this id is there.
    Differs,
    /// It does not fit into the store.
    TooLarge(TooLarge),
}

/// A resource that is ready to be put. Only [`FhirStore::consider`] makes one, from a permit.
#[derive(Debug)]
pub struct Planned {
    prepared: Prepared,
    old: Option<Head>,
}

impl Planned {
    /// `Type/id`.
    pub fn reference(&self) -> String {
        let facts = &self.prepared.head.facts;
        format!("{}/{}", facts.resource_type(), facts.id())
    }

    /// SHA-256 of the bytes as given.
    pub fn given(&self) -> &Digest {
        &self.prepared.head.given
    }

    /// Whether there is no resource with this id now.
    pub fn is_new(&self) -> bool {
        self.old.as_ref().is_none_or(|old| old.deleted)
    }

    /// Records that putting it writes or removes.
    pub fn operations(&self) -> usize {
        operations_of(&self.prepared, self.old.as_ref())
    }

    /// Bytes that putting it writes, index entries included.
    pub fn bytes(&self) -> usize {
        self.prepared.bytes_written()
    }
}

/// What an import batch wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// All of it, durably.
    Done,
    /// Nothing: something changed in the meantime. Look again and retry.
    Changed,
}

impl FhirStore {
    /// What putting this resource at `now` would do.
    pub async fn consider(
        &self,
        permitted: &Permitted<Interaction>,
        update: bool,
        now: Timestamp,
    ) -> Result<Put, StoreError> {
        let Interaction::Update { resource, .. } = permitted.interaction() else {
            return Err(StoreError::WrongInteraction);
        };
        let id = resource.id().ok_or(StoreError::WrongInteraction)?;
        let old = self.head(permitted).await?;
        if let Some(head) = old.as_ref().filter(|head| !head.deleted) {
            let given = glovebox_database::sha256(resource.bytes());
            if head.given == given || self.is_equal(head, resource).await? {
                return Ok(Put::Unchanged);
            }
            if !update {
                return Ok(Put::Differs);
            }
        }
        let version = old.as_ref().map_or(0, |old| old.version) + 1;
        Ok(match Prepared::new(resource, id, version, now) {
            Ok(prepared) => {
                let records = operations_of(&prepared, old.as_ref());
                match TooLarge::check("records to write", records, RECORDS_MAX) {
                    Ok(()) => Put::Write(Box::new(Planned { prepared, old })),
                    Err(too_large) => Put::TooLarge(too_large),
                }
            }
            Err(too_large) => Put::TooLarge(too_large),
        })
    }

    async fn is_equal(&self, head: &Head, given: &Resource) -> Result<bool, StoreError> {
        let bytes = self.load(head).await?;
        // What is stored was accepted once and is a little longer now, by its `meta`.
        let limits = Limits {
            bytes_max: bytes.len(),
            ..Limits::RESOURCE
        };
        let stored = Resource::parse(&bytes, limits)
            .map_err(|_| StoreError::Damaged(head.facts.id().to_owned()))?;
        Ok(equal_content(&stored, given))
    }

    /// Writes a batch of considered resources under one intent, durably, all or nothing.
    /// No resource may appear twice.
    pub async fn import(&self, batch: &[Planned], intent: u64) -> Result<Imported, StoreError> {
        self.newest_is_whole().await?;
        let mut operations = Batch::new().put(key::intent(intent), Vec::new(), Expect::Any);
        let mut seen = HashSet::new();
        for Planned { prepared, old } in batch {
            let facts = &prepared.head.facts;
            if !seen.insert((facts.resource_type(), facts.id())) {
                return Err(StoreError::WrongInteraction);
            }
            operations = prepared.operations(operations, old.as_ref(), <[u8]>::to_vec);
        }
        Ok(
            match self.records.commit(operations, Durability::Sync).await? {
                Ok(_) => Imported::Done,
                Err(_) => Imported::Changed,
            },
        )
    }
}
