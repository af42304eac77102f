//! Import: each resource is put as given, in batches of one commit each.

use std::collections::HashSet;

use glovebox_database::{Batch, Durability, Expect};
use glovebox_fhir::{Interaction, Limits, Resource, equal_content};
use glovebox_model::{Digest, Timestamp};
use glovebox_policy::Permitted;

use crate::error::StoreError;
use crate::head::Head;
use crate::key;
use crate::store::{FhirStore, decode};
use crate::write::Prepared;

/// What putting one resource would do.
#[derive(Clone, Debug)]
pub enum Put {
    /// It is new, or differs and updating was asked for.
    Write {
        /// What is there now.
        old: Option<Head>,
        /// SHA-256 of the bytes as given.
        given: Digest,
    },
    /// An equal resource is there.
    Unchanged,
    /// A different resource with this id is there.
    Differs,
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
    /// What putting this resource would do.
    pub async fn consider(
        &self,
        permitted: &Permitted<Interaction>,
        update: bool,
    ) -> Result<Put, StoreError> {
        let (resource, id) = given(permitted)?;
        let resource_type = resource.resource_type();
        let digest = glovebox_database::sha256(resource.bytes());
        let stored = self.records.get(&key::head(resource_type, id)).await?;
        let old = stored
            .map(|stored| decode(resource_type, id, &stored))
            .transpose()?;
        let Some(head) = old.as_ref().filter(|head| !head.deleted) else {
            return Ok(Put::Write { old, given: digest });
        };
        if head.given == digest || self.is_equal(head, resource).await? {
            return Ok(Put::Unchanged);
        }
        Ok(if update {
            Put::Write { old, given: digest }
        } else {
            Put::Differs
        })
    }

    async fn is_equal(&self, head: &Head, given: &Resource) -> Result<bool, StoreError> {
        let bytes = self.load(head).await?;
        let stored = Resource::parse(&bytes, Limits::RESOURCE)
            .map_err(|_| StoreError::Damaged(head.facts.id().to_owned()))?;
        Ok(equal_content(&stored, given))
    }

    /// Writes a batch of considered resources under one intent, durably, all or nothing.
    pub async fn import(
        &self,
        batch: &[(Permitted<Interaction>, Option<Head>)],
        intent: u64,
        now: Timestamp,
    ) -> Result<Imported, StoreError> {
        let mut operations = Batch::new().put(key::intent(intent), Vec::new(), Expect::Any);
        let mut seen = HashSet::new();
        for (permitted, old) in batch {
            let (resource, id) = given(permitted)?;
            if !seen.insert((resource.resource_type(), id)) {
                return Err(StoreError::WrongInteraction);
            }
            let version = old.as_ref().map_or(0, |old| old.version) + 1;
            let prepared = Prepared::new(resource, id, version, now);
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

fn given(permitted: &Permitted<Interaction>) -> Result<(&Resource, &str), StoreError> {
    match permitted.interaction() {
        Interaction::Update { resource, .. } => {
            let id = resource.id().ok_or(StoreError::WrongInteraction)?;
            Ok((resource, id))
        }
        _ => Err(StoreError::WrongInteraction),
    }
}
