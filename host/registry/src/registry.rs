//! Looking up what is there.

use std::sync::Arc;

use glovebox_database::artifacts::Artifacts;
use glovebox_database::fence::Fence;
use glovebox_database::ledger::Ledger;
use glovebox_database::{Batch, Durability, Expect, Keyspace};
use glovebox_model::limits::Limits;
use glovebox_model::{AppId, Clock, TenantId, Version};
use glovebox_runtime::Runtime;

use crate::app_version::AppVersion;
use crate::error::RegistryError;
use crate::stored;

/// What a registry needs.
pub struct RegistryParts {
    /// The registry's own namespace.
    pub records: Keyspace,
    /// Where components are kept.
    pub artifacts: Artifacts,
    /// Checks and prepares components.
    pub runtime: Runtime,
    /// Withdraws apps.
    pub fence: Fence,
    /// Records every act.
    pub ledger: Ledger,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What no app may exceed.
    pub ceiling: Limits,
}

/// The apps of all tenants.
pub struct Registry {
    pub(crate) parts: RegistryParts,
}

/// A version and the record's version, for the next write.
pub(crate) type Entry = (AppVersion, u64);

pub(crate) fn key(tenant: &TenantId, app: &AppId, version: &Version) -> Vec<u8> {
    format!("{tenant}/{app}/{version}").into_bytes()
}

pub(crate) fn key_of(version: &AppVersion) -> Vec<u8> {
    let manifest = &version.manifest;
    key(&version.tenant, &manifest.id, &manifest.version)
}

impl Registry {
    /// Puts the parts together.
    pub fn new(parts: RegistryParts) -> Self {
        Self { parts }
    }

    /// One version.
    pub async fn version(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: &Version,
    ) -> Result<Option<AppVersion>, RegistryError> {
        Ok(self
            .entry(tenant, app, version)
            .await?
            .map(|(version, _)| version))
    }

    /// All versions of one app, newest first.
    pub async fn versions(
        &self,
        tenant: &TenantId,
        app: &AppId,
    ) -> Result<Vec<AppVersion>, RegistryError> {
        let entries = self.entries(&format!("{tenant}/{app}/")).await?;
        Ok(newest_first(entries))
    }

    /// All versions of all apps of a tenant, by app and then newest first.
    pub async fn all(&self, tenant: &TenantId) -> Result<Vec<AppVersion>, RegistryError> {
        let entries = self.entries(&format!("{tenant}/")).await?;
        Ok(newest_first(entries))
    }

    /// The version of an app that can be launched.
    pub async fn live(
        &self,
        tenant: &TenantId,
        app: &AppId,
    ) -> Result<Option<AppVersion>, RegistryError> {
        let versions = self.versions(tenant, app).await?;
        Ok(versions.into_iter().find(|version| version.stage.is_live()))
    }

    pub(crate) async fn entry(
        &self,
        tenant: &TenantId,
        app: &AppId,
        version: &Version,
    ) -> Result<Option<Entry>, RegistryError> {
        let found = self.parts.records.get(&key(tenant, app, version)).await?;
        found
            .map(|found| Ok((stored::decode(tenant, &found.value)?, found.version)))
            .transpose()
    }

    pub(crate) async fn entries(&self, prefix: &str) -> Result<Vec<Entry>, RegistryError> {
        let mut entries = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let found = self
                .parts
                .records
                .scan(prefix.as_bytes(), after.as_deref(), 256)
                .await?;
            let Some((last, _)) = found.last() else {
                return Ok(entries);
            };
            after = Some(last.clone());
            for (key, found) in &found {
                let damaged = || RegistryError::Damaged(String::from_utf8_lossy(key).into_owned());
                let tenant = key.split(|b| *b == b'/').next().unwrap_or_default();
                let tenant = std::str::from_utf8(tenant)
                    .ok()
                    .and_then(|text| text.parse().ok());
                let version = stored::decode(&tenant.ok_or_else(damaged)?, &found.value)?;
                entries.push((version, found.version));
            }
        }
    }

    /// Writes a version that is new, durably; `false` if it exists, or if the app turned out
    /// to be another publisher's meanwhile.
    pub(crate) async fn put_new(&self, version: &AppVersion) -> Result<bool, RegistryError> {
        let manifest = &version.manifest;
        let owner = owner_key(&version.tenant, &manifest.id);
        let publisher = manifest.publisher.to_string().into_bytes();
        let mut batch = Batch::new();
        batch = match self.parts.records.get(&owner).await? {
            Some(known) if known.value != publisher => return Ok(false),
            Some(known) => batch.check(owner, Expect::Version(known.version)),
            None => batch.put(owner, publisher, Expect::Absent),
        };
        batch = batch.put(key_of(version), stored::encode(version)?, Expect::Absent);
        let committed = self.parts.records.commit(batch, Durability::Sync).await?;
        Ok(committed.is_ok())
    }
}

/// Whose app it is. No tenant's name begins like this.
fn owner_key(tenant: &TenantId, app: &AppId) -> Vec<u8> {
    format!("!owner/{tenant}/{app}").into_bytes()
}

fn newest_first(entries: Vec<Entry>) -> Vec<AppVersion> {
    let mut versions: Vec<AppVersion> = entries.into_iter().map(|(version, _)| version).collect();
    versions.sort_by(|a, b| {
        let by_app = a.manifest.id.cmp(&b.manifest.id);
        by_app.then_with(|| {
            b.manifest
                .version
                .precedence()
                .cmp(&a.manifest.version.precedence())
        })
    });
    versions
}
