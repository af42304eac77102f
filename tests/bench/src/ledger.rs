//! `ledger`: one entry of an access, chained and in the kernel, against one write of as
//! many bytes to a file.

use std::fs::File;
use std::io::Write as _;

use anyhow::ensure;
use glovebox_model::ledger::{Event, Kind, Outcome};
use tokio::time::Instant;

use crate::house::House;
use crate::measure::{Pair, Plan, Row, interleave, micros};

const PLAN: Plan = Plan {
    blocks: 100,
    block: 50,
    warm_up: 5,
};
/// About as long as the line of such an entry.
const LINE_BYTES: usize = 640;

struct Append {
    house: House,
    event: Event,
    file: File,
}

impl Pair for Append {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let event = self.event.clone();
        let start = Instant::now();
        let appended = self.house.ledger.append(event)?;
        let taken = micros(start);
        ensure!(appended.seq > 0, "no entry");
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let line = [b'x'; LINE_BYTES];
        let start = Instant::now();
        self.file.write_all(&line)?;
        Ok(micros(start))
    }
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let house = House::new().await?;
    let session = house.session("")?;
    let ids: Vec<String> = (0..10).map(|n| format!("anna-rossi-lab-{n:04}")).collect();
    let event = Event::new(Kind::Fhir, "search-type", session.subject, Outcome::Ok)
        .with("door", "wit")
        .with("type", "Observation")
        .with("query", "Observation?category=laboratory&_count=50")
        .with("ids", ids)
        .with("count", 10_u64)
        .with("bytes", 12_345_u64);
    let mut pair = Append {
        house,
        event,
        file: tempfile::tempfile()?,
    };
    interleave("ledger", "us", PLAN, &mut pair).await
}
