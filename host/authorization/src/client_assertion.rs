//! Client assertions: a client proves who it is with a JWT that it signed
//! (`private_key_jwt`, RFC 7523 section 2.2; SMART App Launch 2.2, "Client
//! Authentication: Asymmetric").

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_database::{Durability, Keyspace};
use glovebox_model::{ClientId, TenantId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client_jwks::ClientJwks;
use crate::client_key::ClientKey;
use crate::table::{TRIES_MAX, Table};
use crate::{Client, Clients, Error, secret};

/// The `client_assertion_type` of a JWT (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Longest assertion that is looked at, in bytes.
pub const ASSERTION_BYTES_MAX: usize = 16 << 10;
/// An assertion may live this long at most (SMART App Launch 2.2, "Client
/// Authentication: Asymmetric", `exp`).
const LIFETIME_MAX: Duration = Duration::from_secs(300);
/// How far the clocks may be apart. The public conformance kit and several clients set
/// `exp` to exactly five minutes ahead: with no leeway, a client whose clock is a second
/// fast would fail. More than this would only lengthen the life of a stolen assertion.
const LEEWAY: Duration = Duration::from_secs(10);
const JTI_BYTES_MAX: usize = 256;

/// Why an assertion was not taken. For the ledger; the client hears `invalid_client`,
/// whatever the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionRefused {
    /// No assertion, or another means of authentication.
    #[error("the client did not authenticate with an assertion")]
    Missing,
    /// Not a signed JWT of at most [`ASSERTION_BYTES_MAX`].
    #[error("not a JWT")]
    Malformed,
    /// The `typ` header is not `JWT`: perhaps a token made for something else.
    #[error("the typ header is not JWT")]
    Type,
    /// A header parameter that must be understood and is not (RFC 7515 section 4.1.11),
    /// or a key address that is not registered.
    #[error("a header parameter is not supported")]
    Header,
    /// `iss`, `sub` and the `client_id` parameter are not one and the same.
    #[error("iss, sub and client_id differ")]
    Issuer,
    /// No such client here, or one that does not use assertions.
    #[error("no client of this tenant with this id uses assertions")]
    Client,
    /// `kid` and `alg` do not name exactly one registered key.
    #[error("kid and alg name no registered key")]
    Key,
    /// The signature is not the key's.
    #[error("the signature is wrong")]
    Signature,
    /// `aud` is not the one text that is the token endpoint's address.
    #[error("aud is not the token endpoint")]
    Audience,
    /// `exp` is missing, not a whole number, past, or more than five minutes ahead.
    #[error("exp is missing, past or too far ahead")]
    Expiry,
    /// `iat` or `nbf` lies in the future, or `iat` too far back.
    #[error("iat or nbf is not plausible")]
    IssuedAt,
    /// `jti` is missing, empty or longer than 256 bytes.
    #[error("jti is missing or too long")]
    Identifier,
    /// The `jti` was used before.
    #[error("the assertion was used before")]
    Replayed,
}

impl AssertionRefused {
    /// The stable word for the ledger.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "assertion-missing",
            Self::Malformed => "assertion-malformed",
            Self::Type => "assertion-type",
            Self::Header => "assertion-header",
            Self::Issuer => "assertion-issuer",
            Self::Client => "assertion-client",
            Self::Key => "assertion-key",
            Self::Signature => "assertion-signature",
            Self::Audience => "assertion-audience",
            Self::Expiry => "assertion-expiry",
            Self::IssuedAt => "assertion-issued-at",
            Self::Identifier => "assertion-jti",
            Self::Replayed => "assertion-replayed",
        }
    }
}

/// Lets jsonwebtoken sign and verify with aws-lc-rs. Call it once at start; calling it
/// again changes nothing.
pub fn install_crypto_provider() {
    // The error says that a provider is installed already, which is what is wanted.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Checks assertions and remembers those that were used.
#[derive(Clone)]
pub struct ClientAssertions {
    table: Table,
    clients: Clients,
    jwks: ClientJwks,
}

/// The header. Parameters that carry or fetch keys (`jwk`, `x5c`, `x5u`) are not read:
/// the key is a registered one or none.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    jku: Option<Value>,
    crit: Option<Value>,
    b64: Option<Value>,
}

/// The claims, typed so that text for a number or a list for a text is refused.
#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    exp: Option<Value>,
    iat: Option<Value>,
    nbf: Option<Value>,
    jti: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct UsedAssertion {
    expires_micros: i64,
}

