//! `hostcall`: one `clock.now`, counted, checked against kill, fence, deadline and budget,
//! against a host function that returns an equal string. A guest asks many times; a
//! screen without a question is taken off.

use anyhow::ensure;
use glovebox_model::SessionId;
use glovebox_model::limits::Limits;
use glovebox_runtime::ScreenInput;
use tokio::time::Instant;

use crate::floor::{Floor, Host};
use crate::guests;
use crate::house::House;
use crate::measure::{Pair, Plan, Row, interleave, micros};

/// Questions per screen.
const CALLS: u32 = 5_000;
const PLAN: Plan = Plan {
    blocks: 100,
    block: 5,
    warm_up: 4,
};

struct HostCall {
    house: House,
    floor: Floor,
    asking: (SessionId, u64),
    silent: (SessionId, u64),
}

/// Nanoseconds per question.
fn per_call(asking: f64, silent: f64) -> f64 {
    (asking - silent) * 1e3 / f64::from(CALLS)
}

impl HostCall {
    async fn screen(house: &House, session: &mut (SessionId, u64)) -> anyhow::Result<f64> {
        let start = Instant::now();
        let shown = house
            .screens
            .event(&session.0, &house.user, session.1, ScreenInput::Refresh)
            .await?;
        session.1 = shown.seq;
        Ok(micros(start))
    }

    async fn floor_screen(&self, calls: u32) -> anyhow::Result<f64> {
        let host = Host::with_intent(&calls.to_string());
        let start = Instant::now();
        self.floor.screen(host).await?;
        Ok(micros(start))
    }
}

impl Pair for HostCall {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let silent = Self::screen(&self.house, &mut self.silent).await?;
        let asking = Self::screen(&self.house, &mut self.asking).await?;
        Ok(per_call(asking, silent))
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let silent = self.floor_screen(0).await?;
        let asking = self.floor_screen(CALLS).await?;
        Ok(per_call(asking, silent))
    }
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let house = House::new().await?;
    let guest = guests::clock_loop()?;
    let limits = Limits {
        host_calls_max: u64::from(CALLS) * 2,
        ..Limits::default()
    };
    let mut sessions = Vec::new();
    for calls in [CALLS, 0] {
        let launch = house
            .launch(&guest, limits.clone(), Some(calls.to_string()))
            .await?;
        let shown = house.screens.open(launch).await?;
        ensure!(
            shown.usage.clock_calls == u64::from(calls),
            "the guest asked {} times instead of {calls}",
            shown.usage.clock_calls
        );
        sessions.push((shown.session, shown.seq));
    }
    let [asking, silent] =
        <[_; 2]>::try_from(sessions).map_err(|_| anyhow::anyhow!("two sessions were opened"))?;
    let mut pair = HostCall {
        floor: Floor::new(&guest.bytes)?,
        house,
        asking,
        silent,
    };
    interleave("hostcall", "ns", PLAN, &mut pair).await
}
