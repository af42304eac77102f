//! Authorization codes (RFC 6749 section 4.1): good once, for a minute, for the client that
//! asked, at the address that it named, with the verifier that only it knows.

use std::time::Duration;

use glovebox_database::{Batch, Durability, Expect};
use glovebox_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::grant::{Grant, StoredGrant};
use crate::pkce::Challenge;
use crate::secret::{self, Issued, Kind, SecretHash};
use crate::table::Table;

/// How long a code may be exchanged (SMART App Launch 2.2: about a minute).
pub const CODE_TTL: Duration = Duration::from_secs(60);
/// How long a used code is told apart from one that never was, so that a replay ends what
/// it was exchanged for.
const USED_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a code stands for.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// The grant as it comes into being when the code is exchanged.
    pub(crate) grant: Grant,
    /// Where the code was sent: must be named again.
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Challenge,
    /// The key whose proof has to come with it.
    pub(crate) thumbprint: Option<String>,
    /// OpenID Connect `nonce`.
    pub(crate) nonce: Option<String>,
}

/// What a presented text is.
#[derive(Debug)]
pub(crate) enum Presented {
    /// A code of ours that was not used; perhaps too old.
    Code {
        code: Box<Code>,
        is_expired: bool,
        spent: Spent,
    },
    /// A code that was exchanged before, and the id of its grant.
    Used(String),
    /// Nothing of ours.
    Unknown,
}

/// What using up a code takes.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    id: String,
    version: u64,
    hash: SecretHash,
    grant: String,
}

/// The codes.
#[derive(Clone)]
pub(crate) struct Codes {
    table: Table,
}

#[derive(Serialize, Deserialize)]
struct StoredCode {
    hash: SecretHash,
    expires_micros: i64,
    grant_id: String,
    grant: StoredGrant,
    redirect_uri: String,
    challenge: Challenge,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
    nonce: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct UsedCode {
    hash: SecretHash,
    used_micros: i64,
    grant: String,
}

const CODES: &str = "code/";
const USED: &str = "code-used/";

impl Codes {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    /// Adds a new code to the batch that ends the request for it.
    pub(crate) fn add(
        &self,
        batch: Batch,
        code: &Code,
        now: Timestamp,
    ) -> Result<(Batch, Issued), Error> {
        let minted = secret::mint(Kind::Code)?;
        let stored = StoredCode {
            hash: minted.hash,
            expires_micros: (now + CODE_TTL).micros(),
            grant_id: code.grant.id.clone(),
            grant: StoredGrant::from(&code.grant),
            redirect_uri: code.redirect_uri.clone(),
            challenge: code.challenge.clone(),
            thumbprint: code.thumbprint.clone(),
            nonce: code.nonce.clone(),
        };
        let key = format!("{CODES}{}", minted.issued.id);
        let batch = batch.put(key, self.table.encode(&stored)?, Expect::Absent);
        Ok((batch, minted.issued))
    }

    /// Looks at a presented code; nothing is changed yet.
    pub(crate) async fn present(&self, text: &str, now: Timestamp) -> Result<Presented, Error> {
        let Some(presented) = secret::read(Kind::Code, text) else {
            return Ok(Presented::Unknown);
        };
        let key = format!("{CODES}{}", presented.id);
        let Some(row) = self.table.get::<StoredCode>(&key).await? else {
            let used = self.table.get(&format!("{USED}{}", presented.id)).await?;
            return Ok(match used.map(|row| row.value) {
                Some(UsedCode { hash, grant, .. }) if presented.hash.matches(&hash) => {
                    Presented::Used(grant)
                }
                _ => Presented::Unknown,
            });
        };
        let stored = row.value;
        if !presented.hash.matches(&stored.hash) {
            return Ok(Presented::Unknown);
        }
        Ok(Presented::Code {
            is_expired: Timestamp::from_micros(stored.expires_micros) <= now,
            spent: Spent {
                id: presented.id.to_owned(),
                version: row.version,
                hash: stored.hash,
                grant: stored.grant_id.clone(),
            },
            code: Box::new(Code {
                grant: stored.grant.read(&stored.grant_id, &self.table)?,
                redirect_uri: stored.redirect_uri,
                challenge: stored.challenge,
                thumbprint: stored.thumbprint,
                nonce: stored.nonce,
            }),
        })
    }

    /// Adds to a batch that a code is used up. Of several batches, one goes through.
    pub(crate) fn spend(
        &self,
        batch: Batch,
        spent: &Spent,
        now: Timestamp,
    ) -> Result<Batch, Error> {
        let used = UsedCode {
            hash: spent.hash,
            used_micros: now.micros(),
            grant: spent.grant.clone(),
        };
        let key = format!("{CODES}{}", spent.id);
        let batch = batch.delete(key, Expect::Version(spent.version));
        let used_key = format!("{USED}{}", spent.id);
        Ok(batch.put(used_key, self.table.encode(&used)?, Expect::Absent))
    }

    /// Uses up a code for nothing: whoever holds it did not show that it is theirs.
    pub(crate) async fn burn(&self, spent: &Spent, now: Timestamp) -> Result<(), Error> {
        let batch = self.spend(Batch::new(), spent, now)?;
        // Of two at once it does not matter whose attempt burns it.
        self.table.commit(batch, Durability::Sync).await.map(drop)
    }

    /// Removes what has expired, and forgets used codes after a day.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (id, row) in self.table.list::<StoredCode>(CODES).await? {
            if Timestamp::from_micros(row.value.expires_micros) <= now {
                let key = format!("{CODES}{id}");
                self.table.delete(&key, Durability::Relaxed).await?;
            }
        }
        for (id, row) in self.table.list::<UsedCode>(USED).await? {
            if now.since(Timestamp::from_micros(row.value.used_micros)) >= USED_MEMORY {
                let key = format!("{USED}{id}");
                self.table.delete(&key, Durability::Relaxed).await?;
            }
        }
        Ok(())
    }
}
