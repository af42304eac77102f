//! `glovebox:fhir/read`: every call is one [`Interaction`] through the gateway, which
//! decides, re-checks and records. Here it is only metered and translated.

use futures_util::future::join_all;
use glovebox_fhir::{Interaction, InteractionKind, SearchQuery};
use glovebox_gateway::{Answer, Cursor, Released};
use wasmtime::component::Resource;

use crate::bindings::{ReadHost, WitAnswer, WitFhirError, WitQuery, WitRequest};
use crate::imports::cursor::{self, OpenSearch};
use crate::imports::fault::FhirFault;
use crate::state::{CallEnv, CallState};

/// Rows that the host fetches ahead, where the query does not say.
pub(crate) const PAGE_ROWS: usize = 50;
/// Most requests in one batch.
const BATCH_MAX: usize = 64;

/// What one request of a batch found.
enum Found {
    Resource(Released),
    Search(Box<OpenSearch>),
}

/// The resource as text for the guest.
pub(crate) fn text_of(bytes: bytes::Bytes) -> Result<String, FhirFault> {
    String::from_utf8(bytes.into()).map_err(|_| FhirFault::Answer(WitFhirError::Unavailable))
}

async fn execute(env: &CallEnv, interaction: Interaction) -> Result<Answer, FhirFault> {
    let stop = &env.stop;
    let work = env
        .services
        .gateway
        .execute(&env.session, &stop.pass, interaction);
    Ok(stop
        .guard(work)
        .await??
        .release(&stop.pass, |answer| answer)?)
}

async fn fetch(env: &CallEnv, interaction: Interaction) -> Result<Released, FhirFault> {
    match execute(env, interaction).await? {
        Answer::Resource(released) => Ok(released),
        // No other answer is one to a read.
        _ => Err(FhirFault::Answer(WitFhirError::Unavailable)),
    }
}

async fn search(env: &CallEnv, query: WitQuery) -> Result<OpenSearch, FhirFault> {
    let parsed = SearchQuery::parse(&query.resource_type, &query.parameters)
        .map_err(|problem| env.senseless(InteractionKind::Search, &query.resource_type, problem))?;
    let start = Cursor::start(&query.resource_type, query.parameters);
    match execute(env, Interaction::search(parsed)).await? {
        Answer::Page(page) => Ok(OpenSearch::new(start, page)),
        _ => Err(FhirFault::Answer(WitFhirError::Unavailable)),
    }
}

fn read_of(env: &CallEnv, resource_type: &str, id: &str) -> Result<Interaction, FhirFault> {
    Interaction::read(resource_type, id)
        .map_err(|problem| env.senseless(InteractionKind::Read, resource_type, problem))
}

async fn find(env: &CallEnv, request: WitRequest) -> Result<Found, FhirFault> {
    match request {
        WitRequest::Read((resource_type, id)) => Ok(Found::Resource(
            fetch(env, read_of(env, &resource_type, &id)?).await?,
        )),
        WitRequest::Search(query) => Ok(Found::Search(Box::new(search(env, query).await?))),
        WitRequest::Other(_) => Err(FhirFault::other("not-supported", "this kind of request")),
    }
}

fn bytes_of_query(query: &WitQuery) -> usize {
    let parameters: usize = query
        .parameters
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    query.resource_type.len() + parameters
}

impl CallState {
    fn hand_over(&mut self, released: Released) -> Result<String, FhirFault> {
        let bytes = released.bytes.len();
        if u64::try_from(bytes).unwrap_or(u64::MAX) > self.env.limits.page_bytes_max {
            return Err(FhirFault::too_costly("page_bytes_max"));
        }
        self.reserve(1, bytes).map_err(FhirFault::too_costly)?;
        text_of(released.bytes)
    }
}

impl ReadHost for CallState {
    async fn read(&mut self, resource_type: String, id: String) -> Result<String, FhirFault> {
        self.enter(resource_type.len() + id.len())?;
        let env = self.env.clone();
        let released = fetch(&env, read_of(&env, &resource_type, &id)?).await?;
        self.hand_over(released)
    }

    async fn vread(
        &mut self,
        resource_type: String,
        id: String,
        version_id: String,
    ) -> Result<String, FhirFault> {
        self.enter(resource_type.len() + id.len() + version_id.len())?;
        let env = self.env.clone();
        let interaction = Interaction::vread(&resource_type, &id, &version_id)
            .map_err(|problem| env.senseless(InteractionKind::Vread, &resource_type, problem))?;
        let released = fetch(&env, interaction).await?;
        self.hand_over(released)
    }

    async fn search(&mut self, query: WitQuery) -> Result<Resource<OpenSearch>, FhirFault> {
        self.enter(bytes_of_query(&query))?;
        let env = self.env.clone();
        let found = search(&env, query).await?;
        self.open_search(found)
    }

    async fn resume(&mut self, token: String) -> Result<Resource<OpenSearch>, FhirFault> {
        self.enter(token.len())?;
        let env = self.env.clone();
        let found = cursor::resume(&env, &token).await?;
        self.open_search(found)
    }

    async fn batch(
        &mut self,
        requests: Vec<WitRequest>,
    ) -> wasmtime::Result<Vec<Result<WitAnswer, WitFhirError>>> {
        for request in &requests {
            self.enter(match request {
                WitRequest::Read((resource_type, id)) => resource_type.len() + id.len(),
                WitRequest::Search(query) => bytes_of_query(query),
                WitRequest::Other(text) => text.len(),
            })?;
        }
        let env = self.env.clone();
        let over = requests.len().saturating_sub(BATCH_MAX);
        let found = join_all(
            requests
                .into_iter()
                .take(BATCH_MAX)
                .map(|request| find(&env, request)),
        )
        .await;
        let mut answers = Vec::with_capacity(found.len() + over);
        for found in found {
            let answer = match found {
                Ok(Found::Resource(released)) => self.hand_over(released).map(WitAnswer::Resource),
                Ok(Found::Search(search)) => self.open_search(*search).map(WitAnswer::Results),
                Err(fault) => Err(fault),
            };
            answers.push(match answer {
                Ok(answer) => Ok(answer),
                Err(FhirFault::Answer(error)) => Err(error),
                Err(FhirFault::Stop(stopped)) => return Err(stopped.into()),
            });
        }
        let refused = || {
            Err(WitFhirError::TooCostly(format!(
                "{BATCH_MAX} requests in one batch"
            )))
        };
        answers.extend(std::iter::repeat_with(refused).take(over));
        Ok(answers)
    }
}
