//! Host functions of the floor: no decision, no re-check, no record, no budget.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use glovebox_fhir::{Interaction, SearchQuery};
use glovebox_fhir_store::FhirStore;
use glovebox_model::limits::Limits;
use glovebox_policy::{Reach, SystemReason, permit_system};
use wasmtime::component::{Resource, ResourceTable};

use bindings::glovebox::fhir::read::{Answer, Entry, Query, Request};
use bindings::glovebox::fhir::types::FhirError;
use bindings::glovebox::fhir::{read, types, write};
use bindings::glovebox::host::launch::LaunchContext;
use bindings::glovebox::host::storage::StorageError;
use bindings::glovebox::host::{clock, launch, log, storage};

pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "glovebox:app/screen-app",
        // as on our side: what has to wait is async, the rest is not
        imports: {
            "glovebox:fhir/read": async,
            "glovebox:fhir/write": async,
            "glovebox:host/storage": async,
        },
        exports: { default: async },
        with: { "glovebox:fhir/read.cursor": crate::floor::host::Open },
    });
}

/// What `clock.now` answers: as long as an instant is.
const INSTANT: &str = "2026-11-23T20:00:00Z";

/// A search in hand.
#[expect(
    unreachable_pub,
    reason = "the generated bindings re-export it inside this crate"
)]
pub struct Open {
    page: VecDeque<Bytes>,
    total: Option<u64>,
}

/// The data of a store.
pub(crate) struct Host {
    table: ResourceTable,
    patient: Option<String>,
    intent: Option<String>,
    fhir: Option<Arc<FhirStore>>,
    rows: usize,
}

impl Host {
    /// Answers nothing.
    pub(crate) fn empty() -> Self {
        Self {
            table: ResourceTable::new(),
            patient: None,
            intent: None,
            fhir: None,
            rows: 0,
        }
    }

    /// Tells the guest an intent.
    pub(crate) fn with_intent(intent: &str) -> Self {
        Self {
            intent: Some(intent.to_owned()),
            ..Self::empty()
        }
    }

    /// Tells the guest a patient and searches a store.
    pub(crate) fn with_store(patient: &str, fhir: Arc<FhirStore>) -> Self {
        Self {
            patient: Some(patient.to_owned()),
            fhir: Some(fhir),
            ..Self::empty()
        }
    }

    /// Resources that the guest was given.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }
}

/// The same search as the gateway's, with nothing around it.
async fn find(fhir: &FhirStore, query: Query) -> Result<Open, FhirError> {
    let query = SearchQuery::parse(&query.resource_type, &query.parameters)
        .map_err(|problem| FhirError::Other(problem.to_string()))?;
    let count = usize::try_from(query.count()).unwrap_or(1);
    let interaction = Interaction::search(query);
    let permitted = permit_system(SystemReason::Chart, Reach::Everyone, interaction);
    let failed = |_| FhirError::Unavailable;
    let found = fhir.search(&permitted, None, count).await.map_err(failed)?;
    let page = fhir.load_many(&found.hits).await.map_err(failed)?;
    Ok(Open {
        page: page.into(),
        total: found.total,
    })
}

fn text(bytes: Bytes) -> Result<String, FhirError> {
    String::from_utf8(bytes.into()).map_err(|_| FhirError::Unavailable)
}

impl read::Host for Host {
    async fn search(&mut self, query: Query) -> Result<Resource<Open>, FhirError> {
        let fhir = self.fhir.clone().ok_or(FhirError::Unavailable)?;
        let found = find(&fhir, query).await?;
        self.table.push(found).map_err(|_| FhirError::Unavailable)
    }

    async fn read(&mut self, _: String, _: String) -> Result<String, FhirError> {
        Err(FhirError::NotFound)
    }

    async fn vread(&mut self, _: String, _: String, _: String) -> Result<String, FhirError> {
        Err(FhirError::NotFound)
    }

    async fn resume(&mut self, _: String) -> Result<Resource<Open>, FhirError> {
        Err(FhirError::NotFound)
    }

    async fn batch(&mut self, requests: Vec<Request>) -> Vec<Result<Answer, FhirError>> {
        requests.iter().map(|_| Err(FhirError::NotFound)).collect()
    }
}

impl read::HostCursor for Host {
    async fn next_page(
        &mut self,
        cursor: Resource<Open>,
        bytes_max: u32,
    ) -> Result<Option<Vec<Entry>>, FhirError> {
        let open = self
            .table
            .get_mut(&cursor)
            .map_err(|_| FhirError::Unavailable)?;
        let bytes_max = u64::from(bytes_max).min(Limits::default().page_bytes_max);
        let mut left = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        while let Some(first) = open.page.pop_front_if(|first| first.len() <= left) {
            left -= first.len();
            entries.push(Entry {
                mode: "match".to_owned(),
                resource: text(first)?,
            });
        }
        self.rows += entries.len();
        Ok(Some(entries).filter(|entries| !entries.is_empty()))
    }

    async fn total(&mut self, cursor: Resource<Open>) -> Option<u64> {
        self.table.get(&cursor).ok()?.total
    }

    async fn token(&mut self, _: Resource<Open>) -> String {
        String::new()
    }

    async fn drop(&mut self, cursor: Resource<Open>) -> wasmtime::Result<()> {
        self.table.delete(cursor)?;
        Ok(())
    }
}

impl clock::Host for Host {
    fn now(&mut self) -> String {
        INSTANT.to_owned()
    }
}

impl launch::Host for Host {
    fn context(&mut self) -> LaunchContext {
        LaunchContext {
            tenant: "main".to_owned(),
            patient: self.patient.clone(),
            encounter: None,
            fhir_user: None,
            intent: self.intent.clone(),
            fhir_context: Vec::new(),
            granted_scopes: Vec::new(),
            locale: "en".to_owned(),
            extras: Vec::new(),
        }
    }
}

impl log::Host for Host {
    fn write(&mut self, _: log::Level, _: String, _: Vec<(String, String)>) {}
}

impl storage::Host for Host {
    async fn get(&mut self, _: String) -> Result<Option<Vec<u8>>, StorageError> {
        Err(StorageError::NotGranted)
    }

    async fn set(&mut self, _: String, _: Vec<u8>) -> Result<(), StorageError> {
        Err(StorageError::NotGranted)
    }

    async fn delete(&mut self, _: String) -> Result<(), StorageError> {
        Err(StorageError::NotGranted)
    }

    async fn keys(&mut self, _: String, _: u32) -> Result<Vec<String>, StorageError> {
        Err(StorageError::NotGranted)
    }
}

type Written = Result<write::Outcome, FhirError>;

fn refused() -> FhirError {
    FhirError::NotGranted(String::new())
}

impl write::Host for Host {
    async fn create(&mut self, _: String, _: String) -> Written {
        Err(refused())
    }

    async fn update(&mut self, _: String, _: String, _: String) -> Written {
        Err(refused())
    }

    async fn patch(&mut self, _: String, _: String, _: String, _: String, _: String) -> Written {
        Err(refused())
    }

    async fn delete(&mut self, _: String, _: String, _: String, _: String) -> Written {
        Err(refused())
    }

    async fn transaction(
        &mut self,
        _: String,
        _: String,
    ) -> Result<Vec<write::Outcome>, FhirError> {
        Err(refused())
    }
}

impl types::Host for Host {}
impl bindings::glovebox::view::types::Host for Host {}
