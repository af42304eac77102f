//! Local users: people who sign in with a name and a password.

use glovebox_database::{Batch, Durability, Expect, Keyspace};
use glovebox_model::{FhirUser, PublisherId, Role, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::password::{PASSWORD_BYTES, Passwords, check_length};
use crate::sign_in_attempts::SignInAttempts;
use crate::table::{Table, texts};

const DISPLAY_NAME_BYTES_MAX: usize = 200;

/// A person. Roles open pages and calls; whom the person may open is a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The login name.
    pub id: UserId,
    /// The name that people read.
    pub display_name: String,
    /// What the person is to the hospital.
    pub roles: Vec<Role>,
    /// The person as a FHIR reference, such as `Practitioner/rivera`.
    pub fhir_user: Option<FhirUser>,
    /// Tenants in which the person may act.
    pub tenants: Vec<TenantId>,
    /// For vendors: whose apps the person uploads.
    pub publisher: Option<PublisherId>,
    /// Whether every sign-in and token of the person is refused.
    pub is_disabled: bool,
}

impl User {
    /// Whether apps may act for the person in a tenant: they are not disabled, belong to
    /// it, and treat people there or are one whom the record is about.
    pub fn may_use_apps(&self, tenant: &TenantId) -> bool {
        let roles = [Role::Clinician, Role::Patient, Role::Proxy];
        !self.is_disabled
            && self.tenants.contains(tenant)
            && self.roles.iter().any(|role| roles.contains(role))
    }
}

/// How a sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// The password is right.
    Ok(User),
    /// Wrong password, unknown name, disabled, or not of this tenant: one answer.
    Refused,
    /// Too many failures for this name, whether or not it exists.
    LockedUntil(Timestamp),
}

