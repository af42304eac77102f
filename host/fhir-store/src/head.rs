//! What is known of one version without its bytes.

use std::collections::BTreeSet;

use bytes::Bytes;
use glovebox_fhir::{Facts, ValueRef};
use glovebox_model::{Digest, Timestamp};

/// Layout of the fixed part: version, instant, flags, length, digests of stored and given bytes.
const FIXED: usize = 8 + 8 + 1 + 4 + 32 + 32;
const DELETED: u8 = 1;

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

    pub(crate) fn encode(&self) -> Bytes {
        let facts = self.facts.encode();
        let mut out = Vec::with_capacity(FIXED + facts.len());
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.last_updated.micros().to_be_bytes());
        out.push(if self.deleted { DELETED } else { 0 });
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
