//! OAuth clients: registered programs that ask for tokens (RFC 7591 metadata, plus who
//! owns them and whom to call when something is wrong).

use std::collections::BTreeMap;
use std::sync::Arc;

use glovebox_database::{Durability, Keyspace};
use glovebox_model::scope::{Level, Scope, ScopeSet, TypeSelector};
use glovebox_model::{ClientId, TenantId};
use glovebox_outbound::{AddressPolicy, OutboundError};
use glovebox_policy::Terms;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::client_key::{ClientKey, check_distinct};
use crate::redirect_uri::{check_launch_uri, check_redirect_uri};
use crate::secret::{self, Kind, SecretHash, SecretText};
use crate::table::Table;

const TEXT_BYTES_MAX: usize = 320;
const REDIRECT_URIS_MAX: usize = 20;
const KEYS_MAX: usize = 10;
const JUSTIFICATIONS_MAX: usize = 200;
const JUSTIFICATION_BYTES_MAX: usize = 1_000;

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientKind {
    /// Not at all: it runs where secrets cannot be kept.
    #[serde(rename = "public")]
    Public,
    /// With a shared secret.
    #[serde(rename = "confidential-symmetric")]
    ConfidentialSymmetric,
    /// With a signed assertion (`private_key_jwt`).
    #[serde(rename = "confidential-asymmetric")]
    ConfidentialAsymmetric,
    /// Like the one before, and it acts without a user (SMART backend services).
    #[serde(rename = "backend")]
    Backend,
}

impl ClientKind {
    /// The name used in the API and in the demo's description.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::ConfidentialSymmetric => "confidential-symmetric",
            Self::ConfidentialAsymmetric => "confidential-asymmetric",
            Self::Backend => "backend",
        }
    }

    /// Whether the client signs assertions with keys that it registered.
    pub const fn has_keys(self) -> bool {
        matches!(self, Self::ConfidentialAsymmetric | Self::Backend)
    }
}

/// What a client binds itself to, beyond what everybody is bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRules {
    /// It pushes its authorization requests (RFC 9126 section 6).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// Its access tokens are bound to a key that it holds (RFC 9449 section 5.2).
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
}

/// What is asked for when a client is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRegistration {
    /// The wanted id; without one, a random id is given.
    pub id: Option<ClientId>,
    /// The tenant. A client exists in one tenant only.
    pub tenant: TenantId,
    /// How it will prove who it is.
    pub kind: ClientKind,
    /// The name that people read on consent pages.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// Where to report a security problem.
    pub security_contact: String,
    /// Public keys.
    pub keys: Vec<ClientKey>,
    /// Where its public keys are published, in place of `keys`.
    pub jwks_uri: Option<String>,
    /// What it binds itself to.
    pub rules: ClientRules,
    /// Where codes may be sent, compared exactly.
    pub redirect_uris: Vec<String>,
    /// Where an EHR launch begins.
    pub launch_uri: Option<String>,
    /// The most that it may ask for.
    pub scope: ScopeSet,
    /// Why it asks: by scope, which act of a user needs it. What administrators and
    /// auditors read.
    pub justifications: BTreeMap<String, String>,
    /// What its registration says beyond scopes.
    pub terms: Terms,
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The `client_id`.
    pub id: ClientId,
    /// The tenant.
    pub tenant: TenantId,
    /// Tells this registration from an earlier one under the same id, whose tokens must
    /// not come back to life.
    pub registration: String,
    /// How it proves who it is.
    pub kind: ClientKind,
    /// The name that people read.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// Where to report a security problem.
    pub security_contact: String,
    /// Public keys.
    pub keys: Vec<ClientKey>,
    /// Where its public keys are published, in place of `keys`.
    pub jwks_uri: Option<String>,
    /// What it binds itself to.
    pub rules: ClientRules,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// Where an EHR launch begins.
    pub launch_uri: Option<String>,
    /// The most that it may ask for.
    pub scope: ScopeSet,
    /// Why it asks, by scope.
    pub justifications: BTreeMap<String, String>,
    /// What its registration says beyond scopes.
    pub terms: Arc<Terms>,
}

