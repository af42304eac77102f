//! `private_key_jwt`: a client proves who it is with an ES384 signature (RFC 7523; SMART
//! App Launch 2.2, "Client Authentication: Asymmetric").

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The `client_assertion_type` that goes with it.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long it is good for.
const LIFETIME: Duration = Duration::from_secs(120);

/// A fresh assertion of `client_id` for the token endpoint `audience`.
pub(super) fn sign(client_id: &str, audience: &str, jwk: &Value) -> anyhow::Result<String> {
    let random = SystemRandom::new();
    let mut jti = [0; 16];
    random
        .fill(&mut jti)
        .map_err(|_| anyhow!("no random bytes"))?;
    let header = json!({ "typ": "JWT", "alg": "ES384", "kid": jwk.get("kid") });
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "exp": seconds_from_now(LIFETIME)?,
        "jti": URL_SAFE_NO_PAD.encode(jti),
    });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = key_pair(jwk)?
        .sign(&random, signed.as_bytes())
        .map_err(|_| anyhow!("the client's key does not sign"))?;
    Ok(format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(signature.as_ref())
    ))
}

fn key_pair(jwk: &Value) -> anyhow::Result<EcdsaKeyPair> {
    let member = |name: &str| {
        let text = jwk.get(name).and_then(Value::as_str);
        let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        bytes.with_context(|| format!("the client's JWK has no usable `{name}`"))
    };
    // an uncompressed point: SEC 1 section 2.3.3
    let public: Vec<u8> = [vec![4], member("x")?, member("y")?].concat();
    EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P384_SHA384_FIXED_SIGNING,
        &member("d")?,
        &public,
    )
    .map_err(|_| anyhow!("the client's JWK is not a P-384 key pair"))
}

#[expect(clippy::disallowed_methods, reason = "a client has its own clock")]
fn seconds_from_now(ahead: Duration) -> anyhow::Result<u64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok((now + ahead).as_secs())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsBigEndian as _, EcPrivateKeyBin};
    use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, KeyPair as _, UnparsedPublicKey};

    use super::*;

    #[test]
    fn an_assertion_verifies_with_the_public_key_and_names_client_and_audience() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let public = pair.public_key().as_ref();
        let d: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
        let jwk = json!({
            "kid": "k1",
            "x": URL_SAFE_NO_PAD.encode(&public[1..49]),
            "y": URL_SAFE_NO_PAD.encode(&public[49..]),
            "d": URL_SAFE_NO_PAD.encode(d.as_ref()),
        });
        let jwt = sign("demo-backend", "http://localhost/token", &jwk).unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, public)
            .verify(
                signed.as_bytes(),
                &URL_SAFE_NO_PAD.decode(signature).unwrap(),
            )
            .unwrap();
        let (_, claims) = signed.split_once('.').unwrap();
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["iss"], "demo-backend");
        assert_eq!(claims["sub"], "demo-backend");
        assert_eq!(claims["aud"], "http://localhost/token");
        assert_ne!(
            sign("demo-backend", "http://localhost/token", &jwk).unwrap(),
            jwt
        );
    }

    #[test]
    fn a_key_without_its_private_half_is_named() {
        let problem = sign("c", "a", &json!({ "x": "AA", "y": "AA" })).unwrap_err();
        assert!(problem.to_string().contains("`d`"), "{problem}");
    }
}
