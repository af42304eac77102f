//! Refresh tokens (RFC 6749 section 6): one family for each grant, rotated at each use.
//!
//! The successor of a token is derived from it, so that an answer that was lost can be
//! given once more although only hashes are kept. What is presented again later, or by
//! somebody who is behind, ends the grant (RFC 9700 section 4.14).

use std::time::Duration;

use aws_lc_rs::hmac;
use glovebox_database::{Batch, Durability, Expect};
use glovebox_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::grant::{Grant, Grants, OFFLINE_IDLE_MAX};
use crate::secret::{self, Issued, Kind, Minted, SecretHash};
use crate::table::Table;

/// For so long the answer to a token's first use is given again: to a second tab, or to a
/// client that did not hear it.
pub const REPEAT_MAX: Duration = Duration::from_secs(10);

/// The key with which successors are derived. It is no use without the token before.
#[derive(Clone)]
pub struct RefreshKey(hmac::Key);

impl RefreshKey {
    /// Of 32 secret bytes.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    fn successor(&self, grant: &str, presented: &str, position: u64) -> Minted {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"glovebox refresh token\0");
        context.update(presented.as_bytes());
        context.update(&position.to_be_bytes());
        secret::derived(Kind::RefreshToken, grant, context.sign().as_ref())
    }
}

impl std::fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshKey(…)")
    }
}

/// What a presented token is.
#[derive(Debug)]
pub(crate) enum Presented {
    /// The newest of its family, or the one before within [`REPEAT_MAX`].
    Good(Box<Turn>),
    /// Not one of ours, or its grant is over.
    Unknown,
    /// It was used before: somebody has a copy.
    Reused(Box<Grant>),
}

/// One use of a token, to be carried out together with the access token that it gives.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) grant: Grant,
    /// What the client gets for it.
    pub(crate) successor: Issued,
    /// The access token of the answer that is given again: the new one replaces it.
    pub(crate) replaces: Option<String>,
    family: Family,
    version: u64,
    used: Option<SecretHash>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Family {
    /// How many tokens came before the current one.
    position: u64,
    hash: SecretHash,
    used_micros: i64,
    previous: Option<Previous>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Previous {
    hash: SecretHash,
    used_micros: i64,
    access_token: String,
}

/// The families.
#[derive(Clone)]
pub(crate) struct RefreshTokens {
    table: Table,
    grants: Grants,
    key: RefreshKey,
}

const FAMILIES: &str = "refresh/";

fn key(grant: &str) -> String {
    format!("{FAMILIES}{grant}")
}

/// Tokens that were used, so that each of them is known again.
fn used_prefix(grant: &str) -> String {
    format!("refresh-used/{grant}/")
}

impl RefreshTokens {
    pub(crate) fn new(table: Table, grants: Grants, key: RefreshKey) -> Self {
        Self { table, grants, key }
    }

    /// Adds the first token of a grant to the batch that makes the grant.
    pub(crate) fn add(
        &self,
        batch: Batch,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<(Batch, Issued), Error> {
        let minted = secret::mint_for(Kind::RefreshToken, &grant.id)?;
        let family = Family {
            position: 0,
            hash: minted.hash,
            used_micros: now.micros(),
            previous: None,
        };
        let value = self.table.encode(&family)?;
        let batch = batch.put(key(&grant.id), value, Expect::Absent);
        Ok((batch, minted.issued))
    }

    /// Looks at a presented token; nothing is changed yet.
    pub(crate) async fn present(&self, text: &str, now: Timestamp) -> Result<Presented, Error> {
        let Some(presented) = secret::read(Kind::RefreshToken, text) else {
            return Ok(Presented::Unknown);
        };
        let Some(grant) = self.grants.get(presented.id, now).await? else {
            return Ok(Presented::Unknown);
        };
        let Some(row) = self.table.get::<Family>(&key(&grant.id)).await? else {
            return Ok(Presented::Unknown);
        };
        let family = row.value;
        let idle = now.since(Timestamp::from_micros(family.used_micros));
        if idle >= OFFLINE_IDLE_MAX {
            return Ok(Presented::Unknown);
        }
        if presented.hash.matches(&family.hash) {
            let minted = self
                .key
                .successor(&grant.id, text, family.position.saturating_add(1));
            let next = Family {
                position: family.position.saturating_add(1),
                hash: minted.hash,
                used_micros: now.micros(),
                previous: None,
            };
            return Ok(Presented::Good(Box::new(Turn {
                grant,
                successor: minted.issued,
                replaces: None,
                family: next,
                version: row.version,
                used: Some(presented.hash),
            })));
        }
        if let Some(previous) = &family.previous
            && presented.hash.matches(&previous.hash)
            && now.since(Timestamp::from_micros(previous.used_micros)) < REPEAT_MAX
        {
            // The successor is still unused: otherwise `previous` would be the successor.
            let minted = self.key.successor(&grant.id, text, family.position);
            return Ok(Presented::Good(Box::new(Turn {
                grant,
                successor: minted.issued,
                replaces: Some(previous.access_token.clone()),
                family,
                version: row.version,
                used: None,
            })));
        }
        let used = format!("{}{}", used_prefix(&grant.id), presented.hash.as_text());
        Ok(match self.table.get::<()>(&used).await? {
            Some(_) => Presented::Reused(Box::new(grant)),
            // Not a token that was ever given out: whoever guesses ends nobody's grant.
            None => Presented::Unknown,
        })
    }

    /// Adds what a turn changes to the batch that issues its access token.
    pub(crate) fn turn(
        &self,
        batch: Batch,
        turn: &Turn,
        access_token: &str,
        now: Timestamp,
    ) -> Result<Batch, Error> {
        let id = &turn.grant.id;
        let mut family = turn.family.clone();
        let mut batch = batch;
        match (turn.used, &mut family.previous) {
            (Some(hash), previous) => {
                *previous = Some(Previous {
                    hash,
                    used_micros: now.micros(),
                    access_token: access_token.to_owned(),
                });
                let used = format!("{}{}", used_prefix(id), hash.as_text());
                batch = batch.put(used, self.table.encode(&())?, Expect::Absent);
            }
            (None, Some(previous)) => previous.access_token = access_token.to_owned(),
            (None, None) => return Err(self.table.damaged()),
        }
        let value = self.table.encode(&family)?;
        Ok(batch.put(key(id), value, Expect::Version(turn.version)))
    }

    /// Removes the families of grants that are over.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (id, row) in self.table.list::<Family>(FAMILIES).await? {
            let idle = now.since(Timestamp::from_micros(row.value.used_micros));
            let is_over = idle >= OFFLINE_IDLE_MAX || self.grants.get(&id, now).await?.is_none();
            if !is_over {
                continue;
            }
            for (hash, _) in self.table.list::<()>(&used_prefix(&id)).await? {
                let used = format!("{}{hash}", used_prefix(&id));
                self.table.delete(&used, Durability::Relaxed).await?;
            }
            // Last, so that a sweep that was cut off is taken up again.
            self.table.delete(&key(&id), Durability::Relaxed).await?;
        }
        Ok(())
    }
}
