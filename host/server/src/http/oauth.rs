//! OAuth 2.0 endpoints, one file each.

pub mod authorize;
pub mod discovery;
pub mod introspect;
pub mod par;
pub mod rate;
pub mod register;
pub mod revoke;
pub mod token;

mod client_request;
mod cors;
mod error;
mod form;

use axum::http::HeaderMap;
use glovebox_authorization::{DpopHeader, TokenRequest};
use glovebox_model::ledger::Event;

/// The `DPoP` header of a request (RFC 9449 section 4.1).
pub(in crate::http) fn proof(headers: &HeaderMap) -> DpopHeader {
    let mut values = headers.get_all("dpop").iter();
    match (values.next(), values.next()) {
        (None, _) => DpopHeader::None,
        (Some(value), None) => match value.to_str() {
            Ok(text) => DpopHeader::Given(text.to_owned()),
            Err(_) => DpopHeader::Unreadable,
        },
        (Some(_), Some(_)) => DpopHeader::Unreadable,
    }
}

/// An entry with the client that a refused request said it came from.
fn claimed(event: Event, request: &TokenRequest) -> Event {
    match request.claimed_client() {
        Some(client) => event.with("claimed_client", client.as_str()),
        None => event,
    }
}
