//! DPoP proofs (RFC 9449): a program that holds a key of its own.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_authorization::{GeneratedKey, KeyAlgorithm, keys};
use serde_json::{Value, json};

use crate::assertion::sign_both;

/// A key with which proofs are made.
pub struct ProofKey(GeneratedKey);

impl ProofKey {
    /// A new one.
    pub fn new() -> Self {
        Self(keys::generate(KeyAlgorithm::Es384).unwrap())
    }

    /// Its thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> &str {
        &self.0.public.kid
    }

    /// The public half.
    pub fn public(&self) -> Value {
        self.0.public.to_jwk()
    }

    /// A proof for a request, with the hash of an access token where one goes with it.
    pub fn proof(&self, method: &str, url: &str, token: Option<&str>) -> String {
        self.spoiled(method, url, token, |_| {}, |_| {})
    }

    /// The same with its parts changed; what is set to `null` is left out.
    pub fn spoiled(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        header: impl FnOnce(&mut Value),
        claims: impl FnOnce(&mut Value),
    ) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.unwrap().as_secs();
        let hash =
            token.map(|token| URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()).as_ref()));
        sign_both(
            "",
            "",
            self.0.expose_private_jwk(),
            |part| {
                *part = json!({ "typ": "dpop+jwt", "alg": "ES384", "jwk": self.public() });
                header(part);
            },
            |part| {
                let jti = part["jti"].take();
                *part = json!({ "jti": jti, "htm": method, "htu": url, "iat": now, "ath": hash });
                claims(part);
            },
        )
    }
}

impl Default for ProofKey {
    fn default() -> Self {
        Self::new()
    }
}
