//! Access tokens: opaque bearer texts (RFC 6750). What they allow is looked up each time
//! they are presented, so that a revocation is in force at once.

mod known;

use std::time::Duration;

use glovebox_database::{Durability, Keyspace};
use glovebox_model::scope::ScopeSet;
use glovebox_model::{ClientId, PatientId, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::secret::{self, Issued, Kind, SecretHash};
use crate::table::Table;
use crate::{Client, Clients, Error};
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
}

/// The access tokens.
#[derive(Clone)]
pub struct AccessTokens {
    table: Table,
    clients: Clients,
    known: Known,
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
}

const TOKENS: &str = "token/";

fn key(id: &str) -> String {
    format!("{TOKENS}{id}")
}

impl AccessTokens {
    /// The tokens in a keyspace of their own.
    pub fn new(keyspace: Keyspace, clients: Clients) -> Self {
        Self {
            table: Table::new(keyspace, "access token"),
            clients,
            known: Known::default(),
        }
    }

    /// Issues a token that lives for `ttl`.
    pub async fn issue(
        &self,
        token: &NewAccessToken,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Issued, Error> {
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
        };
        // Relaxed: a client whose token a power loss takes asks for another.
        if self
            .table
            .insert(&key(&minted.issued.id), &stored, Durability::Relaxed)
            .await?
        {
            Ok(minted.issued)
        } else {
            Err(self.table.contended())
        }
    }

    /// Whose a bearer text seems to be, if it was read before: nothing is checked. For who
    /// has to note something about client and user before the token is looked at.
    pub fn seems_of(&self, bearer: &str) -> Option<(ClientId, Option<UserId>)> {
        let presented = secret::read(Kind::AccessToken, bearer)?;
        let known = self.known.get(presented.id)?;
        Some((known.token.client.clone(), known.token.user.clone()))
    }

    /// What a bearer text allows; `None` if it is unknown, wrong, revoked or expired, or
    /// its client is gone. The caller compares the tenant with the address.
    pub async fn verify(&self, bearer: &str, now: Timestamp) -> Result<Option<AccessToken>, Error> {
        let Some(presented) = secret::read(Kind::AccessToken, bearer) else {
            return Ok(None);
        };
        let record = key(presented.id);
        if let Some(known) = self.known.get(presented.id) {
            let (tenant, client) = (&known.token.tenant, &known.token.client);
            if self.table.version(&record).await? == Some(known.version)
                && self.clients.version(tenant, client).await? == Some(known.client_version)
            {
                let fine = presented.hash.matches(&known.hash) && known.token.expires_at > now;
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
        let token = AccessToken {
            id: presented.id.to_owned(),
            tenant: self.table.parse(&stored.tenant)?,
            client: self.table.parse(&stored.client)?,
            scope: ScopeSet::parse(&stored.scope).map_err(|_| self.table.damaged())?,
            issued_at: Timestamp::from_micros(stored.issued_micros),
            expires_at,
            user: self.table.parse_option(stored.user.as_deref())?,
            patient: self.table.parse_option(stored.patient.as_deref())?,
        };
        // The version first: what is read of the client then is no older.
        let client_version = self.clients.version(&token.tenant, &token.client).await?;
        let client = self.clients.get(&token.tenant, &token.client).await?;
        let is_same = client.is_some_and(|client| client.registration == stored.registration);
        let Some(client_version) = client_version.filter(|_| is_same) else {
            return Ok(None);
        };
        let entry = Entry {
            version: row.version,
            client_version,
            hash: stored.hash,
            token: token.clone(),
        };
        self.known.keep(entry, now);
        Ok(Some(token))
    }

    /// Ends a token by its public id; what is none is left alone (RFC 7009 section 2.2).
    pub async fn revoke(&self, id: &str) -> Result<(), Error> {
        self.table.delete(&key(id), Durability::Sync).await
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
