//! What clients read before they ask for anything: addresses, abilities and public keys.
//! For anybody, from any origin, the same for all; one file for each document, all made of
//! the one table of addresses and the one list of abilities.

mod abilities;
mod authorization_server;
mod jwks;
mod openid_configuration;
mod public;
mod smart_configuration;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use glovebox_model::TenantId;
use serde_json::Value;

use crate::http::{App, brands, smart_style};

pub(in crate::http) use public::{Missing, known_tenant};

/// Every public document that does not stand below a FHIR base.
pub fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/oauth/{tenant}/jwks", get(jwks::get))
        .route(
            "/oauth/{tenant}/.well-known/openid-configuration",
            get(openid_configuration::get),
        )
        .route(
            "/.well-known/oauth-authorization-server/oauth/{tenant}",
            get(authorization_server::get),
        )
        .route("/brands/{file}", get(brands::get))
        .route("/smart-style/{file}", get(smart_style::get))
        .layer(from_fn_with_state(Arc::clone(app), public::layer))
}

/// The document of this name below the tenant's FHIR base, if there is one.
pub(in crate::http) fn below_fhir(app: &App, tenant: &TenantId, name: &str) -> Option<Response> {
    let document = match name {
        "smart-configuration" => smart_configuration::document(&app.settings, tenant),
        "openid-configuration" => openid_configuration::document(&app.settings, tenant),
        _ => return None,
    };
    Some(answer(&document))
}

/// JSON, whatever the request would rather have.
fn answer(document: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, document.to_string()).into_response()
}

#[cfg(test)]
mod tests;
