//! Measuring two things side by side.

use std::future::Future;

use tokio::time::Instant;

/// One line of the report. Times are in `unit`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) median: f64,
    pub(crate) p99: f64,
    /// Samples of ours; the floor has as many.
    pub(crate) n: usize,
    /// Median of the floor.
    pub(crate) floor: f64,
    pub(crate) floor_p99: f64,
}

/// Something of ours and the floor under it.
pub(crate) trait Pair {
    /// One sample of ours, in the unit of the row.
    fn ours(&mut self) -> impl Future<Output = anyhow::Result<f64>> + Send;
    /// One sample of the floor.
    fn floor(&mut self) -> impl Future<Output = anyhow::Result<f64>> + Send;
}

/// How often. Blocks are short against the swings of a shared machine, and long enough
/// that caches belong to the side that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) blocks: usize,
    pub(crate) block: usize,
    /// Blocks in front whose samples are thrown away.
    pub(crate) warm_up: usize,
}

/// Alternates blocks of both sides; who begins alternates too.
pub(crate) async fn interleave(
    name: &'static str,
    unit: &'static str,
    plan: Plan,
    pair: &mut impl Pair,
) -> anyhow::Result<Row> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for block in 0..plan.warm_up + plan.blocks {
        if block == plan.warm_up {
            ours.clear();
            floor.clear();
        }
        for half in 0..2 {
            let is_ours = (block + half) % 2 == 0;
            for _ in 0..plan.block {
                if is_ours {
                    ours.push(pair.ours().await?);
                } else {
                    floor.push(pair.floor().await?);
                }
            }
        }
    }
    ours.sort_by(f64::total_cmp);
    floor.sort_by(f64::total_cmp);
    Ok(Row {
        name,
        unit,
        median: quantile(&ours, 0.5),
        p99: quantile(&ours, 0.99),
        n: ours.len(),
        floor: quantile(&floor, 0.5),
        floor_p99: quantile(&floor, 0.99),
    })
}

/// Microseconds since `start`.
pub(crate) fn micros(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}

/// The nearest rank; zero of nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "ranks of a few thousand samples"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples() {
        let samples: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(quantile(&samples, 0.5), 100.0);
        assert_eq!(quantile(&samples, 0.99), 198.0);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    struct Turns(String);

    impl Pair for Turns {
        async fn ours(&mut self) -> anyhow::Result<f64> {
            self.0.push('o');
            Ok(2.0)
        }
        async fn floor(&mut self) -> anyhow::Result<f64> {
            self.0.push('f');
            Ok(1.0)
        }
    }

    #[tokio::test]
    async fn sides_take_turns_and_the_warm_up_does_not_count() {
        let plan = Plan {
            blocks: 2,
            block: 2,
            warm_up: 1,
        };
        let mut turns = Turns(String::new());
        let row = interleave("x", "us", plan, &mut turns).await.unwrap();
        assert_eq!(turns.0, "ooffffooooff");
        assert_eq!((row.n, row.median, row.floor), (4, 2.0, 1.0));
    }
}
