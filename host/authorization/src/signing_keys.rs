//! The keys with which each tenant signs its id_tokens: RSA for RS256, the algorithm that
//! every OpenID Connect client knows (OpenID Connect Core 1.0 section 15.1; SMART App
//! Launch 2.2, "Scopes for requesting identity data").
//!
//! A tenant's ring is one record: public halves, newest first, of which the first is
//! active. Private halves are sealed in the vault and removed when their key retires. A
//! retired key stays in the JWK Set until the last token that it signed has expired.

mod ring;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_database::{Durability, Keyspace, Vault};
use glovebox_model::{TenantId, Timestamp};
use serde_json::{Value, json};

use crate::id_token::ID_TOKEN_LIFETIME;
use crate::keys::{ServerKey, generate_server_key};
use crate::table::{Row, TRIES_MAX, Table};
use crate::{Error, install_crypto_provider};

use ring::{StoredKey, StoredRing};

/// The one algorithm.
pub const SIGNING_ALGORITHM: &str = "RS256";
/// How long a retired key is listed: the life of an id_token, and ten minutes for clocks
/// that differ and for another node that signed at the moment of the rotation.
pub const OVERLAP: Duration = Duration::from_secs(ID_TOKEN_LIFETIME.as_secs() + 600);
/// Most keys of a ring. Old public halves stay beyond their time, so that an old id_token
/// still tells whose it was (`id_token_hint`).
pub const KEYS_MAX: usize = 8;

/// What a key is for at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It signs.
    Active,
    /// It signs no more and is listed until then.
    Retired {
        /// When it leaves the JWK Set.
        until: Timestamp,
    },
}

/// The public side of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The `kid`: the RFC 7638 thumbprint.
    pub kid: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it is for.
    pub status: KeyStatus,
}

impl SigningKey {
    /// Whether the JWK Set lists it.
    pub fn is_listed(&self, now: Timestamp) -> bool {
        match self.status {
            KeyStatus::Active => true,
            KeyStatus::Retired { until } => now < until,
        }
    }
}

/// The signing keys of every tenant.
#[derive(Clone)]
pub struct SigningKeys {
    table: Table,
    vault: Arc<Vault>,
    signers: Arc<Mutex<HashMap<TenantId, Arc<Signer>>>>,
}

/// A private half, opened.
struct Signer {
    kid: String,
    pair: RsaKeyPair,
}

impl SigningKeys {
    /// The rings in a keyspace of their own, the private halves in `vault`.
    pub fn new(keyspace: Keyspace, vault: Arc<Vault>) -> Self {
        install_crypto_provider();
        Self {
            table: Table::new(keyspace, "signing key"),
            vault,
            signers: Arc::default(),
        }
    }

