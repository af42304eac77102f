//! The dice: every random choice of a patient comes from a stream of its own, so that
//! a patient depends on the seed and its index and on nothing else.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What a stream of choices is for. Separate streams keep the roster cheap: who a
/// patient is does not depend on what happened in the chart.
#[derive(Clone, Copy)]
pub(crate) enum Topic {
    /// Name, sex, birth date, address.
    Identity = 1,
    /// Illnesses, treatments, visits.
    Story = 2,
    /// Measured values and the rest of the chart.
    Chart = 3,
}

/// A seeded stream of choices. Uses only `+ - * /` on floats: their results are the same
/// bits on every platform, which `ln` or `cos` do not promise.
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    pub(crate) fn new(seed: u64, index: usize, topic: Topic) -> Self {
        let mut key = [0u8; 32];
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        let words = [seed, index, topic as u64];
        for (slot, byte) in key
            .iter_mut()
            .zip(words.into_iter().flat_map(u64::to_le_bytes))
        {
            *slot = byte;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = (high - low + 1).max(1);
        low + ((self.fraction() * span as f64) as i64).min(span - 1)
    }

    pub(crate) fn odds(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// Roughly normal (a sum of twelve uniforms), cut at three deviations so that no
    /// value leaves the plausible range by bad luck.
    pub(crate) fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let mut sum = -6.0;
        for _ in 0..12 {
            sum += self.fraction();
        }
        mean + deviation * sum.clamp(-3.0, 3.0)
    }

    /// One of a fixed list.
    #[expect(
        clippy::indexing_slicing,
        reason = "the list is not empty at compile time and the index is below its length"
    )]
    pub(crate) fn pick<'a, T, const N: usize>(&mut self, from: &'a [T; N]) -> &'a T {
        const { assert!(N > 0) };
        let index = (self.fraction() * N as f64) as usize;
        &from[index.min(N - 1)]
    }
}
