//! Headers that every answer carries, and the check that a form comes from our own pages.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::App;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where a page's form may lead besides this server: put into a response's extensions.
#[derive(Clone)]
pub(super) struct FormTarget(Option<String>);

impl FormTarget {
    /// The origin of a registered address, as a source of a policy (CSP 3 section 2.3.1).
    pub(super) fn of(uri: &str) -> Self {
        let source = url::Url::parse(uri).ok().map(|uri| match uri.scheme() {
            "http" | "https" => uri.origin().ascii_serialization(),
            own => format!("{own}:"),
        });
        // Nothing that could end the directive, or begin another one.
        Self(source.filter(|source| !source.contains([';', ',', ' '])))
    }
}

/// Pages: nothing from elsewhere, nothing kept by caches, nothing framed.
pub(super) async fn page(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let target = response.extensions_mut().remove::<FormTarget>();
    let policy = target.and_then(|target| {
        let form_action = format!("form-action 'self' {}", target.0?);
        let policy = CONTENT_SECURITY_POLICY.replace("form-action 'self'", &form_action);
        HeaderValue::from_str(&policy).ok()
    });
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        policy.unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    );
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        // What `frame-ancestors` says, for browsers that do not read it.
        ("x-frame-options", "DENY"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    common(headers, app.settings.is_https());
    response
}

/// The JSON API and OAuth.
pub(super) async fn machine(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        "content-security-policy",
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    common(headers, app.settings.is_https());
    response
}

/// What no answer goes without.
pub(super) fn common(headers: &mut HeaderMap, is_https: bool) {
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // RFC 6797 section 7.2: not over plain HTTP, where it would mean nothing.
    if is_https {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
}

/// A browser that posts a form from another site is refused before any handler runs
/// (`Sec-Fetch-Site`, else `Origin` against `Host`). Each form carries its own token as
/// well; this is the first of two walls.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) || is_same_origin(request.headers())
    {
        return next.run(request).await;
    }
    (
        StatusCode::FORBIDDEN,
        "This form was sent from another site.\n",
    )
        .into_response()
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok())
    {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        // Not a browser: there is no one whose cookies could be abused.
        (None, _) => true,
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, authority)| authority == host),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_and_programs_may_post() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_same_origin(&headers)
        };
        assert!(check(&[]));
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(!check(&[("sec-fetch-site", "cross-site")]));
        assert!(!check(&[("sec-fetch-site", "same-site")]));
        assert!(check(&[
            ("origin", "http://localhost:8080"),
            ("host", "localhost:8080")
        ]));
        assert!(!check(&[
            ("origin", "http://evil.example"),
            ("host", "localhost:8080")
        ]));
        assert!(!check(&[("origin", "null"), ("host", "localhost:8080")]));
        assert!(!check(&[("origin", "http://localhost:8080")]));
    }
}
