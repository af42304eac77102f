//! Access tokens: opaque bearer texts (RFC 6750). What they allow is looked up each time
//! they are presented, so that a revocation is in force at once.

mod known;

use std::sync::Arc;
use std::time::Duration;

use glovebox_database::fence::{Fence, Mark};
use glovebox_database::{Batch, Durability, Expect};
use glovebox_model::scope::ScopeSet;
use glovebox_model::{ClientId, PatientId, TenantId, Timestamp, UserId};
use glovebox_policy::Terms;
use serde::{Deserialize, Serialize};

use crate::grant::{self, Access, Grants};
use crate::secret::{self, Issued, Kind, SecretHash};
use crate::table::Table;
use crate::{BrowserSessions, Client, Clients, Error, Users};
use known::{Entry, Known};

/// What a new token is to allow.
#[derive(Clone, Debug)]
pub struct NewAccessToken {
    /// The tenant.
    pub tenant: TenantId,
    /// The client that asked.
    pub client: Client,
    /// What was granted.
    pub scope: ScopeSet,
    /// The user for whom it acts, unless it acts for itself.
    pub user: Option<UserId>,
    /// The patient in context.
    pub patient: Option<PatientId>,
    /// The grant with which it ends; a backend service's token has none.
    pub grant: Option<String>,
    /// The thumbprint of the key to which it is bound, if it is to one (RFC 9449).
    pub thumbprint: Option<String>,
}

/// What a presented token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The public id.
    pub id: String,
    /// The tenant; a token is good for no other.
    pub tenant: TenantId,
    /// The client.
    pub client: ClientId,
    /// What was granted.
    pub scope: ScopeSet,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The user for whom it acts.
    pub user: Option<UserId>,
    /// The patient in context.
    pub patient: Option<PatientId>,
    /// The grant with which it ends.
    pub grant: Option<String>,
    /// The thumbprint of the key to which it is bound: whoever takes it has to see a proof.
    pub thumbprint: Option<String>,
    /// What its client's registration says beyond scopes.
    pub terms: Arc<Terms>,
}

impl AccessToken {
    /// Whose it is.
    pub fn owner(&self) -> TokenOwner {
        TokenOwner {
            tenant: self.tenant.clone(),
            id: self.id.clone(),
            client: self.client.clone(),
            user: self.user.clone(),
            grant: self.grant.clone(),
        }
    }

    fn mark(&self) -> Result<Mark, Error> {
        grant::mark(&self.id)
    }
}

/// Whose a token is: by each of these it can be withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    tenant: TenantId,
    id: String,
    client: ClientId,
    user: Option<UserId>,
    grant: Option<String>,
}

impl TokenOwner {
    /// What ends the calls under the token, besides what ends those of its whole tenant.
    ///
    /// # Errors
    /// [`Error::Damaged`] if an id is not one of ours.
    pub fn marks(&self) -> Result<Vec<Mark>, Error> {
        let tenant = || self.tenant.clone();
        let mut marks = vec![
            Mark::Client(tenant(), self.client.clone()),
            grant::mark(&self.id)?,
        ];
        if let Some(grant) = &self.grant {
            marks.push(grant::mark(grant)?);
        }
        if let Some(user) = &self.user {
            marks.push(Mark::User(tenant(), user.clone()));
            marks.push(Mark::Relations(tenant(), user.clone()));
        }
        Ok(marks)
    }
}

/// The access tokens.
#[derive(Clone)]
pub struct AccessTokens {
    table: Table,
    clients: Clients,
    users: Users,
    browser_sessions: BrowserSessions,
    known: Known,
    grants: Grants,
    fence: Fence,
}

#[derive(Serialize, Deserialize)]
struct StoredToken {
    hash: SecretHash,
    tenant: String,
    client: String,
    registration: String,
    scope: String,
    issued_micros: i64,
    expires_micros: i64,
    user: Option<String>,
    patient: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
}

const TOKENS: &str = "token/";

fn key(id: &str) -> String {
    format!("{TOKENS}{id}")
}

impl AccessTokens {
    pub(crate) fn new(
        table: Table,
        clients: Clients,
        users: Users,
        browser_sessions: BrowserSessions,
        grants: Grants,
        fence: Fence,
    ) -> Self {
        Self {
            table,
            clients,
            users,
            browser_sessions,
            known: Known::default(),
            grants,
            fence,
        }
    }

