//! Tokens that were read before. Nothing is in force because it is known: it only need not
//! be read again while the records of the token and of its client are those that were read.
//! Versions are never reused, so equal versions mean equal records.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glovebox_model::Timestamp;

use super::AccessToken;
use crate::secret::SecretHash;

/// Tokens that are known at most.
const KNOWN_MAX: usize = 4_096;

/// A token as it was read.
pub(super) struct Entry {
    /// Version of the token's record.
    pub(super) version: u64,
    /// Version of the record of its client.
    pub(super) client_version: u64,
    /// Version of the record of its grant, where it has one.
    pub(super) grant_version: Option<u64>,
    /// Version of the record of its user, where it has one.
    pub(super) user_version: Option<u64>,
    /// The browser session without which it is worth nothing, where that was agreed.
    pub(super) session: Option<String>,
    /// Of the secret.
    pub(super) hash: SecretHash,
    /// What the records say.
    pub(super) token: AccessToken,
}

/// What was read, by public id.
#[derive(Clone, Default)]
pub(super) struct Known(Arc<Mutex<HashMap<String, Arc<Entry>>>>);

impl Known {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Arc<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Entry>> {
        self.entries().get(id).map(Arc::clone)
    }

    pub(super) fn forget(&self, id: &str) {
        self.entries().remove(id);
    }

    /// Keeps what was read. Where there is no room, what has expired goes first, and then
    /// everything: it is read again when it is presented.
    pub(super) fn keep(&self, entry: Entry, now: Timestamp) {
        let mut entries = self.entries();
        if entries.len() >= KNOWN_MAX {
            entries.retain(|_, entry| entry.token.expires_at > now);
        }
        if entries.len() >= KNOWN_MAX {
            entries.clear();
        }
        entries.insert(entry.token.id.clone(), Arc::new(entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Kind, mint};
    use crate::testing::{noon, tenant};

    #[test]
    fn no_more_is_known_than_there_is_room_for() {
        let known = Known::default();
        let hash = mint(Kind::AccessToken).unwrap().hash;
        let entry = |n: usize, seconds: u64| Entry {
            version: 1,
            client_version: 1,
            grant_version: None,
            user_version: None,
            session: None,
            hash,
            token: AccessToken {
                id: n.to_string(),
                tenant: tenant("main"),
                client: "demo".parse().unwrap(),
                scope: glovebox_model::scope::ScopeSet::default(),
                issued_at: noon(),
                expires_at: noon() + std::time::Duration::from_secs(seconds),
                user: None,
                patient: None,
                grant: None,
                thumbprint: None,
                terms: Arc::default(),
            },
        };
        known.keep(entry(0, 1_000), noon());
        for n in 1..KNOWN_MAX {
            known.keep(entry(n, 10), noon());
        }
        let later = noon() + std::time::Duration::from_secs(20);
        known.keep(entry(KNOWN_MAX, 1_000), later);
        assert_eq!(known.entries().len(), 2, "what had expired is gone");
        for n in 1..=2 * KNOWN_MAX {
            known.keep(entry(KNOWN_MAX + n, 1_000), later);
            assert!(known.entries().len() <= KNOWN_MAX);
        }
    }
}
