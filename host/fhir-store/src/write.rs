//! Writing: one commit carries the new version, its facts, its index entries, the mark of
//! its intent and the expectations of the fence.

use glovebox_database::{Batch, Durability, Expect};
use glovebox_fhir::{Facts, Interaction, Resource};
use glovebox_model::{Digest, Timestamp};
use glovebox_policy::Permitted;

use crate::error::{StoreError, TooLarge};
use crate::head::Head;
use crate::key;
use crate::store::{FhirStore, PIECE_BYTES};

/// Largest resource that is kept: what a caller may send, and the `meta` that is set.
pub(crate) const RESOURCE_BYTES_MAX: usize = (4 << 20) + (4 << 10);
/// Bytes of the facts of one version: a head has to fit into one record.
const FACTS_BYTES_MAX: usize = 60 << 10;
/// Patients in whose compartments one resource is at most: each has an index entry.
const PATIENTS_MAX: usize = 200;

/// How a permitted write is to be carried out.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The id to write under.
    pub id: &'a str,
    /// The version that was read and re-checked before, if there was one.
    pub old: Option<&'a Head>,
    /// When.
    pub now: Timestamp,
    /// Sequence of the ledger's write intent.
    pub intent: u64,
    /// Whole keys and expectations that must hold at the commit: the fence's generations.
    pub expectations: Vec<(Vec<u8>, Expect)>,
}

/// A write that was committed and is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The new version.
    pub version: u64,
    /// SHA-256 of the stored bytes; of no bytes for a deletion.
    pub digest: Digest,
}

/// Why a commit did not happen. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteRefused {
    /// The resource changed since it was read.
    Changed,
    /// A generation moved: the session was revoked.
    Revoked,
    /// The resource does not fit into the store.
    TooLarge(TooLarge),
}

impl FhirStore {
    /// Carries out a create, update or delete, durably.
    pub async fn commit(
        &self,
        permitted: &Permitted<Interaction>,
        change: Change<'_>,
    ) -> Result<Result<Committed, WriteRefused>, StoreError> {
        let version = change.old.map_or(0, |old| old.version) + 1;
        let prepared = match permitted.interaction() {
            Interaction::Create { resource } | Interaction::Update { resource, .. } => {
                match Prepared::new(resource, change.id, version, change.now) {
                    Ok(prepared) => prepared,
                    Err(too_large) => return Ok(Err(WriteRefused::TooLarge(too_large))),
                }
            }
            Interaction::Delete { .. } => match change.old {
                Some(old) => Prepared::deletion(old, version, change.now),
                None => return Err(StoreError::WrongInteraction),
            },
            _ => return Err(StoreError::WrongInteraction),
        };
        let mut batch =
            prepared.operations(Batch::new(), change.old, |key| self.records.absolute(key));
        batch = batch.put(
            self.records.absolute(&key::intent(change.intent)),
            Vec::new(),
            Expect::Any,
        );
        for (key, expect) in &change.expectations {
            batch = batch.check(key.clone(), *expect);
        }
        match self
            .records
            .records()
            .commit(batch, Durability::Sync)
            .await?
        {
            Ok(_) => Ok(Ok(Committed {
                version,
                digest: prepared.head.digest,
            })),
            Err(conflict) => {
                let revoked = change
                    .expectations
                    .iter()
                    .any(|(key, _)| *key == conflict.key);
                Ok(Err(if revoked {
                    WriteRefused::Revoked
                } else {
                    WriteRefused::Changed
                }))
            }
        }
    }
}

/// A version that is ready to be written.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) head: Head,
    bytes: Vec<u8>,
}

impl Prepared {
    pub(crate) fn new(
        resource: &Resource,
        id: &str,
        version: u64,
        now: Timestamp,
    ) -> Result<Self, TooLarge> {
        let bytes = resource.splice(id, &version.to_string(), now);
        TooLarge::check("bytes", bytes.len(), RESOURCE_BYTES_MAX)?;
        let facts = Facts::extract_as(resource, id, &version.to_string(), Some(now));
        TooLarge::check(
            "bytes of search values",
            facts.as_bytes().len(),
            FACTS_BYTES_MAX,
        )?;
        TooLarge::check("patients", facts.patients().count(), PATIENTS_MAX)?;
        let head = Head {
            version,
            last_updated: now,
            deleted: false,
            facts,
            length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            digest: glovebox_database::sha256(&bytes),
            given: glovebox_database::sha256(resource.bytes()),
            record: 0,
        };
        Ok(Self { head, bytes })
    }

    /// Bytes of the values that writing this version takes.
    pub(crate) fn bytes_written(&self) -> usize {
        let heads = 2 + self.head.facts.patients().count();
        self.bytes.len() + heads * (self.head.facts.as_bytes().len() + 512)
    }

    fn deletion(old: &Head, version: u64, now: Timestamp) -> Self {
        let empty = glovebox_database::sha256(&[]);
        let head = Head {
            version,
            last_updated: now,
            deleted: true,
            facts: old.facts.clone(),
            length: 0,
            digest: empty,
            given: empty,
            record: 0,
        };
        Self {
            head,
            bytes: Vec::new(),
        }
    }

    /// Adds what this version writes, and takes away the index entries of the old one.
    pub(crate) fn operations(
        &self,
        mut batch: Batch,
        old: Option<&Head>,
        whole: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Batch {
        let head = &self.head;
        let (resource_type, id) = (head.facts.resource_type(), head.facts.id());
        let value = head.encode();
        let expect = old.map_or(Expect::Absent, |old| Expect::Version(old.record));
        batch = batch
            .put(whole(&key::head(resource_type, id)), value.clone(), expect)
            .put(
                whole(&key::version(resource_type, id, head.version)),
                value.clone(),
                Expect::Absent,
            );
        for (number, piece) in (0_u32..).zip(self.bytes.chunks(PIECE_BYTES)) {
            let key = key::piece(resource_type, id, head.version, number);
            batch = batch.put(whole(&key), piece.to_vec(), Expect::Absent);
        }
        let now: Vec<&str> = if head.deleted {
            Vec::new()
        } else {
            head.facts.patients().collect()
        };
        let before = old.filter(|old| !old.deleted);
        for patient in before.iter().flat_map(|old| old.facts.patients()) {
            if !now.contains(&patient) {
                batch = batch.delete(
                    whole(&key::of_patient(patient, resource_type, id)),
                    Expect::Any,
                );
            }
        }
        for patient in now {
            batch = batch.put(
                whole(&key::of_patient(patient, resource_type, id)),
                value.clone(),
                Expect::Any,
            );
        }
        batch
    }
}

/// How many operations [`Prepared::operations`] adds, at most.
pub(crate) fn operations_of(prepared: &Prepared, old: Option<&Head>) -> usize {
    2 + prepared.bytes.len().div_ceil(PIECE_BYTES)
        + prepared.head.facts.patients().count()
        + old.map_or(0, |old| old.facts.patients().count())
}
