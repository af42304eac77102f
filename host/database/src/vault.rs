//! Named secrets at rest: sealed with AES-256-GCM under a key-encryption key that is
//! not in the database, so that a copy of the database alone gives nothing away.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::records::{Batch, Durability, Expect, Keyspace, RecordsError, SCAN_MAX};

mod key;
#[cfg(test)]
mod tests;

pub use key::KeyEncryptionKey;

/// The layout of a sealed value: this byte, the nonce, the ciphertext with its tag.
const LAYOUT: u8 = 1;

/// What can go wrong with sealed secrets.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file of the key-encryption key cannot be used; the text says what to do.
    #[error("{0}")]
    KeyFile(String),
    /// A sealed value does not open: another key-encryption key, or changed bytes.
    #[error(
        "the secret {name} cannot be opened with this key-encryption key; put the key file back \
         that was in use when it was sealed"
    )]
    CannotOpen {
        /// The name of the secret.
        name: String,
    },
    /// The cipher refused to seal.
    #[error("the secret {name} cannot be sealed")]
    CannotSeal {
        /// The name of the secret.
        name: String,
    },
    /// A new secret could not be made.
    #[error("a new secret could not be made: {0}")]
    Generate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The records failed.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Sealed secrets by name. A value is bound to its name and namespace: one that was
/// moved to another name does not open.
pub struct Vault {
    keyspace: Keyspace,
    key: RandomizedNonceKey,
}

impl Vault {
    /// The vault in `keyspace`, opened with `key`.
    ///
    /// # Errors
    /// If the cipher refuses the key.
    pub fn new(keyspace: Keyspace, key: &KeyEncryptionKey) -> Result<Self, VaultError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.bytes()).map_err(|_| {
            VaultError::KeyFile("the key-encryption key is refused by the cipher".to_owned())
        })?;
        Ok(Self { keyspace, key })
    }

    /// The secret `name`; made and stored durably if there is none yet. Of several that
    /// ask at once, all get the one that was stored first.
    ///
    /// # Errors
    /// [`VaultError::Generate`] with what `generate` said, [`VaultError::CannotOpen`],
    /// or the records.
    pub async fn get_or_create<G>(
        &self,
        name: &str,
        generate: G,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError>
    where
        G: FnOnce() -> Result<Zeroizing<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>>,
    {
        if let Some(secret) = self.get(name).await? {
            return Ok(secret);
        }
        let secret = generate().map_err(VaultError::Generate)?;
        let batch = Batch::new().put(name, self.seal(name, &secret)?, Expect::Absent);
        match self.keyspace.commit(batch, Durability::Sync).await? {
            Ok(_) => Ok(secret),
            // somebody else was first; secrets are never removed, so theirs is there
            Err(_) => self.get(name).await?.ok_or(VaultError::CannotOpen {
                name: name.to_owned(),
            }),
        }
    }

    /// Stores a secret durably, in place of an earlier one.
    ///
    /// # Errors
    /// The records, or [`VaultError::CannotSeal`].
    pub async fn put(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        let batch = Batch::new().put(name, self.seal(name, secret)?, Expect::Any);
        // expecting anything cannot conflict
        let _ = self.keyspace.commit(batch, Durability::Sync).await?;
        Ok(())
    }

    /// Removes a secret that is not used any more. What is not there is left alone. A name
    /// of [`Vault::get_or_create`] must not be removed while others may ask for it.
    ///
    /// # Errors
    /// The records.
    pub async fn remove(&self, name: &str) -> Result<(), VaultError> {
        let batch = Batch::new().delete(name, Expect::Any);
        // expecting anything cannot conflict
        let _ = self.keyspace.commit(batch, Durability::Sync).await?;
        Ok(())
    }

    /// The secret `name`, if there is one.
    ///
    /// # Errors
    /// [`VaultError::CannotOpen`], or the records.
    pub async fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let Some(stored) = self.keyspace.get(name.as_bytes()).await? else {
            return Ok(None);
        };
        self.open(name, &stored.value)
            .map(Some)
            .ok_or_else(|| VaultError::CannotOpen {
                name: name.to_owned(),
            })
    }

    /// The names of all secrets, in byte order.
    ///
    /// # Errors
    /// The records.
    pub async fn list(&self) -> Result<Vec<String>, VaultError> {
        let mut names = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.keyspace.scan(b"", after.as_deref(), SCAN_MAX).await?;
            names.extend(
                page.iter()
                    .map(|(key, _)| String::from_utf8_lossy(key).into_owned()),
            );
            match page.into_iter().last() {
                Some((key, _)) => after = Some(key),
                None => return Ok(names),
            }
        }
    }

    fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut sealed = Zeroizing::new(secret.to_vec());
        let nonce = self
            .key
            .seal_in_place_append_tag(self.bound_to(name), &mut *sealed)
            .map_err(|_| VaultError::CannotSeal {
                name: name.to_owned(),
            })?;
        Ok([&[LAYOUT], nonce.as_ref().as_slice(), sealed.as_slice()].concat())
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (&LAYOUT, rest) = sealed.split_first()? else {
            return None;
        };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::from(nonce);
        let length = self
            .key
            .open_in_place(nonce, self.bound_to(name), &mut buffer)
            .ok()?
            .len();
        buffer.truncate(length);
        Some(buffer)
    }

    /// What a sealed value is bound to: the whole key under which it is stored.
    fn bound_to(&self, name: &str) -> Aad<Vec<u8>> {
        Aad::from(self.keyspace.absolute(name.as_bytes()))
    }
}
