//! Headers of every FHIR answer, refusals and preflights included: who may read it from a
//! browser, and that a browser neither keeps nor renders it.

use axum::body::{Body, HttpBody as _};
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::{below_tenant, route, well_known};
use crate::http::App;
use crate::http::headers::common;

/// What a browser may send. No credentials: whoever calls has a bearer token.
const ASKED: &str = "Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, \
     If-None-Exist, If-Modified-Since, Idempotency-Key, DPoP, X-Request-Id";
/// What a browser's script may read.
const TOLD: &str = "ETag, Location, Content-Location, Last-Modified, WWW-Authenticate, \
     Retry-After, DPoP-Nonce, X-Request-Id";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/// Nothing in an answer is to be run or shown, whatever a browser takes it for.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_BYTES_MAX: usize = 64;

/// An answer that is the same for everybody and may be kept while its tag is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Public;

/// Around every handler below `/fhir`.
pub(in crate::http) async fn layer(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let is_head = request.method() == Method::HEAD;
    let request_id = request_id(request.headers());
    let mut response = if request.method() == Method::OPTIONS {
        preflight(&request)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    common(headers, app.settings.is_https());
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, TOLD),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(id) = request_id {
        headers.insert(REQUEST_ID, id);
    }
    if response.extensions().get::<Public>().is_some() {
        let value = HeaderValue::from_static("no-cache");
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    if is_head {
        without_body(response)
    } else {
        response
    }
}

/// An id that can stand in a log line: others are not echoed.
fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(REQUEST_ID)?;
    let fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let bytes = value.as_bytes();
    let sane = (1..=REQUEST_ID_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(fine);
    sane.then(|| value.clone())
}

/// The Fetch standard's preflight: it carries no credential and tells nothing of records.
fn preflight(request: &Request) -> Response {
    let path = request
        .extensions()
        .get::<OriginalUri>()
        .map(|OriginalUri(uri)| uri.path());
    let below = below_tenant(path.unwrap_or_default()).map_or("", |(_, below)| below);
    let methods = match well_known::name(below) {
        Some(_) => well_known::ALLOWED,
        None => route::allowed(below),
    };
    let mut allowed: Vec<&str> = methods.iter().map(Method::as_str).collect();
    allowed.push("OPTIONS");
    let headers = [
        (header::ALLOW, allowed.join(", ")),
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS.to_owned()),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ASKED.to_owned()),
        (header::ACCESS_CONTROL_MAX_AGE, "600".to_owned()),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// What GET would answer, without its body (RFC 9110 section 9.3.2).
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if parts.status != StatusCode::NOT_MODIFIED
        && let Some(length) = body.size_hint().exact()
    {
        parts
            .headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sane_request_id_is_echoed() {
        let echoed = |value: &str| {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request_id(&HeaderMap::from_iter([(REQUEST_ID, value)])).is_some()
        };
        assert!(echoed("0b1f2c9e-6a1d-4e0e-9b0a-0f6f1d6f2b11"));
        assert!(echoed(&"a".repeat(64)));
        for id in ["", "a b", "<script>", "ü", "a;b", "\"x\"", &"a".repeat(65)] {
            assert!(!echoed(id), "{id}");
        }
    }
}
