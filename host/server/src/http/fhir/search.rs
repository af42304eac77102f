//! Searches of one type: by GET, by form, within a compartment, and their next pages.

mod bundle;
mod narrowing;

use axum::response::Response;
use bundle::Links;
pub(super) use bundle::url;
use glovebox_fhir::search::ParseOptions;
use glovebox_fhir::{Interaction, SearchQuery, compartment, search_parameters};
use glovebox_gateway::{Answer, CursorBinding, Page, Refusal};

use super::Asked;
use super::query::Pairs;
use super::route_error::RouteError;

/// In links to a next page: the sealed position.
pub(super) const PAGE: &str = "_page";

/// `GET [type]?…` and `POST [type]/_search`.
pub(super) async fn of_type(
    asked: Asked<'_>,
    resource_type: &'static str,
) -> Result<Response, RouteError> {
    run(asked, resource_type, asked.request.pairs.clone()).await
}

/// `GET Patient/[id]/[type]?…`: the same as a search of the type by that patient, with
/// every rule that holds for one.
pub(super) async fn of_compartment(
    asked: Asked<'_>,
    patient: &str,
    resource_type: &'static str,
) -> Result<Response, RouteError> {
    let Some(parameter) = patient_parameter(resource_type) else {
        return Err(RouteError::Unknown(
            "resources of this type are in no patient's compartment",
        ));
    };
    let mut pairs = asked.request.pairs.clone();
    // Another hand may be named beside the patient (`performer`), another patient not.
    let subjects = pairs.as_slice().iter().filter(|(name, _)| {
        let name = name.split(':').next().unwrap_or_default();
        ["patient", "subject"].contains(&name)
    });
    let subjects: Vec<_> = subjects.cloned().collect();
    let base = asked.base();
    let options = ParseOptions {
        base: Some(&base),
        ..ParseOptions::default()
    };
    let named = SearchQuery::parse_with(resource_type, &subjects, options);
    let named = named.ok().and_then(|query| query.patient_restriction());
    let contradicts = named.is_some_and(|named| !named.iter().any(|id| id == patient));
    pairs.push(parameter, &format!("Patient/{patient}"));
    // A compartment of somebody else does not exist for this caller, and one cannot be
    // somebody else's at the same time. The search is decided and recorded all the same.
    let elsewhere = narrowing::only_patient(&asked.granted.session, resource_type)
        .is_some_and(|own| own.as_str() != patient);
    let found = run(asked, resource_type, pairs).await?;
    if elsewhere || contradicts {
        return Err(Refusal::NotFound.into());
    }
    Ok(found)
}

/// The parameter through which resources of a type are found by their patient.
fn patient_parameter(resource_type: &str) -> Option<&'static str> {
    let named = compartment::parameters(resource_type)?;
    let known = |code: &str| {
        search_parameters(resource_type)
            .iter()
            .any(|p| p.code() == code)
    };
    match resource_type {
        // A person's record belongs to itself, not to whom it links to.
        "Patient" => None,
        _ if known("patient") => Some("patient"),
        _ if named.contains(&"subject") => Some("subject"),
        _ => named.first().copied(),
    }
}

/// Searches and answers with the first page.
pub(super) async fn run(
    asked: Asked<'_>,
    resource_type: &'static str,
    pairs: Pairs,
) -> Result<Response, RouteError> {
    let granted = asked.granted;
    let base = asked.base();
    let options = ParseOptions {
        handling: asked.request.preferences.handling,
        base: Some(&base),
    };
    let query = SearchQuery::parse_with(resource_type, pairs.as_slice(), options)?;
    let ignored = query.ignored().to_vec();
    let count = usize::try_from(query.count()).unwrap_or(1);
    let own = narrowing::shown(&granted.session, &query);
    let interaction = Interaction::search(query);
    let answer = asked
        .app
        .gateway
        .execute(&granted.session, &granted.pass, interaction);
    let released = answer.await?.release(&granted.pass, |answer| match answer {
        Answer::Page(page) => Some(page),
        _ => None,
    });
    let page = released.map_err(Refusal::from)?.ok_or(RouteError::Failed)?;
    let own = url(&format!("{base}/{resource_type}"), &own);
    let next = next(asked, &page, count)?;
    let links = Links {
        own: &own,
        next: next.as_deref(),
    };
    Ok(bundle::respond(asked, links, &page, &ignored))
}

