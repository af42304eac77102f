//! Writing: one commit carries the new version, its facts, its index entries, the mark of
//! its intent and the expectations of the fence.

use std::collections::BTreeSet;

use glovebox_database::{Batch, Durability, Expect};
use glovebox_fhir::{Facts, Interaction, Resource, ValueRef};
use glovebox_model::{Digest, Timestamp};
use glovebox_policy::Permitted;

use crate::binary;
use crate::error::{StoreError, TooLarge};
use crate::head::Head;
use crate::key;
use crate::newest;
use crate::store::{FhirStore, PIECE_BYTES};

/// Largest resource that is kept: what a caller may send, and the `meta` that is set.
pub(crate) const RESOURCE_BYTES_MAX: usize = (4 << 20) + (4 << 10);
/// Bytes of the facts of one version.
pub(crate) const FACTS_BYTES_MAX: usize = 8 << 20;
/// Patients in whose compartments one resource is at most: each has an index entry.
const PATIENTS_MAX: usize = 1_000;
/// Binaries that one resource shows at most.
const ATTACHMENTS_MAX: usize = 200;
/// References that one resource is found by at most: each has an index entry.
const REFERENCES_MAX: usize = 3_000;

/// Records that one commit writes or removes at most, and bytes: less than a batch may hold,
/// with room for what the fence checks.
pub(crate) const RECORDS_MAX: usize = 4_000;
const BYTES_MAX: usize = 24 << 20;

/// One permitted write.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// A create, update or delete.
    pub permitted: &'a Permitted<Interaction>,
    /// The id to write under.
    pub id: &'a str,
    /// The version that was read and re-checked before, if there was one.
    pub old: Option<&'a Head>,
}

/// Writes that are carried out together or not at all.
#[derive(Clone, Debug)]
pub struct Commit<'a> {
    /// The writes; no resource may appear twice.
    pub changes: Vec<Change<'a>>,
    /// When.
    pub now: Timestamp,
    /// Sequence of the ledger's write intent.
    pub intent: u64,
    /// Whole keys and expectations that must hold at the commit: the fence's generations.
    pub expectations: Vec<(Vec<u8>, Expect)>,
    /// What a repetition of the request is answered with.
    pub request: Option<RequestMark>,
}

/// A request that may be sent again: its name, and what it came to. Kept by the commit that
/// carries it out, so that there is no moment in which it is done and not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMark {
    /// The name, at most 128 bytes without `/`.
    pub name: String,
    /// What it came to.
    pub outcome: Vec<u8>,
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
    /// The request was carried out before.
    Repeated,
    /// The resource does not fit into the store.
    TooLarge(TooLarge),
}

impl FhirStore {
    /// Carries out creates, updates and deletes, durably, all or nothing.
    pub async fn commit(
        &self,
        commit: Commit<'_>,
    ) -> Result<Result<Vec<Committed>, WriteRefused>, StoreError> {
        self.commit_beside(commit, Batch::new()).await
    }

    /// The same, beside records of the gateway's own, under whole keys, that change with
    /// them. If what they expect does not hold, that is [`WriteRefused::Changed`].
    pub async fn commit_beside(
        &self,
        commit: Commit<'_>,
        beside: Batch,
    ) -> Result<Result<Vec<Committed>, WriteRefused>, StoreError> {
        // Looked up before the first write: an empty store keeps the order from here on.
        self.newest_is_whole().await?;
        let whole = |key: &[u8]| self.records.absolute(key);
        let mut batch = beside.put(whole(&key::intent(commit.intent)), Vec::new(), Expect::Any);
        let mut committed = Vec::with_capacity(commit.changes.len());
        let mut seen = BTreeSet::new();
        let mut bytes = 0;
        for change in &commit.changes {
            let interaction = change.permitted.interaction();
            if !seen.insert((interaction.resource_type(), change.id)) {
                return Err(StoreError::WrongInteraction);
            }
            let prepared = match prepare(change, commit.now)? {
                Ok(prepared) => prepared,
                Err(too_large) => return Ok(Err(WriteRefused::TooLarge(too_large))),
            };
            batch = prepared.operations(batch, change.old, whole);
            bytes += prepared.bytes_written();
            let room = TooLarge::check("records to write", batch.len(), RECORDS_MAX)
                .and_then(|()| TooLarge::check("bytes to write", bytes, BYTES_MAX));
            if let Err(too_large) = room {
                return Ok(Err(WriteRefused::TooLarge(too_large)));
            }
            committed.push(Committed {
                version: prepared.head.version,
                digest: prepared.head.digest,
            });
        }
        let outcome = commit.request.as_ref();
        let outcome = outcome.map_or(0, |request| request.outcome.len());
        if let Err(too_large) = TooLarge::check("bytes of the outcome", outcome, PIECE_BYTES) {
            return Ok(Err(WriteRefused::TooLarge(too_large)));
        }
        let mark = commit
            .request
            .as_ref()
            .map(|request| (whole(&key::request(&request.name)), &request.outcome));
        if let Some((key, outcome)) = &mark {
            batch = batch.put(key.clone(), outcome.to_vec(), Expect::Absent);
        }
        for (key, expect) in &commit.expectations {
            batch = batch.check(key.clone(), *expect);
        }
        let done = self.records.records().commit(batch, Durability::Sync);
        let Err(conflict) = done.await? else {
            return Ok(Ok(committed));
        };
        let moved = |(key, _): &(Vec<u8>, Expect)| *key == conflict.key;
        Ok(Err(if commit.expectations.iter().any(moved) {
            WriteRefused::Revoked
        } else if mark.is_some_and(|(key, _)| key == conflict.key) {
            WriteRefused::Repeated
        } else {
            WriteRefused::Changed
        }))
    }

