//! Pages for people. Plain forms: nothing needs JavaScript.

pub mod account;
pub mod admin;
pub mod assets;
pub mod authorize;
pub mod landing;
pub mod launch;
pub mod patient;
pub mod patients;
pub mod session;
pub mod sign_in;
pub mod sign_out;

mod record;

use axum::response::{IntoResponse as _, Response};

use super::page::PageError;

/// Whatever has no page.
pub(super) async fn not_found() -> Response {
    PageError::NotFound.into_response()
}
