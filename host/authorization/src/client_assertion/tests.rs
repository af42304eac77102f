use serde_json::json;

use super::*;
use crate::testing::{backend, key_pair, keyspace, noon, part, public_app, sign, tenant};
use crate::{ClientRegistration, KeyAlgorithm};

const TOKEN_URL: &str = "http://localhost:8080/oauth/main/token";

async fn assertions() -> ClientAssertions {
    let clients = Clients::new(keyspace());
    clients.register(backend("demo-backend")).await.unwrap();
    clients.register(backend("other-backend")).await.unwrap();
    clients.register(public_app("demo-public")).await.unwrap();
    let sandbox = ClientRegistration {
        tenant: tenant("sandbox"),
        ..backend("sandbox-only")
    };
    clients.register(sandbox).await.unwrap();
    let jwks = ClientJwks::new(crate::testing::outbound());
    ClientAssertions::new(keyspace(), clients, jwks)
}

fn header(algorithm: KeyAlgorithm) -> Value {
    let kid = &key_pair(algorithm).public.kid;
    json!({"alg": algorithm.as_str(), "kid": kid, "typ": "JWT"})
}

fn claims() -> Value {
    let now = noon().seconds();
    json!({
        "iss": "demo-backend", "sub": "demo-backend", "aud": TOKEN_URL,
        "iat": now, "exp": now + 300, "jti": "one",
    })
}

/// A good part with one member set, or removed for `null`.
fn with(mut part: Value, member: &str, value: Value) -> Value {
    if value.is_null() {
        part.as_object_mut().unwrap().remove(member);
    } else {
        part[member] = value;
    }
    part
}

fn signed(header: &Value, claims: &Value) -> String {
    sign(key_pair(KeyAlgorithm::Es384), header, claims)
}

fn good() -> String {
    signed(&header(KeyAlgorithm::Es384), &claims())
}

async fn verify(
    assertions: &ClientAssertions,
    jwt: &str,
    now: Timestamp,
) -> Result<ClientId, AssertionRefused> {
    let result = assertions
        .verify(&tenant("main"), jwt, None, &[TOKEN_URL], now)
        .await
        .unwrap();
    result.map(|client| client.id)
}

