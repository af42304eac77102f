//! Who may open whom: one record per user and patient, and an explicit one for "everyone".
//!
//! A record says by what the right is held: what an administrator, a file or an EHR asserted,
//! and what follows from resources of the record itself. Each stands and falls by itself.
//! The gateway asks on every call. Whoever takes a relation away also revokes
//! [`crate::Mark::Relations`], so that calls under way stop.

mod derived;
mod holding;
mod origin;
mod pending;
mod people;
mod statement;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use glovebox_model::{PatientId, TenantId, Timestamp, UserId};

use crate::records::SCAN_MAX;
use crate::{Batch, Durability, Expect, Keyspace, RecordsError, Stored};

pub use derived::{Accepted, Shift};
pub use holding::{Holding, Source, Term};
pub use origin::{Origin, OriginKind};
pub use pending::Pending;
pub use people::{PeopleChange, Person};
pub use statement::{MEMBERS_MAX, Statement};

#[cfg(test)]
mod tests;

/// Most patients that a search without a patient covers; beyond that it is too costly.
pub const PATIENTS_MAX: usize = 200;

/// Most rights that are asserted in one go.
pub const ASSERTIONS_MAX: usize = 2_000;
/// How often a change is tried again when something changed underneath it.
const TRIES_MAX: usize = 8;

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

/// A stored relation: a right and by what it is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Whose it is.
    pub user: UserId,
    /// Whom it lets the user open.
    pub right: Right,
    /// By what; never empty. It counts as long as one of them does.
    pub holdings: Vec<Holding>,
}

/// A right that somebody asserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// For whom.
    pub user: UserId,
    /// Whom it lets the user open.
    pub right: Right,
    /// Who says so.
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

    /// Lets a user open a patient, until `expires`. Replaces what the same source said before.
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
        let (user, right) = (user.clone(), Right::Patient(patient.clone()));
        self.assert(
            tenant,
            &[Assertion {
                user,
                right,
                source,
                expires,
            }],
        )
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
        let (user, right) = (user.clone(), Right::Everyone);
        self.assert(
            tenant,
            &[Assertion {
                user,
                right,
                source,
                expires,
            }],
        )
        .await
    }

    /// Grants several rights, all or nothing; on disk when this returns. Each replaces what
    /// the same source said of the same right before.
    ///
    /// # Errors
    /// If the records fail, or there are more than [`ASSERTIONS_MAX`].
    pub async fn assert(
        &self,
        tenant: &TenantId,
        assertions: &[Assertion],
    ) -> Result<(), RecordsError> {
        if assertions.len() > ASSERTIONS_MAX {
            return Err(RecordsError::TooLarge {
                what: "a list of relations",
                size: assertions.len(),
                max: ASSERTIONS_MAX,
            });
        }
        let mut wanted: BTreeMap<Vec<u8>, Vec<Holding>> = BTreeMap::new();
        for said in assertions {
            let key = key(tenant, &said.user, &said.right.to_string());
            let holding = Holding::asserted(said.source, said.expires);
            wanted.entry(key).or_default().push(holding);
        }
        let keys: Vec<Vec<u8>> = wanted.keys().cloned().collect();
        for _ in 0..TRIES_MAX {
            let found = self.keyspace.get_many(&keys).await?;
            let mut batch = Batch::new();
            for ((key, said), stored) in wanted.iter().zip(&found) {
                let mut holdings = held(stored.as_ref())?;
                for holding in said {
                    holdings.retain(|one| one.origin.is_some() || one.source != holding.source);
                    holdings.push(holding.clone());
                }
                batch = put(batch, key.clone(), &holdings, stored.as_ref())?;
            }
            if self.commit(batch, Durability::Sync).await? {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Takes away what was asserted of a right; on disk when this returns. Whether there was
    /// anything does not matter. What follows from the record stays, and is answered.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn revoke(
        &self,
        tenant: &TenantId,
        user: &UserId,
        right: &Right,
    ) -> Result<Vec<Holding>, RecordsError> {
        let key = key(tenant, user, &right.to_string());
        for _ in 0..TRIES_MAX {
            let stored = self.keyspace.get(&key).await?;
            let mut holdings = held(stored.as_ref())?;
            holdings.retain(|one| one.origin.is_some());
            let batch = put(Batch::new(), key.clone(), &holdings, stored.as_ref())?;
            if self.commit(batch, Durability::Sync).await? {
                return Ok(holdings);
            }
        }
        Err(contended())
    }

    /// Whether it was carried out; if not, something changed underneath.
    async fn commit(&self, batch: Batch, durability: Durability) -> Result<bool, RecordsError> {
        Ok(self.keyspace.commit(batch, durability).await?.is_ok())
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
            if holding::is_live(&stored.value, now)? {
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
        let prefix = key(tenant, user, "");
        let mut patients = BTreeSet::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let from = after.as_deref();
            let found = self.keyspace.scan(&prefix, from, SCAN_MAX).await?;
            for (key, stored) in &found {
                if !holding::is_live(&stored.value, now)? {
                    continue;
                }
                match right(key, &prefix)? {
                    Right::Everyone => return Ok(Rights::Everyone),
                    Right::Patient(_) if patients.len() >= limit => return Ok(Rights::TooMany),
                    Right::Patient(patient) => {
                        patients.insert(patient);
                    }
                }
            }
            match found.into_iter().next_back() {
                Some((key, _)) => after = Some(key),
                None => return Ok(Rights::Patients(patients)),
            }
        }
    }

    /// The relations of one user, or of everybody in the tenant: expired ones included, by
    /// user, after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn list(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        after: Option<(&UserId, &Right)>,
        limit: usize,
    ) -> Result<Vec<Relation>, RecordsError> {
        let whole = format!("{tenant}/").into_bytes();
        let prefix = user.map_or_else(|| whole.clone(), |user| key(tenant, user, ""));
        let after = after.map(|(user, right)| key(tenant, user, &right.to_string()));
        let found = self.keyspace.scan(&prefix, after.as_deref(), limit).await?;
        let relation = |(key, stored): &(Vec<u8>, Stored)| {
            let name = key.strip_prefix(whole.as_slice()).unwrap_or_default();
            let name = std::str::from_utf8(name).map_err(unusable)?;
            let user = name.split('/').next().unwrap_or_default();
            let user: UserId = user.parse().map_err(unusable)?;
            let right = right(key, &self::key(tenant, &user, ""))?;
            let holdings = holding::decode(&stored.value)?;
            Ok(Relation {
                user,
                right,
                holdings,
            })
        };
        found.iter().map(relation).collect()
    }
}

