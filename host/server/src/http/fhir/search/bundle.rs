//! The answer to a search: a searchset Bundle of stored bytes.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::SearchSet;
use glovebox_fhir::bundle::EntryMode;
use glovebox_gateway::Page;

use crate::http::fhir::Asked;
use crate::http::fhir::format::FHIR_JSON;
use crate::http::fhir::query::encode;

/// The address of a search.
pub(super) fn url(address: &str, pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return address.to_owned();
    }
    format!("{address}?{}", encode(pairs))
}

/// One page with its own address and that of the next.
pub(super) fn respond(asked: Asked<'_>, own: &str, next: Option<&str>, page: &Page) -> Response {
    let base = asked.base();
    let mut bundle = SearchSet::new(own);
    if let Some(next) = next {
        bundle = bundle.next(next);
    }
    if let Some(total) = page.total {
        bundle = bundle.total(total);
    }
    for found in &page.matches {
        let url = format!("{base}/{}/{}", found.resource_type, found.id);
        bundle.push(&url, &found.bytes, EntryMode::Match);
    }
    ([(header::CONTENT_TYPE, FHIR_JSON)], bundle.to_bytes()).into_response()
}
