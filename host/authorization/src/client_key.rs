//! Public keys of clients as JWKs (RFC 7517): P-384 for ES384 and RSA for RS384, the two
//! algorithms of SMART App Launch 2.2, "Client Authentication: Asymmetric".

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA384, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Error;

const KID_BYTES_MAX: usize = 256;
const KEYS_MAX: usize = 10;
const PUBLISHED_KEYS_MAX: usize = 50;
const P384_BYTES: usize = 48;
/// RSA moduli from 2048 to 8192 bits.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// Members that belong to a private key (RFC 7518 sections 6.2.2 and 6.3.2) or are a
/// symmetric one (section 6.4).
pub(crate) const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A signature algorithm that a client may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyAlgorithm {
    /// ECDSA over P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
}

impl KeyAlgorithm {
    /// The JWA name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es384 => "ES384",
            Self::Rs384 => "RS384",
        }
    }
}

/// A registered public key: bare parameters, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKey {
    /// The `kid`.
    pub kid: String,
    /// The one algorithm that the key is for.
    pub algorithm: KeyAlgorithm,
    parameters: Parameters,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Parameters {
    Ec { x: String, y: String },
    Rsa { n: String, e: String },
}

impl ClientKey {
    /// The keys of a JWK Set (`{"keys": […]}`).
    pub fn from_jwks(jwks: &Value) -> Result<Vec<Self>, Error> {
        let keys = jwks
            .get("keys")
            .and_then(Value::as_array)
            .ok_or_else(|| invalid("must be an object with a list `keys`"))?;
        if keys.len() > KEYS_MAX {
            return Err(invalid("must have at most 10 keys"));
        }
        let keys = keys
            .iter()
            .map(Self::from_jwk)
            .collect::<Result<Vec<_>, _>>()?;
        check_distinct(&keys)?;
        Ok(keys)
    }

    /// The keys of a JWK Set that its owner publishes, where keys for other purposes may
    /// stand too: those are passed over. A set that holds a private or a symmetric key, or
    /// one `kid` twice, is refused as a whole: its owner has lost control of it.
    pub(crate) fn from_published(jwks: &Value) -> Result<Vec<Self>, Error> {
        let all = jwks
            .get("keys")
            .and_then(Value::as_array)
            .ok_or_else(|| invalid("must be an object with a list `keys`"))?;
        if all.len() > PUBLISHED_KEYS_MAX {
            return Err(invalid("must have at most 50 keys"));
        }
        let mut keys = Vec::new();
        for jwk in all {
            let has = |member: &&str| jwk.get(*member).is_some();
            if jwk.get("kty").is_none_or(|kty| kty == "oct") || PRIVATE_MEMBERS.iter().any(has) {
                return Err(invalid("must hold public keys only"));
            }
            keys.extend(Self::from_jwk(jwk).ok());
        }
        check_distinct(&keys)?;
        Ok(keys)
    }

    /// Reads a public JWK. Refused are private and symmetric keys, missing `kid`s, other
    /// curves and algorithms, small or odd numbers, and points that are not on the curve.
    pub fn from_jwk(jwk: &Value) -> Result<Self, Error> {
        let jwk = jwk
            .as_object()
            .ok_or_else(|| invalid("must be an object"))?;
        if let Some(member) = PRIVATE_MEMBERS
            .iter()
            .find(|member| jwk.contains_key(**member))
        {
            return Err(invalid(format!(
                "must be public: `{member}` belongs to a private key, which never leaves its owner"
            )));
        }
        let kid = text(jwk, "kid")?.to_owned();
        if kid.is_empty() || kid.len() > KID_BYTES_MAX {
            return Err(invalid("must have a `kid` of 1 to 256 bytes"));
        }
        if jwk.get("use").is_some_and(|value| value != "sig") {
            return Err(invalid("must be for signatures (`use` is `sig`)"));
        }
        if let Some(operations) = jwk.get("key_ops") {
            let may_verify = operations
                .as_array()
                .is_some_and(|list| list.iter().any(|op| op == "verify"));
            if !may_verify {
                return Err(invalid("must be for signatures (`key_ops` lists `verify`)"));
            }
        }
        let (algorithm, parameters) = match text(jwk, "kty")? {
            "EC" => (KeyAlgorithm::Es384, ec(jwk)?),
            "RSA" => (KeyAlgorithm::Rs384, rsa(jwk)?),
            _ => return Err(invalid("must be of type EC (P-384) or RSA")),
        };
        if jwk
            .get("alg")
            .is_some_and(|value| value != algorithm.as_str())
        {
            return Err(invalid("must be for ES384 (EC, P-384) or RS384 (RSA)"));
        }
        Ok(Self {
            kid,
            algorithm,
            parameters,
        })
    }

