//! OAuth clients: registered, looked at and removed by administrators. The metadata is that
//! of RFC 7591; who owns the client, whom to call and why it asks stand beside it.

pub mod registration;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use glovebox_authorization::{
    Client, ClientKey, ClientKind, ClientRegistration, ClientRules, Error, Registered, SecretText,
};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::scope::{Scope, ScopeSet};
use glovebox_model::{ClientId, Role, TenantId};
use glovebox_policy::Terms;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::InTenant;
use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;

/// Fewest characters in which a reason says something.
const JUSTIFICATION_CHARS_MIN: usize = 10;

/// What is registered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientBody {
    tenant: Option<String>,
    client_id: Option<String>,
    client_name: String,
    owner: String,
    security_contact: String,
    token_endpoint_auth_method: String,
    #[serde(default)]
    grant_types: Vec<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    launch_uri: Option<String>,
    scope: String,
    jwks: Option<Value>,
    jwks_uri: Option<String>,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    #[serde(default)]
    dpop_bound_access_tokens: bool,
    /// Why it asks, by scope as it is written in `scope`.
    #[serde(default)]
    justifications: BTreeMap<String, String>,
    terms: Option<Value>,
}

/// `POST /api/v1/clients`.
pub async fn register(
    State(app): State<App>,
    who: Bearer,
    Json(body): Json<ClientBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, body.tenant.as_deref())?;
    let registration = read(&tenant, body)?;
    let registered = app.authorization.clients.register(registration).await;
    let Registered { client, secret } = registered.map_err(refused)?;
    record(&app, &who, &client.tenant, &client.id, "register").await?;
    let mut answer = describe(&client);
    if let Some(members) = answer.as_object_mut() {
        add_secret(members, secret.as_ref());
    }
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Adds a client's secret to the one answer that shows it.
pub(in crate::http) fn add_secret(members: &mut Map<String, Value>, secret: Option<&SecretText>) {
    if let Some(secret) = secret {
        members.insert("client_secret".to_owned(), secret.expose().into());
        // RFC 7591 section 3.2.1: it does not expire.
        members.insert("client_secret_expires_at".to_owned(), 0.into());
    }
}

/// What a vendor registers by itself (RFC 7591 section 2), checked as what an administrator
/// registers is. The error says what is wrong.
pub(in crate::http) fn read_metadata(
    tenant: &TenantId,
    metadata: Map<String, Value>,
) -> Result<ClientRegistration, String> {
    let body = serde_json::from_value(Value::Object(metadata));
    let body = body.map_err(|problem| problem.to_string())?;
    read(tenant, body).map_err(|problem| problem.detail().to_owned())
}

/// `GET /api/v1/clients`: also those that wait to be approved.
pub async fn list(
    State(app): State<App>,
    who: Bearer,
    Query(address): Query<InTenant>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let clients = app.authorization.clients.list(&tenant).await;
    let mut items: Vec<Value> = clients.map_err(refused)?.iter().map(describe).collect();
    let pending = app.authorization.clients.pending(&tenant).await;
    items.extend(pending.map_err(refused)?.iter().map(|client| {
        let mut described = describe(client);
        if let Some(members) = described.as_object_mut() {
            members.insert("status".to_owned(), "pending".into());
        }
        described
    }));
    Ok(Json(json!({ "items": items, "next": null })))
}

/// `GET /api/v1/clients/{client}`.
pub async fn get(
    State(app): State<App>,
    who: Bearer,
    Path(id): Path<String>,
    Query(address): Query<InTenant>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    find(&app, &tenant, &id)
        .await
        .map(|client| Json(describe(&client)))
}

