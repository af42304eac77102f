//! Refusals as OperationOutcomes.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use glovebox_fhir::{IssueCode, OperationOutcome};
use glovebox_gateway::Refusal;

use super::FHIR_JSON;

/// Why a FHIR request was not answered with a resource.
#[derive(Debug)]
pub enum RouteError {
    /// There is no such tenant.
    NoSuchTenant,
    /// No bearer token was sent (RFC 6750 section 3.1).
    NoToken,
    /// The token is unknown, expired, revoked, or of another tenant.
    BadToken,
    /// Another format than JSON was asked for.
    NotAcceptable,
    /// The gateway refused.
    Refused(Refusal),
    /// The server failed; the cause is in the log.
    Failed,
}

impl From<Refusal> for RouteError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl RouteError {
    pub(super) fn failed(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "a FHIR request failed");
        Self::Failed
    }
}

impl IntoResponse for RouteError {
    fn into_response(self) -> Response {
        match self {
            Self::NoSuchTenant => outcome(
                StatusCode::NOT_FOUND,
                IssueCode::NotFound,
                "there is no such tenant",
            ),
            Self::NoToken => challenge(
                outcome(
                    StatusCode::UNAUTHORIZED,
                    IssueCode::Login,
                    "send an access token as `Authorization: Bearer`",
                ),
                "Bearer",
            ),
            Self::BadToken => challenge(
                outcome(
                    StatusCode::UNAUTHORIZED,
                    IssueCode::Expired,
                    "the access token is not in force",
                ),
                r#"Bearer error="invalid_token""#,
            ),
            Self::NotAcceptable => outcome(
                StatusCode::NOT_ACCEPTABLE,
                IssueCode::NotSupported,
                "this server speaks application/fhir+json",
            ),
            Self::Failed => outcome(
                StatusCode::INTERNAL_SERVER_ERROR,
                IssueCode::Exception,
                "the server failed",
            ),
            Self::Refused(refusal) => refused(refusal),
        }
    }
}

fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::NotGranted(scope) => {
            let text = format!("the scope {scope} was not granted");
            // The scope is of our own making: letters, digits and a few marks.
            let challenge_text = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
            challenge(
                outcome(StatusCode::FORBIDDEN, IssueCode::Forbidden, &text),
                &challenge_text,
            )
        }
        Refusal::Relation => outcome(
            StatusCode::FORBIDDEN,
            IssueCode::Forbidden,
            "the user may not do this for this patient",
        ),
        Refusal::NotFound => outcome(
            StatusCode::NOT_FOUND,
            IssueCode::NotFound,
            "there is no such resource here",
        ),
        Refusal::Gone => outcome(
            StatusCode::GONE,
            IssueCode::Deleted,
            "the resource was deleted",
        ),
        Refusal::Conflict(current) => outcome(
            StatusCode::PRECONDITION_FAILED,
            IssueCode::Conflict,
            &format!("the current version is {current}"),
        ),
        Refusal::Invalid(problem) => outcome(StatusCode::BAD_REQUEST, IssueCode::Invalid, &problem),
        Refusal::TooCostly(limit) => outcome(StatusCode::BAD_REQUEST, IssueCode::TooCostly, &limit),
        Refusal::Terminated(_) => challenge(
            outcome(
                StatusCode::UNAUTHORIZED,
                IssueCode::Expired,
                "access was withdrawn",
            ),
            r#"Bearer error="invalid_token""#,
        ),
        Refusal::BadCursor => outcome(
            StatusCode::GONE,
            IssueCode::NotFound,
            "this page link is not valid for this token any more: search again",
        ),
        Refusal::Unavailable => outcome(
            StatusCode::SERVICE_UNAVAILABLE,
            IssueCode::Transient,
            "the server cannot answer now: try again",
        ),
    }
}

/// An OperationOutcome with one issue.
pub(super) fn outcome(status: StatusCode, code: IssueCode, diagnostics: &str) -> Response {
    let body = OperationOutcome::error(code, diagnostics).to_bytes();
    (status, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response()
}

fn challenge(mut response: Response, challenge: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(challenge) {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