    /// The public JWK, with nothing that was not checked.
    pub fn to_jwk(&self) -> Value {
        let (kid, alg) = (&self.kid, self.algorithm.as_str());
        match &self.parameters {
            Parameters::Ec { x, y } => {
                json!({"kty": "EC", "crv": "P-384", "x": x, "y": y, "kid": kid, "alg": alg, "use": "sig"})
            }
            Parameters::Rsa { n, e } => {
                json!({"kty": "RSA", "n": n, "e": e, "kid": kid, "alg": alg, "use": "sig"})
            }
        }
    }

    /// Whether `signature` (base64url, as it stands in a JWT) is this key's over `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &str) -> bool {
        let (key, algorithm) = match &self.parameters {
            Parameters::Ec { x, y } => (DecodingKey::from_ec_components(x, y), Algorithm::ES384),
            Parameters::Rsa { n, e } => (DecodingKey::from_rsa_components(n, e), Algorithm::RS384),
        };
        key.and_then(|key| jsonwebtoken::crypto::verify(signature, message, &key, algorithm))
            .unwrap_or(false)
    }
}

/// A `kid` may serve one key of each algorithm (SMART App Launch 2.2, "Registering a
/// client communicating public keys": no repeated pair of `kid` and `kty`).
pub(crate) fn check_distinct(keys: &[ClientKey]) -> Result<(), Error> {
    for (position, key) in keys.iter().enumerate() {
        let is_same = |other: &ClientKey| other.kid == key.kid && other.algorithm == key.algorithm;
        if keys.iter().take(position).any(is_same) {
            return Err(invalid(format!("must not repeat the `kid` `{}`", key.kid)));
        }
    }
    Ok(())
}

fn ec(jwk: &Map<String, Value>) -> Result<Parameters, Error> {
    if text(jwk, "crv")? != "P-384" {
        return Err(invalid("must be on the curve P-384"));
    }
    let (x, y) = (text(jwk, "x")?, text(jwk, "y")?);
    let mut point = vec![4];
    for coordinate in [x, y] {
        let bytes = number(coordinate)?;
        if bytes.len() != P384_BYTES {
            return Err(invalid("must have coordinates of 48 bytes"));
        }
        point.extend(bytes);
    }
    ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &point)
        .map_err(|_| invalid("must be a point on the curve P-384"))?;
    Ok(Parameters::Ec {
        x: x.to_owned(),
        y: y.to_owned(),
    })
}

fn rsa(jwk: &Map<String, Value>) -> Result<Parameters, Error> {
    let (n, e) = (text(jwk, "n")?, text(jwk, "e")?);
    let components = RsaPublicKeyComponents {
        n: number(n)?,
        e: number(e)?,
    };
    let has_top_bit = components.n.first().is_some_and(|byte| *byte >= 0x80);
    if !RSA_MODULUS_BYTES.contains(&components.n.len()) || !has_top_bit {
        return Err(invalid("must have a modulus of 2048 to 8192 bits"));
    }
    // FIPS 186-5 section A.1.1: odd and above 2^16. Small exponents gain nothing here.
    let is_fine_exponent = (3..=4).contains(&components.e.len())
        && components.e.first().is_some_and(|byte| *byte != 0)
        && components.e.last().is_some_and(|byte| byte % 2 == 1);
    if !is_fine_exponent {
        return Err(invalid(
            "must have an odd public exponent of at least 65537",
        ));
    }
    components
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA384)
        .map_err(|_| invalid("must be an RSA public key"))?;
    Ok(Parameters::Rsa {
        n: n.to_owned(),
        e: e.to_owned(),
    })
}

fn text<'a>(jwk: &'a Map<String, Value>, member: &'static str) -> Result<&'a str, Error> {
    jwk.get(member)
        .and_then(Value::as_str)
        .ok_or_else(|| invalid(format!("must have `{member}` as text")))
}

fn number(text: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| invalid("must have its numbers in base64url without padding"))
}

fn invalid(rule: impl Into<String>) -> Error {
    Error::invalid("jwks", rule)
}

#[cfg(test)]
mod tests;