/// The users and their passwords.
#[derive(Clone)]
pub struct Users {
    table: Table,
    attempts: SignInAttempts,
    passwords: Passwords,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredUser {
    display_name: String,
    roles: Vec<String>,
    fhir_user: Option<String>,
    tenants: Vec<String>,
    publisher: Option<String>,
    disabled: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredPassword {
    phc: String,
}

const USERS: &str = "user/";

fn user_key(id: &UserId) -> String {
    format!("{USERS}{id}")
}

fn password_key(id: &UserId) -> String {
    format!("password/{id}")
}

impl Users {
    /// The users in a keyspace of their own.
    pub fn new(keyspace: Keyspace) -> Self {
        let table = Table::new(keyspace, "user");
        Self {
            attempts: SignInAttempts::new(table.clone()),
            passwords: Passwords::new(),
            table,
        }
    }

    /// Adds a user. Errors: [`Error::Exists`], [`Error::Invalid`].
    pub async fn add(&self, user: &User, password: &str) -> Result<(), Error> {
        check(user)?;
        let phc = self.passwords.hash(password).await?;
        let batch = Batch::new()
            .put(
                user_key(&user.id),
                self.table.encode(&StoredUser::from(user))?,
                Expect::Absent,
            )
            .put(
                password_key(&user.id),
                self.table.encode(&StoredPassword { phc })?,
                Expect::Absent,
            );
        if self.table.commit(batch, Durability::Sync).await? {
            Ok(())
        } else {
            Err(Error::Exists {
                noun: "user",
                id: user.id.to_string(),
            })
        }
    }

    /// The version of a user's record: what was read of it holds while this is the same.
    pub(crate) async fn version(&self, id: &UserId) -> Result<Option<u64>, Error> {
        self.table.version(&user_key(id)).await
    }

    /// Writes name, roles, tenants and the disabled flag over what is there.
    /// Errors: [`Error::Unknown`], [`Error::Invalid`].
    pub async fn update(&self, user: &User) -> Result<(), Error> {
        check(user)?;
        let stored = StoredUser::from(user);
        self.change(&user.id, move |found| *found = stored.clone())
            .await
    }

    /// Sets a new password. Open sessions and tokens are the caller's to end.
    /// Errors: [`Error::Unknown`], [`Error::Invalid`].
    pub async fn set_password(&self, id: &UserId, password: &str) -> Result<(), Error> {
        check_length(password)?;
        self.get(id).await?.ok_or_else(|| unknown(id))?;
        let phc = self.passwords.hash(password).await?;
        let password = self.table.encode(&StoredPassword { phc })?;
        let batch = Batch::new().put(password_key(id), password, Expect::Any);
        self.table.commit(batch, Durability::Sync).await?;
        self.attempts.clear(id).await
    }

    /// Refuses every sign-in, browser session and personal token of the user from now on.
    /// Errors: [`Error::Unknown`].
    pub async fn disable(&self, id: &UserId) -> Result<(), Error> {
        self.change(id, |user| user.disabled = true).await
    }

    /// Takes back [`Users::disable`]. Errors: [`Error::Unknown`].
    pub async fn enable(&self, id: &UserId) -> Result<(), Error> {
        self.change(id, |user| user.disabled = false).await
    }

    /// One user.
    pub async fn get(&self, id: &UserId) -> Result<Option<User>, Error> {
        match self.table.get::<StoredUser>(&user_key(id)).await? {
            None => Ok(None),
            Some(row) => self.read(id.clone(), row.value).map(Some),
        }
    }

    /// Every user, by name.
    pub async fn list(&self) -> Result<Vec<User>, Error> {
        let rows = self.table.list::<StoredUser>(USERS).await?;
        rows.into_iter()
            .map(|(id, row)| self.read(self.table.parse(&id)?, row.value))
            .collect()
    }

    /// Checks a name and a password; with a tenant, also that the user belongs to it.
    /// Does the same work whether or not the name exists. After five failures in a row a
    /// name is locked, twice as long with each further one.
    /// Errors: [`Error::Busy`] when too many people sign in at once.
    pub async fn verify_password(
        &self,
        tenant: Option<&TenantId>,
        username: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<SignIn, Error> {
        if !PASSWORD_BYTES.contains(&password.len()) {
            // No stored password has this length: nothing about the name is told.
            return Ok(SignIn::Refused);
        }
        let turn = self.passwords.turn().await?;
        let Ok(id) = username.parse::<UserId>() else {
            self.passwords.verify(turn, password, None).await?;
            return Ok(SignIn::Refused);
        };
        if let Some(until) = self.attempts.begin(&id, now).await? {
            return Ok(SignIn::LockedUntil(until));
        }
        let user = self.get(&id).await?;
        let stored = self.table.get::<StoredPassword>(&password_key(&id)).await?;
        let phc = stored.map(|row| row.value.phc);
        let is_right = self.passwords.verify(turn, password, phc).await?;
        let user = user.filter(|user| {
            is_right
                && !user.is_disabled
                && tenant.is_none_or(|tenant| user.tenants.contains(tenant))
        });
        match user {
            None => Ok(SignIn::Refused),
            Some(user) => {
                self.attempts.clear(&id).await?;
                Ok(SignIn::Ok(user))
            }
        }
    }

    /// Removes forgotten failures.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        self.attempts.sweep(now).await
    }

    async fn change(&self, id: &UserId, change: impl Fn(&mut StoredUser)) -> Result<(), Error> {
        match self.table.change(&user_key(id), change).await? {
            Some(_) => Ok(()),
            None => Err(unknown(id)),
        }
    }

    fn read(&self, id: UserId, stored: StoredUser) -> Result<User, Error> {
        Ok(User {
            id,
            roles: self.table.parse_all(&stored.roles)?,
            fhir_user: self.table.parse_option(stored.fhir_user.as_deref())?,
            tenants: self.table.parse_all(&stored.tenants)?,
            publisher: self.table.parse_option(stored.publisher.as_deref())?,
            display_name: stored.display_name,
            is_disabled: stored.disabled,
        })
    }
}

impl From<&User> for StoredUser {
    fn from(user: &User) -> Self {
        Self {
            display_name: user.display_name.clone(),
            roles: texts(&user.roles),
            fhir_user: user.fhir_user.as_ref().map(ToString::to_string),
            tenants: texts(&user.tenants),
            publisher: user.publisher.as_ref().map(ToString::to_string),
            disabled: user.is_disabled,
        }
    }
}

fn unknown(id: &UserId) -> Error {
    Error::Unknown {
        noun: "user",
        id: id.to_string(),
    }
}

fn check(user: &User) -> Result<(), Error> {
    let name = &user.display_name;
    if name.trim().is_empty()
        || name.len() > DISPLAY_NAME_BYTES_MAX
        || name.chars().any(char::is_control)
    {
        return Err(Error::invalid(
            "display name",
            "must have 1 to 200 bytes and no control characters",
        ));
    }
    if user.roles.is_empty() {
        return Err(Error::invalid("roles", "must name at least one role"));
    }
    if user.tenants.is_empty() {
        return Err(Error::invalid("tenants", "must name at least one tenant"));
    }
    if user.roles.contains(&Role::Vendor) != user.publisher.is_some() {
        return Err(Error::invalid(
            "publisher",
            "must be given for a vendor, and only for a vendor",
        ));
    }
    if user.roles.contains(&Role::Ehr) {
        return Err(Error::invalid(
            "roles",
            "must not name `ehr`: that is a service account's",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
