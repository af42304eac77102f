//! Proofs that whoever presents a token holds its key (DPoP, RFC 9449). A token that is bound
//! to a key is worth nothing to who has only read it.

mod key;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_database::{Durability, Keyspace};
use glovebox_model::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::table::{TRIES_MAX, Table};
use crate::{Error, secret};
use key::ProofKey;

/// The JWS algorithms of proofs that are taken (RFC 9449 section 5.1).
pub const DPOP_ALGORITHMS: [&str; 3] = ["ES256", "ES384", "RS256"];

const PROOF_BYTES_MAX: usize = 8 << 10;
const JTI_BYTES_MAX: usize = 256;
/// A proof is good for so long after it was made.
const AGE_MAX: Duration = Duration::from_secs(60);
/// How far the clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(10);
/// A thumbprint is a SHA-256 in base64url (RFC 7638).
const THUMBPRINT_BYTES: usize = 43;

/// The `DPoP` header of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DpopHeader {
    /// There is none.
    #[default]
    None,
    /// There are several, or it is no text.
    Unreadable,
    /// One proof; nothing in it is believed yet.
    Given(String),
}

/// Why a proof was not taken. The client hears `invalid_dpop_proof` each time; the cause is
/// for the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefused {
    /// There is none, and there has to be one.
    #[error("a DPoP proof is missing")]
    Missing,
    /// Not one signed JWT of at most 8 KiB.
    #[error("the DPoP proof is not one JWT")]
    Malformed,
    /// `typ` is not `dpop+jwt`.
    #[error("the typ of the DPoP proof is not dpop+jwt")]
    Type,
    /// `alg` is none that is taken, or `crit` names what is not understood.
    #[error("the algorithm or a header parameter of the DPoP proof is not supported")]
    Algorithm,
    /// `jwk` is not a public key for `alg`.
    #[error("the jwk of the DPoP proof is not a public key for its alg")]
    Key,
    /// The signature is not the key's.
    #[error("the signature of the DPoP proof is wrong")]
    Signature,
    /// `htm` or `htu` is another request's.
    #[error("htm or htu of the DPoP proof is not this request's")]
    Target,
    /// `iat` is missing, too old or in the future.
    #[error("iat of the DPoP proof is not of this minute")]
    IssuedAt,
    /// `jti` is missing or too long.
    #[error("jti of the DPoP proof is missing or too long")]
    Identifier,
    /// `ath` is missing, or of another token.
    #[error("ath of the DPoP proof is not this access token's")]
    TokenHash,
    /// It is another key than the token is bound to.
    #[error("the DPoP proof is of another key than the one that is bound")]
    OtherKey,
    /// It was used before.
    #[error("the DPoP proof was used before")]
    Replayed,
}

impl ProofRefused {
    /// The stable word for the ledger.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "dpop-missing",
            Self::Malformed => "dpop-malformed",
            Self::Type => "dpop-type",
            Self::Algorithm => "dpop-algorithm",
            Self::Key => "dpop-key",
            Self::Signature => "dpop-signature",
            Self::Target => "dpop-target",
            Self::IssuedAt => "dpop-issued-at",
            Self::Identifier => "dpop-jti",
            Self::TokenHash => "dpop-ath",
            Self::OtherKey => "dpop-other-key",
            Self::Replayed => "dpop-replayed",
        }
    }
}

/// The request that a proof has to be made for.
#[derive(Clone, Copy, Debug)]
pub struct ProvenRequest<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The address, absolute; query and fragment do not count.
    pub url: &'a str,
    /// The access token that is presented with it, if one is.
    pub access_token: Option<&'a str>,
    /// The thumbprint of the key that has to be used, if that is known.
    pub thumbprint: Option<&'a str>,
}

/// Checks proofs and remembers those that were used.
#[derive(Clone)]
pub struct DpopProofs {
    table: Table,
}

#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: String,
    jwk: Value,
    crit: Option<Value>,
    b64: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    jti: Option<String>,
    htm: Option<String>,
    htu: Option<String>,
    iat: Option<Value>,
    ath: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct UsedProof {
    expires_micros: i64,
}

const USED: &str = "used/";

impl DpopProofs {
    /// The memory of used proofs in a keyspace of its own.
    pub(crate) fn new(keyspace: Keyspace) -> Self {
        Self {
            table: Table::new(keyspace, "proof of possession"),
        }
    }

