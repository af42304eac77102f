//! `open-screen`: an event of a session that exists, until its validated view: session
//! record, fence, permits, call, decision, search, re-check, ledger, validation, session
//! record. The floor is the same guest on the bare engine, whose host function asks the
//! store directly.

use std::sync::Arc;

use anyhow::ensure;
use glovebox_fhir_store::FhirStore;
use glovebox_model::SessionId;
use glovebox_model::limits::Limits;
use glovebox_runtime::ScreenInput;
use tokio::time::Instant;

use crate::floor::{Floor, Host};
use crate::guests;
use crate::house::{House, PATIENT};
use crate::measure::{Pair, Plan, Row, interleave, micros};
use crate::report;

/// Laboratory results of the patient.
const RESULTS: usize = 50;
const PLAN: Plan = Plan {
    blocks: 100,
    block: 20,
    warm_up: 5,
};

struct OpenScreen {
    house: House,
    session: SessionId,
    seq: u64,
    floor: Floor,
    store: Arc<FhirStore>,
}

impl Pair for OpenScreen {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let shown = self
            .house
            .screens
            .event(
                &self.session,
                &self.house.user,
                self.seq,
                ScreenInput::Refresh,
            )
            .await?;
        let taken = micros(start);
        self.seq = shown.seq;
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let host = Host::with_store(PATIENT, Arc::clone(&self.store));
        let start = Instant::now();
        self.floor.screen(host).await?;
        Ok(micros(start))
    }
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let house = House::new().await?;
    house.admit(RESULTS).await?;
    let guest = guests::lab_viewer()?;
    let launch = house.launch(&guest, Limits::default(), None).await?;
    let shown = house.screens.open(launch).await?;
    let store = Arc::new(FhirStore::new(house.fhir_records()));
    let floor = Floor::new(&guest.bytes)?;
    let bare = floor
        .screen(Host::with_store(PATIENT, Arc::clone(&store)))
        .await?;
    // both sides do the same work, or the ratio says nothing
    let rows = usize::try_from(shown.usage.rows)?;
    ensure!(
        rows == RESULTS && bare.rows == RESULTS,
        "{rows} and {} results were read instead of {RESULTS}",
        bare.rows
    );
    ensure!(
        shown.document.document().nodes.len() == bare.nodes,
        "the two screens differ"
    );
    report::note(&format!(
        "{rows} results of {} bytes, {} host calls, {} units of fuel",
        shown.usage.bytes_out, shown.usage.host_calls, shown.usage.fuel
    ));
    let mut pair = OpenScreen {
        session: shown.session,
        seq: shown.seq,
        house,
        floor,
        store,
    };
    interleave("open-screen", "us", PLAN, &mut pair).await
}
