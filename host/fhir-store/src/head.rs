//! What is known of one version without its bytes.

use std::collections::BTreeSet;

use bytes::Bytes;
use glovebox_fhir::{Facts, ValueRef};
use glovebox_model::{Digest, Timestamp};

use crate::newest;

/// Layout of the fixed part: version, instant, flags, length, digests of stored and given bytes.
const FIXED: usize = 8 + 8 + 1 + 4 + 32 + 32;
const DELETED: u8 = 1;
/// The facts stand in records of their own: they are too large, or repeated too often.
const FOLDED: u8 = 2;
/// Facts up to this size stand in the head, and so do their copies for each patient while
/// they are no more than this together.
const INLINE_BYTES_MAX: usize = 60 << 10;
const COPIES_BYTES_MAX: usize = 4 << 20;

/// One version of one resource: its facts, and the digest that binds them to the bytes.
#[derive(Clone, Debug)]
pub struct Head {
    /// `meta.versionId` as a number; versions of a resource count from 1.
    pub version: u64,
    /// `meta.lastUpdated`.
    pub last_updated: Timestamp,
    /// Whether this version is a deletion; then the facts are those of the version before.
    pub deleted: bool,
    /// What decisions and searches need.
    pub facts: Facts,
    /// Length of the stored bytes.
    pub(crate) length: u32,
    /// SHA-256 of the stored bytes.
    pub(crate) digest: Digest,
    /// SHA-256 of the bytes as they were given, before `id` and `meta` were set.
    pub(crate) given: Digest,
    /// Version of the record that holds this head, for expectations.
    pub(crate) record: u64,
}

impl Head {
    /// `meta.versionId`.
    pub fn version_id(&self) -> String {
        self.version.to_string()
    }

    /// Length of the resource in bytes.
    pub fn bytes_len(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    /// The resources that it refers to by a search parameter. References to the patients
    /// in whose compartments it is are left out: the compartments say as much.
    pub(crate) fn references(&self) -> BTreeSet<(&str, &str)> {
        let view = self.facts.view();
        view.parameters()
            .flat_map(|parameter| view.values(parameter))
            .filter_map(|value| match value {
                ValueRef::Reference { resource_type, id } => Some((resource_type, id)),
                _ => None,
            })
            .filter(|(resource_type, id)| {
                *resource_type != "Patient" || !view.is_in_compartment_of(id)
            })
            .collect()
    }

    /// How often it is stored: as current, as a version, and under each patient once or twice.
    pub(crate) fn copies(&self) -> usize {
        let view = self.facts.view();
        2 + view.patients().count() + newest::count(&view)
    }

    /// Whether the facts stand in records of their own.
    pub(crate) fn is_folded(&self) -> bool {
        let bytes = self.facts.as_bytes().len();
        let copies = self.copies();
        bytes > INLINE_BYTES_MAX || bytes.saturating_mul(copies) > COPIES_BYTES_MAX
    }

    /// What stands in the head instead of folded facts: their length and digest, and whose
    /// they are.
    fn folded(&self) -> Vec<u8> {
        let facts = self.facts.as_bytes();
        let length = u32::try_from(facts.len()).unwrap_or(u32::MAX);
        let mut out = length.to_be_bytes().to_vec();
        out.extend_from_slice(glovebox_database::sha256(facts).as_bytes());
        let (resource_type, id) = (self.facts.resource_type(), self.facts.id());
        out.extend_from_slice(format!("{resource_type}/{id}").as_bytes());
        out
    }

    pub(crate) fn encode(&self) -> Bytes {
        let folded = self.is_folded();
        let facts = if folded {
            self.folded()
        } else {
            self.facts.encode()
        };
        let mut out = Vec::with_capacity(FIXED + facts.len());
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.last_updated.micros().to_be_bytes());
        let deleted = if self.deleted { DELETED } else { 0 };
        out.push(deleted | if folded { FOLDED } else { 0 });
        out.extend_from_slice(&self.length.to_be_bytes());
        out.extend_from_slice(self.digest.as_bytes());
        out.extend_from_slice(self.given.as_bytes());
        out.extend_from_slice(&facts);
        Bytes::from(out)
    }

    pub(crate) fn decode(value: &[u8], record: u64) -> Option<Self> {
        let fixed = Fixed::decode(value)?;
        Some(Self {
            version: fixed.version,
            last_updated: fixed.last_updated,
            deleted: fixed.deleted,
            facts: Facts::decode(value.get(FIXED..)?)?,
            length: fixed.length,
            digest: fixed.digest,
            given: fixed.given,
            record,
        })
    }
}

/// The part before the facts, for scans that look at many and keep few.
pub(crate) struct Fixed {
    pub(crate) version: u64,
    pub(crate) last_updated: Timestamp,
    pub(crate) deleted: bool,
    pub(crate) length: u32,
    pub(crate) digest: Digest,
    given: Digest,
}

impl Fixed {
    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let (version, rest) = value.split_first_chunk::<8>()?;
        let (instant, rest) = rest.split_first_chunk::<8>()?;
        let (flags, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (digest, rest) = rest.split_first_chunk::<32>()?;
        let (given, _) = rest.split_first_chunk::<32>()?;
        Some(Self {
            version: u64::from_be_bytes(*version),
            last_updated: Timestamp::from_micros(i64::from_be_bytes(*instant)),
            deleted: flags & DELETED != 0,
            length: u32::from_be_bytes(*length),
            digest: Digest::from_bytes(*digest),
            given: Digest::from_bytes(*given),
        })
    }
}

/// Whether an encoded head is a deletion. What cannot be read counts as one.
pub(crate) fn is_deleted(value: &[u8]) -> bool {
    value.get(16).is_none_or(|flags| flags & DELETED != 0)
}

/// The facts part of an encoded head.
pub(crate) fn facts_part(value: &[u8]) -> Option<&[u8]> {
    value.get(FIXED..)
}

/// Where folded facts stand.
pub(crate) struct Fold<'a> {
    pub(crate) length: usize,
    pub(crate) digest: Digest,
    pub(crate) resource_type: &'a str,
    pub(crate) id: &'a str,
    pub(crate) version: u64,
}

/// Whether the facts of an encoded head stand in records of their own.
pub(crate) fn is_folded(value: &[u8]) -> bool {
    value.get(16).is_some_and(|flags| flags & FOLDED != 0)
}

pub(crate) fn fold(value: &[u8]) -> Option<Fold<'_>> {
    let (length, rest) = value.get(FIXED..)?.split_first_chunk::<4>()?;
    let (digest, name) = rest.split_first_chunk::<32>()?;
    let (resource_type, id) = std::str::from_utf8(name).ok()?.split_once('/')?;
    Some(Fold {
        length: usize::try_from(u32::from_be_bytes(*length)).ok()?,
        digest: Digest::from_bytes(*digest),
        resource_type,
        id,
        version: Fixed::decode(value)?.version,
    })
}

/// The head as it would be with its facts in it.
pub(crate) fn unfolded(value: &[u8], facts: &[u8]) -> Option<Bytes> {
    let mut out = value.get(..FIXED)?.to_vec();
    if let Some(flags) = out.get_mut(16) {
        *flags &= !FOLDED;
    }
    out.extend_from_slice(facts);
    Some(Bytes::from(out))
}
