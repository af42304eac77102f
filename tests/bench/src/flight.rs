//! Many at once: how long one of them takes when so many are under way.

use std::future::Future;

use anyhow::ensure;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::measure::micros;

/// How many callers there are at once.
pub(crate) const CALLERS: usize = 64;

/// Runs the callers side by side, each with its own list of work; answers the microseconds
/// of the whole for each piece of it.
pub(crate) async fn side_by_side<W, F, R>(
    work: Vec<Vec<W>>,
    each: impl Fn(W) -> F + Clone + Send + 'static,
) -> anyhow::Result<(f64, Vec<R>)>
where
    W: Send + 'static,
    F: Future<Output = anyhow::Result<R>> + Send + 'static,
    R: Send + 'static,
{
    let pieces: usize = work.iter().map(Vec::len).sum();
    ensure!(pieces > 0, "nothing to do");
    let mut callers = JoinSet::new();
    let start = Instant::now();
    for pieces in work {
        let each = each.clone();
        callers.spawn(async move {
            let mut results = Vec::with_capacity(pieces.len());
            for piece in pieces {
                results.push(each(piece).await?);
            }
            anyhow::Ok(results)
        });
    }
    let mut results = Vec::with_capacity(pieces);
    while let Some(done) = callers.join_next().await {
        results.extend(done??);
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a few thousand pieces, where a double is exact"
    )]
    let taken = micros(start) / pieces as f64;
    Ok((taken, results))
}