#[tokio::test]
async fn both_algorithms_prove_who_the_client_is() {
    for algorithm in [KeyAlgorithm::Es384, KeyAlgorithm::Rs384] {
        let jwt = sign(key_pair(algorithm), &header(algorithm), &claims());
        let client = verify(&assertions().await, &jwt, noon()).await;
        assert_eq!(client, Ok("demo-backend".parse().unwrap()), "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_spoiled_header_is_refused() {
    let assertions = assertions().await;
    let other_kid = key_pair(KeyAlgorithm::Rs384).public.kid.clone();
    for (member, value, refused) in [
        ("alg", json!("none"), AssertionRefused::Key),
        ("alg", json!("nOnE"), AssertionRefused::Key),
        ("alg", json!("HS384"), AssertionRefused::Key),
        ("alg", json!("RS384"), AssertionRefused::Key),
        ("alg", json!("ES256"), AssertionRefused::Key),
        ("alg", Value::Null, AssertionRefused::Malformed),
        ("alg", json!(["ES384"]), AssertionRefused::Malformed),
        ("kid", Value::Null, AssertionRefused::Key),
        ("kid", json!("../../keys/1"), AssertionRefused::Key),
        ("kid", json!("' OR 1=1 --"), AssertionRefused::Key),
        ("kid", json!(other_kid), AssertionRefused::Key),
        ("typ", Value::Null, AssertionRefused::Type),
        ("typ", json!("at+jwt"), AssertionRefused::Type),
        (
            "jku",
            json!("https://evil.test/jwks.json"),
            AssertionRefused::Header,
        ),
        ("crit", json!(["exp"]), AssertionRefused::Header),
        ("b64", json!(false), AssertionRefused::Header),
    ] {
        let jwt = signed(
            &with(header(KeyAlgorithm::Es384), member, value.clone()),
            &claims(),
        );
        assert_eq!(
            verify(&assertions, &jwt, noon()).await,
            Err(refused),
            "{member}: {value}"
        );
    }
    assert!(verify(&assertions, &good(), noon()).await.is_ok());
}

#[tokio::test]
async fn spoiled_claims_are_refused() {
    let assertions = assertions().await;
    let now = noon().seconds();
    for (member, value, refused) in [
        ("iss", Value::Null, AssertionRefused::Issuer),
        ("sub", Value::Null, AssertionRefused::Issuer),
        ("sub", json!("other-backend"), AssertionRefused::Issuer),
        ("iss", json!(7), AssertionRefused::Malformed),
        ("aud", Value::Null, AssertionRefused::Audience),
        (
            "aud",
            json!("http://localhost:8080/oauth/main"),
            AssertionRefused::Audience,
        ),
        (
            "aud",
            json!("https://localhost:8080/oauth/main/token"),
            AssertionRefused::Audience,
        ),
        (
            "aud",
            json!("http://localhost:8080/oauth/main/token/"),
            AssertionRefused::Audience,
        ),
        (
            "aud",
            json!("http://localhost:8080/oauth/sandbox/token"),
            AssertionRefused::Audience,
        ),
        ("aud", json!([TOKEN_URL]), AssertionRefused::Audience),
        (
            "aud",
            json!([TOKEN_URL, "https://other.test/token"]),
            AssertionRefused::Audience,
        ),
        ("exp", Value::Null, AssertionRefused::Expiry),
        ("exp", json!(now - 10), AssertionRefused::Expiry),
        ("exp", json!(now + 311), AssertionRefused::Expiry),
        (
            "exp",
            json!((now + 60).to_string()),
            AssertionRefused::Expiry,
        ),
        ("exp", json!(now as f64 + 60.5), AssertionRefused::Expiry),
        ("exp", json!(-1), AssertionRefused::Expiry),
        ("exp", json!(i64::MAX), AssertionRefused::Expiry),
        ("exp", json!(u64::MAX), AssertionRefused::Expiry),
        ("iat", json!(now - 11), AssertionRefused::Expiry),
        ("iat", json!(now + 11), AssertionRefused::IssuedAt),
        ("iat", json!("now"), AssertionRefused::IssuedAt),
        ("nbf", json!(now + 11), AssertionRefused::IssuedAt),
        ("jti", Value::Null, AssertionRefused::Identifier),
        ("jti", json!(""), AssertionRefused::Identifier),
        ("jti", json!("x".repeat(257)), AssertionRefused::Identifier),
        ("jti", json!(1), AssertionRefused::Malformed),
    ] {
        let jwt = signed(
            &header(KeyAlgorithm::Es384),
            &with(claims(), member, value.clone()),
        );
        assert_eq!(
            verify(&assertions, &jwt, noon()).await,
            Err(refused),
            "{member}: {value}"
        );
    }
    let old = with(
        with(claims(), "iat", json!(now - 311)),
        "exp",
        json!(now - 5),
    );
    let jwt = signed(&header(KeyAlgorithm::Es384), &old);
    assert_eq!(
        verify(&assertions, &jwt, noon()).await,
        Err(AssertionRefused::IssuedAt),
        "old iat"
    );
    assert!(verify(&assertions, &good(), noon()).await.is_ok());
}

#[tokio::test]
async fn clocks_may_be_ten_seconds_apart() {
    let assertions = assertions().await;
    let now = noon().seconds();
    for (jti, iat, exp) in [("fast", now + 10, now + 310), ("slow", now - 300, now - 9)] {
        let times = with(with(claims(), "iat", json!(iat)), "exp", json!(exp));
        let jwt = signed(
            &header(KeyAlgorithm::Es384),
            &with(times, "jti", json!(jti)),
        );
        assert!(verify(&assertions, &jwt, noon()).await.is_ok(), "{jti}");
    }
    let bare = with(with(claims(), "iat", Value::Null), "jti", json!("bare"));
    let jwt = signed(&header(KeyAlgorithm::Es384), &bare);
    assert!(
        verify(&assertions, &jwt, noon()).await.is_ok(),
        "iat is optional"
    );
}

#[tokio::test]
async fn a_signature_that_is_not_the_keys_over_these_bytes_is_refused() {
    let assertions = assertions().await;
    let jwt = good();
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let zeros = URL_SAFE_NO_PAD.encode([0; 96]);
    let stranger = crate::keys::generate(KeyAlgorithm::Es384).unwrap();
    let strange = sign(&stranger, &header(KeyAlgorithm::Es384), &claims());
    let own_key = with(header(KeyAlgorithm::Es384), "jwk", stranger.public.to_jwk());
    let other_claims = with(claims(), "jti", json!("two"));
    for spoiled in [
        format!("{message}."),
        format!("{message}.{zeros}"),
        format!("{message}.{}", &signature[..signature.len() - 4]),
        format!(
            "{}.{}.{signature}",
            part(&header(KeyAlgorithm::Es384)),
            part(&other_claims)
        ),
        strange,
        sign(&stranger, &own_key, &claims()),
    ] {
        let result = verify(&assertions, &spoiled, noon()).await;
        assert_eq!(result, Err(AssertionRefused::Signature), "{spoiled}");
    }
    assert!(verify(&assertions, &jwt, noon()).await.is_ok());
}

#[tokio::test]
async fn what_is_no_jwt_is_refused() {
    let assertions = assertions().await;
    let twice = URL_SAFE_NO_PAD.encode(r#"{"iss":"demo-backend","iss":"other-backend"}"#);
    let head = part(&header(KeyAlgorithm::Es384));
    for text in [
        String::new(),
        "x".to_owned(),
        "..".to_owned(),
        format!("{head}.{twice}.x"),
        format!("{head}.e30.x.y"),
        format!("{}.x", good()),
        "x".repeat(ASSERTION_BYTES_MAX + 1),
    ] {
        let result = verify(&assertions, &text, noon()).await;
        assert_eq!(result, Err(AssertionRefused::Malformed), "{text}");
    }
}

#[tokio::test]
async fn a_client_that_is_unknown_elsewhere_or_has_no_keys_is_refused() {
    let assertions = assertions().await;
    for id in ["nobody", "sandbox-only", "demo-public", "not a client id"] {
        let named = with(with(claims(), "iss", json!(id)), "sub", json!(id));
        let jwt = signed(&header(KeyAlgorithm::Es384), &named);
        assert_eq!(
            verify(&assertions, &jwt, noon()).await,
            Err(AssertionRefused::Client),
            "{id}"
        );
    }
}

#[tokio::test]
async fn the_client_id_parameter_must_be_the_issuer() {
    let assertions = assertions().await;
    for (client_id, is_right) in [("other-backend", false), ("demo-backend", true)] {
        let main = tenant("main");
        let result = assertions
            .verify(&main, &good(), Some(client_id), &[TOKEN_URL], noon())
            .await
            .unwrap();
        let refused = result.err();
        assert_eq!(
            refused,
            (!is_right).then_some(AssertionRefused::Issuer),
            "{client_id}"
        );
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_for_each_client_until_it_has_expired() {
    let assertions = assertions().await;
    assert!(verify(&assertions, &good(), noon()).await.is_ok());
    assert_eq!(
        verify(&assertions, &good(), noon()).await,
        Err(AssertionRefused::Replayed)
    );
    // The same identifier signed anew is a replay too, with the other key as well.
    let algorithm = KeyAlgorithm::Rs384;
    let other_key = sign(key_pair(algorithm), &header(algorithm), &claims());
    assert_eq!(
        verify(&assertions, &other_key, noon()).await,
        Err(AssertionRefused::Replayed)
    );

    let other = with(
        with(claims(), "iss", json!("other-backend")),
        "sub",
        json!("other-backend"),
    );
    let jwt = signed(&header(KeyAlgorithm::Es384), &other);
    assert!(
        verify(&assertions, &jwt, noon()).await.is_ok(),
        "another client's identifier"
    );

    let at_the_end = noon() + Duration::from_secs(309);
    assert_eq!(
        verify(&assertions, &good(), at_the_end).await,
        Err(AssertionRefused::Replayed)
    );
    assertions.sweep(at_the_end).await.unwrap();
    assert_eq!(
        verify(&assertions, &good(), at_the_end).await,
        Err(AssertionRefused::Replayed)
    );
    let after = noon() + Duration::from_secs(310);
    assert_eq!(
        verify(&assertions, &good(), after).await,
        Err(AssertionRefused::Expiry)
    );
    let fresh = json!(after.seconds() + 60);
    let again = with(with(claims(), "exp", fresh), "iat", json!(after.seconds()));
    let jwt = signed(&header(KeyAlgorithm::Es384), &again);
    assert!(
        verify(&assertions, &jwt, after).await.is_ok(),
        "an identifier may come again later"
    );
    assert_eq!(
        verify(&assertions, &jwt, after).await,
        Err(AssertionRefused::Replayed)
    );
}

#[tokio::test]
async fn a_refused_assertion_is_not_used_up() {
    let assertions = assertions().await;
    let too_early = Timestamp::from_micros(noon().micros() - 20_000_000);
    assert!(verify(&assertions, &good(), too_early).await.is_err());
    assert!(verify(&assertions, &good(), noon()).await.is_ok());
}

#[tokio::test]
async fn of_several_who_present_an_assertion_at_once_one_wins() {
    let assertions = assertions().await;
    let jwt = good();
    let racers = (0..8).map(|_| {
        let (assertions, jwt) = (assertions.clone(), jwt.clone());
        tokio::spawn(async move { verify(&assertions, &jwt, noon()).await })
    });
    let mut won = 0;
    for racer in racers.collect::<Vec<_>>() {
        match racer.await.unwrap() {
            Ok(_) => won += 1,
            Err(refused) => assert_eq!(refused, AssertionRefused::Replayed),
        }
    }
    assert_eq!(won, 1);
}
