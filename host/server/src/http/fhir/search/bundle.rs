//! The answer to a search: a searchset Bundle of stored bytes.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::bundle::EntryMode;
use glovebox_fhir::search::Ignored;
use glovebox_fhir::{IssueCode, OperationOutcome, SearchSet, Severity};
use glovebox_gateway::Page;

use crate::http::fhir::Asked;
use crate::http::fhir::format::FHIR_JSON;
use crate::http::fhir::query::encode;

/// The address of a search.
pub(in crate::http::fhir) fn url(address: &str, pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return address.to_owned();
    }
    format!("{address}?{}", encode(pairs))
}

/// The address of a page and of the next.
#[derive(Clone, Copy)]
pub(super) struct Links<'a> {
    pub(super) own: &'a str,
    pub(super) next: Option<&'a str>,
}

/// One page, and what of the search was left out.
pub(super) fn respond(
    asked: Asked<'_>,
    links: Links<'_>,
    page: &Page,
    ignored: &[Ignored],
) -> Response {
    let body = bytes(asked, links, page, ignored);
    ([(header::CONTENT_TYPE, FHIR_JSON)], body).into_response()
}

/// The Bundle. Resources are copied, never parsed again.
pub(super) fn bytes(
    asked: Asked<'_>,
    links: Links<'_>,
    page: &Page,
    ignored: &[Ignored],
) -> Vec<u8> {
    let base = asked.base();
    let mut bundle = SearchSet::new(links.own);
    if let Some(next) = links.next {
        bundle = bundle.next(next);
    }
    if let Some(total) = page.total {
        bundle = bundle.total(total);
    }
    let matches = page.matches.iter().map(|found| (found, EntryMode::Match));
    let included = page
        .included
        .iter()
        .map(|found| (found, EntryMode::Include));
    for (found, mode) in matches.chain(included) {
        let url = format!("{base}/{}/{}", found.resource_type, found.id);
        bundle.push(&url, &found.bytes, mode);
    }
    if !ignored.is_empty() {
        bundle.push_outcome(&left_out(ignored).to_bytes());
    }
    bundle.to_bytes()
}

/// Says of each parameter that was ignored that it was, and why.
fn left_out(ignored: &[Ignored]) -> OperationOutcome {
    ignored
        .iter()
        .fold(OperationOutcome::default(), |outcome, one| {
            let text = format!("`{}` was ignored: {}", one.parameter, one.problem);
            outcome.issue(Severity::Warning, IssueCode::NotSupported, &text)
        })
}