/// `GET [base]?_page=…`: the next page of a search, for the token that was given the link.
pub(super) async fn page(asked: Asked<'_>) -> Result<Response, RouteError> {
    let (app, granted) = (asked.app, asked.granted);
    let mut pairs = asked.request.pairs.clone();
    let Some(sealed) = pairs.take_one(PAGE)? else {
        return Err(RouteError::Unknown(
            "this server searches one type at a time: `[base]/[type]?…`",
        ));
    };
    let count = pairs
        .take_one("_count")?
        .and_then(|count| count.parse::<usize>().ok());
    pairs.expect_none()?;
    let opened = app.gateway.open_cursor(&binding(asked), &sealed);
    let (Ok(cursor), Some(count)) = (opened, count) else {
        return Err(bad_page(asked));
    };
    let page = app
        .gateway
        .page(&granted.session, &granted.pass, &cursor, count);
    // A link of a history or operation leads nowhere from here.
    let page = page.await.map_err(|refusal| match refusal {
        Refusal::Invalid(_) => Refusal::BadCursor,
        other => other,
    })?;
    let page = page
        .release(&granted.pass, |page| page)
        .map_err(Refusal::from)?;
    let url = page_url(asked, &sealed, count);
    let next = next(asked, &page, count)?;
    let links = Links {
        own: &url,
        next: next.as_deref(),
    };
    Ok(bundle::respond(asked, links, &page, &[]))
}

/// A page with its own address and that of the next.
pub(super) fn respond(asked: Asked<'_>, own: &str, next: Option<&str>, page: &Page) -> Response {
    bundle::respond(asked, Links { own, next }, page, &[])
}

/// A search within a batch: the Bundle that it would have been answered with.
pub(super) fn bundle_of(
    asked: Asked<'_>,
    interaction: &Interaction,
    page: &Page,
) -> Result<Vec<u8>, RouteError> {
    let Interaction::Search(query) = interaction else {
        return Err(RouteError::Failed);
    };
    let own = narrowing::shown(&asked.granted.session, query);
    let own = url(&format!("{}/{}", asked.base(), query.resource_type()), &own);
    let next = next(asked, page, usize::try_from(query.count()).unwrap_or(1))?;
    let links = Links {
        own: &own,
        next: next.as_deref(),
    };
    Ok(bundle::bytes(asked, links, page, &[]))
}

/// Records a link that leads nowhere for this caller, and says so.
pub(super) fn bad_page(asked: Asked<'_>) -> RouteError {
    let problem = "a page link of another token or search, or too old";
    let kind = glovebox_fhir::InteractionKind::Search;
    let session = &asked.granted.session;
    match asked.app.gateway.invalid(session, kind, "-", problem) {
        Refusal::Invalid(_) => Refusal::BadCursor.into(),
        unavailable => unavailable.into(),
    }
}

/// To whom a link to a next page belongs.
pub(super) fn binding(asked: Asked<'_>) -> CursorBinding {
    CursorBinding(format!("token {}", asked.granted.token_id))
}

fn next(asked: Asked<'_>, page: &Page, count: usize) -> Result<Option<String>, RouteError> {
    let Some(cursor) = &page.next else {
        return Ok(None);
    };
    let sealed = asked.app.gateway.seal_cursor(&binding(asked), cursor)?;
    Ok(Some(page_url(asked, &sealed, count)))
}

fn page_url(asked: Asked<'_>, sealed: &str, count: usize) -> String {
    format!("{}?{PAGE}={sealed}&_count={count}", asked.base())
}
