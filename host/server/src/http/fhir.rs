//! `/fhir/{tenant}`: the FHIR R4 API for apps with bearer tokens. What it does is decided
//! behind the one door; here is only the protocol.

pub mod read;
pub mod search;

mod route_error;
mod token;

use axum::http::StatusCode;
use axum::response::Response;
use glovebox_fhir::IssueCode;

use route_error::outcome;

/// Media type of every answer.
const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// Whatever this release does not serve.
pub async fn not_supported() -> Response {
    outcome(
        StatusCode::NOT_IMPLEMENTED,
        IssueCode::NotSupported,
        "this server reads (`GET Type/id`, `GET Type/id/_history/version`) and searches (`GET Type?…`)",
    )
}
