//! The public key that a proof carries.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use crate::Error;
use crate::client_key::PRIVATE_MEMBERS;
use crate::keys::thumbprint;

/// RSA moduli from 2048 to 4096 bits: anybody may make this server verify.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
const RSA_EXPONENT: &str = "AQAB";

pub(super) struct ProofKey {
    algorithm: Algorithm,
    key: DecodingKey,
    /// The members that the thumbprint is of (RFC 7638 section 3.2).
    required: Map<String, Value>,
}

impl ProofKey {
    /// A public key that is for this algorithm; `None` for any other, and for a private one.
    pub(super) fn read(algorithm: &str, jwk: &Value) -> Option<Self> {
        let jwk = jwk.as_object()?;
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return None;
        }
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let (algorithm, names) = match (algorithm, text("kty")?) {
            ("ES256", "EC") => (Algorithm::ES256, &["crv", "kty", "x", "y"][..]),
            ("ES384", "EC") => (Algorithm::ES384, &["crv", "kty", "x", "y"][..]),
            ("RS256", "RSA") => (Algorithm::RS256, &["e", "kty", "n"][..]),
            _ => return None,
        };
        let key = match algorithm {
            Algorithm::RS256 => {
                let modulus = bytes("n")?;
                let has_top_bit = modulus.first().is_some_and(|byte| *byte >= 0x80);
                // Leading zeros and odd exponents would give one key many thumbprints.
                let fine = RSA_MODULUS_BYTES.contains(&modulus.len())
                    && has_top_bit
                    && text("e") == Some(RSA_EXPONENT);
                fine.then_some(())?;
                DecodingKey::from_rsa_components(text("n")?, text("e")?)
            }
            _ => {
                let (curve, length) = match algorithm {
                    Algorithm::ES256 => ("P-256", 32),
                    _ => ("P-384", 48),
                };
                let fits = |name| bytes(name).is_some_and(|bytes| bytes.len() == length);
                (text("crv") == Some(curve) && fits("x") && fits("y")).then_some(())?;
                DecodingKey::from_ec_components(text("x")?, text("y")?)
            }
        };
        let required = names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), jwk.get(*name)?.clone())))
            .collect();
        Some(Self {
            algorithm,
            key: key.ok()?,
            required,
        })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message, &self.key, self.algorithm).unwrap_or(false)
    }

    pub(super) fn thumbprint(&self) -> Result<String, Error> {
        thumbprint(&self.required)
    }
}
