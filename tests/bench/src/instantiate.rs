//! `instantiate`: a fresh store with all limits, an instance in it, and the drop of both.

use glovebox_model::limits::Limits;
use glovebox_runtime::bench::Instances;
use tokio::time::Instant;

use crate::floor::{Floor, Host};
use crate::guests;
use crate::house::House;
use crate::measure::{Pair, Plan, Row, interleave, micros};

const PLAN: Plan = Plan {
    blocks: 100,
    block: 100,
    warm_up: 10,
};

struct Instantiate {
    ours: Instances,
    floor: Floor,
}

impl Pair for Instantiate {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        self.ours.one().await?;
        Ok(micros(start))
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        self.floor.instantiate(Host::empty()).await?;
        Ok(micros(start))
    }
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let house = House::new().await?;
    let guest = guests::lab_viewer()?;
    let limits = Limits {
        wall_ms_max: 3_600_000,
        ..Limits::default()
    };
    let launch = house.launch(&guest, limits, None).await?;
    let mut pair = Instantiate {
        ours: Instances::new(&house.runtime, launch)?,
        floor: Floor::new(&guest.bytes)?,
    };
    interleave("instantiate", "us", PLAN, &mut pair).await
}
