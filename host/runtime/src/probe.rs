//! Host functions one at a time, as a guest calls them but without a guest in between: for
//! tests that hold the guest interface against other doors. Behind the feature `test-util`,
//! because nobody else may call them outside a guest.

use std::sync::Arc;

use glovebox_database::fence::Held;
use glovebox_gateway::Session;
use glovebox_model::launch::LaunchContext;
use glovebox_model::limits::Limits;
use tokio::time::Instant;
use wasmtime::component::Resource;

use crate::bindings::{
    HostCursor, ReadHost, WitAnswer, WitEntry, WitFhirError, WitOutcome, WitQuery, WitRequest,
    WriteHost,
};
use crate::error::RunError;
use crate::imports::cursor::OpenSearch;
use crate::imports::fault::FhirFault;
use crate::runtime::Runtime;
use crate::state::{CallEnv, CallState};
use crate::stop::{Kill, Stop};

/// Bytes of one page.
const PAGE_BYTES: u32 = 1 << 20;

/// What a guest gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Mode and resource of each entry; a read gives one without a mode.
    pub entries: Vec<(String, String)>,
    /// Matches in all, where they were counted.
    pub total: Option<u64>,
    /// Id and version of what was written, or the id of a draft.
    pub written: Vec<(String, String)>,
}

/// What a guest is told instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The case of `fhir-error`, or `stopped` where the call has ended.
    pub code: &'static str,
    /// What it carries.
    pub text: String,
}

/// One request of a batch.
#[derive(Clone, Debug)]
pub enum Request {
    /// Type and id.
    Read(String, String),
    /// Type and parameters.
    Search(String, Vec<(String, String)>),
}

/// The state of one call.
pub struct Probe {
    state: CallState,
    requests: usize,
}

fn refused(fault: FhirFault) -> Refused {
    match fault {
        FhirFault::Answer(error) => told(error),
        FhirFault::Stop(stopped) => Refused {
            code: "stopped",
            text: stopped.to_string(),
        },
    }
}

fn told(error: WitFhirError) -> Refused {
    let (code, text) = match error {
        WitFhirError::NotGranted(scope) => ("not-granted", scope),
        WitFhirError::NotFound => ("not-found", String::new()),
        WitFhirError::Gone => ("gone", String::new()),
        WitFhirError::Conflict(current) => ("conflict", current),
        WitFhirError::Invalid(outcome) => ("invalid", outcome),
        WitFhirError::TooCostly(limit) => ("too-costly", limit),
        WitFhirError::Throttled(wait) => ("throttled", wait.to_string()),
        WitFhirError::Terminated(reason) => ("terminated", reason),
        WitFhirError::Unavailable => ("unavailable", String::new()),
        WitFhirError::Other(text) => ("other", text),
    };
    Refused { code, text }
}

fn one(resource: String) -> Given {
    Given {
        entries: vec![(String::new(), resource)],
        ..Given::default()
    }
}

fn written(outcomes: Vec<WitOutcome>) -> Given {
    let pair = |outcome| match outcome {
        WitOutcome::Committed(pair) => pair,
        WitOutcome::Drafted(draft) => (draft, String::new()),
        WitOutcome::Other(text) => (text, String::new()),
    };
    Given {
        written: outcomes.into_iter().map(pair).collect(),
        ..Given::default()
    }
}

impl Probe {
    /// A call of a session.
    ///
    /// # Errors
    /// If what it holds was revoked.
    pub fn new(runtime: &Runtime, session: Session, held: &[Held]) -> Result<Self, RunError> {
        let services = Arc::clone(&runtime.parts().services);
        let pass = services
            .fence
            .enter(held)
            .map_err(|revoked| RunError::Terminated(revoked.reason))?;
        let limits = Limits::default();
        let stop = Stop {
            pass,
            kill: Arc::new(Kill::default()),
            deadline: Instant::now() + limits.wall(),
            host_call: limits.host_call(),
        };
        let context = LaunchContext {
            tenant: session.tenant.clone(),
            patient: session.patient.clone(),
            encounter: None,
            fhir_user: None,
            intent: None,
            fhir_context: Vec::new(),
            locale: "en".to_owned(),
        };
        let state = CallState::new(Arc::new(CallEnv {
            services,
            session,
            context: Arc::new(context),
            storage_granted: false,
            limits,
            stop,
        }));
        Ok(Self { state, requests: 0 })
    }

    fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("request-{}", self.requests)
    }

    /// `read`
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn read(&mut self, resource_type: &str, id: &str) -> Result<Given, Refused> {
        let read = ReadHost::read(&mut self.state, resource_type.to_owned(), id.to_owned());
        read.await.map(one).map_err(refused)
    }

    /// `vread`
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn vread(
        &mut self,
        resource_type: &str,
        id: &str,
        version_id: &str,
    ) -> Result<Given, Refused> {
        let (of, id, version) = (
            resource_type.to_owned(),
            id.to_owned(),
            version_id.to_owned(),
        );
        let read = self.state.vread(of, id, version).await;
        read.map(one).map_err(refused)
    }

    /// `search` and all its pages.
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn search(
        &mut self,
        resource_type: &str,
        parameters: Vec<(String, String)>,
    ) -> Result<Given, Refused> {
        let query = WitQuery {
            resource_type: resource_type.to_owned(),
            parameters,
        };
        let cursor = self.state.search(query).await.map_err(refused)?;
        self.all(cursor).await
    }

    /// The token of a search that was just begun.
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn token(
        &mut self,
        resource_type: &str,
        parameters: Vec<(String, String)>,
    ) -> Result<String, Refused> {
        let query = WitQuery {
            resource_type: resource_type.to_owned(),
            parameters,
        };
        let cursor = self.state.search(query).await.map_err(refused)?;
        let token = HostCursor::token(&mut self.state, cursor).await;
        token.map_err(|ended| Refused {
            code: "stopped",
            text: ended.to_string(),
        })
    }

    /// `resume` and all that is left.
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn resume(&mut self, token: &str) -> Result<Given, Refused> {
        let cursor = self.state.resume(token.to_owned()).await.map_err(refused)?;
        self.all(cursor).await
    }

    async fn all(&mut self, cursor: Resource<OpenSearch>) -> Result<Given, Refused> {
        let again = || Resource::new_borrow(cursor.rep());
        let mut given = Given {
            total: HostCursor::total(&mut self.state, again())
                .await
                .ok()
                .flatten(),
            ..Given::default()
        };
        while let Some(page) = self
            .state
            .next_page(again(), PAGE_BYTES)
            .await
            .map_err(refused)?
        {
            let pair = |entry: WitEntry| (entry.mode, entry.resource);
            given.entries.extend(page.into_iter().map(pair));
        }
        let dropped = HostCursor::drop(&mut self.state, cursor).await;
        dropped.map_err(|ended| Refused {
            code: "stopped",
            text: ended.to_string(),
        })?;
        Ok(given)
    }

    /// `batch`
    ///
    /// # Errors
    /// If the call has ended; what each request is told stands in its place.
    pub async fn batch(
        &mut self,
        requests: Vec<Request>,
    ) -> Result<Vec<Result<Given, Refused>>, Refused> {
        let request = |request| match request {
            Request::Read(of, id) => WitRequest::Read((of, id)),
            Request::Search(resource_type, parameters) => WitRequest::Search(WitQuery {
                resource_type,
                parameters,
            }),
        };
        let requests = requests.into_iter().map(request).collect();
        let answers = self.state.batch(requests).await.map_err(|ended| Refused {
            code: "stopped",
            text: ended.to_string(),
        })?;
        let mut all = Vec::with_capacity(answers.len());
        for answer in answers {
            all.push(match answer {
                Ok(WitAnswer::Resource(resource)) => Ok(one(resource)),
                Ok(WitAnswer::Results(cursor)) => self.all(cursor).await,
                Ok(WitAnswer::Other(text)) => Err(Refused {
                    code: "other",
                    text,
                }),
                Err(error) => Err(told(error)),
            });
        }
        Ok(all)
    }

    /// `create`
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn create(&mut self, resource: &str) -> Result<Given, Refused> {
        let request = self.request_id();
        let done = self.state.create(request, resource.to_owned()).await;
        done.map(|outcome| written(vec![outcome])).map_err(refused)
    }

    /// `update`
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn update(&mut self, resource: &str, if_match: &str) -> Result<Given, Refused> {
        let request = self.request_id();
        let (resource, if_match) = (resource.to_owned(), if_match.to_owned());
        let done = self.state.update(request, resource, if_match).await;
        done.map(|outcome| written(vec![outcome])).map_err(refused)
    }

    /// `patch`
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn patch(
        &mut self,
        resource_type: &str,
        id: &str,
        if_match: &str,
        patch: &str,
    ) -> Result<Given, Refused> {
        let request = self.request_id();
        let of = resource_type.to_owned();
        let (id, if_match, patch) = (id.to_owned(), if_match.to_owned(), patch.to_owned());
        let done = self.state.patch(request, of, id, if_match, patch).await;
        done.map(|outcome| written(vec![outcome])).map_err(refused)
    }

    /// `delete`
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn delete(
        &mut self,
        resource_type: &str,
        id: &str,
        if_match: &str,
    ) -> Result<Given, Refused> {
        let request = self.request_id();
        let (of, id, if_match) = (resource_type.to_owned(), id.to_owned(), if_match.to_owned());
        let done = WriteHost::delete(&mut self.state, request, of, id, if_match).await;
        done.map(|outcome| written(vec![outcome])).map_err(refused)
    }

    /// `transaction`
    ///
    /// # Errors
    /// What the guest is told.
    pub async fn transaction(&mut self, bundle: &str) -> Result<Given, Refused> {
        let request = self.request_id();
        let done = self.state.transaction(request, bundle.to_owned()).await;
        done.map(written).map_err(refused)
    }
}
