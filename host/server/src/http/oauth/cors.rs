//! Which pages of other origins may read the answers of a client's endpoint: those of the
//! tenant's registered apps, by their exact origin (never `*`: a browser app may refresh
//! with credentials).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use glovebox_authorization::ClientKind;

use crate::http::App;

/// The origin of a request, if its answer may be read there.
pub(super) struct Allowed(Option<HeaderValue>);

impl Allowed {
    /// Looks the origin up among the addresses that the tenant's public clients registered.
    pub(super) async fn of(app: &App, tenant: &str, headers: &HeaderMap) -> Self {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Self(None);
        };
        let (Ok(text), Ok(tenant)) = (origin.to_str(), tenant.parse()) else {
            return Self(None);
        };
        let clients = match app.authorization.clients.list(&tenant).await {
            Ok(clients) => clients,
            Err(problem) => {
                tracing::error!(error = %problem, "the clients could not be read");
                return Self(None);
            }
        };
        // A scheme of an app's own has an opaque origin, which is written `null`: so is the
        // origin of any sandboxed frame.
        let is_of = |uri: &String| {
            let origin = url::Url::parse(uri).map(|uri| uri.origin());
            origin.is_ok_and(|own| own.is_tuple() && own.ascii_serialization() == text)
        };
        let is_registered = clients
            .iter()
            .filter(|client| client.kind == ClientKind::Public)
            .any(|client| client.redirect_uris.iter().any(is_of));
        Self(is_registered.then(|| origin.clone()))
    }

    /// Says so on an answer. Whatever the answer, it depends on the origin.
    pub(super) fn mark(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = &self.0 else { return };
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
            (
                header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            ),
        ] {
            headers.insert(name, value);
        }
        // An answer that another origin may read is not held back from it either.
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
    }
}

/// The answer to a preflight.
pub(super) fn preflight(allowed: &Allowed) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    allowed.mark(&mut response);
    if allowed.0.is_some() {
        let headers = response.headers_mut();
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "Authorization, Content-Type, DPoP",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}
