//! `/api/v1`: the same for programs. JSON in and out, problem+json for errors.

pub mod apps;
pub mod audit;
pub mod clients;
pub mod drafts;
pub mod import;
pub mod keys;
pub mod launches;
pub mod relations;
pub mod sessions;
pub mod versions;

use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::problem::Problem;

/// `?tenant=`; default `main`.
#[derive(Deserialize)]
pub struct InTenant {
    tenant: Option<String>,
}

/// Whatever has no address in the API.
pub async fn not_found() -> Response {
    Problem::not_found("there is no such call").into_response()
}
