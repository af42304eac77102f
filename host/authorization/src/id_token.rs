//! id_tokens: who signed in, told to the app that asked for `openid` (OpenID Connect Core
//! 1.0 section 2; SMART App Launch 2.2, "Scopes for requesting identity data").

#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_model::id::FhirUser;
use glovebox_model::{ClientId, TenantId, Timestamp, UserId};
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::signing_keys::SigningKeys;
use crate::{Error, secret};

/// How long an id_token is good for.
pub const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);
/// The `typ` header of an id_token.
const TYP: &str = "JWT";
/// Longest `id_token_hint` that is looked at, in bytes. Ours have under 2,000, unless the
/// app chose a long `nonce`.
const HINT_BYTES_MAX: usize = 16 << 10;
/// How far the clocks of two nodes may be apart.
const LEEWAY: Duration = Duration::from_secs(60);

/// What an id_token says.
#[derive(Clone, Copy, Debug)]
pub struct IdTokenClaims<'a> {
    /// `iss`: the tenant's issuer, the same as in its discovery documents.
    pub issuer: &'a str,
    /// `sub`: see [`subject`].
    pub subject: &'a str,
    /// `aud` and `azp`.
    pub client: &'a ClientId,
    /// `auth_time`: when the user proved who they are.
    pub auth_time: Timestamp,
    /// `nonce`, as the authorization request had it.
    pub nonce: Option<&'a str>,
    /// The access token of the same answer: `at_hash` is made of it.
    pub access_token: Option<&'a str>,
    /// `sid`: the user's session at this server, by its public id.
    pub session: Option<&'a str>,
    /// Who the user is in the record, if `fhirUser` was granted.
    pub fhir_user: Option<FhirUserClaim<'a>>,
}

/// The `fhirUser` claim: always an absolute address below the tenant's FHIR base.
#[derive(Clone, Copy, Debug)]
pub struct FhirUserClaim<'a> {
    /// The FHIR base, without a slash at its end.
    pub base: &'a str,
    /// Such as `Practitioner/rivera`.
    pub reference: &'a FhirUser,
}

/// What an id_token that this server once signed says of its user. A hint and no proof: it
/// may have expired, and whoever holds it may not be the user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IdTokenHint {
    /// `iss`, for comparison with the issuer of today.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// `sub`, for comparison with [`subject`].
    #[serde(rename = "sub")]
    pub subject: String,
    /// `aud`: the client that it was made for.
    #[serde(rename = "aud")]
    pub client: String,
    /// `sid`.
    #[serde(rename = "sid")]
    pub session: Option<String>,
    iat: i64,
    exp: i64,
}

impl IdTokenHint {
    /// Whether it has expired, which takes nothing from a hint.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.exp <= now.seconds()
    }
}

/// The `sub` of a user: the same in every token of the tenant, different in each tenant, 43
/// characters. It is not the login name, which apps have no use for and guessers do.
pub fn subject(tenant: &TenantId, user: &UserId) -> String {
    let text = format!("glovebox subject\n{tenant}\n{user}");
    URL_SAFE_NO_PAD.encode(secret::sha256(text.as_bytes()).as_bytes())
}

/// `at_hash` for RS256: the left half of the token's SHA-256 (OpenID Connect Core 1.0
/// section 3.1.3.6).
pub fn at_hash(access_token: &str) -> String {
    let digest = secret::sha256(access_token.as_bytes());
    let (left, _) = digest.as_bytes().split_at(16);
    URL_SAFE_NO_PAD.encode(left)
}

impl IdTokenClaims<'_> {
    fn to_json(self, now: Timestamp) -> Value {
        let expires_at = now + ID_TOKEN_LIFETIME;
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", self.issuer.into());
        put("sub", self.subject.into());
        put("aud", self.client.as_str().into());
        put("azp", self.client.as_str().into());
        put("iat", now.seconds().into());
        put("exp", expires_at.seconds().into());
        put("auth_time", self.auth_time.seconds().into());
        if let Some(nonce) = self.nonce {
            put("nonce", nonce.into());
        }
        if let Some(token) = self.access_token {
            put("at_hash", at_hash(token).into());
        }
        if let Some(session) = self.session {
            put("sid", session.into());
        }
        if let Some(user) = self.fhir_user {
            let address = format!("{}/{}", user.base, user.reference);
            // Apps of the first SMART version read `profile`; it says the same.
            put("profile", address.as_str().into());
            put("fhirUser", address.into());
        }
        Value::Object(claims)
    }
}

/// The header of a presented hint: it only picks among our own keys. The algorithm is the
/// key's, whatever the header says.
#[derive(Deserialize)]
struct HintHeader {
    kid: String,
    typ: String,
}

impl SigningKeys {
    /// Signs an id_token with the tenant's active key. Errors: [`Error::Unknown`] for a
    /// tenant without keys.
    pub async fn sign_id_token(
        &self,
        tenant: &TenantId,
        claims: &IdTokenClaims<'_>,
        now: Timestamp,
    ) -> Result<String, Error> {
        self.sign(tenant, TYP, &claims.to_json(now)).await
    }

    /// Reads an `id_token_hint` (OpenID Connect Core 1.0 section 3.1.2.1): a token that this
    /// tenant signed, expired or not, for whatever client. `None` for everything else.
    pub async fn verify_id_token_hint(
        &self,
        tenant: &TenantId,
        unverified: &str,
        now: Timestamp,
    ) -> Result<Option<IdTokenHint>, Error> {
        if unverified.len() > HINT_BYTES_MAX {
            return Ok(None);
        }
        let Some((message, signature)) = unverified.rsplit_once('.') else {
            return Ok(None);
        };
        let Some((header, claims)) = message.split_once('.') else {
            return Ok(None);
        };
        let Some(header) = part::<HintHeader>(header) else {
            return Ok(None);
        };
        if header.typ != TYP {
            return Ok(None);
        }
        let Some(key) = self.public_key(tenant, &header.kid).await? else {
            return Ok(None);
        };
        let message = message.as_bytes();
        let is_ours = jsonwebtoken::crypto::verify(signature, message, &key, Algorithm::RS256);
        if !is_ours.unwrap_or(false) {
            return Ok(None);
        }
        let hint = part::<IdTokenHint>(claims);
        // Nothing of ours comes from the future: then the clock was wrong, or is.
        Ok(hint.filter(|hint| hint.iat <= (now + LEEWAY).seconds()))
    }
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok()
}
