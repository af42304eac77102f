//! The token endpoint (RFC 6749 section 3.2).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use glovebox_authorization::{TokenError, TokenRequest, TokenResponse};
use glovebox_model::TenantId;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use serde_json::json;

use crate::http::App;

/// What went wrong, in the protocol's words (RFC 6749 section 5.2).
#[derive(Debug)]
pub enum RouteError {
    /// There is no such tenant.
    NoSuchTenant,
    /// The body is not a form.
    NotAForm,
    /// The request was refused.
    Token(TokenError),
    /// The ledger could not be written, so no token is given.
    Ledger,
}

impl IntoResponse for RouteError {
    fn into_response(self) -> Response {
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
            Self::Ledger => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "the server cannot issue tokens now".to_owned(),
            ),
            Self::Token(error) => {
                let status = match &error {
                    TokenError::InvalidClient(_) => StatusCode::UNAUTHORIZED,
                    TokenError::Server(_) => StatusCode::INTERNAL_SERVER_ERROR,
                    TokenError::InvalidRequest(_)
                    | TokenError::UnauthorizedClient
                    | TokenError::UnsupportedGrantType
                    | TokenError::InvalidScope(_) => StatusCode::BAD_REQUEST,
                };
                (status, error.code(), error.description())
            }
        };
        let body = json!({ "error": error, "error_description": description });
        (status, [(header::PRAGMA, "no-cache")], Json(body)).into_response()
    }
}

/// `POST /oauth/{tenant}/token`.
pub async fn post(
    State(app): State<App>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, RouteError> {
    let tenant: TenantId = tenant.parse().map_err(|_| RouteError::NoSuchTenant)?;
    if app.settings.tenant_name(&tenant).is_none() {
        return Err(RouteError::NoSuchTenant);
    }
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(RouteError::NotAForm);
    }
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let url = app.settings.token_url(&tenant);
    let answer = match TokenRequest::new(pairs, headers.contains_key(header::AUTHORIZATION)) {
        Ok(request) => {
            app.authorization
                .token_endpoint
                .token(&tenant, &request, &url, app.clock.now())
                .await
        }
        Err(refused) => Err(refused),
    };
    match answer {
        Ok(issued) => {
            record(&app, &tenant, Ok(&issued)).await?;
            Ok(respond(&issued))
        }
        Err(refused) => {
            if let TokenError::Server(problem) = &refused {
                tracing::error!(error = %problem, "the token endpoint failed");
            }
            record(&app, &tenant, Err(&refused)).await?;
            Err(RouteError::Token(refused))
        }
    }
}

fn respond(issued: &TokenResponse) -> Response {
    let body = json!({
        "access_token": issued.access_token.expose(),
        "token_type": TokenResponse::TOKEN_TYPE,
        "expires_in": issued.expires_in,
        "scope": issued.scope.to_string(),
    });
    ([(header::PRAGMA, "no-cache")], Json(body)).into_response()
}

async fn record(
    app: &App,
    tenant: &TenantId,
    result: Result<&TokenResponse, &TokenError>,
) -> Result<(), RouteError> {
    let mut subject = Subject {
        tenant: Some(tenant.clone()),
        ..Subject::default()
    };
    let event = match result {
        Ok(issued) => {
            subject.client = Some(issued.client.id.clone());
            Event::new(Kind::Token, "client_credentials", subject, Outcome::Ok)
                .with("token", issued.token_id.as_str())
                .with("granted", issued.scope.to_string())
        }
        Err(refused) => {
            let outcome = Outcome::Denied(refused.cause().to_owned());
            Event::new(Kind::Token, "client_credentials", subject, outcome)
        }
    };
    let appended = app.ledger.append_durable(event).await;
    appended.map(|_| ()).map_err(|problem| {
        tracing::error!(error = %problem, "no token is issued: the ledger cannot be written");
        RouteError::Ledger
    })
}
