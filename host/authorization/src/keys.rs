//! Makes key pairs: those with which this server signs, and those of clients that have
//! none yet (the demo's, and those of who develops an app). A hospital's real clients make
//! their own and register the public half.

use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _, EcPrivateKeyBin};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::client_key::{ClientKey, KeyAlgorithm};
use crate::{Error, secret};

mod der;

/// A key pair. The private half is a secret: it goes to its owner and nowhere else.
#[derive(Clone)]
pub struct GeneratedKey {
    /// The public half, ready to be registered. Its `kid` is the RFC 7638 thumbprint.
    pub public: ClientKey,
    private_jwk: Value,
}

impl GeneratedKey {
    /// The private JWK with `kid`, `alg` and `use` (RFC 7518 section 6).
    pub fn expose_private_jwk(&self) -> &Value {
        &self.private_jwk
    }
}

impl std::fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GeneratedKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// Makes a key pair. RSA takes up to a second: call it on a blocking thread.
pub fn generate(algorithm: KeyAlgorithm) -> Result<GeneratedKey, Error> {
    let (public, private) = match algorithm {
        KeyAlgorithm::Es384 => ec()?,
        KeyAlgorithm::Rs384 => rsa()?,
    };
    let mut public = public;
    let kid = thumbprint(&public)?;
    for (name, value) in [
        ("kid", kid.as_str()),
        ("alg", algorithm.as_str()),
        ("use", "sig"),
    ] {
        public.insert(name.to_owned(), Value::from(value));
    }
    let mut private_jwk = public.clone();
    private_jwk.extend(private);
    Ok(GeneratedKey {
        public: ClientKey::from_jwk(&Value::Object(public))?,
        private_jwk: Value::Object(private_jwk),
    })
}

type Members = Map<String, Value>;

fn ec() -> Result<(Members, Members), Error> {
    const FAILED: Error = Error::Crypto("no P-384 key could be made");
    let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).map_err(|_| FAILED)?;
    // Uncompressed point: 4, x, y (SEC 1 section 2.3.3).
    let (x, y) = match pair.public_key().as_ref() {
        [4, coordinates @ ..] => coordinates.split_at_checked(48).ok_or(FAILED)?,
        _ => return Err(FAILED),
    };
    let d: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().map_err(|_| FAILED)?;
    Ok((
        members([
            ("kty", "EC".to_owned()),
            ("crv", "P-384".to_owned()),
            ("x", encode(x)),
            ("y", encode(y)),
        ]),
        members([("d", encode(d.as_ref()))]),
    ))
}

const NO_RSA: Error = Error::Crypto("no RSA key could be made");

fn rsa_pkcs8(size: KeySize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let pair = RsaKeyPair::generate(size).map_err(|_| NO_RSA)?;
    let pkcs8 = pair.as_der().map_err(|_| NO_RSA)?;
    Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

/// An RSA key with which this server itself signs.
pub(crate) struct ServerKey {
    /// RFC 7638 thumbprint.
    pub(crate) kid: String,
    /// The modulus, in base64url.
    pub(crate) n: String,
    /// The public exponent, in base64url.
    pub(crate) e: String,
    /// The private half in PKCS#8: to be sealed.
    pub(crate) pkcs8: Zeroizing<Vec<u8>>,
}

/// Makes an RSA key of 2048 bits, which is what every OpenID Connect client reads. It signs
/// what lives for an hour and is rotated. Takes a part of a second: call it on a blocking
/// thread.
pub(crate) fn generate_server_key() -> Result<ServerKey, Error> {
    let pkcs8 = rsa_pkcs8(KeySize::Rsa2048)?;
    let [n, e, ..] = der::rsa_integers(&pkcs8).ok_or(NO_RSA)?;
    let (n, e) = (encode(n), encode(e));
    let public = [
        ("kty", "RSA".to_owned()),
        ("n", n.clone()),
        ("e", e.clone()),
    ];
    let kid = thumbprint(&members(public))?;
    Ok(ServerKey { kid, n, e, pkcs8 })
}

fn rsa() -> Result<(Members, Members), Error> {
    let pkcs8 = rsa_pkcs8(KeySize::Rsa3072)?;
    let [n, e, d, p, q, dp, dq, qi] = der::rsa_integers(&pkcs8).ok_or(NO_RSA)?;
    Ok((
        members([
            ("kty", "RSA".to_owned()),
            ("n", encode(n)),
            ("e", encode(e)),
        ]),
        members([
            ("d", encode(d)),
            ("p", encode(p)),
            ("q", encode(q)),
            ("dp", encode(dp)),
            ("dq", encode(dq)),
            ("qi", encode(qi)),
        ]),
    ))
}

/// RFC 7638: SHA-256 over the required members in lexical order, without spaces.
pub(crate) fn thumbprint(public: &Members) -> Result<String, Error> {
    let required: std::collections::BTreeMap<_, _> = public.iter().collect();
    let canonical = json!(required).to_string();
    Ok(encode(secret::sha256(canonical.as_bytes()).as_bytes()))
}

fn members<const N: usize>(pairs: [(&str, String); N]) -> Members {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests;
