//! How many calls run at once: in all, per app, per user. The wait is short and the
//! refusal is honest, so that nobody's app looks broken because the house is full.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use glovebox_model::{AppId, TenantId, UserId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::RunError;

/// Distinct apps or users whose counters are kept before idle ones are dropped.
const KEPT_MAX: usize = 4_096;

/// Counters by whose they are and by how many they let in. The size belongs to the name: an
/// app with a small limit of its own must not make the user's turns scarce for others, and
/// a limit that was changed counts from the next call on.
type Counters<K> = DashMap<(K, u64), Arc<Semaphore>>;

/// The counters.
pub(crate) struct Permits {
    all: Arc<Semaphore>,
    /// Of each tenant's own: an app of the sandbox takes no turn from its namesake.
    apps: Counters<(TenantId, AppId)>,
    users: Counters<UserId>,
    wait: Duration,
}

/// The right to run one call, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _app: OwnedSemaphorePermit,
    _user: Option<OwnedSemaphorePermit>,
    _all: OwnedSemaphorePermit,
}

impl Permits {
    pub(crate) fn new(calls_max: u32, wait: Duration) -> Self {
        let calls_max = usize::try_from(calls_max).unwrap_or(1).max(1);
        Self {
            all: Arc::new(Semaphore::new(calls_max)),
            apps: DashMap::new(),
            users: DashMap::new(),
            wait,
        }
    }

    /// Waits for a turn. The narrow counters come first, so that one busy app or user does
    /// not hold a place of the whole house while it queues.
    pub(crate) async fn take(
        &self,
        app: &(TenantId, AppId),
        app_max: u64,
        user: Option<&UserId>,
        user_max: u64,
    ) -> Result<Permit, RunError> {
        let app = counter(&self.apps, app, app_max);
        let user = user.map(|user| counter(&self.users, user, user_max));
        let turn = async {
            Ok::<_, tokio::sync::AcquireError>(Permit {
                _app: app.acquire_owned().await?,
                _user: match user {
                    Some(user) => Some(user.acquire_owned().await?),
                    None => None,
                },
                _all: Arc::clone(&self.all).acquire_owned().await?,
            })
        };
        match tokio::time::timeout(self.wait, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(RunError::Busy),
        }
    }
}

fn counter<K: Clone + Eq + std::hash::Hash>(
    counters: &Counters<K>,
    key: &K,
    max: u64,
) -> Arc<Semaphore> {
    let key = (key.clone(), max);
    if let Some(found) = counters.get(&key) {
        return Arc::clone(&found);
    }
    if counters.len() > KEPT_MAX {
        // a counter that nobody else holds has no call running
        counters.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
    }
    let size = usize::try_from(max)
        .unwrap_or(1)
        .clamp(1, Semaphore::MAX_PERMITS);
    Arc::clone(
        &counters
            .entry(key)
            .or_insert_with(|| Arc::new(Semaphore::new(size))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_app_is_refused_and_leaves_room_for_others() {
        let permits = Permits::new(10, Duration::from_millis(5));
        let app = |tenant: &str, app: &str| (tenant.parse().unwrap(), app.parse().unwrap());
        let (noisy, quiet) = (app("main", "noisy"), app("main", "quiet"));
        let user: UserId = "dr.rivera".parse().unwrap();
        let first = permits.take(&noisy, 1, None, 4).await.unwrap();
        assert_eq!(
            permits.take(&noisy, 1, None, 4).await.unwrap_err(),
            RunError::Busy
        );
        let namesake = app("sandbox", "noisy");
        assert!(permits.take(&namesake, 1, None, 4).await.is_ok());
        let modest = app("main", "modest");
        let one_at_a_time = permits.take(&modest, 1, Some(&user), 1).await.unwrap();
        for _ in 0..2 {
            let turn = permits.take(&quiet, 4, Some(&user), 4).await;
            assert!(turn.is_ok(), "another app's limit was counted");
        }
        drop(one_at_a_time);
        let _other = permits.take(&quiet, 1, Some(&user), 1).await.unwrap();
        drop(first);
        assert_eq!(
            permits.take(&noisy, 1, Some(&user), 1).await.unwrap_err(),
            RunError::Busy
        );
        assert!(permits.take(&noisy, 1, None, 4).await.is_ok());
    }
}
