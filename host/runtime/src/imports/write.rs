//! `glovebox:fhir/write`: writes through the gateway. What was done is kept by request id in
//! the commit that does it, so that a retry after a lost answer is not a second write; a
//! draft is remembered beside.

use aws_lc_rs::digest::{SHA256, digest};
use glovebox_database::{Batch, Durability, Expect};
use glovebox_fhir::{Interaction, InteractionKind, Limits, Method, Patch, Resource, Submission};
use glovebox_gateway::{Answer, RequestId};

use crate::bindings::{WitFhirError, WitOutcome, WriteHost};
use crate::imports::fault::FhirFault;
use crate::state::{CallEnv, CallState};

/// Longest request id, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 64;

fn invalid(problem: impl std::fmt::Display) -> FhirFault {
    FhirFault::invalid(&problem.to_string())
}

fn parse(env: &CallEnv, kind: InteractionKind, json: &str) -> Result<Resource, FhirFault> {
    Resource::parse(json.as_bytes(), Limits::RESOURCE)
        .map_err(|problem| env.senseless(kind, "", problem))
}

/// Where it is remembered that a request became a draft. The request id is the app's text:
/// only its digest becomes part of a key.
fn draft_key(env: &CallEnv, request_id: &str) -> Result<Vec<u8>, FhirFault> {
    if request_id.is_empty() || request_id.len() > REQUEST_ID_BYTES_MAX {
        return Err(FhirFault::invalid("a request id has 1 to 64 bytes"));
    }
    let session = env
        .session
        .subject
        .session
        .as_ref()
        .map_or("~", |session| session.as_str());
    let mut key = format!("written/{}/{session}/", env.session.tenant).into_bytes();
    key.extend_from_slice(digest(&SHA256, request_id.as_bytes()).as_ref());
    Ok(key)
}

async fn once(
    env: &CallEnv,
    request_id: &str,
    interaction: Interaction,
) -> Result<WitOutcome, FhirFault> {
    let key = draft_key(env, request_id)?;
    let unavailable = |error: glovebox_database::RecordsError| {
        tracing::error!(%error, "outcomes of writes are not available");
        FhirFault::Answer(WitFhirError::Unavailable)
    };
    let storage = &env.services.storage;
    if let Some(done) = storage.get(&key).await.map_err(unavailable)? {
        let draft = String::from_utf8_lossy(&done.value);
        return Ok(WitOutcome::Drafted(draft.into_owned()));
    }
    let request = RequestId::new(&env.session, request_id)?;
    let pass = &env.stop.pass;
    let answer = env
        .services
        .gateway
        .execute_once(&env.session, pass, Some(&request), interaction)
        .await?;
    let drafted = match answer.release(pass, |answer| answer)? {
        Answer::Written(written) => {
            return Ok(WitOutcome::Committed((written.id, written.version_id)));
        }
        Answer::Drafted(drafted) => drafted,
        _ => return Err(FhirFault::Answer(WitFhirError::Unavailable)),
    };
    let batch = Batch::new().put(key, drafted.draft.clone().into_bytes(), Expect::Any);
    if let Err(error) = storage.commit(batch, Durability::Sync).await {
        // the draft itself is there and recorded: the guest must learn that
        tracing::error!(%error, "the outcome of a write was not remembered");
    }
    Ok(WitOutcome::Drafted(drafted.draft))
}

/// A transaction, whose entries all write.
async fn transact(
    env: &CallEnv,
    request_id: &str,
    submission: Submission,
) -> Result<Vec<WitOutcome>, FhirFault> {
    let request = RequestId::new(&env.session, request_id)?;
    let pass = &env.stop.pass;
    let gateway = &env.services.gateway;
    let answers = gateway
        .transaction(&env.session, pass, Some(&request), submission)
        .await?
        .release(pass, |answers| answers)?;
    answers
        .into_iter()
        .map(|answer| match answer.result? {
            Answer::Written(written) => Ok(WitOutcome::Committed((written.id, written.version_id))),
            _ => Err(FhirFault::Answer(WitFhirError::Unavailable)),
        })
        .collect()
}

