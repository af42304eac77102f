//! Pushed authorization requests (RFC 9126): the client sends the parameters itself, and the
//! browser carries a reference that is good once, for a minute, for that client.

use std::time::Duration;

use glovebox_database::{Batch, Durability, Expect};
use glovebox_model::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::parameters::KNOWN;
use super::{AuthorizationRequests, AuthorizeRefused, RedirectError, Unredirectable};
use crate::secret::{self, Kind, SecretHash, SecretText};
use crate::{Client, Error};

/// How long a reference may be used (RFC 9126 section 2.2).
pub const PUSHED_TTL: Duration = Duration::from_secs(60);
/// What every reference begins with.
const SCHEME: &str = "urn:ietf:params:oauth:request_uri:";
const PUSHED: &str = "pushed/";

/// A request that was taken.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// `request_uri`, shown to the client alone.
    pub request_uri: SecretText,
    /// The public id, for the ledger.
    pub id: String,
}

#[derive(Serialize, Deserialize)]
struct StoredPush {
    hash: SecretHash,
    tenant: String,
    client: String,
    registration: String,
    expires_micros: i64,
    pairs: Vec<(String, String)>,
}

impl AuthorizationRequests {
    /// Takes the request of a client that has authenticated, if it would be taken at the
    /// authorization endpoint. `thumbprint` is that of the key whose proof came with it (RFC
    /// 9449 section 10.1).
    ///
    /// # Errors
    /// If the records fail.
    pub async fn push(
        &self,
        tenant: &TenantId,
        fhir_base: &str,
        client: &Client,
        pairs: &[(String, String)],
        thumbprint: Option<&str>,
        now: Timestamp,
    ) -> Result<Result<Pushed, (RedirectError, &'static str)>, Error> {
        let invalid = |description| Ok(Err((RedirectError::InvalidRequest, description)));
        let has = |name: &str| pairs.iter().any(|(known, _)| known == name);
        if has("request_uri") {
            return invalid("request_uri cannot be pushed");
        }
        // What only proves who the client is does not become part of the request.
        let mut pairs: Vec<(String, String)> = pairs
            .iter()
            .filter(|(name, _)| KNOWN.contains(&name.as_str()) && name != "client_id")
            .cloned()
            .collect();
        pairs.push(("client_id".to_owned(), client.id.to_string()));
        if let Some(thumbprint) = thumbprint {
            let mut named = pairs.iter().filter(|(name, _)| name == "dpop_jkt");
            if named.any(|(_, value)| value != thumbprint) {
                return invalid("dpop_jkt is not the key of the DPoP proof");
            }
            pairs.retain(|(name, _)| name != "dpop_jkt");
            pairs.push(("dpop_jkt".to_owned(), thumbprint.to_owned()));
        }
        match self.read(tenant, fhir_base, &pairs, now).await? {
            Ok(_) => {}
            Err(AuthorizeRefused::There {
                error, description, ..
            }) => return Ok(Err((error, description))),
            Err(AuthorizeRefused::Here(_)) => {
                return invalid("redirect_uri is missing or not registered for this client");
            }
        }
        let minted = secret::mint(Kind::PushedRequest)?;
        let stored = StoredPush {
            hash: minted.hash,
            tenant: tenant.to_string(),
            client: client.id.to_string(),
            registration: client.registration.clone(),
            expires_micros: (now + PUSHED_TTL).micros(),
            pairs,
        };
        let key = format!("{PUSHED}{}", minted.issued.id);
        let kept = self
            .table
            .insert(&key, &stored, Durability::Relaxed)
            .await?;
        if !kept {
            return Err(self.table.contended());
        }
        let uri = format!("{SCHEME}{}", minted.issued.text.expose());
        Ok(Ok(Pushed {
            request_uri: SecretText::new(uri),
            id: minted.issued.id,
        }))
    }

    /// The parameters that a request means: those that were pushed, where it refers to such,
    /// and then nothing else that it says. The reference is used up.
    pub(super) async fn resolve(
        &self,
        tenant: &TenantId,
        pairs: &[(String, String)],
        now: Timestamp,
    ) -> Result<Result<Option<Vec<(String, String)>>, AuthorizeRefused>, Error> {
        let refused = Ok(Err(AuthorizeRefused::Here(Unredirectable::RequestUri)));
        let all = |name: &str| {
            let mut values = pairs.iter().filter(|(known, _)| known == name);
            (
                values.next().map(|(_, value)| value.as_str()),
                values.count(),
            )
        };
        let (reference, client) = match (all("request_uri"), all("client_id")) {
            ((Some(reference), more), client) if reference.starts_with(SCHEME) => {
                match (more, client) {
                    (0, (Some(client), 0)) => (reference, client),
                    _ => return refused,
                }
            }
            _ => return Ok(Ok(None)),
        };
        let text = reference.strip_prefix(SCHEME).unwrap_or_default();
        let Some(presented) = secret::read(Kind::PushedRequest, text) else {
            return refused;
        };
        let key = format!("{PUSHED}{}", presented.id);
        let Some(row) = self.table.get::<StoredPush>(&key).await? else {
            return refused;
        };
        let stored = row.value;
        let is_good = presented.hash.matches(&stored.hash)
            && stored.tenant == tenant.as_str()
            && stored.client == client
            && now < Timestamp::from_micros(stored.expires_micros);
        if !is_good {
            return refused;
        }
        let id = self.table.parse(&stored.client)?;
        let registered = self.clients.get(tenant, &id).await?;
        if registered.is_none_or(|known| known.registration != stored.registration) {
            return refused;
        }
        // Of two browsers that bring it, one is heard.
        let batch = Batch::new().delete(key, Expect::Version(row.version));
        match self.table.commit(batch, Durability::Relaxed).await? {
            true => Ok(Ok(Some(stored.pairs))),
            false => refused,
        }
    }

    pub(super) async fn sweep_pushed(&self, now: Timestamp) -> Result<(), Error> {
        for (id, row) in self.table.list::<StoredPush>(PUSHED).await? {
            if Timestamp::from_micros(row.value.expires_micros) <= now {
                let key = format!("{PUSHED}{id}");
                self.table.delete(&key, Durability::Relaxed).await?;
            }
        }
        Ok(())
    }
}
