//! The stored form of a tenant's keys: public halves only.

use glovebox_model::Timestamp;
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{KEYS_MAX, KeyStatus, OVERLAP, SIGNING_ALGORITHM, SigningKey};
use crate::Error;
use crate::keys::ServerKey;

/// Newest first; the first is active.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredRing {
    keys: Vec<StoredKey>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredKey {
    pub(super) kid: String,
    n: String,
    e: String,
    created_micros: i64,
    retired_until_micros: Option<i64>,
}

impl StoredRing {
    pub(super) fn of(made: &ServerKey, now: Timestamp) -> Self {
        Self {
            keys: vec![StoredKey::new(made, now)],
        }
    }

    pub(super) fn active(&self) -> Option<&StoredKey> {
        self.keys
            .first()
            .filter(|key| key.retired_until_micros.is_none())
    }

    pub(super) fn retired(&self) -> impl Iterator<Item = &StoredKey> {
        self.keys
            .iter()
            .filter(|key| key.retired_until_micros.is_some())
    }

    pub(super) fn listed(&self, now: Timestamp) -> impl Iterator<Item = &StoredKey> {
        self.keys
            .iter()
            .filter(move |key| key.describe().is_listed(now))
    }

    pub(super) fn find(&self, kid: &str) -> Option<&StoredKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    pub(super) fn describe(&self) -> Vec<SigningKey> {
        self.keys.iter().map(StoredKey::describe).collect()
    }

    /// The ring with a new active key. What is listed stays; of the rest, the oldest go.
    pub(super) fn rotated(mut self, made: &ServerKey, now: Timestamp) -> Result<Self, Error> {
        if self.listed(now).count() >= KEYS_MAX {
            let minutes = OVERLAP.as_secs() / 60;
            return Err(Error::invalid(
                "signing keys",
                format!(
                    "were rotated {} times within {minutes} minutes, and each stays listed for so \
                     long: try again later",
                    KEYS_MAX - 1
                ),
            ));
        }
        for key in &mut self.keys {
            key.retired_until_micros
                .get_or_insert((now + OVERLAP).micros());
        }
        self.keys.insert(0, StoredKey::new(made, now));
        // What is listed is newer than what is not, so that only the latter is cut.
        self.keys.truncate(KEYS_MAX);
        Ok(self)
    }
}

impl StoredKey {
    fn new(made: &ServerKey, now: Timestamp) -> Self {
        Self {
            kid: made.kid.clone(),
            n: made.n.clone(),
            e: made.e.clone(),
            created_micros: now.micros(),
            retired_until_micros: None,
        }
    }

    fn describe(&self) -> SigningKey {
        SigningKey {
            kid: self.kid.clone(),
            created_at: Timestamp::from_micros(self.created_micros),
            status: self
                .retired_until_micros
                .map_or(KeyStatus::Active, |until| KeyStatus::Retired {
                    until: Timestamp::from_micros(until),
                }),
        }
    }

    /// The public members and no other.
    pub(super) fn to_jwk(&self) -> Value {
        json!({
            "kty": "RSA",
            "n": self.n,
            "e": self.e,
            "kid": self.kid,
            "alg": SIGNING_ALGORITHM,
            "use": "sig",
        })
    }

    pub(super) fn decoding_key(&self) -> Result<DecodingKey, jsonwebtoken::errors::Error> {
        DecodingKey::from_rsa_components(&self.n, &self.e)
    }
}
