//! Grants: what one client may do on behalf of one user, for how long, about whom. Every
//! token of an authorization belongs to one, and ends with it.

use std::time::Duration;

use glovebox_database::fence::{Fence, Mark};
use glovebox_database::{Batch, Durability, Expect};
use glovebox_model::scope::{Scope, ScopeSet};
use glovebox_model::{ClientId, PatientId, SessionId, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::context::{GrantContext, StoredContext};
use crate::table::Table;
use crate::{Client, Error};

/// How long a client may act without its user before they have to be asked again.
pub const OFFLINE_AGE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// A grant whose refresh token is not used for so long is over.
pub const OFFLINE_IDLE_MAX: Duration = Duration::from_secs(100 * 24 * 60 * 60);

/// For how long a client may come back for another access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Not at all.
    Once,
    /// As long as the user's browser session lives (`online_access`).
    Online,
    /// Without the user, until the grant ends (`offline_access`).
    Offline,
}

impl Access {
    /// What the granted scopes come to. Who has both has the longer one.
    pub fn of(scope: &ScopeSet) -> Self {
        if scope.contains(&Scope::OfflineAccess) {
            Self::Offline
        } else if scope.contains(&Scope::OnlineAccess) {
            Self::Online
        } else {
            Self::Once
        }
    }
}

/// What a client was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The public id.
    pub id: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The client.
    pub client: ClientId,
    /// The client's registration: another one under the same id inherits nothing.
    pub registration: String,
    /// On whose behalf.
    pub user: UserId,
    /// The public id of the browser session in which it was granted.
    pub browser_session: String,
    /// What was granted, spelled as it was asked for.
    pub scope: ScopeSet,
    /// The launch context. It never changes: another patient is another grant.
    pub context: GrantContext,
    /// Whether the client may come back.
    pub access: Access,
    /// When the user had signed in.
    pub signed_in_at: Timestamp,
    /// When it was granted.
    pub created_at: Timestamp,
    /// When it is over, whatever happens.
    pub expires_at: Timestamp,
    /// The thumbprint of the key whose proof has to come with its refresh token: that of a
    /// public client, which has no other proof (RFC 9449 section 5).
    pub thumbprint: Option<String>,
}

impl Grant {
    /// What ends the calls under this grant.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the id is not one of ours.
    pub fn mark(&self) -> Result<Mark, Error> {
        mark(&self.id)
    }

    /// Whether it was given to this very client: a namesake in another tenant, or one that
    /// was registered later, is another.
    pub fn is_of(&self, client: &Client) -> bool {
        self.tenant == client.tenant
            && self.client == client.id
            && self.registration == client.registration
    }

    /// The patient in context.
    pub fn patient(&self) -> Option<&PatientId> {
        self.context.patient.as_ref()
    }
}

/// The mark of a grant or a token, by its public id.
pub(crate) fn mark(id: &str) -> Result<Mark, Error> {
    let id: SessionId = id.parse().map_err(|_| Error::Damaged { noun: "grant" })?;
    Ok(Mark::Session(id))
}

/// The grants.
#[derive(Clone)]
pub struct Grants {
    table: Table,
    fence: Fence,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredGrant {
    tenant: String,
    client: String,
    registration: String,
    user: String,
    browser_session: String,
    scope: String,
    context: StoredContext,
    access: Access,
    signed_in_micros: i64,
    created_micros: i64,
    expires_micros: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
}

const GRANTS: &str = "grant/";

fn key(id: &str) -> String {
    format!("{GRANTS}{id}")
}

fn of_user(tenant: &str, user: &str, id: &str) -> String {
    format!("grant-of/{tenant}/{user}/{id}")
}

impl Grants {
    pub(crate) fn new(table: Table, fence: Fence) -> Self {
        Self { table, fence }
    }

