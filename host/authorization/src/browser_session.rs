//! Browser sessions: what a sign-in cookie stands for. Not to be confused with app
//! sessions.

use std::time::Duration;

use glovebox_database::{Batch, Durability, Expect, Keyspace};
use glovebox_model::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::csrf::CsrfKey;
use crate::secret::{self, Issued, Kind, SecretHash};
use crate::table::Table;
use crate::{Error, User, Users};

/// A session without a request for so long is over.
pub const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
/// A session older than this is over, however busy.
pub const AGE_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// The last request is noted at most this often, so that reading pages writes little.
/// A session may therefore end this much before [`IDLE_MAX`].
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// A signed-in browser.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    /// The public id.
    pub id: String,
    /// The user as they are now, not as they were at sign-in.
    pub user: User,
    /// When the user signed in.
    pub signed_in_at: Timestamp,
    /// Makes and checks this browser's form tokens.
    pub csrf: CsrfKey,
}

/// The browser sessions.
#[derive(Clone)]
pub struct BrowserSessions {
    table: Table,
    users: Users,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredSession {
    user: String,
    hash: SecretHash,
    created_micros: i64,
    seen_micros: i64,
}

const SESSIONS: &str = "session/";

fn session_key(id: &str) -> String {
    format!("{SESSIONS}{id}")
}

fn of_user_prefix(user: &UserId) -> String {
    format!("of/{user}/")
}

impl BrowserSessions {
    /// The sessions in a keyspace of their own.
    pub fn new(keyspace: Keyspace, users: Users) -> Self {
        Self {
            table: Table::new(keyspace, "browser session"),
            users,
        }
    }

    /// Begins a session at sign-in, always with a new id; the session that the browser
    /// had before, if any, ends. The text is the cookie's value.
    pub async fn create(
        &self,
        user: &UserId,
        replaced_cookie: Option<&str>,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        if let Some(cookie) = replaced_cookie {
            self.delete(cookie).await?;
        }
        let minted = secret::mint(Kind::BrowserSession)?;
        let id = &minted.issued.id;
        let session = StoredSession {
            user: user.to_string(),
            hash: minted.hash,
            created_micros: now.micros(),
            seen_micros: now.micros(),
        };
        let batch = Batch::new()
            .put(
                session_key(id),
                self.table.encode(&session)?,
                Expect::Absent,
            )
            .put(
                format!("{}{id}", of_user_prefix(user)),
                self.table.encode(&())?,
                Expect::Absent,
            );
        // Relaxed: who loses a session to a power loss signs in again.
        if self.table.commit(batch, Durability::Relaxed).await? {
            Ok(minted.issued)
        } else {
            Err(self.table.contended())
        }
    }

    /// The session of a cookie's value, if it is in force and its user is not disabled.
    /// Being looked up keeps it from going idle.
    pub async fn lookup(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<BrowserSession>, Error> {
        let Some(presented) = secret::read(Kind::BrowserSession, cookie) else {
            return Ok(None);
        };
        let key = session_key(presented.id);
        let Some(row) = self.table.get::<StoredSession>(&key).await? else {
            return Ok(None);
        };
        let mut session = row.value;
        if !presented.hash.matches(&session.hash) {
            return Ok(None);
        }
        let user: UserId = self.table.parse(&session.user)?;
        if is_over(&session, now) {
            self.remove(presented.id, &user).await?;
            return Ok(None);
        }
        let Some(user) = self
            .users
            .get(&user)
            .await?
            .filter(|user| !user.is_disabled)
        else {
            return Ok(None);
        };
        if now.since(Timestamp::from_micros(session.seen_micros)) >= NOTE_EVERY {
            session.seen_micros = now.micros();
            // Losing to another request of the same browser is fine: it noted the same.
            self.table
                .replace(&key, &session, row.version, Durability::Relaxed)
                .await?;
        }
        Ok(Some(BrowserSession {
            id: presented.id.to_owned(),
            user,
            signed_in_at: Timestamp::from_micros(session.created_micros),
            csrf: CsrfKey::of_cookie(cookie),
        }))
    }

    /// Whether the session of this public id is in force. Being asked does not keep it
    /// from going idle: only what its user does counts.
    pub async fn is_alive(&self, id: &str, now: Timestamp) -> Result<bool, Error> {
        let row = self.table.get::<StoredSession>(&session_key(id)).await?;
        Ok(row.is_some_and(|row| !is_over(&row.value, now)))
    }

    /// Ends the session of a cookie's value (sign-out); what is none is left alone.
    pub async fn delete(&self, cookie: &str) -> Result<(), Error> {
        let Some(presented) = secret::read(Kind::BrowserSession, cookie) else {
            return Ok(());
        };
        match self
            .table
            .get::<StoredSession>(&session_key(presented.id))
            .await?
        {
            Some(row) if presented.hash.matches(&row.value.hash) => {
                let user = self.table.parse(&row.value.user)?;
                self.remove(presented.id, &user).await
            }
            _ => Ok(()),
        }
    }

    /// Ends every session of a user; answers how many.
    pub async fn delete_all_of(&self, user: &UserId) -> Result<usize, Error> {
        let sessions = self.table.list::<()>(&of_user_prefix(user)).await?;
        for (id, _) in &sessions {
            self.remove(id, user).await?;
        }
        Ok(sessions.len())
    }

    /// Removes sessions that are over.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (id, row) in self.table.list::<StoredSession>(SESSIONS).await? {
            if is_over(&row.value, now) {
                self.remove(&id, &self.table.parse(&row.value.user)?)
                    .await?;
            }
        }
        Ok(())
    }

    async fn remove(&self, id: &str, user: &UserId) -> Result<(), Error> {
        let batch = Batch::new()
            .delete(session_key(id), Expect::Any)
            .delete(format!("{}{id}", of_user_prefix(user)), Expect::Any);
        self.table.commit(batch, Durability::Sync).await.map(drop)
    }
}

fn is_over(session: &StoredSession, now: Timestamp) -> bool {
    now.since(Timestamp::from_micros(session.seen_micros)) >= IDLE_MAX
        || now.since(Timestamp::from_micros(session.created_micros)) >= AGE_MAX
}

#[cfg(test)]
mod tests;