/// `{tenant}/{user}/{patient}`: no identifier holds a slash. Other records of this namespace
/// begin with a tilde, which no tenant does.
fn key(tenant: &TenantId, user: &UserId, patient: &str) -> Vec<u8> {
    format!("{tenant}/{user}/{patient}").into_bytes()
}

/// The right that a key under the prefix of its user stands for.
fn right(key: &[u8], prefix: &[u8]) -> Result<Right, RecordsError> {
    let name = key.strip_prefix(prefix).unwrap_or_default();
    Ok(match std::str::from_utf8(name).map_err(unusable)? {
        EVERYONE => Right::Everyone,
        patient => Right::Patient(patient.parse().map_err(unusable)?),
    })
}

fn held(stored: Option<&Stored>) -> Result<Vec<Holding>, RecordsError> {
    stored.map_or_else(|| Ok(Vec::new()), |stored| holding::decode(&stored.value))
}

/// What a change of a record expects to find: what was read.
fn unchanged(stored: Option<&Stored>) -> Expect {
    stored.map_or(Expect::Absent, |stored| Expect::Version(stored.version))
}

/// Writes the holdings of a record over what was read of it; without holdings there is none.
fn put(
    batch: Batch,
    key: Vec<u8>,
    holdings: &[Holding],
    stored: Option<&Stored>,
) -> Result<Batch, RecordsError> {
    let expect = unchanged(stored);
    Ok(match (holdings.is_empty(), stored) {
        (true, None) => batch.check(key, expect),
        (true, Some(_)) => batch.delete(key, expect),
        (false, _) => batch.put(key, holding::encode(holdings)?, expect),
    })
}

fn unusable(what: impl fmt::Display) -> RecordsError {
    RecordsError::Unusable(format!("a relation cannot be read: {what}"))
}

fn contended() -> RecordsError {
    RecordsError::Unusable("a relation changed again and again while it was written".to_owned())
}
