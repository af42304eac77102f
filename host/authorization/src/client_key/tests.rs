use super::*;
use crate::testing::key_pair;

fn jwk(algorithm: KeyAlgorithm) -> Value {
    key_pair(algorithm).public.to_jwk()
}

/// The good key with one member set, or removed for `null`.
fn spoil(mut jwk: Value, member: &str, value: Value) -> Value {
    let members = jwk.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(member);
    } else {
        members.insert(member.to_owned(), value);
    }
    jwk
}

#[test]
fn a_public_key_reads_and_prints_as_it_was() {
    for algorithm in [KeyAlgorithm::Es384, KeyAlgorithm::Rs384] {
        let jwk = jwk(algorithm);
        assert_eq!(ClientKey::from_jwk(&jwk).unwrap().to_jwk(), jwk);
        let bare = spoil(spoil(jwk, "alg", Value::Null), "use", Value::Null);
        assert_eq!(ClientKey::from_jwk(&bare).unwrap().algorithm, algorithm);
    }
}

#[test]
fn a_key_that_is_private_foreign_or_damaged_is_refused() {
    let (ec, rsa) = (jwk(KeyAlgorithm::Es384), jwk(KeyAlgorithm::Rs384));
    let x = ec["x"].clone();
    let zero = Value::from(URL_SAFE_NO_PAD.encode([0; 48]));
    let small = Value::from(URL_SAFE_NO_PAD.encode([0xff; 128]));
    let padded = Value::from(URL_SAFE_NO_PAD.encode([vec![0], vec![0xff; 256]].concat()));
    for (key, member, value) in [
        (&ec, "d", json!("AA")),
        (&rsa, "p", json!("AA")),
        (&ec, "k", json!("AA")),
        (&ec, "kid", Value::Null),
        (&ec, "kid", json!("")),
        (&ec, "kid", json!(7)),
        (&ec, "kid", json!("x".repeat(257))),
        (&ec, "kty", json!("oct")),
        (&ec, "kty", json!("OKP")),
        (&ec, "kty", Value::Null),
        (&ec, "crv", json!("P-256")),
        (&ec, "alg", json!("ES256")),
        (&ec, "alg", json!("RS384")),
        (&rsa, "alg", json!("RS256")),
        (&rsa, "alg", json!("none")),
        (&ec, "use", json!("enc")),
        (&ec, "key_ops", json!(["sign"])),
        (&ec, "x", json!("AA")),
        (&ec, "x", json!("not base64!")),
        (&ec, "x", zero),
        (&ec, "y", x),
        (&rsa, "n", small),
        (&rsa, "n", padded),
        (&rsa, "e", json!("Aw")),
        (&rsa, "e", json!("AQAA")),
        (&rsa, "e", Value::Null),
    ] {
        let spoiled = spoil(key.clone(), member, value);
        let result = ClientKey::from_jwk(&spoiled);
        assert!(
            matches!(result, Err(Error::Invalid { what: "jwks", .. })),
            "{member}: {spoiled}"
        );
    }
}

#[test]
fn coordinates_have_their_own_length_each() {
    let ec = jwk(KeyAlgorithm::Es384);
    let number = |name: &str| URL_SAFE_NO_PAD.decode(ec[name].as_str().unwrap()).unwrap();
    let (mut x, mut y) = (number("x"), number("y"));
    // Put one after the other, these are the same point still.
    x.push(y.remove(0));
    let shifted = spoil(ec.clone(), "x", json!(URL_SAFE_NO_PAD.encode(x)));
    let shifted = spoil(shifted, "y", json!(URL_SAFE_NO_PAD.encode(y)));
    assert!(ClientKey::from_jwk(&shifted).is_err());
}

#[test]
fn a_set_has_few_keys_and_no_kid_twice_for_one_algorithm() {
    let (ec, rsa) = (jwk(KeyAlgorithm::Es384), jwk(KeyAlgorithm::Rs384));
    let same_kid = spoil(rsa, "kid", ec["kid"].clone());
    assert_eq!(
        ClientKey::from_jwks(&json!({"keys": [ec, same_kid]}))
            .unwrap()
            .len(),
        2
    );
    assert!(ClientKey::from_jwks(&json!({"keys": [ec, ec]})).is_err());
    let many: Vec<_> = (0..11)
        .map(|kid| spoil(ec.clone(), "kid", json!(kid.to_string())))
        .collect();
    assert!(ClientKey::from_jwks(&json!({ "keys": many })).is_err());
    for not_a_set in [
        json!({}),
        json!([]),
        json!({"keys": {}}),
        json!({"keys": ["x"]}),
    ] {
        assert!(ClientKey::from_jwks(&not_a_set).is_err(), "{not_a_set}");
    }
}
