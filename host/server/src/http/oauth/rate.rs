//! Whoever asks too often is asked to wait (RFC 6585 section 4).

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use glovebox_model::TenantId;
use serde_json::json;

use crate::http::{App, peer};

/// Around the endpoints that clients call: so many requests from one address.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    match check_address(&app, request.extensions(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(wait) => answer(wait),
    }
}

/// Counts a request by where it comes from.
pub(super) fn check_address(
    app: &App,
    extensions: &axum::http::Extensions,
    headers: &HeaderMap,
) -> Result<(), Duration> {
    match peer::address(app, extensions, headers) {
        Some(address) => app.rate_limits.check_address(address),
        None => Ok(()),
    }
}

/// Counts a request by the client that it says it comes from.
pub(super) fn check_client(
    app: &App,
    tenant: &TenantId,
    client: Option<&str>,
) -> Result<(), Duration> {
    match client {
        Some(client) => app.rate_limits.check_client(tenant, client),
        None => Ok(()),
    }
}

/// How long to wait, in whole seconds.
pub(super) fn retry_after(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs().saturating_add(1))
}

pub(super) fn answer(wait: Duration) -> Response {
    let body = json!({
        "error": "temporarily_unavailable",
        "error_description": "too many requests: wait as long as Retry-After says",
    });
    let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, retry_after(wait));
    response
}
