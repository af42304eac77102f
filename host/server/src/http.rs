//! The whole address space on one screen.

pub mod api;
pub mod fhir;
pub mod oauth;
pub mod pages;

mod brands;
mod caller;
mod connections;
mod headers;
mod identity;
mod page;
mod peer;
mod problem;
mod smart_style;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::services::Services;

pub use connections::serve;

/// What every handler is given.
pub type App = Arc<Services>;

/// Largest body of a page's form.
const FORM_BYTES_MAX: usize = 512 << 10;
/// Largest body of an API call that uploads or imports; others keep axum's 2 MiB.
const UPLOAD_BYTES_MAX: usize = 64 << 20;

/// Every address of the server.
pub fn router(services: App) -> Router {
    let pages = Router::new()
        .route("/", get(pages::landing::get))
        .route(
            "/sign-in",
            get(pages::sign_in::get).post(pages::sign_in::post),
        )
        .route("/sign-out", post(pages::sign_out::post))
        .route("/chart", get(pages::patients::get))
        .route("/chart/patients/{patient}", get(pages::patient::get))
        .route(
            "/chart/patients/{patient}/launch",
            post(pages::launch::post),
        )
        .route("/launch/app", get(pages::launch::get))
        .route("/chart/sessions/{session}", get(pages::session::get))
        .route(
            "/chart/sessions/{session}/events",
            post(pages::session::event),
        )
        .route(
            "/chart/sessions/{session}/close",
            post(pages::session::close),
        )
        .route("/oauth/{tenant}/continue", get(pages::authorize::get))
        .route(
            "/oauth/{tenant}/continue/patient",
            post(pages::authorize::patient),
        )
        .route(
            "/oauth/{tenant}/continue/encounter",
            post(pages::authorize::encounter),
        )
        .route(
            "/oauth/{tenant}/continue/decision",
            post(pages::authorize::decision),
        )
        .route("/account", get(pages::account::index))
        .route("/account/apps", get(pages::account::apps))
        .route("/account/apps/{grant}/stop", post(pages::account::stop))
        .route("/admin", get(pages::admin::index))
        .route("/admin/apps", get(pages::admin::apps))
        .route("/admin/apps/{app}/{version}/{act}", post(pages::admin::act))
        .route("/admin/sessions", get(pages::admin::sessions))
        .route(
            "/admin/sessions/{session}/end",
            post(pages::admin::end_session),
        )
        .route("/admin/audit", get(pages::admin::audit))
        .layer(RequestBodyLimitLayer::new(FORM_BYTES_MAX))
        .layer(from_fn(headers::same_origin))
        .layer(from_fn_with_state(Arc::clone(&services), headers::page));
    let api = Router::new()
        .route("/launches", post(api::launches::post))
        .route(
            "/clients",
            get(api::clients::list).post(api::clients::register),
        )
        .route(
            "/clients/registration-tokens",
            post(api::clients::registration::issue),
        )
        .route(
            "/clients/{client}/approve",
            post(api::clients::registration::approve),
        )
        .route(
            "/clients/{client}",
            get(api::clients::get).delete(api::clients::remove),
        )
        .route("/apps", get(api::apps::list))
        .route(
            "/apps/{app}/versions",
            post(api::versions::upload).layer(DefaultBodyLimit::disable()),
        )
        .route("/apps/{app}/versions/{version}", get(api::versions::get))
        .route(
            "/apps/{app}/versions/{version}/{act}",
            post(api::versions::act),
        )
        .route("/apps/{app}/{act}", post(api::apps::act))
        .route(
            "/sessions",
            get(api::sessions::list).post(api::sessions::open),
        )
        .route(
            "/sessions/{session}",
            axum::routing::delete(api::sessions::close),
        )
        .route("/drafts", get(api::drafts::list))
        .route("/drafts/{draft}", get(api::drafts::get))
        .route("/drafts/{draft}/commit", post(api::drafts::commit))
        .route("/drafts/{draft}/reject", post(api::drafts::reject))
        .route("/sessions/{session}/events", post(api::sessions::event))
        .route("/sessions/{session}/calls", get(api::sessions::calls))
        .route("/sessions/{session}/kill", post(api::sessions::kill))
        .route("/keys", get(api::keys::list))
        .route("/keys/rotate", post(api::keys::rotate))
        .route("/audit", get(api::audit::get))
        .route(
            "/relations",
            get(api::relations::list).post(api::relations::grant),
        )
        .route("/relations/withdraw", post(api::relations::withdraw))
        .route("/relations/derive", post(api::relations::derive))
        .route(
            "/fhir/import",
            post(api::import::post).layer(DefaultBodyLimit::disable()),
        )
        .fallback(api::not_found)
        .layer(RequestBodyLimitLayer::new(UPLOAD_BYTES_MAX))
        .layer(from_fn(problem::uniform))
        .layer(from_fn_with_state(Arc::clone(&services), headers::machine));
    let protocols = Router::new()
        .route(
            "/oauth/{tenant}/token",
            post(oauth::token::post).options(oauth::token::options),
        )
        .route("/oauth/{tenant}/introspect", post(oauth::introspect::post))
        .route(
            "/oauth/{tenant}/revoke",
            post(oauth::revoke::post).options(oauth::revoke::options),
        )
        .route(
            "/oauth/{tenant}/par",
            post(oauth::par::post).options(oauth::par::options),
        )
        .route("/oauth/{tenant}/register", post(oauth::register::post))
        .layer(from_fn_with_state(
            Arc::clone(&services),
            oauth::rate::layer,
        ))
        .layer(RequestBodyLimitLayer::new(FORM_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&services), headers::machine));
    // Anybody's page may send a browser here, by a link or by a form.
    let front = Router::new()
        .route(
            "/oauth/{tenant}/authorize",
            get(oauth::authorize::get).post(oauth::authorize::post),
        )
        .layer(RequestBodyLimitLayer::new(FORM_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&services), headers::page));
    let plain = Router::new()
        .route("/assets/{file}", get(pages::assets::get))
        .route("/healthz", get(health))
        .route("/readyz", get(ready));
    Router::new()
        .merge(pages)
        .merge(front)
        .merge(protocols)
        .merge(oauth::discovery::router(&services))
        .merge(plain)
        .nest("/api/v1", api)
        .nest("/fhir", fhir::router(Arc::clone(&services)))
        .fallback(
            any(pages::not_found).layer(from_fn_with_state(Arc::clone(&services), headers::page)),
        )
        .layer(CatchPanicLayer::new())
        .with_state(services)
}

/// The process answers.
async fn health() -> &'static str {
    "ok\n"
}

/// The ledger can be written, so that patient data can be served.
async fn ready(axum::extract::State(app): axum::extract::State<App>) -> axum::response::Response {
    use axum::response::IntoResponse as _;
    match app.ledger.flush().await {
        Ok(()) => "ready\n".into_response(),
        Err(problem) => {
            tracing::error!(error = %problem, "not ready: the ledger cannot be written");
            (
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "the ledger cannot be written\n",
            )
                .into_response()
        }
    }
}

#[cfg(test)]
mod tests;
