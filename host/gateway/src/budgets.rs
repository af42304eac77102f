//! What apps, users and tenants have taken of their budgets.
//!
//! Requests are counted in memory: a restart fills the buckets. Patients and records are
//! counted in the records, so that a restart does not: a node leases a slice of a budget
//! with one commit and spends it in memory. The commits are relaxed. A crash of the
//! process loses what a node had leased and not spent (that much less is given out); a
//! loss of power may also forget leases of the last moments, at most what the storage
//! engine writes between two flushes.
//!
//! Reserving comes after the re-check and before the release: a limit of k lets exactly k
//! out. What was reserved and then not released, because the call was revoked, stays spent.

mod account;
mod slot;
mod spend;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use glovebox_database::Keyspace;
use glovebox_model::{TenantId, Timestamp};
use glovebox_policy::{TenantBudgets, TokenBucket};

use crate::refusal::Refusal;
use crate::session::Session;
use account::accounts;
use slot::Slot;

/// Buckets that are kept at most before full ones are forgotten.
const BUCKETS_MAX: usize = 10_000;

/// The slots of one tenant, by key.
type Slots = Arc<tokio::sync::Mutex<HashMap<String, Slot>>>;

pub(crate) struct Budgets {
    keyspace: Keyspace,
    tenants: HashMap<TenantId, TenantBudgets>,
    buckets: Mutex<HashMap<String, TokenBucket>>,
    slots: Mutex<HashMap<TenantId, Slots>>,
}

impl Budgets {
    pub(crate) fn new(keyspace: Keyspace, tenants: HashMap<TenantId, TenantBudgets>) -> Self {
        Self {
            keyspace,
            tenants,
            buckets: Mutex::default(),
            slots: Mutex::default(),
        }
    }

    /// Counts one request of a session, refused ones among them.
    pub(crate) fn admit(&self, session: &Session, now: Timestamp) -> Result<(), Refusal> {
        let accounts = accounts(session, self.tenants.get(&session.tenant));
        let limits: Vec<(&str, u64)> = accounts
            .iter()
            .filter_map(|account| Some((account.key.as_str(), account.budget.requests_per_minute?)))
            .collect();
        if limits.is_empty() {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        // All or none: a request that one account refuses costs the others nothing.
        let mut taken = Vec::with_capacity(limits.len());
        for (key, per_minute) in limits {
            let known = buckets.get(key).copied();
            let mut bucket = known
                .filter(|bucket| bucket.per_minute() == per_minute)
                .unwrap_or_else(|| TokenBucket::full(per_minute, now));
            if let Err(retry_after) = bucket.take(now) {
                return Err(Refusal::Throttled { retry_after });
            }
            taken.push((key.to_owned(), bucket));
        }
        if buckets.len() > BUCKETS_MAX {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        buckets.extend(taken);
        Ok(())
    }

    fn slots_of(&self, tenant: &TenantId) -> Slots {
        let mut all = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(tenant.clone()).or_default())
    }
}