const USED: &str = "used/";

impl ClientAssertions {
    /// The memory of used assertions in a keyspace of its own.
    pub(crate) fn new(keyspace: Keyspace, clients: Clients, jwks: ClientJwks) -> Self {
        install_crypto_provider();
        Self {
            table: Table::new(keyspace, "client assertion"),
            clients,
            jwks,
        }
    }

    /// Checks an assertion presented to an endpoint of `tenant` that goes by these
    /// addresses, and uses it up. `client_id` is the request parameter, where one was sent.
    pub async fn verify(
        &self,
        tenant: &TenantId,
        unverified_jwt: &str,
        client_id: Option<&str>,
        audiences: &[&str],
        now: Timestamp,
    ) -> Result<Result<Client, AssertionRefused>, Error> {
        let unverified = match Unverified::read(unverified_jwt) {
            Ok(unverified) => unverified,
            Err(refused) => return Ok(Err(refused)),
        };
        let id = match unverified.client_id(client_id) {
            Ok(id) => id,
            Err(refused) => return Ok(Err(refused)),
        };
        let client = self.clients.get(tenant, &id).await?;
        let Some(client) = client.filter(|client| client.kind.has_keys()) else {
            return Ok(Err(AssertionRefused::Client));
        };
        // All that needs no key comes first: nobody is asked for keys in vain.
        let used = match unverified.check(client.jwks_uri.as_deref(), audiences, now) {
            Ok(used) => used,
            Err(refused) => return Ok(Err(refused)),
        };
        let signed = match &client.jwks_uri {
            None => unverified.is_signed_by(&client.keys),
            Some(uri) => {
                let is_named = |key: &ClientKey| unverified.names(key);
                let keys = self.jwks.of(&client, uri, is_named, now).await;
                unverified.is_signed_by(&keys)
            }
        };
        if let Err(refused) = signed {
            return Ok(Err(refused));
        }
        // Last, so that only the key's owner can use up an identifier.
        if self.first_use(&client, &used, now).await? {
            Ok(Ok(client))
        } else {
            Ok(Err(AssertionRefused::Replayed))
        }
    }

    /// Forgets assertions that have expired and could not be used anyway.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (rest, row) in self.table.list::<UsedAssertion>(USED).await? {
            if Timestamp::from_micros(row.value.expires_micros) <= now {
                self.table
                    .delete(&format!("{USED}{rest}"), Durability::Relaxed)
                    .await?;
            }
        }
        Ok(())
    }

    async fn first_use(&self, client: &Client, used: &Use, now: Timestamp) -> Result<bool, Error> {
        // Hashed: an identifier is any text, a key is bounded.
        let jti = secret::sha256(used.jti.as_bytes());
        let key = format!("{USED}{}/{}/{jti}", client.tenant, client.id);
        let record = UsedAssertion {
            expires_micros: used.expires_at.micros(),
        };
        for _ in 0..TRIES_MAX {
            // Sync: after a power loss a used assertion must still be used.
            if self.table.insert(&key, &record, Durability::Sync).await? {
                return Ok(true);
            }
            match self.table.get::<UsedAssertion>(&key).await? {
                Some(row) if now < Timestamp::from_micros(row.value.expires_micros) => {
                    return Ok(false);
                }
                // An expired one is forgotten, swept or not.
                Some(row) => {
                    let is_ours = self
                        .table
                        .replace(&key, &record, row.version, Durability::Sync)
                        .await?;
                    return Ok(is_ours);
                }
                None => {}
            }
        }
        Err(self.table.contended())
    }
}

/// An assertion that was taken apart; nothing in it is believed yet.
struct Unverified<'a> {
    header: Header,
    claims: Claims,
    message: &'a str,
    signature: &'a str,
}

/// The one use of a good assertion.
struct Use {
    jti: String,
    expires_at: Timestamp,
}

