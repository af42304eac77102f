//! Errors of the JSON API: `application/problem+json` (RFC 9457) with a stable `code`.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Longest text of a refusal that is passed on.
const DETAIL_BYTES_MAX: usize = 4 << 10;

/// An error of the JSON API.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after_secs: Option<u32>,
}

impl Problem {
    /// An error with a stable code and a sentence that says how to mend it.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_after_secs: None,
        }
    }

    /// What is said about it.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    pub(super) fn unauthorized() -> Self {
        let detail = "send `Authorization: Bearer` with a token that is in force";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub(super) fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(super) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// Logs the cause and answers only a reference to it.
    pub(super) fn internal(cause: &dyn std::error::Error) -> Self {
        let reference = super::page::reference();
        tracing::error!(error = %cause, reference, "an API call failed");
        let detail = format!("the server failed; tell its operator the reference {reference}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    pub(super) fn busy() -> Self {
        let detail = "too many calls run at once: try again in a moment";
        Self {
            retry_after_secs: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
        }
    }
}

/// What was refused before a handler ran (a body that is no JSON, a wrong method, too many
/// bytes) in the form of every other error of the API.
pub(super) async fn uniform(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_ours = content_type.is_some_and(|name| name.as_bytes().starts_with(b"application/"));
    if !status.is_client_error() || is_ours {
        return response;
    }
    let code = match status {
        StatusCode::METHOD_NOT_ALLOWED => "method-not-allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "too-large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "media-type",
        _ => "bad-request",
    };
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, DETAIL_BYTES_MAX).await;
    let text = String::from_utf8(text.unwrap_or_default().into()).unwrap_or_default();
    let detail = match text.trim() {
        "" => "this call cannot be understood".to_owned(),
        text => text.to_owned(),
    };
    let mut response = Problem::new(status, code, detail).into_response();
    if let Some(allowed) = parts.headers.get(header::ALLOW) {
        response
            .headers_mut()
            .insert(header::ALLOW, allowed.clone());
    }
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::post;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn what_axum_refuses_is_a_problem_too_and_answers_pass_as_they_are() {
        let api: Router = Router::new()
            .route("/", post(|Json(_): Json<u64>| async { "fine" }))
            .layer(axum::middleware::from_fn(uniform));
        let send = async |method: &str, body: &'static str| {
            let request = axum::http::Request::builder()
                .method(method)
                .header("content-type", "application/json")
                .body(Body::from(body));
            let response = api.clone().oneshot(request.unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, 9_999).await.unwrap();
            (parts, String::from_utf8(body.into()).unwrap())
        };
        let (parts, body) = send("POST", "7").await;
        assert_eq!((parts.status, body.as_str()), (StatusCode::OK, "fine"));
        let (parts, body) = send("POST", "]").await;
        assert_eq!(parts.status, StatusCode::BAD_REQUEST);
        assert_eq!(parts.headers["content-type"], "application/problem+json");
        assert!(body.contains("\"code\":\"bad-request\""), "{body}");
        let (parts, body) = send("GET", "").await;
        assert_eq!(parts.headers["allow"], "POST");
        assert!(body.contains("method-not-allowed"), "{body}");
    }
}
