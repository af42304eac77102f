//! The keys that a client publishes (`jwks_uri`): fetched when they are needed, kept for as
//! long as the client says and no longer (SMART App Launch 2.2, "Client Authentication:
//! Asymmetric"), and never fetched because a request alone says so.

mod cache_control;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use glovebox_model::Timestamp;
use glovebox_outbound::{Outbound, Request};
use tokio::sync::Mutex;

use crate::Client;
use crate::client_key::ClientKey;

/// Most bytes of a key set.
const BYTES_MAX: usize = 64 << 10;
/// From the first look at the address to the last byte.
const TIME_MAX: Duration = Duration::from_secs(5);
/// For so long nobody is asked again after an answer that was none.
const FAILED_FOR: Duration = Duration::from_secs(30);
/// Fetches of one client that may follow one another at once, and how long until there is
/// room for one more. Whoever knows the `client_id` can cause them, with assertions that
/// name keys which do not exist.
const FETCHES_MAX: u32 = 6;
const FETCH_EVERY: Duration = Duration::from_secs(10);
/// Clients whose keys are kept at once; beyond that, those that have run out go first.
const CLIENTS_MAX: usize = 10_000;

/// The published keys of clients. All clones share what is known.
#[derive(Clone)]
pub(crate) struct ClientJwks {
    outbound: Outbound,
    known: Arc<std::sync::Mutex<HashMap<String, Arc<Published>>>>,
}

/// What one registration published.
#[derive(Default)]
struct Published {
    /// Held while it is fetched: whoever comes meanwhile waits for the same answer.
    state: Mutex<State>,
    fetches: AtomicU64,
}

#[derive(Default)]
struct State {
    keys: Vec<ClientKey>,
    /// When the last fetch ended, if there was one.
    fetched_at: Option<Timestamp>,
    /// How long the answer holds, from then.
    holds_for: Duration,
    has_failed: bool,
    /// Fetches that may be made at once, and since when that is so.
    room: Option<(u32, Timestamp)>,
}

impl State {
    fn is_fresh(&self, now: Timestamp) -> bool {
        let age = self.fetched_at.map(|at| now.since(at));
        age.is_some_and(|age| age < self.holds_for)
    }

    /// Takes the room for one fetch, if there is any.
    fn admits(&mut self, now: Timestamp) -> bool {
        let (left, since) = self.room.unwrap_or((FETCHES_MAX, now));
        let gained = now.since(since).as_secs() / FETCH_EVERY.as_secs();
        let gained = u32::try_from(gained)
            .unwrap_or(FETCHES_MAX)
            .min(FETCHES_MAX);
        let left = left.saturating_add(gained).min(FETCHES_MAX);
        // What is left over of an interval counts towards the next.
        let since = match left == FETCHES_MAX {
            true => now,
            false => since + FETCH_EVERY.saturating_mul(gained),
        };
        self.room = Some((left.saturating_sub(1), since));
        left > 0
    }
}

impl ClientJwks {
    pub(crate) fn new(outbound: Outbound) -> Self {
        Self {
            outbound,
            known: Arc::default(),
        }
    }

    /// The keys that `client` publishes at `uri`, looked at because an assertion names the
    /// key `is_wanted`. Empty if they cannot be had: then the client is not who it says.
    pub(crate) async fn of(
        &self,
        client: &Client,
        uri: &str,
        is_wanted: impl Fn(&ClientKey) -> bool,
        now: Timestamp,
    ) -> Vec<ClientKey> {
        let published = self.published(client, uri);
        let seen = published.fetches.load(Ordering::SeqCst);
        let mut state = published.state.lock().await;
        // An answer that came while this waited is as new as one of its own would be.
        let came_meanwhile = published.fetches.load(Ordering::SeqCst) != seen;
        let holds = came_meanwhile || state.is_fresh(now);
        let may_be_new = !state.has_failed && !state.keys.iter().any(is_wanted);
        if holds && (came_meanwhile || !may_be_new) {
            return state.keys.clone();
        }
        if !state.admits(now) {
            return match holds {
                true => state.keys.clone(),
                false => Vec::new(),
            };
        }
        let (keys, holds_for) = self.fetch(uri).await;
        state.has_failed = keys.is_none();
        state.keys = keys.unwrap_or_default();
        state.fetched_at = Some(now);
        state.holds_for = holds_for;
        published.fetches.fetch_add(1, Ordering::SeqCst);
        state.keys.clone()
    }

    async fn fetch(&self, uri: &str) -> (Option<Vec<ClientKey>>, Duration) {
        let request = Request {
            url: uri,
            purpose: "jwks",
            accept: "application/json",
            media_types: &["application/json", "application/jwk-set+json"],
            bytes_max: BYTES_MAX,
            time_max: TIME_MAX,
        };
        let Ok(answer) = self.outbound.get(request).await else {
            return (None, FAILED_FOR);
        };
        let read = serde_json::from_slice(&answer.body)
            .ok()
            .and_then(|jwks| ClientKey::from_published(&jwks).ok());
        match read {
            Some(keys) => {
                let holds_for = cache_control::holds_for(&answer.cache_control, answer.age);
                (Some(keys), holds_for)
            }
            None => (None, FAILED_FOR),
        }
    }

    fn published(&self, client: &Client, uri: &str) -> Arc<Published> {
        // By registration: another one under the same id inherits nothing.
        let key = format!("{}/{}", client.registration, uri);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CLIENTS_MAX && !known.contains_key(&key) {
            known.retain(|_, published| Arc::strong_count(published) > 1);
        }
        Arc::clone(known.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests;
