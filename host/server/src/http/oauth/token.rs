//! The token endpoint (RFC 6749 section 3.2).

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use glovebox_authorization::id_token::subject;
use glovebox_authorization::{
    FhirUserClaim, Grant, IdTokenClaims, TokenError, TokenRequest, TokenResponse,
};
use glovebox_model::TenantId;
use glovebox_model::launch::ContextItem;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use serde_json::{Map, Value, json};

use super::client_request::ClientRequest;
use super::cors::{self, Allowed};
use super::error::{RouteError, Scheme};
use crate::http::App;

/// `OPTIONS /oauth/{tenant}/token`.
pub async fn options(
    State(app): State<App>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    let allowed = Allowed::of(&app, &tenant, &headers).await;
    cors::preflight(&allowed)
}

/// `POST /oauth/{tenant}/token`.
pub async fn post(
    State(app): State<App>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let allowed = Allowed::of(&app, &tenant, &headers).await;
    let answer = answer(&app, &tenant, query.as_deref(), &headers, &body).await;
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    let no_cache = header::HeaderValue::from_static("no-cache");
    response.headers_mut().insert(header::PRAGMA, no_cache);
    allowed.mark(&mut response);
    response
}

async fn answer(
    app: &App,
    tenant: &str,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, RouteError> {
    let ClientRequest { tenant, request } =
        match ClientRequest::read(app, tenant, query, headers, body) {
            Ok(read) => read,
            Err(RouteError::Token {
                tenant,
                error,
                scheme,
            }) => {
                record(app, &tenant, "unreadable", None, Err(&error)).await?;
                return Err(RouteError::Token {
                    tenant,
                    error,
                    scheme,
                });
            }
            Err(other) => return Err(other),
        };
    let url = app.settings.token_url(&tenant);
    let endpoint = &app.authorization.token_endpoint;
    let what = match request.get("grant_type") {
        Some("authorization_code") => "authorization_code",
        Some("refresh_token") => "refresh_token",
        Some("client_credentials") => "client_credentials",
        _ => "unknown",
    };
    match endpoint
        .token(&tenant, &request, &url, app.clock.now())
        .await
    {
        Ok(issued) => {
            record(app, &tenant, what, Some(&request), Ok(&issued)).await?;
            respond(app, &tenant, &issued).await
        }
        Err(error) => {
            if let TokenError::Server(problem) = &error {
                tracing::error!(error = %problem, "the token endpoint failed");
            }
            record(app, &tenant, what, Some(&request), Err(&error)).await?;
            Err(RouteError::Token {
                tenant,
                error,
                scheme: Scheme::of(&request),
            })
        }
    }
}

async fn respond(
    app: &App,
    tenant: &TenantId,
    issued: &TokenResponse,
) -> Result<Response, RouteError> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    put("access_token", issued.access_token.expose().into());
    put("token_type", issued.token_type().into());
    put("expires_in", issued.expires_in.into());
    put("scope", issued.scope.to_string().into());
    if let Some(refresh_token) = &issued.refresh_token {
        put("refresh_token", refresh_token.expose().into());
    }
    if let Some(grant) = &issued.grant {
        for (name, value) in context_members(app, grant) {
            put(name, value);
        }
    }
    if let Some(text) = id_token(app, tenant, issued).await? {
        put("id_token", text.into());
    }
    Ok((StatusCode::OK, Json(Value::Object(body))).into_response())
}

/// The launch context as members next to the token (SMART App Launch 2.2, "Launch context
/// arrives with your access_token").
pub(super) fn context_members(app: &App, grant: &Grant) -> Vec<(&'static str, Value)> {
    let context = &grant.context;
    let mut members = vec![
        ("need_patient_banner", context.needs_patient_banner.into()),
        ("smart_style_url", app.settings.smart_style_url().into()),
        ("tenant", grant.tenant.as_str().into()),
    ];
    if let Some(patient) = &context.patient {
        members.push(("patient", patient.as_str().into()));
    }
    if let Some(encounter) = &context.encounter {
        members.push(("encounter", encounter.as_str().into()));
    }
    if let Some(intent) = &context.intent {
        members.push(("intent", intent.as_str().into()));
    }
    if !context.fhir_context.is_empty() {
        let items: Vec<Value> = context.fhir_context.iter().map(context_item).collect();
        members.push(("fhirContext", items.into()));
    }
    members
}

