//! Create, update, patch and delete, by id and by condition, and what a write answers with.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::{
    Interaction, IssueCode, Limits, OperationOutcome, OwnBase, ParseOptions, Patch, Resource,
    SearchQuery, Severity,
};
use glovebox_gateway::{Answer, Drafted, Refusal, RequestId, Written};

use super::Asked;
use super::format::{BodyForm, FHIR_JSON};
use super::preconditions::{Expected, etag, http_date, if_match, if_none_exist};
use super::preferences::Return;
use super::query::Pairs;
use super::route_error::RouteError;

/// What became of a write.
enum Outcome {
    Written(Written),
    Drafted(Drafted),
}

/// `POST [type]`, with `If-None-Exist` only if there is no match yet.
pub(super) async fn create(asked: Asked<'_>, resource_type: &str) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    let resource = resource(asked, resource_type)?;
    let interaction = match if_none_exist(&asked.request.headers)? {
        None => Interaction::create(resource),
        Some(query) => {
            let query = condition(asked, resource_type, &Pairs::parse(&query)?)?;
            Interaction::conditional_create(resource, query).map_err(invalid)?
        }
    };
    carry_out(asked, interaction).await
}

/// `PUT [type]/[id]`.
pub(super) async fn update(
    asked: Asked<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    let resource = resource(asked, resource_type)?;
    let expected = expected(asked, resource_type, id).await?;
    let update = Interaction::update_at(resource_type, id, resource, expected.as_deref());
    carry_out(asked, update.map_err(invalid)?).await
}

/// `PUT [type]?…`: the only match is replaced.
pub(super) async fn update_where(
    asked: Asked<'_>,
    resource_type: &str,
) -> Result<Response, RouteError> {
    let resource = resource(asked, resource_type)?;
    let query = condition(asked, resource_type, &asked.request.pairs)?;
    let update = Interaction::conditional_update(resource, query);
    carry_out(asked, update.map_err(invalid)?).await
}

/// `PATCH [type]/[id]`.
pub(super) async fn patch(
    asked: Asked<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    let patch = sent_patch(asked)?;
    let expected = expected(asked, resource_type, id).await?;
    let patch = Interaction::patch(resource_type, id, patch, expected.as_deref());
    carry_out(asked, patch.map_err(invalid)?).await
}

/// `PATCH [type]?…`: the only match is changed.
pub(super) async fn patch_where(
    asked: Asked<'_>,
    resource_type: &str,
) -> Result<Response, RouteError> {
    let patch = sent_patch(asked)?;
    let query = condition(asked, resource_type, &asked.request.pairs)?;
    let patch = Interaction::conditional_patch(patch, query);
    carry_out(asked, patch.map_err(invalid)?).await
}

/// `DELETE [type]/[id]`.
pub(super) async fn delete(
    asked: Asked<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    let expected = expected(asked, resource_type, id).await?;
    let delete = Interaction::delete(resource_type, id, expected.as_deref());
    remove(asked, delete.map_err(invalid)?).await
}

/// `DELETE [type]?…`: the only match is deleted.
pub(super) async fn delete_where(
    asked: Asked<'_>,
    resource_type: &str,
) -> Result<Response, RouteError> {
    let query = condition(asked, resource_type, &asked.request.pairs)?;
    remove(
        asked,
        Interaction::conditional_delete(query).map_err(invalid)?,
    )
    .await
}

/// The search of a conditional interaction. It is read strictly whatever was preferred: a
/// condition that is ignored would hit something else than was meant.
fn condition(
    asked: Asked<'_>,
    resource_type: &str,
    pairs: &Pairs,
) -> Result<SearchQuery, RouteError> {
    let base = asked.base();
    let options = ParseOptions {
        base: Some(&base),
        ..ParseOptions::default()
    };
    Ok(SearchQuery::parse_with(
        resource_type,
        pairs.as_slice(),
        options,
    )?)
}

fn sent_patch(asked: Asked<'_>) -> Result<Patch, RouteError> {
    let body = &asked.request.body;
    if asked.request.form == Some(BodyForm::JsonPatch) {
        return Patch::json(body).map_err(invalid);
    }
    let parameters = Resource::parse(body, Limits::RESOURCE).map_err(invalid)?;
    Patch::fhirpath(&parameters).map_err(invalid)
}

pub(super) fn invalid(problem: impl ToString) -> RouteError {
    RouteError::Invalid(problem.to_string())
}

/// The body as a resource of the address's type.
fn resource(asked: Asked<'_>, resource_type: &str) -> Result<Resource, RouteError> {
    let resource = Resource::parse(&asked.request.body, Limits::RESOURCE).map_err(invalid)?;
    let resource = OwnBase::new(&asked.base()).localise(resource);
    if resource.resource_type() == resource_type {
        Ok(resource)
    } else {
        Err(invalid(
            "the resource's type must be the one of the address",
        ))
    }
}