impl Client {
    /// The most that it can be granted. The launch scopes carry no right of their own: the
    /// context goes with the launch, whoever asks.
    pub(crate) fn grantable(&self) -> ScopeSet {
        let context = [Scope::Launch, Scope::LaunchPatient, Scope::LaunchEncounter];
        ScopeSet::new(self.scope.iter().cloned().chain(context))
    }
}

/// The result of a registration.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The client.
    pub client: Client,
    /// Its secret, shown this once, if it is of a kind that has one.
    pub secret: Option<SecretText>,
}

/// The clients of every tenant.
#[derive(Clone)]
pub struct Clients {
    table: Table,
    addresses: AddressPolicy,
}

#[derive(Serialize, Deserialize)]
struct StoredClient {
    registration: String,
    kind: ClientKind,
    name: String,
    owner: String,
    security_contact: String,
    keys: Vec<ClientKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    #[serde(default)]
    rules: ClientRules,
    /// Whether an administrator has still to look at it: until then it is no client.
    #[serde(default)]
    is_pending: bool,
    redirect_uris: Vec<String>,
    launch_uri: Option<String>,
    scope: String,
    #[serde(default)]
    justifications: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms: Option<Value>,
    secret_hash: Option<SecretHash>,
}

fn key(tenant: &TenantId, id: &ClientId) -> String {
    format!("client/{tenant}/{id}")
}

impl Clients {
    /// The clients in a keyspace of their own.
    pub fn new(keyspace: Keyspace) -> Self {
        Self {
            table: Table::new(keyspace, "client"),
            addresses: AddressPolicy::default(),
        }
    }

    /// With what the policy of outbound calls says of the addresses of clients' keys.
    #[must_use]
    pub fn with_addresses(self, addresses: AddressPolicy) -> Self {
        Self { addresses, ..self }
    }

    /// Registers a client. Errors: [`Error::Exists`], and [`Error::Invalid`] naming the
    /// field and its rule.
    pub async fn register(&self, registration: ClientRegistration) -> Result<Registered, Error> {
        self.keep(registration, false).await
    }

    /// Keeps a registration that asks to be a client: it is none until an administrator
    /// approves it. Errors: those of [`register`](Self::register).
    pub async fn propose(&self, registration: ClientRegistration) -> Result<Registered, Error> {
        self.keep(registration, true).await
    }

    /// Whether a registration would be taken. Errors: [`Error::Invalid`].
    pub fn check(&self, registration: &ClientRegistration) -> Result<(), Error> {
        check(registration, &self.addresses)
    }

    async fn keep(
        &self,
        registration: ClientRegistration,
        is_pending: bool,
    ) -> Result<Registered, Error> {
        check(&registration, &self.addresses)?;
        let id = match registration.id {
            Some(id) => id,
            None => self.table.parse(&secret::random_id()?)?,
        };
        let minted = match registration.kind {
            ClientKind::ConfidentialSymmetric => Some(secret::mint(Kind::ClientSecret)?),
            _ => None,
        };
        let client = Client {
            id,
            tenant: registration.tenant,
            registration: secret::random_id()?,
            kind: registration.kind,
            name: registration.name,
            owner: registration.owner,
            security_contact: registration.security_contact,
            keys: registration.keys,
            jwks_uri: registration.jwks_uri,
            rules: registration.rules,
            redirect_uris: registration.redirect_uris,
            launch_uri: registration.launch_uri,
            scope: registration.scope,
            justifications: registration.justifications,
            terms: Arc::new(registration.terms),
        };
        let mut stored = StoredClient::new(&client, minted.as_ref().map(|minted| minted.hash));
        stored.is_pending = is_pending;
        let key = key(&client.tenant, &client.id);
        if !self.table.insert(&key, &stored, Durability::Sync).await? {
            return Err(Error::Exists {
                noun: "client",
                id: client.id.to_string(),
            });
        }
        Ok(Registered {
            client,
            secret: minted.map(|minted| minted.issued.text),
        })
    }

