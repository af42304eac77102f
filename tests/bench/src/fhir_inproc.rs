//! `fhir-read-inproc` and `fhir-search-…`: an interaction through the gateway, ledger on,
//! against the same store without it.

use anyhow::{bail, ensure};
use glovebox_fhir::{Interaction, SearchQuery};
use glovebox_gateway::{Answer, Session};
use tokio::time::Instant;

use crate::charts;
use crate::house::{House, PATIENT};
use crate::measure::{Pair, Plan, Row, interleave, micros};
use crate::store::Bare;

/// Results of the patient whose chart is searched, and how many of them a page holds.
const RESULTS: usize = 2_000;
const PAGE: usize = 50;
/// Results of each patient where the number of patients is what counts.
const RESULTS_OF_MANY: usize = 20;
const SCOPES: &str = "patient/Observation.rs patient/Patient.r";
const PLAN: Plan = Plan {
    blocks: 100,
    block: 20,
    warm_up: 5,
};

struct Read {
    house: House,
    session: Session,
    store: Bare,
}

impl Pair for Read {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let read = Interaction::read("Observation", &format!("{PATIENT}-7"))?;
        let answer = self.house.execute(&self.session, read).await?;
        let taken = micros(start);
        ensure!(matches!(answer, Answer::Resource(_)), "that is no resource");
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let bytes = self
            .store
            .read("Observation", &format!("{PATIENT}-7"))
            .await?;
        let taken = micros(start);
        ensure!(!bytes.is_empty(), "nothing was read");
        Ok(taken)
    }
}

/// A read by id.
pub(crate) async fn read() -> anyhow::Result<Row> {
    let house = House::new().await?;
    charts::admit(&house, 20, 50).await?;
    let mut pair = Read {
        session: house.session(SCOPES)?,
        store: Bare::of(&house),
        house,
    };
    interleave("fhir-read-inproc", "us", PLAN, &mut pair).await
}

struct Search {
    house: House,
    session: Session,
    store: Bare,
    page: usize,
}

impl Search {
    async fn new(patients: usize, results: usize, page: usize) -> anyhow::Result<Self> {
        let house = House::new().await?;
        charts::admit(&house, patients, results).await?;
        Ok(Self {
            session: house.session(SCOPES)?,
            store: Bare::of(&house),
            house,
            page,
        })
    }

    fn query(&self) -> anyhow::Result<SearchQuery> {
        let pairs = [
            ("patient", PATIENT.to_owned()),
            ("category", "laboratory".to_owned()),
            ("_sort", "-date".to_owned()),
            ("_count", self.page.to_string()),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
        Ok(SearchQuery::parse("Observation", &pairs)?)
    }
}

impl Pair for Search {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let search = Interaction::search(self.query()?);
        let answer = self.house.execute(&self.session, search).await?;
        let taken = micros(start);
        let Answer::Page(page) = answer else {
            bail!("that is no page")
        };
        ensure!(
            page.matches.len() == self.page,
            "{} results",
            page.matches.len()
        );
        Ok(taken)
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        let found = self.store.search(self.query()?).await?;
        let taken = micros(start);
        ensure!(found.len() == self.page, "{} results", found.len());
        Ok(taken)
    }
}

/// A page of 50 of one patient's 2,000 laboratory results.
pub(crate) async fn search() -> anyhow::Result<Row> {
    let mut pair = Search::new(20, RESULTS, PAGE).await?;
    interleave("fhir-search-inproc", "us", PLAN, &mut pair).await
}

/// All results of one patient with a small chart, among so many patients.
pub(crate) async fn search_among(name: &'static str, patients: usize) -> anyhow::Result<Row> {
    let mut pair = Search::new(patients, RESULTS_OF_MANY, RESULTS_OF_MANY).await?;
    interleave(name, "us", PLAN, &mut pair).await
}
