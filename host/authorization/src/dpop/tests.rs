use serde_json::json;

use super::*;
use crate::testing::{key_pair, keyspace, noon, part as encoded, sign};
use crate::{GeneratedKey, KeyAlgorithm};

const URL: &str = "https://glovebox.example/oauth/main/token";

fn key() -> &'static GeneratedKey {
    key_pair(KeyAlgorithm::Es384)
}

fn header() -> Value {
    json!({"typ": "dpop+jwt", "alg": "ES384", "jwk": key().public.to_jwk()})
}

fn claims() -> Value {
    json!({"jti": "one", "htm": "POST", "htu": URL, "iat": noon().seconds()})
}

fn request<'a>() -> ProvenRequest<'a> {
    ProvenRequest {
        method: "POST",
        url: URL,
        access_token: None,
        thumbprint: None,
    }
}

fn proofs() -> DpopProofs {
    crate::install_crypto_provider();
    DpopProofs::new(keyspace())
}

async fn verify(
    proofs: &DpopProofs,
    proof: &str,
    request: ProvenRequest<'_>,
) -> Result<String, ProofRefused> {
    let proof = DpopHeader::Given(proof.to_owned());
    proofs.verify(&proof, request, noon()).await.unwrap()
}

fn with(mut part: Value, member: &str, value: &Value) -> Value {
    match value {
        Value::Null => drop(part.as_object_mut().unwrap().remove(member)),
        value => part[member] = value.clone(),
    }
    part
}

#[tokio::test]
async fn a_good_proof_names_its_key_and_is_good_once() {
    let proofs = proofs();
    let proof = sign(key(), &header(), &claims());
    let thumbprint = verify(&proofs, &proof, request()).await.unwrap();
    assert_eq!(thumbprint, key().public.kid);
    assert!(is_thumbprint(&thumbprint));
    let again = verify(&proofs, &proof, request()).await;
    assert_eq!(again, Err(ProofRefused::Replayed));
    // The same identifier under another key is another one.
    let mut other = claims();
    other["jti"] = "two".into();
    let proof = sign(key(), &header(), &other);
    assert!(verify(&proofs, &proof, request()).await.is_ok());
}

