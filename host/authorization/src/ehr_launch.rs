//! Launch handles: the opaque `launch` value of an EHR launch (SMART App Launch 2.2,
//! "Launch App: EHR Launch"). Made when somebody opens an app for a patient, used once,
//! within a minute, by the one it was made for.

use std::time::Duration;

use glovebox_database::{Batch, Durability, Expect, Keyspace};
use glovebox_model::launch::ContextItem;
use glovebox_model::{AppId, ClientId, PatientId, TenantId, Timestamp, UserId, Version};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::context::StoredItem;
use crate::secret::{self, Issued, Kind, SecretHash};
use crate::table::Table;

/// How long a handle may be used.
pub const HANDLE_TTL: Duration = Duration::from_secs(60);
/// How long a used handle is told apart from one that never was.
const USED_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchTarget {
    /// One version of an app that runs as a component.
    App {
        /// The app.
        app: AppId,
        /// The version that was live when the handle was made.
        version: Version,
    },
    /// An app that brings its own page and authorizes over OAuth.
    Client(ClientId),
}

/// For whom a handle was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchFor {
    /// This user, in whichever browser they sign in (the EHR made the handle).
    User(UserId),
    /// This user in this browser session, by its public id.
    Session {
        /// The user.
        user: UserId,
        /// The browser session's public id.
        session: String,
    },
}

impl LaunchFor {
    /// The user.
    pub fn user(&self) -> &UserId {
        match self {
            Self::User(user) | Self::Session { user, .. } => user,
        }
    }
}

/// What a handle stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The tenant.
    pub tenant: TenantId,
    /// For whom.
    pub made_for: LaunchFor,
    /// What is launched.
    pub target: LaunchTarget,
    /// The patient in context.
    pub patient: Option<PatientId>,
    /// The logical id of the encounter in context.
    pub encounter: Option<String>,
    /// SMART `intent`.
    pub intent: Option<String>,
    /// SMART `fhirContext`.
    pub fhir_context: Vec<ContextItem>,
    /// The service account that spoke for the user.
    pub asserted_by: Option<UserId>,
}

/// Who presents a handle.
#[derive(Clone, Copy, Debug)]
pub struct Presenter<'a> {
    /// The tenant in whose address it was presented.
    pub tenant: &'a TenantId,
    /// The signed-in user.
    pub user: &'a UserId,
    /// The public id of their browser session.
    pub session: &'a str,
}

/// Why a handle was not taken. The ledger keeps the cause; people read one sentence,
/// whatever the cause, so that a guess teaches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this launch link does not work any more; open the app again from the chart")]
pub enum LaunchRefused {
    /// Not a handle of ours, or of another tenant.
    Unknown,
    /// Older than [`HANDLE_TTL`].
    Expired,
    /// Used before.
    Used,
    /// Made for another user.
    OtherUser,
    /// Made for another browser session of the same user.
    OtherSession,
    /// Made for another app than the one that presents it.
    OtherApp,
}

impl LaunchRefused {
    /// The stable word for the ledger.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "launch-unknown",
            Self::Expired => "launch-expired",
            Self::Used => "launch-used",
            Self::OtherUser => "launch-other-user",
            Self::OtherSession => "launch-other-session",
            Self::OtherApp => "launch-other-app",
        }
    }
}

/// The launch handles.
#[derive(Clone)]
pub struct Launches {
    table: Table,
}

#[derive(Serialize, Deserialize)]
struct StoredLaunch {
    hash: SecretHash,
    expires_micros: i64,
    tenant: String,
    user: String,
    session: Option<String>,
    app: Option<(String, String)>,
    client: Option<String>,
    patient: Option<String>,
    encounter: Option<String>,
    intent: Option<String>,
    fhir_context: Vec<StoredItem>,
    asserted_by: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct UsedLaunch {
    hash: SecretHash,
    used_micros: i64,
}

const HANDLES: &str = "handle/";
const USED: &str = "used/";

impl Launches {
    /// The handles in a keyspace of their own.
    pub fn new(keyspace: Keyspace) -> Self {
        Self {
            table: Table::new(keyspace, "launch"),
        }
    }

    /// Makes a handle; its text is the `launch` parameter. It ends at
    /// `now + `[`HANDLE_TTL`]. Errors: [`Error::Invalid`].
    pub async fn create(&self, launch: &Launch, now: Timestamp) -> Result<Issued, Error> {
        bounds::check(launch)?;
        let minted = secret::mint(Kind::Launch)?;
        let stored = StoredLaunch::new(launch, minted.hash, now + HANDLE_TTL);
        let key = format!("{HANDLES}{}", minted.issued.id);
        // Relaxed: a handle that a power loss takes is made again with a click.
        if self
            .table
            .insert(&key, &stored, Durability::Relaxed)
            .await?
        {
            Ok(minted.issued)
        } else {
            Err(self.table.contended())
        }
    }

    /// Uses up a handle that opens a component. Of several who present it at once, one
    /// wins. A refusal leaves the handle as it is: a stranger who saw it can neither use
    /// it nor spoil it.
    pub async fn consume(
        &self,
        handle: &str,
        presenter: Presenter<'_>,
        now: Timestamp,
    ) -> Result<Result<Launch, LaunchRefused>, Error> {
        self.consume_by(handle, presenter, None, now).await
    }

