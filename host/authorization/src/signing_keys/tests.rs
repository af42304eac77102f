use std::collections::BTreeSet;

use jsonwebtoken::jwk::{JwkSet, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::*;
use crate::testing::{keyspace, noon, records, tenant, vault};

/// Two processes over the same records.
struct Shared {
    here: SigningKeys,
    there: SigningKeys,
    vault: Arc<Vault>,
}

fn shared() -> Shared {
    let (records, vault) = (records(), vault());
    let keys = || {
        let keyspace = Keyspace::new(Arc::clone(&records), "signing-keys");
        SigningKeys::new(keyspace, Arc::clone(&vault))
    };
    Shared {
        here: keys(),
        there: keys(),
        vault,
    }
}

async fn with_a_key() -> (SigningKeys, TenantId) {
    let keys = SigningKeys::new(keyspace(), vault());
    let main = tenant("main");
    let made = keys.create_missing(&main, noon()).await.unwrap();
    assert_eq!(made.unwrap().status, KeyStatus::Active);
    (keys, main)
}

fn kids(jwks: &Value) -> Vec<String> {
    let keys = jwks["keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// As an outsider does: only what the JWK Set says.
fn verifies(jwks: &Value, token: &str) -> bool {
    let set: JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let Some(jwk) = set.find(&kid) else {
        return false;
    };
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).is_ok()
}

#[tokio::test]
async fn a_tenant_gets_one_key_at_its_first_start_and_keeps_it() {
    let (keys, main) = with_a_key().await;
    let first = keys.list(&main).await.unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].status, KeyStatus::Active);
    let made = keys.create_missing(&main, noon()).await.unwrap();
    assert_eq!(made, None);
    assert_eq!(keys.list(&main).await.unwrap(), first);
}

#[tokio::test]
async fn two_processes_that_start_at_once_agree_on_one_key_and_leave_no_other_half() {
    let both = shared();
    let main = tenant("main");
    let (here, there) = tokio::join!(
        both.here.create_missing(&main, noon()),
        both.there.create_missing(&main, noon())
    );
    assert!(here.unwrap().is_some() ^ there.unwrap().is_some());
    assert_eq!(both.vault.list().await.unwrap().len(), 1);
    let token = both.there.sign(&main, "JWT", &json!({})).await.unwrap();
    assert!(verifies(
        &both.here.jwks(&main, noon()).await.unwrap(),
        &token
    ));
}

#[tokio::test]
async fn each_tenant_has_keys_of_its_own() {
    let (keys, main) = with_a_key().await;
    let sandbox = tenant("sandbox");
    keys.create_missing(&sandbox, noon()).await.unwrap();
    let token = keys
        .sign(&main, "JWT", &json!({ "sub": "x" }))
        .await
        .unwrap();
    assert!(verifies(&keys.jwks(&main, noon()).await.unwrap(), &token));
    assert!(!verifies(
        &keys.jwks(&sandbox, noon()).await.unwrap(),
        &token
    ));
}

#[tokio::test]
async fn the_key_set_lists_bare_rsa_keys_of_2048_bits_and_no_private_member() {
    let (keys, main) = with_a_key().await;
    keys.rotate(&main, noon()).await.unwrap();
    let jwks = keys.jwks(&main, noon()).await.unwrap();
    let expected: BTreeSet<&str> = ["kty", "n", "e", "kid", "alg", "use"].into();
    for key in jwks["keys"].as_array().unwrap() {
        let members: BTreeSet<&str> = key
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(members, expected);
        assert_eq!((&key["kty"], &key["alg"]), (&json!("RSA"), &json!("RS256")));
        let n = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
        assert_eq!((n.len(), n[0] >= 0x80), (256, true));
    }
}

#[tokio::test]
async fn the_kid_is_the_thumbprint_that_others_compute() {
    let (keys, main) = with_a_key().await;
    let jwks = keys.jwks(&main, noon()).await.unwrap();
    let set: JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let thumbprint = set.keys[0].thumbprint(ThumbprintHash::SHA256).unwrap();
    assert_eq!(kids(&jwks), [thumbprint]);
}

