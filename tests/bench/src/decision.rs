//! `authorize-decision`: the decision on one interaction under a clinician's launch of an
//! app with several scopes. The floor is one lookup in a table by type and letter, as if
//! everything had been known at the launch.

use std::collections::{BTreeSet, HashMap};
use std::hint::black_box;
use std::sync::Arc;

use anyhow::ensure;
use glovebox_fhir::{Interaction, InteractionKind};
use glovebox_model::PatientId;
use glovebox_model::scope::ScopeSet;
use glovebox_policy::{AccessRequest, Decision, Terms, UserRights, decide};
use tokio::time::Instant;

use crate::house::PATIENT;
use crate::measure::{Pair, Plan, Row, interleave};

const SCOPES: &str = "launch openid fhirUser patient/Patient.r patient/Condition.rs \
    patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory \
    patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs \
    patient/MedicationRequest.rs patient/AllergyIntolerance.rs user/Practitioner.r";
/// Decisions of one sample: a single one is shorter than a look at the clock.
const EACH: u32 = 100;
const PLAN: Plan = Plan {
    blocks: 100,
    block: 20,
    warm_up: 5,
};

struct Decide {
    scopes: ScopeSet,
    patient: PatientId,
    rights: UserRights,
    terms: Arc<Terms>,
    table: HashMap<(&'static str, InteractionKind), bool>,
}

fn each(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / f64::from(EACH)
}

impl Pair for Decide {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let request = AccessRequest {
            scopes: &self.scopes,
            patient: Some(&self.patient),
            rights: &self.rights,
            terms: &self.terms,
        };
        let reads: Result<Vec<_>, _> = (0..EACH)
            .map(|_| Interaction::read("Observation", "x"))
            .collect();
        let start = Instant::now();
        let mut permitted = 0;
        for read in reads? {
            permitted += u32::from(matches!(decide(&request, read), Decision::Permit(_)));
        }
        let taken = each(start);
        ensure!(permitted == EACH, "it was refused");
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let mut permitted = 0;
        for _ in 0..EACH {
            let key = black_box(("Observation", InteractionKind::Read));
            permitted += u32::from(self.table.get(&key).copied().unwrap_or(false));
        }
        let taken = each(start);
        ensure!(permitted == EACH, "it was refused");
        Ok(taken)
    }
}

pub(crate) async fn measure() -> anyhow::Result<Row> {
    let patient: PatientId = PATIENT.parse()?;
    let types = ["Patient", "Condition", "Observation", "MedicationRequest"];
    let mut pair = Decide {
        scopes: ScopeSet::parse(SCOPES)?,
        rights: UserRights::Patients(BTreeSet::from([patient.clone()])),
        patient,
        terms: Arc::default(),
        table: types
            .into_iter()
            .map(|name| ((name, InteractionKind::Read), true))
            .collect(),
    };
    interleave("authorize-decision", "ns", PLAN, &mut pair).await
}