    /// The same for a handle that the authorization request of an OAuth client carries.
    pub async fn consume_for_client(
        &self,
        handle: &str,
        presenter: Presenter<'_>,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Result<Launch, LaunchRefused>, Error> {
        self.consume_by(handle, presenter, Some(client), now).await
    }

    async fn consume_by(
        &self,
        handle: &str,
        presenter: Presenter<'_>,
        client: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<Result<Launch, LaunchRefused>, Error> {
        let Some(presented) = secret::read(Kind::Launch, handle) else {
            return Ok(Err(LaunchRefused::Unknown));
        };
        let key = format!("{HANDLES}{}", presented.id);
        let used_key = format!("{USED}{}", presented.id);
        let Some(row) = self.table.get::<StoredLaunch>(&key).await? else {
            return self.gone(&used_key, &presented.hash).await.map(Err);
        };
        if !presented.hash.matches(&row.value.hash) {
            return Ok(Err(LaunchRefused::Unknown));
        }
        let expires_at = Timestamp::from_micros(row.value.expires_micros);
        let hash = row.value.hash;
        let launch = self.read(row.value)?;
        if launch.tenant != *presenter.tenant {
            return Ok(Err(LaunchRefused::Unknown));
        }
        if launch.made_for.user() != presenter.user {
            return Ok(Err(LaunchRefused::OtherUser));
        }
        if let LaunchFor::Session { session, .. } = &launch.made_for
            && session != presenter.session
        {
            return Ok(Err(LaunchRefused::OtherSession));
        }
        let is_its_app = match (&launch.target, client) {
            (LaunchTarget::App { .. }, None) => true,
            (LaunchTarget::Client(made_for), Some(client)) => made_for == client,
            _ => false,
        };
        if !is_its_app {
            return Ok(Err(LaunchRefused::OtherApp));
        }
        if expires_at <= now {
            return Ok(Err(LaunchRefused::Expired));
        }
        let used = UsedLaunch {
            hash,
            used_micros: now.micros(),
        };
        let batch = Batch::new().delete(key, Expect::Version(row.version)).put(
            used_key.clone(),
            self.table.encode(&used)?,
            Expect::Absent,
        );
        // Sync: a handle that was used must not come back after a power loss.
        if self.table.commit(batch, Durability::Sync).await? {
            Ok(Ok(launch))
        } else {
            self.gone(&used_key, &hash).await.map(Err)
        }
    }

    /// Removes what has expired, and forgets used handles after a day.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (id, row) in self.table.list::<StoredLaunch>(HANDLES).await? {
            let expired_at = Timestamp::from_micros(row.value.expires_micros);
            if now.since(expired_at) >= USED_MEMORY {
                self.table
                    .delete(&format!("{HANDLES}{id}"), Durability::Relaxed)
                    .await?;
            }
        }
        for (id, row) in self.table.list::<UsedLaunch>(USED).await? {
            if now.since(Timestamp::from_micros(row.value.used_micros)) >= USED_MEMORY {
                self.table
                    .delete(&format!("{USED}{id}"), Durability::Relaxed)
                    .await?;
            }
        }
        Ok(())
    }

    async fn gone(&self, used_key: &str, hash: &SecretHash) -> Result<LaunchRefused, Error> {
        Ok(match self.table.get::<UsedLaunch>(used_key).await? {
            Some(row) if row.value.hash.matches(hash) => LaunchRefused::Used,
            _ => LaunchRefused::Unknown,
        })
    }

    fn read(&self, stored: StoredLaunch) -> Result<Launch, Error> {
        let user = self.table.parse(&stored.user)?;
        Ok(Launch {
            tenant: self.table.parse(&stored.tenant)?,
            made_for: match stored.session {
                None => LaunchFor::User(user),
                Some(session) => LaunchFor::Session { user, session },
            },
            target: match (stored.app, stored.client) {
                (Some((app, version)), None) => LaunchTarget::App {
                    app: self.table.parse(&app)?,
                    version: self.table.parse(&version)?,
                },
                (None, Some(client)) => LaunchTarget::Client(self.table.parse(&client)?),
                _ => return Err(self.table.damaged()),
            },
            patient: self.table.parse_option(stored.patient.as_deref())?,
            encounter: stored.encounter,
            intent: stored.intent,
            fhir_context: stored.fhir_context.into_iter().map(Into::into).collect(),
            asserted_by: self.table.parse_option(stored.asserted_by.as_deref())?,
        })
    }
}

impl StoredLaunch {
    fn new(launch: &Launch, hash: SecretHash, expires_at: Timestamp) -> Self {
        let (app, client) = match &launch.target {
            LaunchTarget::App { app, version } => {
                (Some((app.to_string(), version.to_string())), None)
            }
            LaunchTarget::Client(client) => (None, Some(client.to_string())),
        };
        Self {
            hash,
            expires_micros: expires_at.micros(),
            tenant: launch.tenant.to_string(),
            user: launch.made_for.user().to_string(),
            session: match &launch.made_for {
                LaunchFor::User(_) => None,
                LaunchFor::Session { session, .. } => Some(session.clone()),
            },
            app,
            client,
            patient: launch.patient.as_ref().map(ToString::to_string),
            encounter: launch.encounter.clone(),
            intent: launch.intent.clone(),
            fhir_context: launch.fhir_context.iter().map(StoredItem::from).collect(),
            asserted_by: launch.asserted_by.as_ref().map(ToString::to_string),
        }
    }
}

mod bounds;
#[cfg(test)]
mod tests;
