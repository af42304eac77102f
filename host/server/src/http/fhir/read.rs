//! Read and vread.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::{Interaction, InteractionKind};
use glovebox_gateway::{Answer, Refusal};

use super::FHIR_JSON;
use super::route_error::RouteError;
use super::search::{check_format, pairs};
use super::token::Granted;
use crate::http::App;

/// `GET /fhir/{tenant}/{type}/{id}`.
pub async fn get(
    State(app): State<App>,
    granted: Granted,
    Path((_, resource_type, id)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RouteError> {
    check_format(&headers, &mut pairs(query.as_deref()))?;
    let read = Interaction::read(&resource_type, &id);
    respond(&app, &granted, InteractionKind::Read, &resource_type, read).await
}

/// `GET /fhir/{tenant}/{type}/{id}/_history/{version}`.
pub async fn version(
    State(app): State<App>,
    granted: Granted,
    Path((_, resource_type, id, version)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RouteError> {
    check_format(&headers, &mut pairs(query.as_deref()))?;
    let vread = Interaction::vread(&resource_type, &id, &version);
    respond(
        &app,
        &granted,
        InteractionKind::Vread,
        &resource_type,
        vread,
    )
    .await
}

async fn respond(
    app: &App,
    granted: &Granted,
    kind: InteractionKind,
    resource_type: &str,
    interaction: Result<Interaction, glovebox_fhir::InvalidInteraction>,
) -> Result<Response, RouteError> {
    let interaction = interaction.map_err(|problem| {
        let (session, problem) = (&granted.session, problem.to_string());
        app.gateway.invalid(session, kind, resource_type, &problem)
    })?;
    let answer = app
        .gateway
        .execute(&granted.session, &granted.pass, interaction)
        .await?;
    let released = answer.release(&granted.pass, |answer| match answer {
        Answer::Resource(released) => Some(released),
        Answer::Page(_) | Answer::Written(_) => None,
    });
    let released = released.map_err(Refusal::from)?.ok_or(RouteError::Failed)?;
    let headers = [
        (header::CONTENT_TYPE, FHIR_JSON.to_owned()),
        (header::ETAG, format!("W/\"{}\"", released.version_id)),
        (header::LAST_MODIFIED, http_date(released.last_updated)),
    ];
    Ok((headers, released.bytes).into_response())
}

/// IMF-fixdate (RFC 9110 section 5.6.7).
fn http_date(instant: glovebox_model::Timestamp) -> String {
    use time::format_description::FormatItem;
    use time::macros::format_description;
    const FORM: &[FormatItem<'_>] = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let instant = time::OffsetDateTime::from_unix_timestamp(instant.seconds()).ok();
    instant
        .and_then(|instant| instant.format(FORM).ok())
        .unwrap_or_default()
}
