//! Token revocation (RFC 7009).

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use glovebox_authorization::Revoked;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};

use super::client_request::ClientRequest;
use super::cors::{self, Allowed};
use super::error::{RouteError, Scheme};
use crate::http::App;

/// `OPTIONS /oauth/{tenant}/revoke`.
pub async fn options(
    State(app): State<App>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    let allowed = Allowed::of(&app, &tenant, &headers).await;
    cors::preflight(&allowed)
}

/// `POST /oauth/{tenant}/revoke`: 200 when the token is worth nothing any more, also when it
/// never was worth anything.
pub async fn post(
    State(app): State<App>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let allowed = Allowed::of(&app, &tenant, &headers).await;
    let answer = revoke(&app, &tenant, query.as_deref(), &headers, &body).await;
    let mut response = answer.map_or_else(IntoResponse::into_response, IntoResponse::into_response);
    allowed.mark(&mut response);
    response
}

async fn revoke(
    app: &App,
    tenant: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<StatusCode, RouteError> {
    let ClientRequest { tenant, request } = ClientRequest::read(app, tenant, query, headers, body)?;
    let now = app.clock.now();
    let care = &app.authorization.token_care;
    let url = app.settings.token_url(&tenant);
    let failed = |error| RouteError::Token {
        tenant: tenant.clone(),
        error,
        scheme: Scheme::of(&request),
    };
    let client = care.client(&tenant, &request, &[&url], now).await;
    let client = client.map_err(failed)?;
    let token = request.required("token").map_err(failed)?;
    let revoked = care.revoke(&client, token, now).await;
    let revoked = revoked.map_err(|problem| {
        tracing::error!(error = %problem, "a revocation could not be confirmed");
        RouteError::Failed
    })?;
    let subject = Subject {
        tenant: Some(tenant.clone()),
        client: Some(client.id.clone()),
        ..Subject::default()
    };
    let event = Event::new(Kind::Token, "revoke", subject, Outcome::Ok);
    let event = match revoked {
        Revoked::AccessToken(id) => event.with("token", id),
        Revoked::Grant(id) => event.with("grant", id),
        Revoked::Nothing => return Ok(StatusCode::OK),
    };
    let recorded = app.ledger.append_durable(event).await;
    recorded.map_err(|problem| {
        tracing::error!(error = %problem, "a revocation could not be recorded");
        RouteError::Failed
    })?;
    Ok(StatusCode::OK)
}
