//! What a running installation does by itself, now and then.

use std::sync::Weak;
use std::time::Duration;

use super::Services;

/// How often app sessions that are over are ended.
const EVERY: Duration = Duration::from_secs(5 * 60);

/// Keeps house until the services are gone.
pub(super) async fn keep(services: Weak<Services>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(services) = services.upgrade() else {
            return;
        };
        match services.screens.sweep().await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "app sessions that were over were ended"),
            Err(error) => tracing::warn!(%error, "app sessions could not be looked through"),
        }
    }
}
