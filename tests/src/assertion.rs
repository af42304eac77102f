//! `private_key_jwt`: a client proves who it is with an ES384 signature (RFC 7523).

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// An assertion that is right in everything; spoil one claim with `change`.
pub fn sign(
    client_id: &str,
    audience: &str,
    jwk: &Value,
    change: impl FnOnce(&mut Value),
) -> String {
    sign_both(client_id, audience, jwk, |_| {}, change)
}

/// The same with a header that may be spoiled as well. A member that is `null` is left out.
pub fn sign_both(
    client_id: &str,
    audience: &str,
    jwk: &Value,
    change_header: impl FnOnce(&mut Value),
    change_claims: impl FnOnce(&mut Value),
) -> String {
    let random = SystemRandom::new();
    let mut jti = [0; 16];
    random.fill(&mut jti).unwrap();
    let mut header = json!({ "typ": "JWT", "alg": "ES384", "kid": jwk["kid"] });
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let mut claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "exp": now.as_secs() + 120,
        "jti": URL_SAFE_NO_PAD.encode(jti),
    });
    change_header(&mut header);
    change_claims(&mut claims);
    for part in [&mut header, &mut claims] {
        let members = part.as_object_mut().unwrap();
        members.retain(|_, value| !value.is_null());
    }
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = key_pair(jwk).sign(&random, signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

fn key_pair(jwk: &Value) -> EcdsaKeyPair {
    let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    // An uncompressed point: SEC 1 section 2.3.3.
    let public: Vec<u8> = [vec![4], member("x"), member("y")].concat();
    EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P384_SHA384_FIXED_SIGNING,
        &member("d"),
        &public,
    )
    .unwrap()
}
