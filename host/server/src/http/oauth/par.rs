//! Pushed authorization requests (RFC 9126).

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use glovebox_authorization::{DpopHeader, PUSHED_TTL, ProvenRequest, TokenError, TokenRequest};
use glovebox_model::TenantId;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use serde_json::json;

use super::client_request::ClientRequest;
use super::cors::{self, Allowed};
use super::error::{RouteError, Scheme};
use crate::config::Endpoint;
use crate::http::App;

/// `OPTIONS /oauth/{tenant}/par`.
pub async fn options(
    State(app): State<App>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    let allowed = Allowed::of(&app, &tenant, &headers).await;
    cors::preflight(&allowed)
}

/// `POST /oauth/{tenant}/par`.
pub async fn post(
    State(app): State<App>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let allowed = Allowed::of(&app, &tenant, &headers).await;
    let answer = push(&app, &tenant, query.as_deref(), &headers, &body).await;
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    allowed.mark(&mut response);
    response
}

async fn push(
    app: &App,
    tenant: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, RouteError> {
    let ClientRequest { tenant, request } = ClientRequest::read(app, tenant, query, headers, body)?;
    match begin(app, &tenant, &request).await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            let subject = Subject {
                tenant: Some(tenant.clone()),
                ..Subject::default()
            };
            let outcome = Outcome::Denied(error.cause().to_owned());
            let event = Event::new(Kind::Authorize, "push", subject, outcome);
            record(app, super::claimed(event, &request))?;
            if let TokenError::Server(problem) = &error {
                tracing::error!(error = %problem, "a request could not be pushed");
            }
            Err(RouteError::Token {
                tenant,
                error,
                scheme: Scheme::of(&request),
            })
        }
    }
}

async fn begin(
    app: &App,
    tenant: &TenantId,
    request: &TokenRequest,
) -> Result<Response, TokenError> {
    let now = app.clock.now();
    let own = app.settings.endpoint(tenant, Endpoint::PushedRequest);
    let (issuer, token_url) = (app.settings.issuer(tenant), app.settings.token_url(tenant));
    // RFC 9126 section 2: each of these names this server.
    let audiences = [own.as_str(), issuer.as_str(), token_url.as_str()];
    let care = &app.authorization.token_care;
    let client = care.client(tenant, request, &audiences, now).await?;
    let thumbprint = match request.proof() {
        DpopHeader::None => None,
        proof => {
            let proven = ProvenRequest {
                method: "POST",
                url: &own,
                access_token: None,
                thumbprint: None,
            };
            let proofs = &app.authorization.proofs;
            let verified = proofs.verify(proof, proven, now).await?;
            Some(verified.map_err(TokenError::InvalidProof)?)
        }
    };
    let base = app.settings.fhir_url(tenant);
    let requests = &app.authorization.requests;
    let pushed = requests
        .push(
            tenant,
            &base,
            &client,
            request.pairs(),
            thumbprint.as_deref(),
            now,
        )
        .await?;
    let pushed = pushed
        .map_err(|(error, description)| TokenError::InvalidAuthorization(error, description))?;
    let subject = Subject {
        tenant: Some(tenant.clone()),
        client: Some(client.id.clone()),
        ..Subject::default()
    };
    let event = Event::new(Kind::Authorize, "push", subject, Outcome::Ok)
        .with("request", pushed.id.as_str());
    record(app, event).map_err(|_| TokenError::Unrecorded)?;
    let body = json!({
        "request_uri": pushed.request_uri.expose(),
        "expires_in": PUSHED_TTL.as_secs(),
    });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

fn record(app: &App, event: Event) -> Result<(), RouteError> {
    let appended = app.ledger.append(event);
    appended.map(|_| ()).map_err(|problem| {
        tracing::error!(error = %problem, "a pushed request could not be recorded");
        RouteError::Failed
    })
}