fn writes_only(bundle: &str) -> Result<Submission, FhirFault> {
    let submission = Submission::split(bundle.as_bytes(), "").map_err(invalid)?;
    let reads = |entry: &Result<glovebox_fhir::Request, _>| {
        entry
            .as_ref()
            .is_ok_and(|entry| entry.method == Method::Get)
    };
    if !submission.is_transaction {
        return Err(FhirFault::invalid("the Bundle must be of type transaction"));
    }
    if submission.entries.iter().any(reads) {
        return Err(FhirFault::invalid(
            "a transaction writes: read with `read.batch`",
        ));
    }
    Ok(submission)
}

impl CallState {
    async fn write_once(
        &mut self,
        request_id: &str,
        bytes: usize,
        interaction: Result<Interaction, FhirFault>,
    ) -> Result<WitOutcome, FhirFault> {
        self.enter(bytes)?;
        let (env, interaction, request_id) =
            (self.env.clone(), interaction?, request_id.to_owned());
        let waiting = env.clone();
        let work = async move { once(&env, &request_id, interaction).await };
        to_the_end(&waiting, work).await
    }
}

/// A write that has begun is carried to its end and its outcome recorded, even when the guest
/// is stopped meanwhile; only the waiting for it can be cut short.
async fn to_the_end<T: Send + 'static>(
    env: &CallEnv,
    work: impl Future<Output = Result<T, FhirFault>> + Send + 'static,
) -> Result<T, FhirFault> {
    match env.stop.guard(tokio::spawn(work)).await? {
        Ok(done) => done,
        Err(failed) => {
            let panicked = failed.is_panic();
            tracing::error!(panicked, "a write ended by a fault of the host");
            Err(FhirFault::Answer(WitFhirError::Unavailable))
        }
    }
}

impl WriteHost for CallState {
    async fn create(
        &mut self,
        request_id: String,
        resource: String,
    ) -> Result<WitOutcome, FhirFault> {
        let interaction =
            parse(&self.env, InteractionKind::Create, &resource).map(Interaction::create);
        self.write_once(&request_id, resource.len(), interaction)
            .await
    }

    async fn update(
        &mut self,
        request_id: String,
        resource: String,
        if_match: String,
    ) -> Result<WitOutcome, FhirFault> {
        let (env, kind) = (&self.env, InteractionKind::Update);
        let interaction = parse(env, kind, &resource).and_then(|parsed| {
            let resource_type = parsed.resource_type().to_owned();
            Interaction::update(parsed, Some(&if_match))
                .map_err(|problem| env.senseless(kind, &resource_type, problem))
        });
        self.write_once(&request_id, resource.len(), interaction)
            .await
    }

    async fn patch(
        &mut self,
        request_id: String,
        resource_type: String,
        id: String,
        if_match: String,
        patch: String,
    ) -> Result<WitOutcome, FhirFault> {
        let (env, kind) = (&self.env, InteractionKind::Patch);
        let interaction = Patch::json(patch.as_bytes())
            .map_err(|problem| env.senseless(kind, &resource_type, problem))
            .and_then(|patch| {
                Interaction::patch(&resource_type, &id, patch, Some(&if_match))
                    .map_err(|problem| env.senseless(kind, &resource_type, problem))
            });
        self.write_once(&request_id, patch.len(), interaction).await
    }

    async fn delete(
        &mut self,
        request_id: String,
        resource_type: String,
        id: String,
        if_match: String,
    ) -> Result<WitOutcome, FhirFault> {
        let interaction =
            Interaction::delete(&resource_type, &id, Some(&if_match)).map_err(|problem| {
                self.env
                    .senseless(InteractionKind::Delete, &resource_type, problem)
            });
        self.write_once(&request_id, resource_type.len() + id.len(), interaction)
            .await
    }

    async fn transaction(
        &mut self,
        request_id: String,
        bundle: String,
    ) -> Result<Vec<WitOutcome>, FhirFault> {
        self.enter(bundle.len())?;
        let submission = writes_only(&bundle)?;
        let env = self.env.clone();
        let waiting = env.clone();
        let work = async move { transact(&env, &request_id, submission).await };
        to_the_end(&waiting, work).await
    }
}