    /// One client.
    pub async fn get(&self, tenant: &TenantId, id: &ClientId) -> Result<Option<Client>, Error> {
        match self.table.get::<StoredClient>(&key(tenant, id)).await? {
            Some(row) if !row.value.is_pending => {
                self.read(tenant.clone(), id.clone(), row.value).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The version of a client's record: what was read of it holds while this is the same.
    pub(crate) async fn version(
        &self,
        tenant: &TenantId,
        id: &ClientId,
    ) -> Result<Option<u64>, Error> {
        self.table.version(&key(tenant, id)).await
    }

    /// The clients of a tenant, by id.
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<Client>, Error> {
        self.all(tenant, false).await
    }

    /// The registrations of a tenant that wait for an administrator, by id.
    pub async fn pending(&self, tenant: &TenantId) -> Result<Vec<Client>, Error> {
        self.all(tenant, true).await
    }

    /// Makes a client of a registration that waits. `None` if there is none.
    pub async fn approve(&self, tenant: &TenantId, id: &ClientId) -> Result<Option<Client>, Error> {
        let record = key(tenant, id);
        let is_pending = match self.table.get::<StoredClient>(&record).await? {
            Some(row) => row.value.is_pending,
            None => false,
        };
        if !is_pending {
            return Ok(None);
        }
        let approve = |stored: &mut StoredClient| stored.is_pending = false;
        match self.table.change(&record, approve).await? {
            Some(stored) => self.read(tenant.clone(), id.clone(), stored).map(Some),
            None => Ok(None),
        }
    }

    async fn all(&self, tenant: &TenantId, is_pending: bool) -> Result<Vec<Client>, Error> {
        let rows = self
            .table
            .list::<StoredClient>(&format!("client/{tenant}/"))
            .await?;
        rows.into_iter()
            .filter(|(_, row)| row.value.is_pending == is_pending)
            .map(|(id, row)| self.read(tenant.clone(), self.table.parse(&id)?, row.value))
            .collect()
    }

    /// Removes a client; its tokens end with it. What they let in before may still be
    /// answered: `Authorization::delete_client` waits for that. `false` if there is none.
    pub async fn delete(&self, tenant: &TenantId, id: &ClientId) -> Result<bool, Error> {
        let was_there = self.get(tenant, id).await?.is_some();
        self.table
            .delete(&key(tenant, id), Durability::Sync)
            .await?;
        Ok(was_there)
    }

    /// Whether `presented` is the client's secret. A client without one has none to know.
    pub async fn verify_secret(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        presented: &str,
    ) -> Result<bool, Error> {
        let stored = self.table.get::<StoredClient>(&key(tenant, id)).await?;
        let stored = stored.filter(|row| !row.value.is_pending);
        let hash = stored.and_then(|row| row.value.secret_hash);
        Ok(match (secret::read(Kind::ClientSecret, presented), hash) {
            (Some(presented), Some(hash)) => presented.hash.matches(&hash),
            _ => false,
        })
    }

    fn read(&self, tenant: TenantId, id: ClientId, stored: StoredClient) -> Result<Client, Error> {
        Ok(Client {
            id,
            tenant,
            registration: stored.registration,
            kind: stored.kind,
            name: stored.name,
            owner: stored.owner,
            security_contact: stored.security_contact,
            keys: stored.keys,
            jwks_uri: stored.jwks_uri,
            rules: stored.rules,
            redirect_uris: stored.redirect_uris,
            launch_uri: stored.launch_uri,
            scope: ScopeSet::parse(&stored.scope).map_err(|_| self.table.damaged())?,
            justifications: stored.justifications,
            terms: Arc::new(match &stored.terms {
                Some(terms) => Terms::from_json(terms).map_err(|_| self.table.damaged())?,
                None => Terms::default(),
            }),
        })
    }
}

impl StoredClient {
    fn new(client: &Client, secret_hash: Option<SecretHash>) -> Self {
        Self {
            registration: client.registration.clone(),
            kind: client.kind,
            name: client.name.clone(),
            owner: client.owner.clone(),
            security_contact: client.security_contact.clone(),
            keys: client.keys.clone(),
            jwks_uri: client.jwks_uri.clone(),
            rules: client.rules,
            is_pending: false,
            redirect_uris: client.redirect_uris.clone(),
            launch_uri: client.launch_uri.clone(),
            scope: client.scope.to_string(),
            justifications: client.justifications.clone(),
            terms: Some(client.terms.to_json()),
            secret_hash,
        }
    }
}

fn check(registration: &ClientRegistration, addresses: &AddressPolicy) -> Result<(), Error> {
    check_text("name", &registration.name)?;
    check_text("owner", &registration.owner)?;
    check_text("security_contact", &registration.security_contact)?;
    check_keys(registration, addresses)?;
    check_addresses(registration)?;
    check_justifications(registration)?;
    check_scope(registration)
}

fn check_justifications(registration: &ClientRegistration) -> Result<(), Error> {
    let all = &registration.justifications;
    if all.len() > JUSTIFICATIONS_MAX {
        return Err(Error::invalid("justifications", "must have at most 200"));
    }
    for (scope, text) in all {
        if scope.len() > TEXT_BYTES_MAX || text.len() > JUSTIFICATION_BYTES_MAX {
            let rule = "must have at most 1000 bytes each";
            return Err(Error::invalid("justifications", rule));
        }
    }
    Ok(())
}

fn check_text(what: &'static str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(Error::invalid(
            what,
            "must have 1 to 320 bytes and no control characters",
        ));
    }
    Ok(())
}

