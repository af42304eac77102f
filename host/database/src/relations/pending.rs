//! What has to be derived: noted before the record changes and crossed out when all that
//! follows is in force, so that a crash in between is made good.

use glovebox_model::{FhirUser, TenantId};
use serde::{Deserialize, Serialize};

use super::statement::StoredStatement;
use super::{Origin, Relations, Statement, TRIES_MAX, contended, unusable};
use crate::records::SCAN_MAX;
use crate::{Batch, Durability, Expect, RecordsError};

/// Something that relations may follow from and that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// `Type/id` of a resource, or with an at sign of a person.
    reference: String,
    /// What the hospital itself says by the resource that it is about to write.
    pub said: Option<Statement>,
    /// Version of the note, once there is one.
    mark: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct StoredPending {
    #[serde(default)]
    said: Option<StoredStatement>,
}

const PENDING: &str = "~pending/";
/// Written whenever something is crossed out.
const FOLLOWED: &str = "~followed";
/// Notes that are written in one commit.
const CHUNK: usize = 500;

fn pending_key(tenant: &TenantId, pending: &Pending) -> String {
    format!("{PENDING}{tenant}/{}", pending.reference)
}

impl Pending {
    /// A resource, and what the hospital itself says by it.
    pub fn origin(origin: &Origin, said: Option<Statement>) -> Self {
        let reference = origin.to_string();
        Self {
            reference,
            said,
            mark: None,
        }
    }

    /// A person whose accounts change.
    pub fn member(member: FhirUser) -> Self {
        let reference = format!("@{member}");
        Self {
            reference,
            said: None,
            mark: None,
        }
    }

    /// As a resource from which relations follow.
    pub fn as_origin(&self) -> Option<Origin> {
        self.reference.parse().ok()
    }

    /// As somebody whom such resources name.
    pub fn as_member(&self) -> Option<FhirUser> {
        self.reference.strip_prefix('@')?.parse().ok()
    }
}

impl Relations {
    /// Notes what is about to change; on disk when this returns. What the hospital said by
    /// a resource before and was not carried out yet is replaced.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn mark_pending(
        &self,
        tenant: &TenantId,
        pending: &mut [Pending],
    ) -> Result<(), RecordsError> {
        for chunk in pending.chunks_mut(CHUNK) {
            let mut batch = Batch::new();
            for one in chunk.iter() {
                let said = one.said.as_ref().map(StoredStatement::from);
                let value = serde_json::to_vec(&StoredPending { said }).map_err(unusable)?;
                batch = batch.put(pending_key(tenant, one), value, Expect::Any);
            }
            let marks = self.keyspace.commit(batch, Durability::Sync).await?;
            let marks = marks.map_err(|_| contended())?;
            for (one, mark) in chunk.iter_mut().zip(marks) {
                one.mark = Some(mark);
            }
        }
        Ok(())
    }

    /// Crosses out what this very caller noted: what another noted since about the same
    /// stays, for what that one writes. On disk when this returns, with everything that was
    /// written before.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn unmark_pending(
        &self,
        tenant: &TenantId,
        pending: &[Pending],
    ) -> Result<(), RecordsError> {
        for chunk in pending.chunks(CHUNK) {
            self.unmark_some(tenant, chunk).await?;
        }
        Ok(())
    }

    async fn unmark_some(
        &self,
        tenant: &TenantId,
        pending: &[Pending],
    ) -> Result<(), RecordsError> {
        let key = |one: &Pending| pending_key(tenant, one).into_bytes();
        let keys: Vec<Vec<u8>> = pending.iter().map(key).collect();
        for _ in 0..TRIES_MAX {
            let found = self.keyspace.get_many(&keys).await?;
            // Always something to write: who waits for it waits for all that came before.
            let mut batch = Batch::new().put(FOLLOWED, Vec::new(), Expect::Any);
            for ((one, key), stored) in pending.iter().zip(&keys).zip(found) {
                let own = stored.filter(|stored| Some(stored.version) == one.mark);
                if let Some(own) = own {
                    batch = batch.delete(key.clone(), Expect::Version(own.version));
                }
            }
            if self.commit(batch, Durability::Sync).await? {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// What a crash has left open, some at a time; empty when nothing is.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn pending(&self) -> Result<Vec<(TenantId, Pending)>, RecordsError> {
        let found = self.keyspace.scan(PENDING.as_bytes(), None, SCAN_MAX);
        let mut all = Vec::new();
        for (key, stored) in found.await? {
            let text = std::str::from_utf8(&key).map_err(unusable)?;
            let name = text.strip_prefix(PENDING).unwrap_or_default();
            let parts = name.split_once('/');
            let (tenant, reference) = parts.ok_or_else(|| unusable("a note without a tenant"))?;
            let value: StoredPending = serde_json::from_slice(&stored.value).map_err(unusable)?;
            let pending = Pending {
                reference: reference.to_owned(),
                said: value.said.map(Statement::try_from).transpose()?,
                mark: Some(stored.version),
            };
            all.push((tenant.parse().map_err(unusable)?, pending));
        }
        Ok(all)
    }
}