#[tokio::test]
async fn a_proof_with_one_thing_wrong_is_none() {
    let mut private = key().public.to_jwk();
    private["d"] = "AAAA".into();
    let rsa = key_pair(KeyAlgorithm::Rs384).public.to_jwk();
    for (member, value, expected) in [
        ("typ", Value::Null, ProofRefused::Type),
        ("typ", json!("JWT"), ProofRefused::Type),
        ("typ", json!("at+jwt"), ProofRefused::Type),
        ("alg", json!("none"), ProofRefused::Algorithm),
        ("alg", json!("HS256"), ProofRefused::Algorithm),
        ("alg", json!("RS384"), ProofRefused::Algorithm),
        ("alg", json!("ES256"), ProofRefused::Key),
        ("alg", json!("RS256"), ProofRefused::Key),
        ("crit", json!(["exp"]), ProofRefused::Algorithm),
        ("b64", json!(false), ProofRefused::Algorithm),
        ("jwk", json!("x"), ProofRefused::Key),
        ("jwk", private, ProofRefused::Key),
        ("jwk", rsa, ProofRefused::Key),
        ("jwk", json!({"kty": "oct", "k": "AAAA"}), ProofRefused::Key),
    ] {
        let proof = sign(key(), &with(header(), member, &value), &claims());
        let refused = verify(&proofs(), &proof, request()).await;
        assert_eq!(refused, Err(expected), "{member} {value}");
    }
    let now = noon().seconds();
    for (member, value, expected) in [
        ("htm", Value::Null, ProofRefused::Target),
        ("htm", json!("GET"), ProofRefused::Target),
        ("htm", json!("post"), ProofRefused::Target),
        ("htu", Value::Null, ProofRefused::Target),
        ("htu", json!("/oauth/main/token"), ProofRefused::Target),
        (
            "htu",
            json!(URL.replace("https", "http")),
            ProofRefused::Target,
        ),
        (
            "htu",
            json!(URL.replace("main", "sandbox")),
            ProofRefused::Target,
        ),
        (
            "htu",
            json!(URL.replace("glovebox.", "evil.")),
            ProofRefused::Target,
        ),
        ("htu", json!(format!("{URL}/")), ProofRefused::Target),
        ("iat", Value::Null, ProofRefused::IssuedAt),
        ("iat", json!(now.to_string()), ProofRefused::IssuedAt),
        ("iat", json!(now - 70), ProofRefused::IssuedAt),
        ("iat", json!(now + 11), ProofRefused::IssuedAt),
        ("iat", json!(-1), ProofRefused::IssuedAt),
        ("iat", json!(1e300), ProofRefused::IssuedAt),
        ("jti", Value::Null, ProofRefused::Identifier),
        ("jti", json!(""), ProofRefused::Identifier),
        ("jti", json!("x".repeat(257)), ProofRefused::Identifier),
    ] {
        let proof = sign(key(), &header(), &with(claims(), member, &value));
        let refused = verify(&proofs(), &proof, request()).await;
        assert_eq!(refused, Err(expected), "{member} {value}");
    }
    let good = sign(key(), &header(), &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let forged = encoded(&with(claims(), "jti", &json!("two")));
    let head = message.split_once('.').unwrap().0;
    for (proof, expected) in [
        (
            format!("{head}.{forged}.{signature}"),
            ProofRefused::Signature,
        ),
        (format!("{message}."), ProofRefused::Signature),
        (message.to_owned(), ProofRefused::Malformed),
        (String::new(), ProofRefused::Malformed),
        ("x".repeat(9_000), ProofRefused::Malformed),
    ] {
        let refused = verify(&proofs(), &proof, request()).await;
        assert_eq!(refused, Err(expected), "{proof}");
    }
    for (header, expected) in [
        (DpopHeader::None, ProofRefused::Missing),
        (DpopHeader::Unreadable, ProofRefused::Malformed),
    ] {
        let refused = proofs().verify(&header, request(), noon()).await.unwrap();
        assert_eq!(refused, Err(expected));
    }
}

#[tokio::test]
async fn an_address_may_be_written_as_the_standard_allows() {
    for htu in [
        "HTTPS://Glovebox.Example/oauth/main/token",
        "https://glovebox.example:443/oauth/main/token",
        "https://glovebox.example/oauth/main/token?x=1#y",
        "https://glovebox.example/oauth/./main/token",
    ] {
        let proof = sign(key(), &header(), &with(claims(), "htu", &json!(htu)));
        assert!(verify(&proofs(), &proof, request()).await.is_ok(), "{htu}");
    }
}

#[tokio::test]
async fn a_proof_for_a_token_is_of_that_token_and_its_key() {
    let token = "gb_access_x.y";
    let ath = URL_SAFE_NO_PAD.encode(secret::sha256(token.as_bytes()).as_bytes());
    let bound = ProvenRequest {
        access_token: Some(token),
        thumbprint: Some(&key().public.kid),
        ..request()
    };
    let signed = |ath: Value| sign(key(), &header(), &with(claims(), "ath", &ath));
    let good = signed(json!(ath));
    assert!(verify(&proofs(), &good, bound).await.is_ok());
    for ath in [
        Value::Null,
        json!(""),
        json!("x"),
        json!(ath.to_lowercase()),
    ] {
        let refused = verify(&proofs(), &signed(ath.clone()), bound).await;
        assert_eq!(refused, Err(ProofRefused::TokenHash), "{ath}");
    }
    let other = "A".repeat(43);
    let bound = ProvenRequest {
        thumbprint: Some(&other),
        ..bound
    };
    let refused = verify(&proofs(), &good, bound).await;
    assert_eq!(refused, Err(ProofRefused::OtherKey));
}
