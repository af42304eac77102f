//! The versions of one resource.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::Interaction;
use glovebox_fhir::bundle::{EntryResponse, ResponseSet};
use glovebox_gateway::{Answer, HistoryPage, Refusal, Version};
use glovebox_model::Timestamp;

use super::Asked;
use super::format::FHIR_JSON;
use super::route_error::RouteError;
use super::search::{self, PAGE};

/// `GET [type]/[id]/_history`, and by `_page` its next pages.
pub(super) async fn of_instance(
    asked: Asked<'_>,
    resource_type: &'static str,
    id: &str,
) -> Result<Response, RouteError> {
    let (app, granted) = (asked.app, asked.granted);
    let mut pairs = asked.request.pairs.clone();
    let address = format!("{}/{resource_type}/{id}/_history", asked.base());
    if let Some(sealed) = pairs.take_one(PAGE)? {
        pairs.expect_none()?;
        let opened = app
            .gateway
            .open_cursor(&search::binding(asked), &sealed)
            .ok();
        let cursor = opened.filter(|cursor| cursor.resource_type() == resource_type);
        let cursor = cursor.ok_or_else(|| search::bad_page(asked))?;
        let page = app
            .gateway
            .history_page(&granted.session, &granted.pass, &cursor);
        let page = page
            .await?
            .release(&granted.pass, |page| page)
            .map_err(Refusal::from)?;
        return respond(
            asked,
            &address,
            &format!("{address}?{PAGE}={sealed}"),
            &page,
        );
    }
    let since = match pairs.take_one("_since")? {
        None => None,
        Some(text) => Some(instant(&text)?),
    };
    let count = match pairs.take_one("_count")? {
        None => None,
        Some(text) => Some(
            text.parse::<u32>()
                .map_err(|_| RouteError::Invalid("`_count` is a whole number".to_owned()))?,
        ),
    };
    pairs.expect_none()?;
    let history = Interaction::history(resource_type, id, since, count)
        .map_err(|problem| RouteError::Invalid(problem.to_string()))?;
    let answer = app
        .gateway
        .execute(&granted.session, &granted.pass, history);
    let page = answer.await?.release(&granted.pass, |answer| match answer {
        Answer::History(page) => Some(page),
        _ => None,
    });
    let page = page.map_err(Refusal::from)?.ok_or(RouteError::Failed)?;
    let own = search::url(&address, asked.request.pairs.as_slice());
    respond(asked, &address, &own, &page)
}

/// The instant of a `_since`.
pub(super) fn instant(text: &str) -> Result<Timestamp, RouteError> {
    // A plus sign that was not escaped in an address arrives as a space.
    Timestamp::parse(&text.replace(' ', "+")).ok_or_else(|| {
        RouteError::Invalid("`_since` is an instant such as 2024-01-31T10:00:00Z".to_owned())
    })
}

fn respond(
    asked: Asked<'_>,
    address: &str,
    own: &str,
    page: &HistoryPage,
) -> Result<Response, RouteError> {
    let body = bytes(asked, address, own, page)?;
    Ok(([(header::CONTENT_TYPE, FHIR_JSON)], body).into_response())
}

/// A history within a batch: the Bundle that it would have been answered with.
pub(super) fn bundle_of(
    asked: Asked<'_>,
    interaction: &Interaction,
    page: &HistoryPage,
) -> Result<Vec<u8>, RouteError> {
    let (resource_type, id) = (interaction.resource_type(), interaction.id());
    let id = id.ok_or(RouteError::Failed)?;
    let address = format!("{}/{resource_type}/{id}/_history", asked.base());
    bytes(asked, &address, &address, page)
}

fn bytes(
    asked: Asked<'_>,
    address: &str,
    own: &str,
    page: &HistoryPage,
) -> Result<Vec<u8>, RouteError> {
    let next = match &page.next {
        None => None,
        Some(cursor) => {
            let sealed = asked
                .app
                .gateway
                .seal_cursor(&search::binding(asked), cursor)?;
            Some(format!("{address}?{PAGE}={sealed}"))
        }
    };
    let mut bundle = ResponseSet::history(own, next.as_deref());
    for version in &page.versions {
        push(&mut bundle, &asked.base(), version);
    }
    Ok(bundle.to_bytes())
}

fn push(bundle: &mut ResponseSet, base: &str, version: &Version) {
    let (resource_type, id, version_id, at, bytes) = match version {
        Version::Released(one) => (
            &one.resource_type,
            &one.id,
            &one.version_id,
            one.last_updated,
            Some(&*one.bytes),
        ),
        Version::Deleted {
            resource_type,
            id,
            version_id,
            last_updated,
        } => (resource_type, id, version_id, *last_updated, None),
    };
    let url = format!("{resource_type}/{id}");
    let (method, status) = match (bytes, version_id.as_str()) {
        (None, _) => ("DELETE", "204 No Content"),
        (Some(_), "1") => ("PUT", "201 Created"),
        (Some(_), _) => ("PUT", "200 OK"),
    };
    bundle.push(&EntryResponse {
        status,
        version_id: Some(version_id),
        last_modified: Some(&at.to_string()),
        full_url: Some(&format!("{base}/{url}")),
        resource: bytes,
        request: Some((method, &url)),
        ..EntryResponse::default()
    });
}
