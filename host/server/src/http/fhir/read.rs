//! Read and vread.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::Interaction;
use glovebox_gateway::{Answer, Refusal, Released};

use super::format::FHIR_JSON;
use super::preconditions::{etag, http_date, is_known};
use super::route_error::RouteError;
use super::{Asked, binary};

/// `GET [type]/[id]`.
pub(super) async fn current(
    asked: Asked<'_>,
    resource_type: &str,
    id: &str,
) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    give(asked, Interaction::read(resource_type, id)).await
}

/// `GET [type]/[id]/_history/[version]`.
pub(super) async fn version(
    asked: Asked<'_>,
    resource_type: &str,
    id: &str,
    version: &str,
) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    give(asked, Interaction::vread(resource_type, id, version)).await
}

async fn give(
    asked: Asked<'_>,
    interaction: Result<Interaction, glovebox_fhir::InvalidInteraction>,
) -> Result<Response, RouteError> {
    let interaction = interaction.map_err(|problem| RouteError::Invalid(problem.to_string()))?;
    let granted = asked.granted;
    let answer = asked
        .app
        .gateway
        .execute(&granted.session, &granted.pass, interaction);
    let released = answer.await?.release(&granted.pass, |answer| match answer {
        Answer::Resource(released) => Some(released),
        _ => None,
    });
    let released = released.map_err(Refusal::from)?.ok_or(RouteError::Failed)?;
    respond(asked, released)
}

/// The resource with its version, or that the caller has it already: told only to whom it
/// was given out.
fn respond(asked: Asked<'_>, released: Released) -> Result<Response, RouteError> {
    let headers = &asked.request.headers;
    let tag = etag(&released.version_id);
    let known = is_known(headers, &tag, Some(released.last_updated));
    let versioned = [
        (header::ETAG, tag),
        (header::LAST_MODIFIED, http_date(released.last_updated)),
    ];
    let (form, body) = match asked.request.takes_json {
        true => (FHIR_JSON, released.bytes),
        false => binary::content(headers, &released.bytes)?,
    };
    if known {
        return Ok((StatusCode::NOT_MODIFIED, versioned).into_response());
    }
    let mut response = (versioned, [(header::CONTENT_TYPE, form)], body).into_response();
    if released.resource_type == "Binary" {
        let attachment = header::HeaderValue::from_static("attachment");
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, attachment);
    }
    Ok(response)
}
