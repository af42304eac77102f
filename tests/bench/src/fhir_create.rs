//! `fhir-create`: a create through the gateway, with its durable intent, its durable
//! commit and its outcome, against one durable commit of the same bytes.

use anyhow::ensure;
use glovebox_database::{Batch, Durability, Expect, Keyspace};
use glovebox_fhir::{Interaction, Limits, Resource};
use glovebox_gateway::{Answer, Session};
use tokio::time::Instant;

use crate::charts;
use crate::house::{House, PATIENT};
use crate::measure::{Pair, Plan, Row, interleave, micros};

const PLAN: Plan = Plan {
    blocks: 50,
    block: 10,
    warm_up: 5,
};

struct Create {
    house: House,
    session: Session,
    records: Keyspace,
    body: String,
    written: u64,
}

impl Pair for Create {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let resource = Resource::parse(self.body.as_bytes(), Limits::RESOURCE)?;
        let create = Interaction::create(resource);
        let answer = self.house.execute(&self.session, create).await?;
        let taken = micros(start);
        ensure!(matches!(answer, Answer::Written(_)), "nothing was written");
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        self.written += 1;
        let start = Instant::now();
        let batch = Batch::new().put(
            self.written.to_be_bytes(),
            self.body.clone(),
            Expect::Absent,
        );
        let committed = self.records.commit(batch, Durability::Sync).await?;
        let taken = micros(start);
        ensure!(committed.is_ok(), "the key was taken");
        Ok(taken)
    }
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let house = House::new().await?;
    charts::admit(&house, 20, 20).await?;
    let body = format!(
        r#"{{"resourceType":"Observation","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"29463-7"}}]}},"subject":{{"reference":"Patient/{PATIENT}"}},"effectiveDateTime":"2026-11-23T08:00:00Z","valueQuantity":{{"value":72.50,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}}}"#
    );
    let mut pair = Create {
        session: house.session("patient/Observation.cruds")?,
        records: house.space("bench"),
        house,
        body,
        written: 0,
    };
    interleave("fhir-create", "us", PLAN, &mut pair).await
}
