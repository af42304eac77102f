//! `glovebox:fhir/write`: writes through the gateway. What was done, or kept as a draft, is
//! kept by request id in the commit that does it, so that a retry after a lost answer is not
//! a second write.

use glovebox_fhir::{Interaction, InteractionKind, Limits, Method, Patch, Resource, Submission};
use glovebox_gateway::{Answer, Refusal, RequestId};

use crate::bindings::{WitFhirError, WitOutcome, WriteHost};
use crate::imports::fault::FhirFault;
use crate::state::{CallEnv, CallState};

fn parse(env: &CallEnv, kind: InteractionKind, json: &str) -> Result<Resource, FhirFault> {
    Resource::parse(json.as_bytes(), Limits::RESOURCE)
        .map_err(|problem| env.senseless(kind, "", problem))
}

/// What a write came to, in the guest's words.
fn outcome(answer: Answer) -> Result<WitOutcome, FhirFault> {
    match answer {
        Answer::Written(written) => Ok(WitOutcome::Committed((written.id, written.version_id))),
        Answer::Drafted(drafted) => Ok(WitOutcome::Drafted(drafted.draft)),
        _ => Err(FhirFault::Answer(WitFhirError::Unavailable)),
    }
}

fn request(env: &CallEnv, kind: InteractionKind, text: &str) -> Result<RequestId, FhirFault> {
    RequestId::new(&env.session, text).map_err(|refusal| match refusal {
        Refusal::Invalid(problem) => env.senseless(kind, "", problem),
        other => other.into(),
    })
}

async fn once(
    env: &CallEnv,
    request_id: &str,
    interaction: Interaction,
) -> Result<WitOutcome, FhirFault> {
    let request = request(env, interaction.kind(), request_id)?;
    let pass = &env.stop.pass;
    let answer = env
        .services
        .gateway
        .execute_once(&env.session, pass, Some(&request), interaction)
        .await?;
    outcome(answer.release(pass, |answer| answer)?)
}

/// A transaction, whose entries all write.
async fn transact(
    env: &CallEnv,
    request_id: &str,
    submission: Submission,
) -> Result<Vec<WitOutcome>, FhirFault> {
    let request = request(env, InteractionKind::Create, request_id)?;
    let pass = &env.stop.pass;
    let gateway = &env.services.gateway;
    let answers = gateway
        .transaction(&env.session, pass, Some(&request), submission)
        .await?
        .release(pass, |answers| answers)?;
    answers
        .into_iter()
        .map(|answer| outcome(answer.result?))
        .collect()
}

fn writes_only(env: &CallEnv, bundle: &str) -> Result<Submission, FhirFault> {
    let refuse = |problem: &str| env.senseless(InteractionKind::Create, "Bundle", problem);
    let submission = Submission::split(bundle.as_bytes(), "");
    let submission = submission.map_err(|problem| refuse(&problem.to_string()))?;
    let reads = |entry: &Result<glovebox_fhir::Request, _>| {
        entry
            .as_ref()
            .is_ok_and(|entry| entry.method == Method::Get)
    };
    if !submission.is_transaction {
        return Err(refuse("the Bundle must be of type transaction"));
    }
    if submission.entries.iter().any(reads) {
        return Err(refuse("a transaction writes: read with `read.batch`"));
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
        let submission = writes_only(&self.env, &bundle)?;
        let env = self.env.clone();
        let waiting = env.clone();
        let work = async move { transact(&env, &request_id, submission).await };
        to_the_end(&waiting, work).await
    }
}