    /// Issues a token that lives for `ttl`.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn issue(
        &self,
        token: &NewAccessToken,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let (batch, issued) = self.add(Batch::new(), token, ttl, now)?;
        // Relaxed: a client whose token a power loss takes asks for another.
        if self.table.commit(batch, Durability::Relaxed).await? {
            Ok(issued)
        } else {
            Err(self.table.contended())
        }
    }

    /// Adds a token that lives for `ttl` to the batch of what else is issued with it.
    pub(crate) fn add(
        &self,
        batch: Batch,
        token: &NewAccessToken,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(Batch, Issued), Error> {
        let minted = secret::mint(Kind::AccessToken)?;
        let stored = StoredToken {
            hash: minted.hash,
            tenant: token.tenant.to_string(),
            client: token.client.id.to_string(),
            registration: token.client.registration.clone(),
            scope: token.scope.to_string(),
            issued_micros: now.micros(),
            expires_micros: (now + ttl).micros(),
            user: token.user.as_ref().map(ToString::to_string),
            patient: token.patient.as_ref().map(ToString::to_string),
            grant: token.grant.clone(),
            thumbprint: token.thumbprint.clone(),
        };
        let value = self.table.encode(&stored)?;
        let batch = batch.put(key(&minted.issued.id), value, Expect::Absent);
        Ok((batch, minted.issued))
    }

    /// Takes a token out, by its public id, in the batch that replaces it.
    pub(crate) fn remove(batch: Batch, id: &str) -> Batch {
        batch.delete(key(id), Expect::Any)
    }

    /// Whose a bearer text seems to be, if it was read before: nothing is checked. For who
    /// has to note what it is withdrawn by before the token is looked at.
    pub fn seems_of(&self, bearer: &str) -> Option<TokenOwner> {
        let presented = secret::read(Kind::AccessToken, bearer)?;
        let known = self.known.get(presented.id)?;
        Some(known.token.owner())
    }

    /// Whoever agreed to access while signed in was told that it ends when they sign out.
    async fn is_signed_in(&self, session: Option<&str>, now: Timestamp) -> Result<bool, Error> {
        match session {
            Some(session) => self.browser_sessions.is_alive(session, now).await,
            None => Ok(true),
        }
    }

    async fn user_version(&self, token: &AccessToken) -> Result<Option<u64>, Error> {
        match &token.user {
            Some(user) => self.users.version(user).await,
            None => Ok(None),
        }
    }

    async fn grant_version(&self, token: &AccessToken) -> Result<Option<u64>, Error> {
        match &token.grant {
            Some(grant) => self.grants.version(grant).await,
            None => Ok(None),
        }
    }

    /// What a bearer text allows; `None` if it is unknown, wrong, revoked or expired, its
    /// client is gone, or its user is disabled or no longer of the tenant. The caller
    /// compares the tenant with the address.
    pub async fn verify(&self, bearer: &str, now: Timestamp) -> Result<Option<AccessToken>, Error> {
        let Some(presented) = secret::read(Kind::AccessToken, bearer) else {
            return Ok(None);
        };
        let record = key(presented.id);
        if let Some(known) = self.known.get(presented.id) {
            let (tenant, client) = (&known.token.tenant, &known.token.client);
            let session = known.session.as_deref();
            if self.table.version(&record).await? == Some(known.version)
                && self.clients.version(tenant, client).await? == Some(known.client_version)
                // No token outlives its grant, so that there still is one is enough.
                && self.grant_version(&known.token).await? == known.grant_version
                && self.user_version(&known.token).await? == known.user_version
            {
                let fine = presented.hash.matches(&known.hash)
                    && known.token.expires_at > now
                    && self.is_signed_in(session, now).await?;
                return Ok(fine.then(|| known.token.clone()));
            }
            self.known.forget(presented.id);
        }
        let Some(row) = self.table.get::<StoredToken>(&record).await? else {
            return Ok(None);
        };
        let stored = row.value;
        let expires_at = Timestamp::from_micros(stored.expires_micros);
        if !presented.hash.matches(&stored.hash) || expires_at <= now {
            return Ok(None);
        }
        let mut token = AccessToken {
            id: presented.id.to_owned(),
            tenant: self.table.parse(&stored.tenant)?,
            client: self.table.parse(&stored.client)?,
            scope: ScopeSet::parse(&stored.scope).map_err(|_| self.table.damaged())?,
            issued_at: Timestamp::from_micros(stored.issued_micros),
            expires_at,
            user: self.table.parse_option(stored.user.as_deref())?,
            patient: self.table.parse_option(stored.patient.as_deref())?,
            grant: stored.grant,
            thumbprint: stored.thumbprint,
            terms: Arc::default(),
        };
        // The versions first: what is read then is no older.
        let grant_version = self.grant_version(&token).await?;
        let user_version = self.user_version(&token).await?;
        let client_version = self.clients.version(&token.tenant, &token.client).await?;
        let mut session = None;
        if let Some(id) = &token.grant {
            let Some(grant) = self.grants.get(id, now).await? else {
                return Ok(None);
            };
            session = (grant.access == Access::Online).then_some(grant.browser_session);
            if !self.is_signed_in(session.as_deref(), now).await? {
                return Ok(None);
            }
        }
        if let Some(user) = &token.user {
            let user = self.users.get(user).await?;
            if !user.is_some_and(|user| user.may_use_apps(&token.tenant)) {
                return Ok(None);
            }
        }
        let client = self.clients.get(&token.tenant, &token.client).await?;
        let same = client.filter(|client| client.registration == stored.registration);
        let (Some(client), Some(client_version)) = (same, client_version) else {
            return Ok(None);
        };
        token.terms = client.terms;
        let entry = Entry {
            version: row.version,
            client_version,
            grant_version,
            user_version,
            session,
            hash: stored.hash,
            token: token.clone(),
        };
        self.known.keep(entry, now);
        Ok(Some(token))
    }

    /// Ends a token: when this returns, nothing that it let in can be answered any more.
    ///
    /// # Errors
    /// If the records fail, or the fence cannot confirm: ask again.
    pub async fn revoke(&self, token: &AccessToken) -> Result<(), Error> {
        self.table.delete(&key(&token.id), Durability::Sync).await?;
        let mark = token.mark()?;
        self.fence.revoke(mark, "the token was revoked").await?;
        Ok(())
    }

    /// Removes tokens that have expired.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (id, row) in self.table.list::<StoredToken>(TOKENS).await? {
            if Timestamp::from_micros(row.value.expires_micros) <= now {
                self.table.delete(&key(&id), Durability::Relaxed).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