fn check_keys(registration: &ClientRegistration, addresses: &AddressPolicy) -> Result<(), Error> {
    let keys = &registration.keys;
    if let Some(uri) = &registration.jwks_uri {
        if !keys.is_empty() || !registration.kind.has_keys() {
            let rule = "must stand in place of jwks, and only for kinds that sign assertions";
            return Err(Error::invalid("jwks_uri", rule));
        }
        return match addresses.check(uri) {
            Ok(_) => Ok(()),
            Err(OutboundError::Address(rule)) => Err(Error::invalid("jwks_uri", rule)),
            Err(other) => Err(Error::invalid("jwks_uri", other.to_string())),
        };
    }
    if registration.kind.has_keys() == keys.is_empty() {
        let rule = "must hold at least one key (or be replaced by jwks_uri) for kinds that sign assertions, and none for others";
        return Err(Error::invalid("jwks", rule));
    }
    if keys.len() > KEYS_MAX {
        return Err(Error::invalid("jwks", "must have at most 10 keys"));
    }
    check_distinct(keys)
}

fn check_addresses(registration: &ClientRegistration) -> Result<(), Error> {
    let uris = &registration.redirect_uris;
    if registration.kind == ClientKind::Backend {
        if !uris.is_empty() || registration.launch_uri.is_some() {
            let rule = "must be empty for a backend service, as must launch_uri: nobody is redirected to it";
            return Err(Error::invalid("redirect_uris", rule));
        }
        return Ok(());
    }
    if uris.is_empty() || uris.len() > REDIRECT_URIS_MAX {
        return Err(Error::invalid(
            "redirect_uris",
            "must have 1 to 20 addresses",
        ));
    }
    for uri in uris {
        check_redirect_uri(uri).map_err(|rule| Error::invalid("redirect_uris", rule))?;
    }
    match &registration.launch_uri {
        None => Ok(()),
        Some(uri) => check_launch_uri(uri).map_err(|rule| Error::invalid("launch_uri", rule)),
    }
}

fn check_scope(registration: &ClientRegistration) -> Result<(), Error> {
    let scope = &registration.scope;
    if scope.is_empty() {
        return Err(Error::invalid("scope", "must name at least one scope"));
    }
    let is_backend = registration.kind == ClientKind::Backend;
    if let Some(unknown) = scope.iter().find(|scope| !is_known(scope)) {
        let rule = format!("must name FHIR R4 resource types: `{unknown}` does not");
        return Err(Error::invalid("scope", rule));
    }
    if scope.iter().any(|scope| is_system(scope) != is_backend) {
        let rule =
            "must be system/ scopes for a backend service, and must not be for any other client";
        return Err(Error::invalid("scope", rule));
    }
    Ok(())
}

/// Whether a scope is one that a backend service may hold.
pub(crate) fn is_system(scope: &Scope) -> bool {
    scope
        .as_resource()
        .is_some_and(|scope| scope.level == Level::System)
}

/// Whether a scope names a resource type that there is. One that does not opens nothing, and
/// is never granted: later it might mean something that nobody agreed to.
pub(crate) fn is_known(scope: &Scope) -> bool {
    match scope.as_resource().map(|scope| &scope.resource_type) {
        Some(TypeSelector::Named(name)) => glovebox_fhir::is_resource_type(name),
        Some(TypeSelector::Any) | None => true,
    }
}

#[cfg(test)]
mod tests;
