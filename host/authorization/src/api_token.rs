//! Bearer tokens of the JSON API: a person's own, with that person's roles, or a
//! service account's.

use std::collections::BTreeSet;

use glovebox_database::{Durability, Keyspace};
use glovebox_model::{FhirUser, PublisherId, Role, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::secret::{self, Issued, Kind, SecretHash};
use crate::table::{Table, texts};
use crate::{Error, Users};

const LABEL_BYTES_MAX: usize = 200;
/// Most users that one service account is listed as speaking for; beyond, `*` is honest.
const SPEAKS_FOR_MAX: usize = 1_000;

/// For whom a service account may speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeaksFor {
    /// Only for itself.
    Nobody,
    /// For these users.
    Users(BTreeSet<UserId>),
    /// For every user (`*`).
    Everyone,
}

impl SpeaksFor {
    /// Whether the account may name this user as the one who acts.
    pub fn covers(&self, user: &UserId) -> bool {
        match self {
            Self::Nobody => false,
            Self::Users(users) => users.contains(user),
            Self::Everyone => true,
        }
    }
}

/// A program that calls the API in its own name, such as the hospital's EHR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its name, as the ledger shows it; not a user's name.
    pub name: UserId,
    /// What it may call.
    pub roles: Vec<Role>,
    /// Tenants in which it may act.
    pub tenants: Vec<TenantId>,
    /// For whom it may speak.
    pub speaks_for: SpeaksFor,
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A person.
    Person(UserId),
    /// A service account.
    Service(ServiceAccount),
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiIdentity {
    /// The token's public id.
    pub token_id: String,
    /// The person, or the service account's name.
    pub user: UserId,
    /// Whether a person calls. Acts that need two people count these, and by `user`.
    pub is_person: bool,
    /// Roles as they are now.
    pub roles: Vec<Role>,
    /// Tenants in which the caller may act.
    pub tenants: Vec<TenantId>,
    /// For whom the caller may speak.
    pub speaks_for: SpeaksFor,
    /// The person as a FHIR reference.
    pub fhir_user: Option<FhirUser>,
    /// For vendors: whose apps.
    pub publisher: Option<PublisherId>,
}

/// A token in a list; its secret is not known any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTokenSummary {
    /// The public id.
    pub id: String,
    /// What the maker called it.
    pub label: String,
    /// Whose it is.
    pub holder: Holder,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if ever.
    pub expires_at: Option<Timestamp>,
}

/// The API tokens.
#[derive(Clone)]
pub struct ApiTokens {
    table: Table,
    users: Users,
}

#[derive(Serialize, Deserialize)]
struct StoredToken {
    hash: SecretHash,
    label: String,
    created_micros: i64,
    expires_micros: Option<i64>,
    holder: StoredHolder,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredHolder {
    Person(String),
    Service {
        name: String,
        roles: Vec<String>,
        tenants: Vec<String>,
        /// `None` is everyone.
        speaks_for: Option<Vec<String>>,
    },
}

const TOKENS: &str = "token/";

fn key(id: &str) -> String {
    format!("{TOKENS}{id}")
}

impl ApiTokens {
    /// The tokens in a keyspace of their own.
    pub fn new(keyspace: Keyspace, users: Users) -> Self {
        Self {
            table: Table::new(keyspace, "API token"),
            users,
        }
    }

    /// Makes a token; its text is shown this once.
    /// Errors: [`Error::Unknown`] for a person who is no user, [`Error::Exists`] for a
    /// service account that is called like one, [`Error::Invalid`].
    pub async fn create(
        &self,
        holder: &Holder,
        label: &str,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        if label.len() > LABEL_BYTES_MAX || label.chars().any(char::is_control) {
            return Err(Error::invalid(
                "label",
                "must have at most 200 bytes and no control characters",
            ));
        }
        if expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(Error::invalid("expiry", "must lie in the future"));
        }
        match holder {
            Holder::Person(user) => {
                if self.users.get(user).await?.is_none() {
                    return Err(Error::Unknown {
                        noun: "user",
                        id: user.to_string(),
                    });
                }
            }
            Holder::Service(account) => {
                check_account(account)?;
                if self.users.get(&account.name).await?.is_some() {
                    return Err(Error::Exists {
                        noun: "user",
                        id: account.name.to_string(),
                    });
                }
            }
        }
        let minted = secret::mint(Kind::ApiToken)?;
        let token = StoredToken {
            hash: minted.hash,
            label: label.to_owned(),
            created_micros: now.micros(),
            expires_micros: expires_at.map(Timestamp::micros),
            holder: StoredHolder::from(holder),
        };
        if self
            .table
            .insert(&key(&minted.issued.id), &token, Durability::Sync)
            .await?
        {
            Ok(minted.issued)
        } else {
            Err(self.table.contended())
        }
    }

