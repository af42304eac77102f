//! `glovebox:fhir/write`: single writes through the gateway. What was done is remembered
//! by request id, so that a retry after a lost answer is not a second write.

use aws_lc_rs::digest::{SHA256, digest};
use glovebox_database::{Batch, Durability, Expect};
use glovebox_fhir::{Interaction, Limits, Resource};
use glovebox_gateway::Answer;

use crate::bindings::{WitFhirError, WitOutcome, WriteHost};
use crate::imports::fault::FhirFault;
use crate::state::{CallEnv, CallState};

/// Longest request id, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 64;

fn invalid(problem: impl std::fmt::Display) -> FhirFault {
    FhirFault::invalid(&problem.to_string())
}

fn parse(json: &str) -> Result<Resource, FhirFault> {
    Resource::parse(json.as_bytes(), Limits::RESOURCE).map_err(invalid)
}

/// Where the outcome of a request is kept. The request id is the app's text: only its
/// digest becomes part of a key.
fn outcome_key(env: &CallEnv, request_id: &str) -> Result<Vec<u8>, FhirFault> {
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
    let key = outcome_key(env, request_id)?;
    let unavailable = |error: glovebox_database::RecordsError| {
        tracing::error!(%error, "outcomes of writes are not available");
        FhirFault::Answer(WitFhirError::Unavailable)
    };
    let storage = &env.services.storage;
    if let Some(done) = storage.get(&key).await.map_err(unavailable)? {
        let text = String::from_utf8_lossy(&done.value);
        let (id, version) = text.split_once('\n').unwrap_or((&text, ""));
        if id.is_empty() {
            return Ok(WitOutcome::Drafted(version.to_owned()));
        }
        return Ok(WitOutcome::Committed((id.to_owned(), version.to_owned())));
    }
    let pass = &env.stop.pass;
    let answer = env
        .services
        .gateway
        .execute(&env.session, pass, interaction)
        .await?;
    // A draft has no version: its line has no resource id in front.
    let (value, outcome) = match answer.release(pass, |answer| answer)? {
        Answer::Written(written) => (
            format!("{}\n{}", written.id, written.version_id),
            WitOutcome::Committed((written.id, written.version_id)),
        ),
        Answer::Drafted(drafted) => (
            format!("\n{}", drafted.draft),
            WitOutcome::Drafted(drafted.draft),
        ),
        _ => return Err(FhirFault::Answer(WitFhirError::Unavailable)),
    };
    let batch = Batch::new().put(key, value.into_bytes(), Expect::Any);
    if let Err(error) = storage.commit(batch, Durability::Sync).await {
        // the write itself is done and recorded: the guest must learn that
        tracing::error!(%error, "the outcome of a write was not remembered");
    }
    Ok(outcome)
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
        // A write that has begun is carried to its end and its outcome recorded, even when
        // the guest is stopped meanwhile; only the waiting for it can be cut short.
        let task = tokio::spawn({
            let env = env.clone();
            async move { once(&env, &request_id, interaction).await }
        });
        match env.stop.guard(task).await? {
            Ok(done) => done,
            Err(failed) => {
                let panicked = failed.is_panic();
                tracing::error!(panicked, "a write ended by a fault of the host");
                Err(FhirFault::Answer(WitFhirError::Unavailable))
            }
        }
    }
}

impl WriteHost for CallState {
    async fn create(
        &mut self,
        request_id: String,
        resource: String,
    ) -> Result<WitOutcome, FhirFault> {
        let interaction = parse(&resource).map(Interaction::create);
        self.write_once(&request_id, resource.len(), interaction)
            .await
    }

    async fn update(
        &mut self,
        request_id: String,
        resource: String,
        if_match: String,
    ) -> Result<WitOutcome, FhirFault> {
        let interaction = parse(&resource)
            .and_then(|parsed| Interaction::update(parsed, Some(&if_match)).map_err(invalid));
        self.write_once(&request_id, resource.len(), interaction)
            .await
    }

    async fn patch(
        &mut self,
        _request_id: String,
        _resource_type: String,
        _id: String,
        _if_match: String,
        patch: String,
    ) -> Result<WitOutcome, FhirFault> {
        self.enter(patch.len())?;
        Err(FhirFault::other(
            "not-supported",
            "read the resource, change it and use update",
        ))
    }

    async fn delete(
        &mut self,
        request_id: String,
        resource_type: String,
        id: String,
        if_match: String,
    ) -> Result<WitOutcome, FhirFault> {
        let interaction =
            Interaction::delete(&resource_type, &id, Some(&if_match)).map_err(invalid);
        self.write_once(&request_id, resource_type.len() + id.len(), interaction)
            .await
    }

    async fn transaction(
        &mut self,
        _request_id: String,
        bundle: String,
    ) -> Result<Vec<WitOutcome>, FhirFault> {
        self.enter(bundle.len())?;
        Err(FhirFault::other("not-supported", "send single writes"))
    }
}