    /// Checks the proof of a request and uses it up. Answers the thumbprint of its key (RFC
    /// 7638), which is what tokens are bound to.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn verify(
        &self,
        proof: &DpopHeader,
        request: ProvenRequest<'_>,
        now: Timestamp,
    ) -> Result<Result<String, ProofRefused>, Error> {
        let text = match proof {
            DpopHeader::None => return Ok(Err(ProofRefused::Missing)),
            DpopHeader::Unreadable => return Ok(Err(ProofRefused::Malformed)),
            DpopHeader::Given(text) => text,
        };
        let checked = match check(text, request, now) {
            Ok(checked) => checked,
            Err(refused) => return Ok(Err(refused)),
        };
        // Last, so that only the key's owner can use up an identifier.
        match self.first_use(&checked, now).await? {
            true => Ok(Ok(checked.thumbprint)),
            false => Ok(Err(ProofRefused::Replayed)),
        }
    }

    async fn first_use(&self, proof: &Checked, now: Timestamp) -> Result<bool, Error> {
        // Hashed: an identifier is any text, a key is bounded.
        let jti = secret::sha256(proof.jti.as_bytes());
        let key = format!("{USED}{}/{jti}", proof.thumbprint);
        let record = UsedProof {
            expires_micros: proof.expires_at.micros(),
        };
        for _ in 0..TRIES_MAX {
            // Relaxed: one for each call, and what a power loss forgets is stale when the
            // machine is up again.
            if self
                .table
                .insert(&key, &record, Durability::Relaxed)
                .await?
            {
                return Ok(true);
            }
            match self.table.get::<UsedProof>(&key).await? {
                Some(row) if now < Timestamp::from_micros(row.value.expires_micros) => {
                    return Ok(false);
                }
                // An expired one is forgotten, swept or not.
                Some(row) => {
                    let version = row.version;
                    return self
                        .table
                        .replace(&key, &record, version, Durability::Relaxed)
                        .await;
                }
                None => {}
            }
        }
        Err(self.table.contended())
    }

    /// Forgets proofs that are too old to be used anyway.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        for (rest, row) in self.table.list::<UsedProof>(USED).await? {
            if Timestamp::from_micros(row.value.expires_micros) <= now {
                let key = format!("{USED}{rest}");
                self.table.delete(&key, Durability::Relaxed).await?;
            }
        }
        Ok(())
    }
}

struct Checked {
    thumbprint: String,
    jti: String,
    expires_at: Timestamp,
}

fn check(text: &str, request: ProvenRequest<'_>, now: Timestamp) -> Result<Checked, ProofRefused> {
    if text.len() > PROOF_BYTES_MAX {
        return Err(ProofRefused::Malformed);
    }
    let (message, signature) = text.rsplit_once('.').ok_or(ProofRefused::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(ProofRefused::Malformed)?;
    let (header, claims): (Header, Claims) = (part(header)?, part(claims)?);
    if header.typ.as_deref() != Some("dpop+jwt") {
        return Err(ProofRefused::Type);
    }
    if header.crit.is_some()
        || header.b64.is_some()
        || !DPOP_ALGORITHMS.contains(&header.alg.as_str())
    {
        return Err(ProofRefused::Algorithm);
    }
    // What costs little comes before what costs much.
    let is_target = claims.htm.as_deref() == Some(request.method)
        && claims
            .htu
            .as_deref()
            .is_some_and(|htu| is_same_address(htu, request.url));
    if !is_target {
        return Err(ProofRefused::Target);
    }
    let issued_at = claims.iat.as_ref().and_then(instant);
    let issued_at = issued_at.ok_or(ProofRefused::IssuedAt)?;
    let expires_at = issued_at + AGE_MAX + LEEWAY;
    if issued_at > now + LEEWAY || expires_at <= now {
        return Err(ProofRefused::IssuedAt);
    }
    let jti = claims.jti.unwrap_or_default();
    if jti.is_empty() || jti.len() > JTI_BYTES_MAX {
        return Err(ProofRefused::Identifier);
    }
    if let Some(token) = request.access_token {
        let hash = URL_SAFE_NO_PAD.encode(secret::sha256(token.as_bytes()).as_bytes());
        if claims.ath.as_deref() != Some(hash.as_str()) {
            return Err(ProofRefused::TokenHash);
        }
    }
    let key = ProofKey::read(&header.alg, &header.jwk).ok_or(ProofRefused::Key)?;
    if !key.verify(message.as_bytes(), signature) {
        return Err(ProofRefused::Signature);
    }
    let thumbprint = key.thumbprint().map_err(|_| ProofRefused::Key)?;
    if request.thumbprint.is_some_and(|bound| bound != thumbprint) {
        return Err(ProofRefused::OtherKey);
    }
    Ok(Checked {
        thumbprint,
        jti,
        expires_at,
    })
}

/// Whether two addresses are the same but for query and fragment, after the normalisation of
/// RFC 3986 section 6.2 (the case of scheme and host, and the port that goes without saying).
fn is_same_address(htu: &str, url: &str) -> bool {
    let read = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    let htu = read(htu);
    htu.is_some() && htu == read(url)
}

/// A NumericDate: proofs are made by browsers too, which write fractions.
fn instant(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_f64().filter(|s| (0.0..1e11).contains(s))?;
    // In range: below 1e17 microseconds.
    #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
    let micros = (seconds * 1e6) as i64;
    Some(Timestamp::from_micros(micros))
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, ProofRefused> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| ProofRefused::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| ProofRefused::Malformed)
}

/// Whether a text can be the thumbprint of a key.
pub(crate) fn is_thumbprint(text: &str) -> bool {
    text.len() == THUMBPRINT_BYTES
        && URL_SAFE_NO_PAD
            .decode(text)
            .is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests;