/// `DELETE /api/v1/clients/{client}`: when it is answered, none of its tokens opens anything.
pub async fn remove(
    State(app): State<App>,
    who: Bearer,
    Path(id): Path<String>,
    Query(address): Query<InTenant>,
) -> Result<StatusCode, Problem> {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let client = find_any(&app, &tenant, &id).await?;
    let removed = app.authorization.delete_client(&tenant, &client.id).await;
    removed.map_err(refused)?;
    record(&app, &who, &tenant, &client.id, "remove").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A client, or a registration that waits.
async fn find_any(app: &App, tenant: &TenantId, id: &str) -> Result<Client, Problem> {
    let pending = app.authorization.clients.pending(tenant).await;
    let mut pending = pending.map_err(refused)?.into_iter();
    match pending.find(|client| client.id.as_str() == id) {
        Some(client) => Ok(client),
        None => find(app, tenant, id).await,
    }
}

async fn find(app: &App, tenant: &TenantId, id: &str) -> Result<Client, Problem> {
    let unknown = || Problem::not_found("there is no such client");
    let id: ClientId = id.parse().map_err(|_| unknown())?;
    let found = app.authorization.clients.get(tenant, &id).await;
    found.map_err(refused)?.ok_or_else(unknown)
}

fn read(tenant: &TenantId, body: ClientBody) -> Result<ClientRegistration, Problem> {
    let wrong = |problem: String| invalid(&problem);
    let is_backend = body
        .grant_types
        .iter()
        .any(|one| one == "client_credentials");
    let is_app = body
        .grant_types
        .iter()
        .any(|one| one != "client_credentials");
    if is_backend && is_app {
        return Err(invalid(
            "grant_types: a backend service and an app are two clients",
        ));
    }
    let kind = match body.token_endpoint_auth_method.as_str() {
        "none" if !is_backend => ClientKind::Public,
        "client_secret_basic" | "client_secret_post" if !is_backend => {
            ClientKind::ConfidentialSymmetric
        }
        "private_key_jwt" if is_backend => ClientKind::Backend,
        "private_key_jwt" => ClientKind::ConfidentialAsymmetric,
        _ if is_backend => {
            return Err(invalid(
                "token_endpoint_auth_method: a backend service signs, with private_key_jwt",
            ));
        }
        _ => {
            return Err(invalid(
                "token_endpoint_auth_method: none, client_secret_basic, client_secret_post or private_key_jwt",
            ));
        }
    };
    let scope = ScopeSet::parse(&body.scope).map_err(|problem| wrong(problem.to_string()))?;
    check_justifications(&scope, &body.justifications)?;
    let id = body.client_id.map(|id| id.parse()).transpose();
    let keys = body.jwks.as_ref().map(ClientKey::from_jwks).transpose();
    let terms = body.terms.as_ref().map(Terms::from_json).transpose();
    Ok(ClientRegistration {
        id: id.map_err(|problem: glovebox_model::id::InvalidId| wrong(problem.to_string()))?,
        tenant: tenant.clone(),
        kind,
        name: body.client_name,
        owner: body.owner,
        security_contact: body.security_contact,
        keys: keys.map_err(refused)?.unwrap_or_default(),
        jwks_uri: body.jwks_uri,
        rules: ClientRules {
            require_pushed_authorization_requests: body.require_pushed_authorization_requests,
            dpop_bound_access_tokens: body.dpop_bound_access_tokens,
        },
        redirect_uris: body.redirect_uris,
        launch_uri: body.launch_uri,
        scope,
        justifications: body.justifications,
        // What nobody wrote is what an approval says by itself: writes wait for a clinician.
        terms: match terms.map_err(|problem| wrong(problem.to_string()))? {
            Some(terms) => terms,
            None => Terms::approved(),
        },
    })
}

/// Each scope that opens something, and each that lasts, has a reason that somebody can
/// judge.
fn check_justifications(scope: &ScopeSet, given: &BTreeMap<String, String>) -> Result<(), Problem> {
    let needs_one = |scope: &&Scope| {
        scope.as_resource().is_some() || matches!(scope, Scope::OfflineAccess | Scope::OnlineAccess)
    };
    for scope in scope.iter().filter(needs_one) {
        let text = given.get(&scope.to_string());
        if text.is_none_or(|text| text.trim().chars().count() < JUSTIFICATION_CHARS_MIN) {
            return Err(invalid(&format!(
                "justifications: say for `{scope}` which act of a user needs it"
            )));
        }
    }
    Ok(())
}

pub(in crate::http) fn describe(client: &Client) -> Value {
    let (method, grants) = match client.kind {
        ClientKind::Public => ("none", &["authorization_code", "refresh_token"][..]),
        ClientKind::ConfidentialSymmetric => (
            "client_secret_basic",
            &["authorization_code", "refresh_token"][..],
        ),
        ClientKind::ConfidentialAsymmetric => (
            "private_key_jwt",
            &["authorization_code", "refresh_token"][..],
        ),
        ClientKind::Backend => ("private_key_jwt", &["client_credentials"][..]),
    };
    let kids: Vec<&str> = client.keys.iter().map(|key| key.kid.as_str()).collect();
    let mut answer = Map::new();
    for (name, value) in [
        ("client_id", json!(client.id.as_str())),
        ("tenant", json!(client.tenant.as_str())),
        ("client_name", json!(client.name)),
        ("owner", json!(client.owner)),
        ("security_contact", json!(client.security_contact)),
        ("token_endpoint_auth_method", json!(method)),
        ("grant_types", json!(grants)),
        ("redirect_uris", json!(client.redirect_uris)),
        ("launch_uri", json!(client.launch_uri)),
        ("scope", json!(client.scope.to_string())),
        ("key_ids", json!(kids)),
        ("jwks_uri", json!(client.jwks_uri)),
        (
            "require_pushed_authorization_requests",
            json!(client.rules.require_pushed_authorization_requests),
        ),
        (
            "dpop_bound_access_tokens",
            json!(client.rules.dpop_bound_access_tokens),
        ),
        ("justifications", json!(client.justifications)),
        ("terms", client.terms.to_json()),
    ] {
        answer.insert(name.to_owned(), value);
    }
    Value::Object(answer)
}

async fn record(
    app: &App,
    who: &Bearer,
    tenant: &TenantId,
    client: &ClientId,
    what: &'static str,
) -> Result<(), Problem> {
    let subject = Subject {
        tenant: Some(tenant.clone()),
        client: Some(client.clone()),
        user: Some(who.0.user.clone()),
        ..Subject::default()
    };
    let event = Event::new(Kind::ClientChange, what, subject, Outcome::Ok);
    let recorded = app.ledger.append_durable(event).await;
    recorded
        .map(|_| ())
        .map_err(|problem| Problem::internal(&problem))
}

fn invalid(problem: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-client", problem)
}

fn refused(error: Error) -> Problem {
    match error {
        Error::Invalid { .. } => invalid(&error.to_string()),
        Error::Exists { .. } => Problem::new(StatusCode::CONFLICT, "exists", error.to_string()),
        other => Problem::internal(&other),
    }
}