    /// Who presents this bearer text; `None` if it is unknown, wrong, revoked or expired,
    /// or its person is gone or disabled.
    pub async fn verify(&self, bearer: &str, now: Timestamp) -> Result<Option<ApiIdentity>, Error> {
        let Some(presented) = secret::read(Kind::ApiToken, bearer) else {
            return Ok(None);
        };
        let Some(row) = self.table.get::<StoredToken>(&key(presented.id)).await? else {
            return Ok(None);
        };
        let token = row.value;
        if !presented.hash.matches(&token.hash) || is_expired(&token, now) {
            return Ok(None);
        }
        let token_id = presented.id.to_owned();
        match self.read_holder(token.holder)? {
            Holder::Service(account) => Ok(Some(ApiIdentity {
                token_id,
                user: account.name,
                is_person: false,
                roles: account.roles,
                tenants: account.tenants,
                speaks_for: account.speaks_for,
                fhir_user: None,
                publisher: None,
            })),
            Holder::Person(user) => {
                let user = self
                    .users
                    .get(&user)
                    .await?
                    .filter(|user| !user.is_disabled);
                Ok(user.map(|user| ApiIdentity {
                    token_id,
                    user: user.id,
                    is_person: true,
                    roles: user.roles,
                    tenants: user.tenants,
                    speaks_for: SpeaksFor::Nobody,
                    fhir_user: user.fhir_user,
                    publisher: user.publisher,
                }))
            }
        }
    }

    /// Ends a token by its public id; `false` if there is none.
    pub async fn revoke(&self, id: &str) -> Result<bool, Error> {
        let was_there = self.table.get::<StoredToken>(&key(id)).await?.is_some();
        self.table.delete(&key(id), Durability::Sync).await?;
        Ok(was_there)
    }

    /// Every token that has not been revoked.
    pub async fn list(&self) -> Result<Vec<ApiTokenSummary>, Error> {
        let rows = self.table.list::<StoredToken>(TOKENS).await?;
        rows.into_iter()
            .map(|(id, row)| {
                Ok(ApiTokenSummary {
                    id,
                    label: row.value.label,
                    holder: self.read_holder(row.value.holder)?,
                    created_at: Timestamp::from_micros(row.value.created_micros),
                    expires_at: row.value.expires_micros.map(Timestamp::from_micros),
                })
            })
            .collect()
    }

    /// Removes tokens that have expired.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (id, row) in self.table.list::<StoredToken>(TOKENS).await? {
            if is_expired(&row.value, now) {
                self.table.delete(&key(&id), Durability::Relaxed).await?;
            }
        }
        Ok(())
    }

    fn read_holder(&self, stored: StoredHolder) -> Result<Holder, Error> {
        Ok(match stored {
            StoredHolder::Person(user) => Holder::Person(self.table.parse(&user)?),
            StoredHolder::Service {
                name,
                roles,
                tenants,
                speaks_for,
            } => Holder::Service(ServiceAccount {
                name: self.table.parse(&name)?,
                roles: self.table.parse_all(&roles)?,
                tenants: self.table.parse_all(&tenants)?,
                speaks_for: match speaks_for {
                    None => SpeaksFor::Everyone,
                    Some(users) if users.is_empty() => SpeaksFor::Nobody,
                    Some(users) => {
                        SpeaksFor::Users(self.table.parse_all(&users)?.into_iter().collect())
                    }
                },
            }),
        })
    }
}

impl From<&Holder> for StoredHolder {
    fn from(holder: &Holder) -> Self {
        match holder {
            Holder::Person(user) => Self::Person(user.to_string()),
            Holder::Service(account) => Self::Service {
                name: account.name.to_string(),
                roles: texts(&account.roles),
                tenants: texts(&account.tenants),
                speaks_for: match &account.speaks_for {
                    SpeaksFor::Nobody => Some(Vec::new()),
                    SpeaksFor::Users(users) => {
                        Some(users.iter().map(ToString::to_string).collect())
                    }
                    SpeaksFor::Everyone => None,
                },
            },
        }
    }
}

fn is_expired(token: &StoredToken, now: Timestamp) -> bool {
    token
        .expires_micros
        .is_some_and(|at| Timestamp::from_micros(at) <= now)
}

fn check_account(account: &ServiceAccount) -> Result<(), Error> {
    if account.roles.is_empty() {
        return Err(Error::invalid("roles", "must name at least one role"));
    }
    if account.tenants.is_empty() {
        return Err(Error::invalid("tenants", "must name at least one tenant"));
    }
    match &account.speaks_for {
        SpeaksFor::Users(users) if users.len() > SPEAKS_FOR_MAX => {
            Err(Error::invalid("speaks_for", "must name at most 1000 users"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