/// The version that `If-Match` demands. `*` demands that there is one: the one that is
/// there now, if the caller may see it.
async fn expected(
    asked: Asked<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Option<String>, RouteError> {
    match if_match(&asked.request.headers)? {
        Expected::Unsaid => Ok(None),
        Expected::Version(version) => Ok(Some(version)),
        Expected::Any => {
            let granted = asked.granted;
            let read = Interaction::read(resource_type, id).map_err(invalid)?;
            let answer = asked
                .app
                .gateway
                .execute(&granted.session, &granted.pass, read);
            let version = answer.await?.release(&granted.pass, |answer| match answer {
                Answer::Resource(released) => Some(released.version_id),
                _ => None,
            });
            version
                .map_err(Refusal::from)?
                .map(Some)
                .ok_or(RouteError::Failed)
        }
    }
}

/// `Idempotency-Key`: a write that is sent again under it is carried out once. Not
/// `X-Request-Id`, which some clients send the same with every request.
pub(super) fn request_id(asked: Asked<'_>) -> Result<Option<RequestId>, RouteError> {
    let mut values = asked.request.headers.get_all("idempotency-key").iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().unwrap_or_default().trim().trim_matches('"');
            match RequestId::new(&asked.granted.session, text) {
                Ok(request) => Ok(Some(request)),
                Err(Refusal::Invalid(problem)) => Err(invalid(problem)),
                Err(other) => Err(other.into()),
            }
        }
        (Some(_), Some(_)) => Err(invalid("give `Idempotency-Key` once")),
    }
}

async fn done(asked: Asked<'_>, interaction: Interaction) -> Result<Outcome, RouteError> {
    let granted = asked.granted;
    let (session, pass) = (&granted.session, &granted.pass);
    let request = request_id(asked)?;
    let gateway = &asked.app.gateway;
    let answer = gateway.execute_once(session, pass, request.as_ref(), interaction);
    let outcome = answer.await?.release(&granted.pass, |answer| match answer {
        Answer::Written(written) => Some(Outcome::Written(written)),
        Answer::Drafted(drafted) => Some(Outcome::Drafted(drafted)),
        _ => None,
    });
    outcome.map_err(Refusal::from)?.ok_or(RouteError::Failed)
}

async fn carry_out(asked: Asked<'_>, interaction: Interaction) -> Result<Response, RouteError> {
    match done(asked, interaction).await? {
        Outcome::Written(written) => stored(asked, &written).await,
        Outcome::Drafted(drafted) => Ok(waiting(asked, &drafted)),
    }
}

async fn remove(asked: Asked<'_>, interaction: Interaction) -> Result<Response, RouteError> {
    Ok(match done(asked, interaction).await? {
        Outcome::Written(written) => deleted(asked, &written),
        Outcome::Drafted(drafted) => waiting(asked, &drafted),
    })
}

/// Where a clinician finds a draft.
pub(super) fn draft_url(asked: Asked<'_>, drafted: &Drafted) -> String {
    format!(
        "{}/api/v1/drafts/{}",
        asked.app.settings.base_url, drafted.draft
    )
}

/// The address of what was written, with its version.
pub(super) fn version_url(asked: Asked<'_>, written: &Written) -> String {
    let Written {
        resource_type,
        id,
        version_id,
        ..
    } = written;
    format!(
        "{}/{resource_type}/{id}/_history/{version_id}",
        asked.base()
    )
}

/// A draft is accepted and not done: where a clinician finds it.
fn waiting(asked: Asked<'_>, drafted: &Drafted) -> Response {
    let place = draft_url(asked, drafted);
    let body = told("this waits for a clinician, who may commit or reject it");
    let headers = [
        (header::LOCATION, place),
        (header::CONTENT_TYPE, FHIR_JSON.to_owned()),
    ];
    (StatusCode::ACCEPTED, headers, body).into_response()
}

/// The answer to what is stored now.
async fn stored(asked: Asked<'_>, written: &Written) -> Result<Response, RouteError> {
    let place = version_url(asked, written);
    let (status, name): (_, HeaderName) = match written.created {
        true => (StatusCode::CREATED, header::LOCATION),
        false => (StatusCode::OK, header::CONTENT_LOCATION),
    };
    let headers = [
        (name, place),
        (header::ETAG, etag(&written.version_id)),
        (header::LAST_MODIFIED, http_date(written.last_updated)),
    ];
    let body = match asked.request.preferences.answer {
        Some(Return::Minimal) => None,
        Some(Return::OperationOutcome) => Some(told("the resource is stored")),
        Some(Return::Representation) | None => representation(asked, written).await?,
    };
    Ok(match body {
        None => (status, headers).into_response(),
        Some(body) => (status, headers, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response(),
    })
}

/// What was stored, for whoever may read it: a write does not carry a read.
pub(super) async fn representation(
    asked: Asked<'_>,
    written: &Written,
) -> Result<Option<bytes::Bytes>, RouteError> {
    let granted = asked.granted;
    let Written {
        resource_type,
        id,
        version_id,
        ..
    } = written;
    let vread = Interaction::vread(resource_type, id, version_id).map_err(invalid)?;
    let read = asked
        .app
        .gateway
        .execute(&granted.session, &granted.pass, vread)
        .await;
    let Ok(answer) = read else {
        return Ok(None);
    };
    let released = answer.release(&granted.pass, |answer| match answer {
        Answer::Resource(released) => Some(released.bytes),
        _ => None,
    });
    Ok(released.map_err(Refusal::from)?)
}

fn deleted(asked: Asked<'_>, written: &Written) -> Response {
    let versioned = [
        (header::ETAG, etag(&written.version_id)),
        (header::LAST_MODIFIED, http_date(written.last_updated)),
    ];
    match asked.request.preferences.answer {
        Some(Return::OperationOutcome) => {
            let body = told("the resource is deleted");
            (versioned, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response()
        }
        Some(Return::Minimal | Return::Representation) | None => {
            (StatusCode::NO_CONTENT, versioned).into_response()
        }
    }
}

fn told(text: &str) -> bytes::Bytes {
    let (severity, code) = (Severity::Information, IssueCode::Informational);
    OperationOutcome::default()
        .issue(severity, code, text)
        .to_bytes()
        .into()
}
