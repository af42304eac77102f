//! `refresh`: 64 apps refresh at once, each its own grant, against 64 durable commits of
//! about as many bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, ensure};
use glovebox_database::{Batch, Durability, Expect, Keyspace};

use crate::flight::{CALLERS, side_by_side};
use crate::house::House;
use crate::measure::{Pair, Plan, Row, interleave};
use crate::smart::Smart;

const PLAN: Plan = Plan {
    blocks: 100,
    block: 2,
    warm_up: 5,
};
/// About what a refresh writes: the access token, the family, the mark of the token that
/// was used.
const BYTES: usize = 1_200;

struct Refresh {
    smart: Smart,
    /// The newest token of each family.
    newest: Vec<String>,
    records: Keyspace,
    written: Arc<AtomicU64>,
    // the records live as long as their directory
    _house: House,
}

async fn ask(smart: Smart, refresh_token: String) -> anyhow::Result<String> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.as_str()),
    ];
    let issued = smart.token("refresh_token", &fields).await?;
    let next = issued.refresh_token.context("no successor")?;
    Ok(next.expose().to_owned())
}

async fn write(records: Keyspace, number: u64) -> anyhow::Result<()> {
    let value = vec![b'x'; BYTES];
    let batch = Batch::new().put(number.to_be_bytes(), value, Expect::Absent);
    let committed = records.commit(batch, Durability::Sync).await?;
    ensure!(committed.is_ok(), "the key was taken");
    Ok(())
}

impl Pair for Refresh {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let newest = std::mem::take(&mut self.newest);
        let work = newest.into_iter().map(|token| vec![token]).collect();
        let smart = self.smart.clone();
        let (taken, next) = side_by_side(work, move |token| ask(smart.clone(), token)).await?;
        self.newest = next;
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let number = || self.written.fetch_add(1, Ordering::Relaxed);
        let work = (0..CALLERS).map(|_| vec![number()]).collect();
        let records = self.records.clone();
        let (taken, _) = side_by_side(work, move |number| write(records.clone(), number)).await?;
        Ok(taken)
    }
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let smart = Smart::new().await?;
    let house = House::new().await?;
    let grants = smart.grants(CALLERS).await?;
    let mut pair = Refresh {
        smart,
        newest: grants.into_iter().map(|(refresh, _)| refresh).collect(),
        records: house.space("bench"),
        written: Arc::default(),
        _house: house,
    };
    interleave("refresh", "us", PLAN, &mut pair).await
}
