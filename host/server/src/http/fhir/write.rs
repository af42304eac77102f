//! Create, update and delete, and what a write answers with.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::{Interaction, IssueCode, Limits, OperationOutcome, Resource, Severity};
use glovebox_gateway::{Answer, Refusal, Written};

use super::Asked;
use super::format::FHIR_JSON;
use super::preconditions::{Expected, etag, http_date, if_match};
use super::preferences::Return;
use super::route_error::RouteError;

/// `POST [type]`.
pub(super) async fn create(asked: Asked<'_>, resource_type: &str) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    let resource = resource(asked, resource_type)?;
    carry_out(asked, Interaction::create(resource)).await
}

/// `PUT [type]/[id]`.
pub(super) async fn update(
    asked: Asked<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    let resource = resource(asked, resource_type)?;
    if resource.id() != Some(id) {
        return Err(invalid(
            "the resource's `id` must be the one of the address",
        ));
    }
    let expected = expected(asked, resource_type, id).await?;
    let interaction = Interaction::update(resource, expected.as_deref()).map_err(invalid)?;
    carry_out(asked, interaction).await
}

/// `DELETE [type]/[id]`.
pub(super) async fn delete(
    asked: Asked<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    let expected = expected(asked, resource_type, id).await?;
    let interaction = Interaction::delete(resource_type, id, expected.as_deref());
    let written = done(asked, interaction.map_err(invalid)?).await?;
    Ok(deleted(asked, &written))
}

pub(super) fn invalid(problem: impl ToString) -> RouteError {
    RouteError::Invalid(problem.to_string())
}

/// The body as a resource of the address's type.
fn resource(asked: Asked<'_>, resource_type: &str) -> Result<Resource, RouteError> {
    let resource = Resource::parse(&asked.request.body, Limits::RESOURCE).map_err(invalid)?;
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

async fn done(asked: Asked<'_>, interaction: Interaction) -> Result<Written, RouteError> {
    let granted = asked.granted;
    let answer = asked
        .app
        .gateway
        .execute(&granted.session, &granted.pass, interaction);
    let written = answer.await?.release(&granted.pass, |answer| match answer {
        Answer::Written(written) => Some(written),
        _ => None,
    });
    written.map_err(Refusal::from)?.ok_or(RouteError::Failed)
}

async fn carry_out(asked: Asked<'_>, interaction: Interaction) -> Result<Response, RouteError> {
    let written = done(asked, interaction).await?;
    stored(asked, &written).await
}

/// The answer to what is stored now.
async fn stored(asked: Asked<'_>, written: &Written) -> Result<Response, RouteError> {
    let Written {
        resource_type,
        id,
        version_id,
        ..
    } = written;
    let place = format!(
        "{}/{resource_type}/{id}/_history/{version_id}",
        asked.base()
    );
    let (status, name): (_, HeaderName) = match written.created {
        true => (StatusCode::CREATED, header::LOCATION),
        false => (StatusCode::OK, header::CONTENT_LOCATION),
    };
    let headers = [
        (name, place),
        (header::ETAG, etag(version_id)),
        (header::LAST_MODIFIED, http_date(written.last_updated)),
    ];
    let body = match asked.request.preferences.answer {
        Return::Minimal => None,
        Return::OperationOutcome => Some(told("the resource is stored")),
        Return::Representation => representation(asked, written).await?,
    };
    Ok(match body {
        None => (status, headers).into_response(),
        Some(body) => (status, headers, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response(),
    })
}

/// What was stored, for whoever may read it: a write does not carry a read.
async fn representation(
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
        Return::OperationOutcome => {
            let body = told("the resource is deleted");
            (versioned, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response()
        }
        Return::Minimal | Return::Representation => {
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