fn context_item(item: &ContextItem) -> Value {
    let mut object = Map::new();
    if let Some(reference) = &item.reference {
        object.insert("reference".to_owned(), reference.as_str().into());
    }
    if let Some(canonical) = &item.canonical {
        object.insert("canonical".to_owned(), canonical.as_str().into());
    }
    // Leaving the role out means `launch`.
    if item.role != "launch" {
        object.insert("role".to_owned(), item.role.as_str().into());
    }
    Value::Object(object)
}

async fn id_token(
    app: &App,
    tenant: &TenantId,
    issued: &TokenResponse,
) -> Result<Option<String>, RouteError> {
    let (Some(open_id), Some(grant)) = (&issued.open_id, &issued.grant) else {
        return Ok(None);
    };
    let base = app.settings.fhir_url(tenant);
    let fhir_user = open_id.fhir_user.as_ref();
    let claims = IdTokenClaims {
        issuer: &app.settings.issuer(tenant),
        subject: &subject(tenant, &open_id.user),
        client: &issued.client.id,
        auth_time: open_id.signed_in_at,
        nonce: open_id.nonce.as_deref(),
        access_token: Some(issued.access_token.expose()),
        session: Some(&grant.id),
        fhir_user: fhir_user.map(|reference| FhirUserClaim {
            base: &base,
            reference,
        }),
    };
    let keys = &app.authorization.signing_keys;
    let signed = keys.sign_id_token(tenant, &claims, app.clock.now()).await;
    signed.map(Some).map_err(|problem| {
        tracing::error!(error = %problem, "an id_token could not be signed");
        RouteError::Failed
    })
}

async fn record(
    app: &App,
    tenant: &TenantId,
    what: &'static str,
    request: Option<&TokenRequest>,
    result: Result<&TokenResponse, &TokenError>,
) -> Result<(), RouteError> {
    let mut subject = Subject {
        tenant: Some(tenant.clone()),
        ..Subject::default()
    };
    let event = match result {
        Ok(issued) => {
            subject.client = Some(issued.client.id.clone());
            let grant = issued.grant.as_ref();
            subject.user = grant.map(|grant| grant.user.clone());
            subject.patient = grant.and_then(|grant| grant.context.patient.clone());
            let event = Event::new(Kind::Token, what, subject, Outcome::Ok)
                .with("token", issued.token_id.as_str())
                .with("granted", issued.scope.to_string());
            match grant {
                Some(grant) => event.with("grant", grant.id.as_str()),
                None => event,
            }
        }
        Err(refused) => {
            // These come after the client was taken for who it says.
            let is_known = matches!(
                refused,
                TokenError::UnauthorizedClient
                    | TokenError::InvalidScope(_)
                    | TokenError::InvalidGrant(_)
            );
            if is_known {
                subject.client = request.and_then(TokenRequest::claimed_client);
            }
            let outcome = Outcome::Denied(refused.cause().to_owned());
            let event = Event::new(Kind::Token, what, subject.clone(), outcome);
            let event = match request {
                Some(request) if !is_known => super::claimed(event, request),
                _ => event,
            };
            match refused {
                TokenError::InvalidGrant(cause) if let Some(grant) = cause.ended_grant() => {
                    // Somebody has a copy of what only one client should have.
                    let incident = Event::new(Kind::Incident, cause.code(), subject, Outcome::Ok)
                        .with("grant", grant);
                    append(app, incident).await?;
                    event.with("grant", grant)
                }
                _ => event,
            }
        }
    };
    append(app, event).await
}

async fn append(app: &App, event: Event) -> Result<(), RouteError> {
    let appended = app.ledger.append_durable(event).await;
    appended.map(|_| ()).map_err(|problem| {
        tracing::error!(error = %problem, "no token is issued: the ledger cannot be written");
        RouteError::Failed
    })
}

/// What introspection says about a grant's launch context, in the words of the token
/// response.
pub(super) fn introspected_context(app: &App, grant: &Grant) -> Value {
    let members = context_members(app, grant);
    let object: Map<String, Value> = members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    json!(object)
}
