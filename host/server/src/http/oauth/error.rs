//! What went wrong, in the protocol's words (RFC 6749 section 5.2).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use glovebox_authorization::{TokenError, TokenRequest};
use glovebox_model::TenantId;
use serde_json::json;

/// Why a request to a client's endpoint was not carried out.
#[derive(Debug)]
pub enum RouteError {
    /// There is no such tenant.
    NoSuchTenant,
    /// The body is not a form.
    NotAForm,
    /// Parameters stand in the address, where logs keep them (RFC 6749 section 3.2).
    InAddress,
    /// The request was refused.
    Token {
        /// Where.
        tenant: TenantId,
        /// Why.
        error: TokenError,
        /// How the client tried to prove who it is, if by its `Authorization` header.
        scheme: Option<Scheme>,
    },
    /// The client asked too often; it may ask again after this time.
    TooMany(std::time::Duration),
    /// The server failed; the cause is in the log.
    Failed,
}

/// A scheme of the `Authorization` header, which a refusal names (RFC 6749 section 5.2,
/// RFC 6750 section 3).
#[derive(Clone, Copy, Debug)]
pub enum Scheme {
    /// A client's id and secret, and whatever cannot be read.
    Basic,
    /// An access token.
    Bearer,
}

impl Scheme {
    /// That of a request which should prove a client.
    pub(super) fn of(request: &TokenRequest) -> Option<Self> {
        request.has_authorization_header().then_some(Self::Basic)
    }

    fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Basic => "Basic realm=\"glovebox\"",
            Self::Bearer => "Bearer realm=\"glovebox\", error=\"invalid_token\"",
        })
    }
}

impl IntoResponse for RouteError {
    fn into_response(self) -> Response {
        let mut challenge = None;
        let (status, error, description) = match self {
            Self::NoSuchTenant => (
                StatusCode::NOT_FOUND,
                "invalid_request",
                "there is no such tenant".to_owned(),
            ),
            Self::NotAForm => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "send application/x-www-form-urlencoded".to_owned(),
            ),
            Self::InAddress => (
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "send the parameters in the body, none in the address".to_owned(),
            ),
            Self::TooMany(wait) => return super::rate::answer(wait),
            Self::Failed => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "the server cannot answer now".to_owned(),
            ),
            Self::Token { error, scheme, .. } => {
                let status = match &error {
                    TokenError::InvalidClient(_) => StatusCode::UNAUTHORIZED,
                    TokenError::Server(_) | TokenError::Unrecorded => {
                        StatusCode::INTERNAL_SERVER_ERROR
                    }
                    TokenError::InvalidRequest(_)
                    | TokenError::InvalidProof(_)
                    | TokenError::InvalidAuthorization(..)
                    | TokenError::InvalidGrant(_)
                    | TokenError::UnauthorizedClient
                    | TokenError::UnsupportedGrantType
                    | TokenError::InvalidScope(_) => StatusCode::BAD_REQUEST,
                };
                if status == StatusCode::UNAUTHORIZED {
                    challenge = scheme.map(Scheme::challenge);
                }
                (status, error.code(), error.description())
            }
        };
        let body = json!({ "error": error, "error_description": description });
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
