//! The store through its own door: permits of the host itself.

mod importing;
mod ordering;
mod referring;
mod searching;
mod versions;

use glovebox_database::test_support::{TemporarySled, temporary_sled};
use glovebox_fhir::{Interaction, Limits, Resource, SearchQuery};
use glovebox_model::Timestamp;
use glovebox_policy::{Permitted, Reach, SystemReason, permit_system};
use serde_json::Value;

use crate::{
    Change, Commit, Committed, FhirStore, Found, Head, Imported, Put, RequestMark, WriteRefused,
};

const NAMESPACE: &str = "fhir/main";

struct Kit {
    store: FhirStore,
    sled: TemporarySled,
    intents: std::cell::Cell<u64>,
}

fn resource(json: &str) -> Resource {
    Resource::parse(json.as_bytes(), Limits::RESOURCE).unwrap()
}

fn everyone(interaction: Interaction) -> Permitted<Interaction> {
    permit_system(SystemReason::Import, Reach::Everyone, interaction)
}

fn of_patient(patient: &str, interaction: Interaction) -> Permitted<Interaction> {
    let reach = Reach::patient(&patient.parse().unwrap());
    permit_system(SystemReason::Chart, reach, interaction)
}

fn read(resource_type: &str, id: &str) -> Permitted<Interaction> {
    everyone(Interaction::read(resource_type, id).unwrap())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros((1_790_000_000 + second) * 1_000_000)
}

fn query(text: &str) -> Interaction {
    let (resource_type, parameters) = text.split_once('?').unwrap();
    let pairs: Vec<(String, String)> = parameters
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Interaction::search(SearchQuery::parse(resource_type, &pairs).unwrap())
}

fn ids(found: &Found) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.id.as_str()).collect()
}

impl Kit {
    fn new() -> Self {
        let sled = temporary_sled();
        Self {
            store: FhirStore::new(sled.keyspace(NAMESPACE)),
            sled,
            intents: std::cell::Cell::new(0),
        }
    }

    fn intent(&self) -> u64 {
        self.intents.set(self.intents.get() + 1);
        self.intents.get()
    }

    async fn put(&self, json: &str) {
        let update = Interaction::update(resource(json), None).unwrap();
        let put = self.store.consider(&everyone(update), true, at(0)).await;
        let Put::Write(planned) = put.unwrap() else {
            panic!("{json} should be written")
        };
        let imported = self.store.import(&[*planned], self.intent()).await.unwrap();
        assert_eq!(imported, Imported::Done);
    }

    async fn head(&self, resource_type: &str, id: &str) -> Option<Head> {
        self.store.head(&read(resource_type, id)).await.unwrap()
    }

    async fn write(
        &self,
        interaction: Interaction,
        id: &str,
        old: Option<&Head>,
        second: i64,
    ) -> Result<Committed, WriteRefused> {
        let permitted = everyone(interaction);
        let change = Change {
            permitted: &permitted,
            id,
            old,
        };
        let written = self.commit(vec![change], second, None).await?;
        Ok(written.into_iter().next().unwrap())
    }

    async fn commit(
        &self,
        changes: Vec<Change<'_>>,
        second: i64,
        request: Option<RequestMark>,
    ) -> Result<Vec<Committed>, WriteRefused> {
        let commit = Commit {
            changes,
            now: at(second),
            intent: self.intent(),
            expectations: Vec::new(),
            request,
        };
        self.store.commit(commit).await.unwrap()
    }

    async fn search(&self, text: &str) -> Vec<String> {
        let found = self.store.search(&everyone(query(text)), None, 1_000).await;
        ids(&found.unwrap())
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    /// All pages of a search, glued together.
    async fn pages(&self, permitted: &Permitted<Interaction>, count: usize) -> Vec<String> {
        let mut all = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let found = self.store.search(permitted, after.as_deref(), count).await;
            let found = found.unwrap();
            assert!(found.hits.len() <= count);
            // Counted at the beginning only, and then unless there is more than was read.
            assert!(found.total.is_none() || after.is_none());
            assert!(found.total.is_some() || after.is_some() || found.next.is_some());
            all.extend(ids(&found).into_iter().map(str::to_owned));
            match found.next {
                Some(next) => after = Some(next),
                None => return all,
            }
        }
    }
}

fn text(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}
