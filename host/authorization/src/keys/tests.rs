use jsonwebtoken::jwk::{Jwk, ThumbprintHash};

use super::*;
use crate::testing::key_pair;

const BOTH: [KeyAlgorithm; 2] = [KeyAlgorithm::Es384, KeyAlgorithm::Rs384];

#[test]
fn the_kid_is_the_thumbprint_that_others_compute() {
    for algorithm in BOTH {
        let key = &key_pair(algorithm).public;
        let jwk: Jwk = serde_json::from_value(key.to_jwk()).unwrap();
        assert_eq!(key.kid, jwk.thumbprint(ThumbprintHash::SHA256).unwrap());
    }
}

#[test]
fn the_private_key_is_the_public_one_and_its_private_members() {
    for (algorithm, private) in [
        (KeyAlgorithm::Es384, vec!["d"]),
        (KeyAlgorithm::Rs384, vec!["d", "p", "q", "dp", "dq", "qi"]),
    ] {
        let pair = key_pair(algorithm);
        let mut members = pair.expose_private_jwk().as_object().unwrap().clone();
        for member in private {
            assert!(members.remove(member).is_some(), "{member}");
        }
        assert_eq!(Value::Object(members), pair.public.to_jwk());
    }
}

#[test]
fn the_private_half_is_not_printed() {
    for algorithm in BOTH {
        let pair = key_pair(algorithm);
        let d = pair.expose_private_jwk()["d"].as_str().unwrap();
        assert!(!format!("{pair:?}").contains(d));
    }
}

#[test]
fn two_keys_differ() {
    let other = generate(KeyAlgorithm::Es384).unwrap();
    assert_ne!(other.public.kid, key_pair(KeyAlgorithm::Es384).public.kid);
}