    /// Makes a key for the tenant if it has none, and answers what it made. To be called at
    /// start for each tenant.
    pub async fn create_missing(
        &self,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<Option<SigningKey>, Error> {
        if let Some(row) = self.ring(tenant).await? {
            // What a crash left between a rotation and the removal of the private half.
            for retired in row.value.retired() {
                let name = secret_name(tenant, &retired.kid);
                if self.vault.get(&name).await?.is_some() {
                    self.vault.remove(&name).await?;
                }
            }
            return Ok(None);
        }
        let made = self.make(tenant).await?;
        let ring = StoredRing::of(&made, now);
        if self
            .table
            .insert(&key(tenant), &ring, Durability::Sync)
            .await?
        {
            return Ok(ring.describe().first().cloned());
        }
        // Another node was faster; its key counts.
        self.vault.remove(&secret_name(tenant, &made.kid)).await?;
        Ok(None)
    }

    /// Every key of a tenant that is remembered, the active one first.
    pub async fn list(&self, tenant: &TenantId) -> Result<Vec<SigningKey>, Error> {
        let ring = self.ring(tenant).await?;
        Ok(ring.map_or_else(Vec::new, |row| row.value.describe()))
    }

    /// The JWK Set that clients read: bare public keys (RFC 7517; SMART App Launch 2.2 asks
    /// for `n` and `e` without certificates).
    pub async fn jwks(&self, tenant: &TenantId, now: Timestamp) -> Result<Value, Error> {
        let ring = self.ring(tenant).await?;
        let keys: Vec<Value> = ring
            .iter()
            .flat_map(|row| row.value.listed(now))
            .map(StoredKey::to_jwk)
            .collect();
        Ok(json!({ "keys": keys }))
    }

    /// Makes a new active key. The one before is listed for [`OVERLAP`] and its private
    /// half is gone. Answers the new key and the one that retired.
    ///
    /// Errors: [`Error::Unknown`] for a tenant without keys; [`Error::Invalid`] if
    /// [`KEYS_MAX`] keys would have to be listed at once.
    pub async fn rotate(
        &self,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<(SigningKey, SigningKey), Error> {
        let made = self.make(tenant).await?;
        let rotated = self.put_first(tenant, &made, now).await;
        let unused = match &rotated {
            Ok((_, retired)) => &retired.kid,
            Err(_) => &made.kid,
        };
        self.vault.remove(&secret_name(tenant, unused)).await?;
        rotated
    }

    async fn put_first(
        &self,
        tenant: &TenantId,
        made: &ServerKey,
        now: Timestamp,
    ) -> Result<(SigningKey, SigningKey), Error> {
        for _ in 0..TRIES_MAX {
            let row = self.ring(tenant).await?.ok_or_else(|| Error::Unknown {
                noun: "signing key of tenant",
                id: tenant.to_string(),
            })?;
            let ring = row.value.rotated(made, now)?;
            let Some([active, retired]) = ring.describe().first_chunk().cloned() else {
                return Err(self.table.damaged());
            };
            if self
                .table
                .replace(&key(tenant), &ring, row.version, Durability::Sync)
                .await?
            {
                return Ok((active, retired));
            }
        }
        Err(self.table.contended())
    }

    /// Signs claims with the tenant's active key, as a JWS in compact form. `typ` says what
    /// kind of token it is, so that none is taken for another (RFC 8725 section 3.11).
    pub(crate) async fn sign(
        &self,
        tenant: &TenantId,
        typ: &str,
        claims: &Value,
    ) -> Result<String, Error> {
        let signer = self.signer(tenant).await?;
        let header = json!({ "alg": SIGNING_ALGORITHM, "kid": signer.kid, "typ": typ });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; signer.pair.public_modulus_len()];
        signer
            .pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Error::Crypto("an id_token could not be signed"))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public half of a key of this tenant, listed or not.
    pub(crate) async fn public_key(
        &self,
        tenant: &TenantId,
        kid: &str,
    ) -> Result<Option<jsonwebtoken::DecodingKey>, Error> {
        let Some(row) = self.ring(tenant).await? else {
            return Ok(None);
        };
        let found = row.value.find(kid);
        found
            .map(StoredKey::decoding_key)
            .transpose()
            .map_err(|_| self.table.damaged())
    }

    /// The private half of the active key. The ring is read each time, so that a rotation
    /// by another process is noticed at once; the opened half is kept.
    async fn signer(&self, tenant: &TenantId) -> Result<Arc<Signer>, Error> {
        for _ in 0..TRIES_MAX {
            let ring = self.ring(tenant).await?;
            let kid = ring.as_ref().and_then(|row| row.value.active());
            let kid = &kid
                .ok_or_else(|| Error::Unknown {
                    noun: "signing key of tenant",
                    id: tenant.to_string(),
                })?
                .kid;
            let opened = self.opened(tenant);
            if let Some(signer) = opened.filter(|signer| signer.kid == *kid) {
                return Ok(signer);
            }
            // Not there if a rotation came between: then the ring has changed too.
            if let Some(pkcs8) = self.vault.get(&secret_name(tenant, kid)).await? {
                let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| self.table.damaged())?;
                let signer = Arc::new(Signer {
                    kid: kid.clone(),
                    pair,
                });
                self.keep(tenant, &signer);
                return Ok(signer);
            }
        }
        Err(self.table.damaged())
    }

    fn opened(&self, tenant: &TenantId) -> Option<Arc<Signer>> {
        let signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        signers.get(tenant).cloned()
    }

    fn keep(&self, tenant: &TenantId, signer: &Arc<Signer>) {
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        signers.insert(tenant.clone(), Arc::clone(signer));
    }

    async fn make(&self, tenant: &TenantId) -> Result<ServerKey, Error> {
        let made = tokio::task::spawn_blocking(generate_server_key).await;
        let made = made.map_err(|_| Error::Crypto("no RSA key could be made"))??;
        // Sealed before the ring names it: a ring never names a key that is not there.
        let name = secret_name(tenant, &made.kid);
        self.vault.put(&name, &made.pkcs8).await?;
        Ok(made)
    }

    async fn ring(&self, tenant: &TenantId) -> Result<Option<Row<StoredRing>>, Error> {
        self.table.get(&key(tenant)).await
    }
}

fn key(tenant: &TenantId) -> String {
    format!("ring/{tenant}")
}

fn secret_name(tenant: &TenantId, kid: &str) -> String {
    format!("signing-key/{tenant}/{kid}")
}
