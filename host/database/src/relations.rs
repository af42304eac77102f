//! Who may open whom: one record per user and patient, and an explicit one for "everyone".
//!
//! The gateway asks on every call. Whoever takes a relation away also revokes
//! [`crate::Mark::Relations`], so that calls under way stop.

use std::collections::BTreeSet;
use std::fmt;

use glovebox_model::{PatientId, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::records::SCAN_MAX;
use crate::{Batch, Durability, Expect, Keyspace, RecordsError, Stored};

#[cfg(test)]
mod tests;

/// Most patients that a search without a patient covers; beyond that it is too costly.
pub const PATIENTS_MAX: usize = 200;

/// Stands in a key for every patient; no patient id holds it, and it sorts before all.
const EVERYONE: &str = "*";

/// Whom a relation lets a user open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Every patient of the tenant.
    Everyone,
    /// One patient.
    Patient(PatientId),
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str(EVERYONE),
            Self::Patient(patient) => write!(f, "{patient}"),
        }
    }
}

/// Where a relation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// An administrator said so.
    Api,
    /// Read from a file.
    Csv,
    /// Derived from a CareTeam.
    CareTeam,
    /// Derived from a RelatedPerson, or the person's own record.
    RelatedPerson,
    /// Asserted by a trusted EHR.
    Ehr,
}

impl Source {
    /// The stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Csv => "csv",
            Self::CareTeam => "care-team",
            Self::RelatedPerson => "related-person",
            Self::Ehr => "ehr",
        }
    }
}

/// A stored relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Whom it lets the user open.
    pub right: Right,
    /// Where it comes from.
    pub source: Source,
    /// From when on it no longer counts.
    pub expires: Option<Timestamp>,
}

/// All whom a user may open at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Every patient of the tenant.
    Everyone,
    /// These; empty means nobody.
    Patients(BTreeSet<PatientId>),
    /// More than the limit.
    TooMany,
}

/// The stored form; the instant in microseconds.
#[derive(Serialize, Deserialize)]
struct Record {
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

/// The relations of all users.
#[derive(Clone)]
pub struct Relations {
    keyspace: Keyspace,
}

impl Relations {
    /// Relations kept in `keyspace`.
    pub fn new(keyspace: Keyspace) -> Self {
        Self { keyspace }
    }

    /// Lets a user open a patient, until `expires`. Replaces what was said before.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn grant(
        &self,
        tenant: &TenantId,
        user: &UserId,
        patient: &PatientId,
        source: Source,
        expires: Option<Timestamp>,
    ) -> Result<(), RecordsError> {
        self.put(key(tenant, user, patient.as_str()), source, expires)
            .await
    }

    /// Lets a user open every patient, until `expires`.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn grant_everyone(
        &self,
        tenant: &TenantId,
        user: &UserId,
        source: Source,
        expires: Option<Timestamp>,
    ) -> Result<(), RecordsError> {
        self.put(key(tenant, user, EVERYONE), source, expires).await
    }

    async fn put(
        &self,
        key: Vec<u8>,
        source: Source,
        expires: Option<Timestamp>,
    ) -> Result<(), RecordsError> {
        let record = Record {
            source,
            expires: expires.map(Timestamp::micros),
        };
        let value = serde_json::to_vec(&record).map_err(unusable)?;
        self.commit(Batch::new().put(key, value, Expect::Any)).await
    }

    /// Takes a right away; on disk when this returns. Whether there was one does not
    /// matter.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn revoke(
        &self,
        tenant: &TenantId,
        user: &UserId,
        right: &Right,
    ) -> Result<(), RecordsError> {
        let key = key(tenant, user, &right.to_string());
        self.commit(Batch::new().delete(key, Expect::Any)).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), RecordsError> {
        match self.keyspace.commit(batch, Durability::Sync).await? {
            Ok(_) => Ok(()),
            Err(_) => Err(unusable("a write that expects nothing met a conflict")),
        }
    }

    /// Whether a user may open a patient now. Two point reads, whatever there is.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn may_open(
        &self,
        tenant: &TenantId,
        user: &UserId,
        patient: &PatientId,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let keys = [
            key(tenant, user, patient.as_str()),
            key(tenant, user, EVERYONE),
        ];
        for stored in self.keyspace.get_many(&keys).await?.iter().flatten() {
            if is_live(&read(stored)?, now) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All whom a user may open now, up to `limit` patients (usually [`PATIENTS_MAX`]).
    ///
    /// # Errors
    /// If the records fail.
    pub async fn patients(
        &self,
        tenant: &TenantId,
        user: &UserId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Rights, RecordsError> {
        let mut patients = BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.page(tenant, user, after.as_ref(), SCAN_MAX).await?;
            for (right, record) in &page {
                match right {
                    _ if !is_live(record, now) => {}
                    Right::Everyone => return Ok(Rights::Everyone),
                    Right::Patient(_) if patients.len() >= limit => return Ok(Rights::TooMany),
                    Right::Patient(patient) => {
                        patients.insert(patient.clone());
                    }
                }
            }
            match page.into_iter().next_back() {
                Some((right, _)) => after = Some(right),
                None => return Ok(Rights::Patients(patients)),
            }
        }
    }

    /// A user's relations, expired ones included, after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn list(
        &self,
        tenant: &TenantId,
        user: &UserId,
        after: Option<&Right>,
        limit: usize,
    ) -> Result<Vec<Relation>, RecordsError> {
        let page = self.page(tenant, user, after, limit).await?;
        let relation = |(right, record): (Right, Record)| Relation {
            right,
            source: record.source,
            expires: record.expires.map(Timestamp::from_micros),
        };
        Ok(page.into_iter().map(relation).collect())
    }

    async fn page(
        &self,
        tenant: &TenantId,
        user: &UserId,
        after: Option<&Right>,
        limit: usize,
    ) -> Result<Vec<(Right, Record)>, RecordsError> {
        let prefix = key(tenant, user, "");
        let after = after.map(|right| key(tenant, user, &right.to_string()));
        let found = self.keyspace.scan(&prefix, after.as_deref(), limit).await?;
        let right = |(key, stored): &(Vec<u8>, Stored)| {
            let name = key.strip_prefix(prefix.as_slice()).unwrap_or_default();
            let name = std::str::from_utf8(name).map_err(unusable)?;
            let right = match name {
                EVERYONE => Right::Everyone,
                patient => Right::Patient(patient.parse().map_err(unusable)?),
            };
            Ok((right, read(stored)?))
        };
        found.iter().map(right).collect()
    }
}

/// `{tenant}/{user}/{patient}`: no identifier holds a slash.
fn key(tenant: &TenantId, user: &UserId, patient: &str) -> Vec<u8> {
    format!("{tenant}/{user}/{patient}").into_bytes()
}

fn is_live(record: &Record, now: Timestamp) -> bool {
    record.expires.is_none_or(|expires| now.micros() < expires)
}

fn read(stored: &Stored) -> Result<Record, RecordsError> {
    serde_json::from_slice(&stored.value).map_err(unusable)
}

fn unusable(what: impl fmt::Display) -> RecordsError {
    RecordsError::Unusable(format!("a relation cannot be read: {what}"))
}
