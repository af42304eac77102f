//! Token introspection (RFC 7662; SMART App Launch 2.2, "Token Introspection").

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use glovebox_authorization::ActiveToken;
use glovebox_authorization::id_token::subject;
use glovebox_authorization::token_endpoint::token_type;
use glovebox_model::TenantId;
use glovebox_model::scope::Scope;
use serde_json::{Value, json};

use super::client_request::ClientRequest;
use super::error::{RouteError, Scheme};
use super::token::introspected_context;
use crate::http::App;

/// `POST /oauth/{tenant}/introspect`.
pub async fn post(
    State(app): State<App>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, RouteError> {
    let ClientRequest { tenant, request } =
        ClientRequest::read(&app, &tenant, query.as_deref(), &headers, &body)?;
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let now = app.clock.now();
    let care = &app.authorization.token_care;
    let url = app.settings.token_url(&tenant);
    let asker = care.asker(&tenant, &request, bearer, &url, now).await;
    let failed = |error| RouteError::Token {
        tenant: tenant.clone(),
        error,
        scheme: match bearer {
            Some(_) => Some(Scheme::Bearer),
            None => Scheme::of(&request),
        },
    };
    let asker = asker.map_err(failed)?;
    let token = request.required("token").map_err(failed)?;
    let found = care.introspect(&asker, token, now).await;
    let found = found.map_err(|problem| {
        tracing::error!(error = %problem, "introspection failed");
        RouteError::Failed
    })?;
    let answer = match found {
        Some(active) => describe(&app, &tenant, &active).await?,
        None => json!({ "active": false }),
    };
    Ok(Json(answer).into_response())
}

async fn describe(app: &App, tenant: &TenantId, active: &ActiveToken) -> Result<Value, RouteError> {
    let token = &active.token;
    let mut answer = match &active.grant {
        Some(grant) => introspected_context(app, grant),
        None => json!({}),
    };
    let base = app.settings.fhir_url(tenant);
    let mut put = |name: &str, value: Value| {
        if let Some(object) = answer.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
    };
    put("active", true.into());
    put("scope", token.scope.to_string().into());
    put("client_id", token.client.as_str().into());
    put("token_type", token_type(token.thumbprint.is_some()).into());
    if let Some(thumbprint) = &token.thumbprint {
        // RFC 9449 section 6.2.
        put("cnf", json!({ "jkt": thumbprint }));
    }
    put("exp", token.expires_at.seconds().into());
    put("iat", token.issued_at.seconds().into());
    put("aud", base.as_str().into());
    put("iss", app.settings.issuer(tenant).into());
    if let Some(user) = &token.user {
        put("sub", subject(tenant, user).into());
        if token.scope.contains(&Scope::FhirUser) {
            let found = app.authorization.users.get(user).await;
            let found = found.map_err(|problem| {
                tracing::error!(error = %problem, "introspection failed");
                RouteError::Failed
            })?;
            if let Some(fhir_user) = found.and_then(|user| user.fhir_user) {
                put("fhirUser", format!("{base}/{fhir_user}").into());
            }
        }
    } else {
        put("sub", token.client.as_str().into());
    }
    Ok(answer)
}
