//! How many requests may wait at once. Anybody may send one, and each is kept until it is
//! answered or has run out: without a bound, a stranger could fill the disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use glovebox_model::Timestamp;

use super::REQUEST_TTL;

/// Requests that this process keeps within [`REQUEST_TTL`], at most: some 33 a second, day
/// and night. One takes a few hundred bytes, and 64 KiB (the largest record) at most.
pub(super) const RECENT_MAX: usize = 20_000;

/// When the latest requests came.
#[derive(Clone, Default)]
pub(super) struct Recent(Arc<Mutex<VecDeque<Timestamp>>>);

impl Recent {
    /// Whether there is room for one more; it is counted then.
    pub(super) fn admits(&self, now: Timestamp) -> bool {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while times
            .front()
            .is_some_and(|time| now.since(*time) >= REQUEST_TTL)
        {
            times.pop_front();
        }
        if times.len() >= RECENT_MAX {
            return false;
        }
        times.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noon;

    #[test]
    fn there_is_room_again_when_the_first_have_run_out() {
        let recent = Recent::default();
        assert!((0..RECENT_MAX).all(|_| recent.admits(noon())));
        assert!(!recent.admits(noon()));
        assert!(recent.admits(noon() + REQUEST_TTL));
    }
}