#[tokio::test]
async fn after_a_rotation_the_new_key_signs_and_the_old_one_verifies_until_its_tokens_expired() {
    let (keys, main) = with_a_key().await;
    let old = keys.sign(&main, "JWT", &json!({})).await.unwrap();
    let (active, retired) = keys.rotate(&main, noon()).await.unwrap();
    let until = noon() + OVERLAP;
    assert_eq!(active.status, KeyStatus::Active);
    assert_eq!(retired.status, KeyStatus::Retired { until });
    let new = keys.sign(&main, "JWT", &json!({})).await.unwrap();
    let kid = jsonwebtoken::decode_header(&new).unwrap().kid;
    assert_eq!(kid, Some(active.kid.clone()));

    let last_moment = Timestamp::from_micros(until.micros() - 1);
    for (now, is_old_listed) in [(noon(), true), (last_moment, true), (until, false)] {
        let jwks = keys.jwks(&main, now).await.unwrap();
        assert!(verifies(&jwks, &new), "{now}");
        assert_eq!(verifies(&jwks, &old), is_old_listed, "{now}");
    }
    // The last token of the old key was signed just before the rotation.
    assert!(OVERLAP > ID_TOKEN_LIFETIME);
}

#[tokio::test]
async fn a_second_rotation_does_not_lengthen_the_life_of_the_first_key() {
    let (keys, main) = with_a_key().await;
    keys.rotate(&main, noon()).await.unwrap();
    let later = noon() + Duration::from_secs(600);
    keys.rotate(&main, later).await.unwrap();
    let all = keys.list(&main).await.unwrap();
    assert_eq!(
        all.iter().map(|key| key.status).collect::<Vec<_>>(),
        [
            KeyStatus::Active,
            KeyStatus::Retired {
                until: later + OVERLAP
            },
            KeyStatus::Retired {
                until: noon() + OVERLAP
            },
        ]
    );
    let jwks = keys.jwks(&main, noon() + OVERLAP).await.unwrap();
    assert_eq!(kids(&jwks).len(), 2);
}

#[tokio::test]
async fn the_private_half_of_a_retired_key_is_gone() {
    let both = shared();
    let main = tenant("main");
    both.here.create_missing(&main, noon()).await.unwrap();
    let (active, retired) = both.here.rotate(&main, noon()).await.unwrap();
    let names = both.vault.list().await.unwrap();
    assert_eq!(names, [secret_name(&main, &active.kid)]);
    // What a crash left behind goes at the next start.
    let left = secret_name(&main, &retired.kid);
    both.vault.put(&left, b"left").await.unwrap();
    both.there.create_missing(&main, noon()).await.unwrap();
    assert!(both.vault.get(&left).await.unwrap().is_none());
}

#[tokio::test]
async fn a_rotation_by_another_process_is_noticed_at_once() {
    let both = shared();
    let main = tenant("main");
    both.here.create_missing(&main, noon()).await.unwrap();
    both.here.sign(&main, "JWT", &json!({})).await.unwrap();
    let (active, _) = both.there.rotate(&main, noon()).await.unwrap();
    let token = both.here.sign(&main, "JWT", &json!({})).await.unwrap();
    let kid = jsonwebtoken::decode_header(&token).unwrap().kid;
    assert_eq!(kid, Some(active.kid.clone()));
    let jwks = both.here.jwks(&main, noon()).await.unwrap();
    assert_eq!(kids(&jwks)[0], active.kid);
}

#[tokio::test]
async fn rotations_that_would_list_too_many_keys_are_refused_and_leave_nothing() {
    let both = shared();
    let main = tenant("main");
    both.here.create_missing(&main, noon()).await.unwrap();
    for _ in 1..KEYS_MAX {
        both.here.rotate(&main, noon()).await.unwrap();
    }
    let before = both.here.list(&main).await.unwrap();
    let refused = both.here.rotate(&main, noon()).await.unwrap_err();
    assert!(refused.to_string().contains("try again later"), "{refused}");
    assert_eq!(both.here.list(&main).await.unwrap(), before);
    assert_eq!(both.vault.list().await.unwrap().len(), 1);
    // Once they are no longer listed, the oldest makes room.
    let later = noon() + OVERLAP;
    both.here.rotate(&main, later).await.unwrap();
    assert_eq!(both.here.list(&main).await.unwrap().len(), KEYS_MAX);
    let jwks = both.here.jwks(&main, later).await.unwrap();
    assert_eq!(kids(&jwks).len(), 2);
}

#[tokio::test]
async fn a_tenant_without_keys_signs_nothing_and_lists_nothing() {
    let (keys, _) = with_a_key().await;
    let ward = tenant("ward");
    assert!(matches!(
        keys.sign(&ward, "JWT", &json!({})).await,
        Err(Error::Unknown { .. })
    ));
    assert!(matches!(
        keys.rotate(&ward, noon()).await,
        Err(Error::Unknown { .. })
    ));
    let jwks = keys.jwks(&ward, noon()).await.unwrap();
    assert_eq!(jwks, json!({ "keys": [] }));
}