    /// What a request of this name came to, if it was carried out.
    pub async fn request_outcome(&self, name: &str) -> Result<Option<bytes::Bytes>, StoreError> {
        let stored = self.records.get(&key::request(name)).await?;
        Ok(stored.map(|stored| stored.value))
    }
}

fn prepare(change: &Change<'_>, now: Timestamp) -> Result<Result<Prepared, TooLarge>, StoreError> {
    let version = change.old.map_or(0, |old| old.version) + 1;
    match change.permitted.interaction() {
        Interaction::Create { resource } | Interaction::Update { resource, .. } => {
            Ok(Prepared::new(resource, change.id, version, now))
        }
        Interaction::Delete { .. } => match change.old {
            Some(old) => Ok(Ok(Prepared::deletion(old, version, now))),
            None => Err(StoreError::WrongInteraction),
        },
        _ => Err(StoreError::WrongInteraction),
    }
}

/// A version that is ready to be written.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) head: Head,
    bytes: Vec<u8>,
    /// Binaries that the resource shows, by id.
    binaries: BTreeSet<String>,
    /// For a Binary: whose access rules it follows.
    security_context: Option<String>,
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
        let references = facts
            .view()
            .parameters()
            .flat_map(|parameter| facts.view().values(parameter))
            .filter(|value| matches!(value, ValueRef::Reference { .. }))
            .count();
        TooLarge::check("references", references, REFERENCES_MAX)?;
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
        let binaries = binary::named_by(resource.value());
        TooLarge::check("attachments", binaries.len(), ATTACHMENTS_MAX)?;
        Ok(Self {
            head,
            bytes,
            binaries,
            security_context: binary::security_context(resource),
        })
    }

    /// Bytes of the values that writing this version takes.
    pub(crate) fn bytes_written(&self) -> usize {
        let heads = self.head.copies();
        let facts = self.head.facts.as_bytes().len();
        if self.head.is_folded() {
            return self.bytes.len() + facts + heads * 512;
        }
        self.bytes.len() + heads * (facts + 512)
    }

    pub(crate) fn deletion(old: &Head, version: u64, now: Timestamp) -> Self {
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
            binaries: BTreeSet::new(),
            security_context: None,
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
        if head.is_folded() {
            let pieces = head.facts.as_bytes().chunks(PIECE_BYTES);
            for (number, piece) in (0_u32..).zip(pieces) {
                let key = key::facts(resource_type, id, head.version, number);
                batch = batch.put(whole(&key), piece.to_vec(), Expect::Absent);
            }
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
        let newest = |head: &Head| newest::keys(&head.facts.view());
        let is: BTreeSet<_> = match head.deleted {
            true => BTreeSet::new(),
            false => newest(head).into_iter().collect(),
        };
        for key in before.map(newest).unwrap_or_default() {
            if !is.contains(&key) {
                batch = batch.delete(whole(&key), Expect::Any);
            }
        }
        for key in is {
            batch = batch.put(whole(&key), value.clone(), Expect::Any);
        }
        for key in binary::keys(head, &self.binaries) {
            batch = batch.put(whole(&key), Vec::new(), Expect::Any);
        }
        // A deleted Binary stays whose it was.
        if resource_type == "Binary" && !head.deleted {
            let key = whole(&key::security_context(id));
            batch = match &self.security_context {
                Some(target) => batch.put(key, target.clone().into_bytes(), Expect::Any),
                None => batch.delete(key, Expect::Any),
            };
        }
        let was = before.map(Head::references).unwrap_or_default();
        let is = if head.deleted {
            BTreeSet::new()
        } else {
            head.references()
        };
        for target in was.difference(&is) {
            let key = key::reference(*target, resource_type, id);
            batch = batch.delete(whole(&key), Expect::Any);
        }
        for target in is.difference(&was) {
            let key = key::reference(*target, resource_type, id);
            batch = batch.put(whole(&key), Vec::new(), Expect::Any);
        }
        batch
    }
}

/// How many operations [`Prepared::operations`] adds, at most.
pub(crate) fn operations_of(prepared: &Prepared, old: Option<&Head>) -> usize {
    2 + prepared.bytes.len().div_ceil(PIECE_BYTES)
        + prepared.head.facts.as_bytes().len().div_ceil(PIECE_BYTES)
        + prepared.head.facts.patients().count()
        + newest::count(&prepared.head.facts.view())
        + prepared.head.references().len()
        + 1
        + prepared.binaries.len() * prepared.head.facts.patients().count().max(1)
        + old.map_or(0, |old| {
            old.facts.patients().count() + newest::count(&old.facts.view()) + old.references().len()
        })
}
