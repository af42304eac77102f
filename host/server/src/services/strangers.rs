//! How many refusals of callers who proved nothing are recorded. Each costs them nothing,
//! so without a bound anybody could fill the disk of the ledger.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use glovebox_model::Timestamp;

/// Refusals recorded in one [`WINDOW`] at most.
const RECORDED_MAX: u32 = 120;
/// How long they are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// The counter.
#[derive(Debug, Default)]
pub struct Strangers {
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    began: Option<Timestamp>,
    recorded: u32,
    left_out: u64,
}

impl Strangers {
    /// Whether the refusal at this instant is recorded; then also how many before it were
    /// not, so that the ledger tells of a flood without being one.
    pub fn next(&self, now: Timestamp) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = window.began.is_none_or(|began| now.since(began) >= WINDOW);
        if is_over {
            (window.began, window.recorded) = (Some(now), 0);
        }
        if window.recorded >= RECORDED_MAX {
            window.left_out = window.left_out.saturating_add(1);
            return None;
        }
        window.recorded += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_told_afterwards() {
        let strangers = Strangers::default();
        let start = Timestamp::from_micros(1_000_000);
        for _ in 0..RECORDED_MAX {
            assert_eq!(strangers.next(start), Some(0));
        }
        assert_eq!(strangers.next(start), None);
        assert_eq!(strangers.next(start + WINDOW / 2), None);
        assert_eq!(strangers.next(start + WINDOW), Some(2));
        assert_eq!(strangers.next(start + WINDOW), Some(0));
    }
}