    /// Adds a new grant to the batch that issues its first tokens.
    pub(crate) fn add(&self, batch: Batch, grant: &Grant) -> Result<Batch, Error> {
        let stored = StoredGrant::from(grant);
        let of_user = of_user(&stored.tenant, &stored.user, &grant.id);
        Ok(batch
            .put(key(&grant.id), self.table.encode(&stored)?, Expect::Absent)
            .put(of_user, self.table.encode(&())?, Expect::Absent))
    }

    /// A grant that has not ended.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn get(&self, id: &str, now: Timestamp) -> Result<Option<Grant>, Error> {
        let row = self.table.get::<StoredGrant>(&key(id)).await?;
        let grant = row.map(|row| row.value.read(id, &self.table)).transpose()?;
        Ok(grant.filter(|grant| now < grant.expires_at))
    }

    /// The version of a grant's record, if there is one: equal versions mean equal grants.
    pub(crate) async fn version(&self, id: &str) -> Result<Option<u64>, Error> {
        self.table.version(&key(id)).await
    }

    /// What a user has granted in a tenant, in no order.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn of(
        &self,
        tenant: &TenantId,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Vec<Grant>, Error> {
        let prefix = of_user(tenant.as_str(), user.as_str(), "");
        let mut grants = Vec::new();
        for (id, _) in self.table.list::<()>(&prefix).await? {
            grants.extend(self.get(&id, now).await?);
        }
        Ok(grants)
    }

    /// Ends a grant with all its tokens: when this returns, nothing that they let in can
    /// be answered any more. What is none is left alone.
    ///
    /// # Errors
    /// If the records fail, or the fence cannot confirm: ask again.
    pub async fn revoke(&self, id: &str, reason: &str) -> Result<(), Error> {
        self.remove(id, Durability::Sync).await?;
        self.fence.revoke(mark(id)?, reason).await?;
        Ok(())
    }

    async fn remove(&self, id: &str, durability: Durability) -> Result<(), Error> {
        let Some(row) = self.table.get::<StoredGrant>(&key(id)).await? else {
            return Ok(());
        };
        let StoredGrant { tenant, user, .. } = row.value;
        let batch = Batch::new()
            .delete(key(id), Expect::Any)
            .delete(of_user(&tenant, &user, id), Expect::Any);
        self.table.commit(batch, durability).await.map(drop)
    }

    /// Removes grants that have ended.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (id, row) in self.table.list::<StoredGrant>(GRANTS).await? {
            if Timestamp::from_micros(row.value.expires_micros) <= now {
                self.remove(&id, Durability::Relaxed).await?;
            }
        }
        Ok(())
    }
}

impl From<&Grant> for StoredGrant {
    fn from(grant: &Grant) -> Self {
        Self {
            tenant: grant.tenant.to_string(),
            client: grant.client.to_string(),
            registration: grant.registration.clone(),
            user: grant.user.to_string(),
            browser_session: grant.browser_session.clone(),
            scope: grant.scope.to_string(),
            context: StoredContext::from(&grant.context),
            access: grant.access,
            signed_in_micros: grant.signed_in_at.micros(),
            created_micros: grant.created_at.micros(),
            expires_micros: grant.expires_at.micros(),
            thumbprint: grant.thumbprint.clone(),
        }
    }
}

impl StoredGrant {
    pub(crate) fn read(self, id: &str, table: &Table) -> Result<Grant, Error> {
        Ok(Grant {
            id: id.to_owned(),
            tenant: table.parse(&self.tenant)?,
            client: table.parse(&self.client)?,
            registration: self.registration,
            user: table.parse(&self.user)?,
            browser_session: self.browser_session,
            scope: ScopeSet::parse(&self.scope).map_err(|_| table.damaged())?,
            context: self.context.read(table)?,
            access: self.access,
            signed_in_at: Timestamp::from_micros(self.signed_in_micros),
            created_at: Timestamp::from_micros(self.created_micros),
            expires_at: Timestamp::from_micros(self.expires_micros),
            thumbprint: self.thumbprint,
        })
    }
}
