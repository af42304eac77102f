//! Records of one noun: JSON values under text keys.

use std::str::FromStr;

use glovebox_database::{Batch, Durability, Expect, Keyspace};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// How often a change is tried again when others change the same record.
pub(crate) const TRIES_MAX: usize = 16;
const PAGE: usize = 500;

/// The records of one noun.
#[derive(Clone)]
pub(crate) struct Table {
    keyspace: Keyspace,
    noun: &'static str,
}

/// A record and the version under which it was written.
pub(crate) struct Row<T> {
    pub(crate) value: T,
    pub(crate) version: u64,
}

impl Table {
    pub(crate) fn new(keyspace: Keyspace, noun: &'static str) -> Self {
        Self { keyspace, noun }
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<Row<T>>, Error> {
        match self.keyspace.get(key.as_bytes()).await? {
            None => Ok(None),
            Some(stored) => Ok(Some(Row {
                value: self.decode(&stored.value)?,
                version: stored.version,
            })),
        }
    }

    /// The version of a record, for whoever knows already what that version says.
    pub(crate) async fn version(&self, key: &str) -> Result<Option<u64>, Error> {
        let stored = self.keyspace.get(key.as_bytes()).await?;
        Ok(stored.map(|stored| stored.version))
    }

    /// Every record whose key starts with `prefix`, with the rest of its key.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<Vec<(String, Row<T>)>, Error> {
        let mut rows = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self
                .keyspace
                .scan(prefix.as_bytes(), after.as_deref(), PAGE)
                .await?;
            after = page.last().map(|(key, _)| key.clone());
            let is_last = page.len() < PAGE;
            for (key, stored) in page {
                let rest = key.get(prefix.len()..).unwrap_or_default();
                rows.push((
                    self.text(rest)?,
                    Row {
                        value: self.decode(&stored.value)?,
                        version: stored.version,
                    },
                ));
            }
            if is_last {
                return Ok(rows);
            }
        }
    }

    /// Carries out a batch; `false` if an expectation did not hold.
    pub(crate) async fn commit(&self, batch: Batch, durability: Durability) -> Result<bool, Error> {
        Ok(self.keyspace.commit(batch, durability).await?.is_ok())
    }

    /// Carries out a batch; answers the version of each operation, `None` if an
    /// expectation did not hold.
    pub(crate) async fn commit_versions(
        &self,
        batch: Batch,
        durability: Durability,
    ) -> Result<Option<Vec<u64>>, Error> {
        Ok(self.keyspace.commit(batch, durability).await?.ok())
    }

    /// Writes a record where none is; `false` if there is one.
    pub(crate) async fn insert<T: Serialize>(
        &self,
        key: &str,
        value: &T,
        durability: Durability,
    ) -> Result<bool, Error> {
        let batch = Batch::new().put(key, self.encode(value)?, Expect::Absent);
        self.commit(batch, durability).await
    }

    /// Writes a record over the version that was read; `false` if it changed since.
    pub(crate) async fn replace<T: Serialize>(
        &self,
        key: &str,
        value: &T,
        version: u64,
        durability: Durability,
    ) -> Result<bool, Error> {
        let batch = Batch::new().put(key, self.encode(value)?, Expect::Version(version));
        self.commit(batch, durability).await
    }

    /// Reads, changes and writes a record until nobody came between; `None` if it is
    /// not there.
    pub(crate) async fn change<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        change: impl Fn(&mut T),
    ) -> Result<Option<T>, Error> {
        for _ in 0..TRIES_MAX {
            let Some(mut row) = self.get::<T>(key).await? else {
                return Ok(None);
            };
            change(&mut row.value);
            if self
                .replace(key, &row.value, row.version, Durability::Sync)
                .await?
            {
                return Ok(Some(row.value));
            }
        }
        Err(self.contended())
    }

    /// Removes a record, whatever its version.
    pub(crate) async fn delete(&self, key: &str, durability: Durability) -> Result<(), Error> {
        let batch = Batch::new().delete(key, Expect::Any);
        self.commit(batch, durability).await.map(drop)
    }

    pub(crate) fn encode<T: Serialize>(&self, value: &T) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(value).map_err(|_| self.damaged())
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|_| self.damaged())
    }

    fn text(&self, bytes: &[u8]) -> Result<String, Error> {
        String::from_utf8(bytes.to_vec()).map_err(|_| self.damaged())
    }

    pub(crate) fn damaged(&self) -> Error {
        Error::Damaged { noun: self.noun }
    }

    pub(crate) fn contended(&self) -> Error {
        Error::Contended { noun: self.noun }
    }

    /// Reads a stored identifier.
    pub(crate) fn parse<T: FromStr>(&self, text: &str) -> Result<T, Error> {
        text.parse().map_err(|_| self.damaged())
    }

    /// Reads stored identifiers.
    pub(crate) fn parse_all<T: FromStr>(&self, texts: &[String]) -> Result<Vec<T>, Error> {
        texts.iter().map(|text| self.parse(text)).collect()
    }

    /// Reads a stored identifier that may be missing.
    pub(crate) fn parse_option<T: FromStr>(&self, text: Option<&str>) -> Result<Option<T>, Error> {
        text.map(|text| self.parse(text)).transpose()
    }
}

/// The stored form of identifiers.
pub(crate) fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}
