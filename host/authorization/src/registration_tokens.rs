//! Initial access tokens (RFC 7591 section 3): an administrator gives one to a vendor, who
//! registers one client with it, once. What was registered waits for an administrator.

use std::time::Duration;

use glovebox_database::{Batch, Durability, Expect, Keyspace};
use glovebox_model::{TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::secret::{self, Issued, Kind, SecretHash};
use crate::table::Table;

/// How long a vendor has to use one.
pub const REGISTRATION_TOKEN_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The initial access tokens of every tenant.
#[derive(Clone)]
pub struct RegistrationTokens {
    table: Table,
}

/// A token that is good for one registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationToken {
    /// The public id, for the ledger.
    pub id: String,
    /// Who gave it out.
    pub issued_by: UserId,
    version: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredToken {
    hash: SecretHash,
    tenant: String,
    issued_by: String,
    expires_micros: i64,
}

const TOKENS: &str = "registration/";

fn key(id: &str) -> String {
    format!("{TOKENS}{id}")
}

impl RegistrationTokens {
    pub(crate) fn new(keyspace: Keyspace) -> Self {
        Self {
            table: Table::new(keyspace, "registration token"),
        }
    }

    /// Makes a token for one registration in a tenant.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn issue(
        &self,
        tenant: &TenantId,
        by: &UserId,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let minted = secret::mint(Kind::Registration)?;
        let stored = StoredToken {
            hash: minted.hash,
            tenant: tenant.to_string(),
            issued_by: by.to_string(),
            expires_micros: (now + REGISTRATION_TOKEN_TTL).micros(),
        };
        let record = key(&minted.issued.id);
        match self
            .table
            .insert(&record, &stored, Durability::Sync)
            .await?
        {
            true => Ok(minted.issued),
            false => Err(self.table.contended()),
        }
    }

    /// What a presented text is worth in a tenant; it is not used up yet. `None` if it is
    /// unknown, used, too old or another tenant's.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn verify(
        &self,
        tenant: &TenantId,
        text: &str,
        now: Timestamp,
    ) -> Result<Option<RegistrationToken>, Error> {
        let Some(presented) = secret::read(Kind::Registration, text) else {
            return Ok(None);
        };
        let Some(row) = self.table.get::<StoredToken>(&key(presented.id)).await? else {
            return Ok(None);
        };
        let stored = row.value;
        let is_good = presented.hash.matches(&stored.hash)
            && stored.tenant == tenant.as_str()
            && now < Timestamp::from_micros(stored.expires_micros);
        if !is_good {
            return Ok(None);
        }
        Ok(Some(RegistrationToken {
            id: presented.id.to_owned(),
            issued_by: self.table.parse(&stored.issued_by)?,
            version: row.version,
        }))
    }

    /// Uses up a token. `false` if somebody else was first.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn use_up(&self, token: &RegistrationToken) -> Result<bool, Error> {
        let batch = Batch::new().delete(key(&token.id), Expect::Version(token.version));
        self.table.commit(batch, Durability::Sync).await
    }

    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (id, row) in self.table.list::<StoredToken>(TOKENS).await? {
            if Timestamp::from_micros(row.value.expires_micros) <= now {
                self.table.delete(&key(&id), Durability::Relaxed).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{keyspace, noon, tenant, user_id};

    #[tokio::test]
    async fn a_token_is_good_for_one_registration_in_its_tenant_within_a_week() {
        let tokens = RegistrationTokens::new(keyspace());
        let main = tenant("main");
        let admin = user_id("admin");
        let issued = tokens.issue(&main, &admin, noon()).await.unwrap();
        let text = issued.text.expose();
        let verify = |tenant: TenantId, now: Timestamp| {
            let tokens = tokens.clone();
            async move { tokens.verify(&tenant, text, now).await.unwrap() }
        };
        let found = verify(main.clone(), noon()).await.unwrap();
        assert_eq!((&found.id, &found.issued_by), (&issued.id, &admin));
        assert_eq!(verify(tenant("sandbox"), noon()).await, None);
        assert_eq!(
            verify(main.clone(), noon() + REGISTRATION_TOKEN_TTL).await,
            None
        );
        let wrong = tokens.verify(&main, &text.to_uppercase(), noon()).await;
        assert_eq!(wrong.unwrap(), None);
        assert!(tokens.use_up(&found).await.unwrap());
        assert!(!tokens.use_up(&found).await.unwrap());
        assert_eq!(verify(main, noon()).await, None);
    }
}