impl<'a> Unverified<'a> {
    fn read(jwt: &'a str) -> Result<Self, AssertionRefused> {
        if jwt.len() > ASSERTION_BYTES_MAX {
            return Err(AssertionRefused::Malformed);
        }
        let (message, signature) = jwt.rsplit_once('.').ok_or(AssertionRefused::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(AssertionRefused::Malformed)?;
        Ok(Self {
            header: part(header)?,
            claims: part(claims)?,
            message,
            signature,
        })
    }

    fn client_id(&self, parameter: Option<&str>) -> Result<ClientId, AssertionRefused> {
        let issuer = self.claims.iss.as_deref();
        let is_one = issuer == self.claims.sub.as_deref()
            && parameter.is_none_or(|parameter| issuer == Some(parameter));
        issuer
            .filter(|_| is_one)
            .ok_or(AssertionRefused::Issuer)?
            .parse()
            .map_err(|_| AssertionRefused::Client)
    }

    /// Checks everything but the signature.
    fn check(
        &self,
        jwks_uri: Option<&str>,
        audiences: &[&str],
        now: Timestamp,
    ) -> Result<Use, AssertionRefused> {
        let header = &self.header;
        if header.typ.as_deref() != Some("JWT") {
            return Err(AssertionRefused::Type);
        }
        // A `jku` is the registered address, letter by letter, or the request fails: nothing
        // is ever fetched because an assertion says so.
        let is_registered = |jku: &Value| jwks_uri.is_some() && jku.as_str() == jwks_uri;
        if header.jku.as_ref().is_some_and(|jku| !is_registered(jku))
            || header.crit.is_some()
            || header.b64.is_some()
        {
            return Err(AssertionRefused::Header);
        }
        let claims = &self.claims;
        let audience = claims.aud.as_ref().and_then(Value::as_str);
        if audience.is_none_or(|audience| !audiences.contains(&audience)) {
            return Err(AssertionRefused::Audience);
        }
        let expires_at = self.check_times(now)?;
        let jti = claims.jti.as_deref().unwrap_or_default();
        if jti.is_empty() || jti.len() > JTI_BYTES_MAX {
            return Err(AssertionRefused::Identifier);
        }
        Ok(Use {
            jti: jti.to_owned(),
            expires_at,
        })
    }

    /// Whether the header picks this key among the client's; the algorithm is the key's.
    fn names(&self, key: &ClientKey) -> bool {
        Some(&key.kid) == self.header.kid.as_ref() && key.algorithm.as_str() == self.header.alg
    }

    fn is_signed_by(&self, keys: &[ClientKey]) -> Result<(), AssertionRefused> {
        let mut named = keys.iter().filter(|key| self.names(key));
        let (Some(key), None) = (named.next(), named.next()) else {
            return Err(AssertionRefused::Key);
        };
        match key.verify(self.message.as_bytes(), self.signature) {
            true => Ok(()),
            false => Err(AssertionRefused::Signature),
        }
    }

    /// Checks `exp`, `iat` and `nbf`; answers when the assertion cannot be used any more.
    fn check_times(&self, now: Timestamp) -> Result<Timestamp, AssertionRefused> {
        let claims = &self.claims;
        let exp = claims
            .exp
            .as_ref()
            .and_then(seconds)
            .ok_or(AssertionRefused::Expiry)?;
        let unusable_from = exp + LEEWAY;
        if unusable_from <= now || exp > now + LIFETIME_MAX + LEEWAY {
            return Err(AssertionRefused::Expiry);
        }
        let at = |claim: &Option<Value>| match claim {
            None => Ok(None),
            Some(value) => seconds(value).map(Some).ok_or(AssertionRefused::IssuedAt),
        };
        let (iat, nbf) = (at(&claims.iat)?, at(&claims.nbf)?);
        let is_future = |instant: Timestamp| instant > now + LEEWAY;
        let is_old = |instant: Timestamp| now.since(instant) > LIFETIME_MAX + LEEWAY;
        if iat.is_some_and(|iat| exp > iat + LIFETIME_MAX + LEEWAY) {
            return Err(AssertionRefused::Expiry);
        }
        if iat.is_some_and(|iat| is_future(iat) || is_old(iat)) || nbf.is_some_and(is_future) {
            return Err(AssertionRefused::IssuedAt);
        }
        Ok(unusable_from)
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, AssertionRefused> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| AssertionRefused::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| AssertionRefused::Malformed)
}

/// Who an assertion says it is from; nothing is proven.
pub(crate) fn claimed_issuer(jwt: &str) -> Option<ClientId> {
    let unverified = Unverified::read(jwt).ok()?;
    unverified.claims.iss?.parse().ok()
}

/// A NumericDate in whole seconds (RFC 7519 section 2), within what an instant can hold.
fn seconds(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_i64()?;
    (seconds >= 0).then_some(())?;
    seconds.checked_mul(1_000_000).map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests;
