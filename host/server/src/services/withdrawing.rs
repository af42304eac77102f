//! After an app was withdrawn: its sessions end too.

use glovebox_model::{AppId, TenantId};
use glovebox_registry::{RegistryError, Withdrawn};
use glovebox_runtime::{RunError, Target};

use super::Services;

/// Why the sessions of a withdrawn app could not be ended. The app is withdrawn all the same.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// The registry does not answer.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The sessions cannot be listed or written.
    #[error(transparent)]
    Sessions(#[from] RunError),
}

/// Ends every session of the versions that were withdrawn; says how many. The fence has
/// ended what runs, so that nothing of it comes out before this is done.
pub async fn end_sessions(
    services: &Services,
    tenant: &TenantId,
    app: &AppId,
    withdrawn: &Withdrawn,
    reason: &str,
) -> Result<usize, EndError> {
    let mut ended = 0;
    for version in &withdrawn.versions {
        let found = services.registry.version(tenant, app, version).await?;
        let Some(found) = found else { continue };
        let target = Target::Version(tenant.clone(), found.digest);
        ended += services.screens.end(&target, reason).await?;
    }
    Ok(ended)
}
