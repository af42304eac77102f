//! What a launch needs: the live version, ready to run, and what it was granted.

use std::sync::Arc;

use glovebox_database::fence::{Held, Mark};
use glovebox_model::limits::Limits;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{AppId, Digest, TenantId};
use glovebox_policy::{Terms, effective_scopes};
use glovebox_runtime::Prepared;

use crate::app_version::AppVersion;
use crate::error::RegistryError;
use crate::registry::Registry;
use crate::stage::Stage;

/// A live version, ready to be launched.
#[derive(Clone)]
pub struct Installation {
    /// The version.
    pub version: AppVersion,
    /// The compiled component.
    pub prepared: Arc<Prepared>,
    /// Manifest ∩ approval.
    pub scopes: ScopeSet,
    /// What the approval says beyond scopes.
    pub terms: Arc<Terms>,
    /// The least of ceiling, approval and manifest.
    pub limits: Limits,
    /// The generations under which it was looked up: a withdrawal after this moment ends
    /// every session that remembers them.
    pub held: Vec<Held>,
}

impl Registry {
    /// The live version of an app, compiled if it is not yet. `None` if none is live.
    pub async fn installation(
        &self,
        tenant: &TenantId,
        app: &AppId,
    ) -> Result<Option<Installation>, RegistryError> {
        // The app's generation is read before its stage: a quarantine in between is noticed.
        let mut held = self.parts.fence.generations(&[
            Mark::Tenant(tenant.clone()),
            Mark::App(tenant.clone(), app.clone()),
        ]);
        let Some(version) = self.live(tenant, app).await? else {
            return Ok(None);
        };
        let manifest = &version.manifest;
        held.extend(self.parts.fence.generations(&[
            Mark::Publisher(manifest.publisher.clone()),
            Mark::Version(tenant.clone(), app.clone(), manifest.version.clone()),
        ]));
        // Read again under the version's generation, for the same reason.
        let Some(version) = self.version(tenant, app, &manifest.version).await? else {
            return Ok(None);
        };
        let Stage::Live(approval) = &version.stage else {
            return Ok(None);
        };
        let name = format!("{app} {}", version.manifest.version);
        let prepared = self.prepare(&version.digest, &name).await?;
        let scopes = effective_scopes(&version.manifest.scope_set(), &approval.scopes);
        let limits = version
            .manifest
            .limits_under(&approval.limits.min(&self.parts.ceiling));
        Ok(Some(Installation {
            scopes,
            terms: Arc::new(approval.terms.clone()),
            limits,
            prepared,
            held,
            version: version.clone(),
        }))
    }

    /// The compiled component of a version that was uploaded, from memory where it is there.
    pub async fn prepare(
        &self,
        digest: &Digest,
        name: &str,
    ) -> Result<Arc<Prepared>, RegistryError> {
        if let Some(prepared) = self.parts.runtime.preparer().prepared(digest) {
            return Ok(prepared);
        }
        let bytes = self.parts.artifacts.fetch(digest).await?;
        let bytes = bytes.ok_or_else(|| RegistryError::Damaged(name.to_owned()))?;
        let prepared = self.parts.runtime.prepare(&bytes).await;
        prepared.map_err(|problem| RegistryError::Prepare {
            app: name.to_owned(),
            problem,
        })
    }
}
