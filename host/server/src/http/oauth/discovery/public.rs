//! Headers of documents that are for anybody from any origin, errors included; and how one
//! says that there is no such document.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use glovebox_model::TenantId;
use serde_json::json;

use crate::http::App;
use crate::http::headers::common;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// Why there is no document.
#[derive(Debug)]
pub(in crate::http) enum Missing {
    /// Nothing has this address.
    Unknown,
    /// It cannot be read now; the cause is in the log.
    Failed,
}

impl IntoResponse for Missing {
    fn into_response(self) -> Response {
        let (status, error, description) = match self {
            Self::Unknown => (
                StatusCode::NOT_FOUND,
                "not_found",
                "there is no such document",
            ),
            Self::Failed => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "the document cannot be read now",
            ),
        };
        let body = json!({ "error": error, "error_description": description });
        let headers = [(header::CACHE_CONTROL, "no-store")];
        (status, headers, Json(body)).into_response()
    }
}

/// The tenant of an address.
pub(in crate::http) fn known_tenant(app: &App, text: &str) -> Result<TenantId, Missing> {
    let tenant: Option<TenantId> = text.parse().ok();
    tenant
        .filter(|tenant| app.settings.tenant_name(tenant).is_some())
        .ok_or(Missing::Unknown)
}

/// Around every public document.
pub(super) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        preflight()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    // A document says itself how long it may be kept; the others are asked for again.
    let kept = headers.get(header::CACHE_CONTROL).cloned();
    common(headers, app.settings.is_https());
    let kept = kept.unwrap_or_else(|| HeaderValue::from_static("no-cache"));
    headers.insert(header::CACHE_CONTROL, kept);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let shared = HeaderValue::from_static("cross-origin");
    headers.insert("cross-origin-resource-policy", shared);
    response
}

/// The Fetch standard's preflight, for clients that send headers of their own.
fn preflight() -> Response {
    let headers = [
        (header::ALLOW, "GET, HEAD, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Accept, Authorization, Content-Type, If-None-Match, X-Requested-With",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
