//! Dynamic client registration (RFC 7591), where the operator turned it on: with a token that
//! an administrator gave out, and for nothing but a registration that waits for one.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use glovebox_authorization::{Error, Registered, RegistrationToken};
use glovebox_model::TenantId;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use serde_json::{Map, Value, json};

use crate::http::App;
use crate::http::api::clients;

/// What RFC 7591 has and this server reads; the rest is ignored, as its section 2 says.
/// `terms` is not among it: what an approval says is the administrator's to say.
const READ: [&str; 15] = [
    "client_name",
    "owner",
    "security_contact",
    "token_endpoint_auth_method",
    "grant_types",
    "redirect_uris",
    "launch_uri",
    "scope",
    "jwks",
    "jwks_uri",
    "justifications",
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens",
    "contacts",
    "initiate_login_uri",
];

/// Why nothing was registered (RFC 7591 section 3.2.2, RFC 6750 section 3.1).
#[derive(Debug)]
pub enum RegisterRefused {
    /// There is no such tenant, or it has no dynamic registration.
    Off,
    /// The token is missing, unknown, used, too old or another tenant's.
    Token,
    /// A redirect URI breaks a rule.
    RedirectUri(String),
    /// Something else breaks a rule.
    Metadata(String),
    /// The server failed; the cause is in the log.
    Failed,
}

impl IntoResponse for RegisterRefused {
    fn into_response(self) -> Response {
        let mut challenge = false;
        let (status, error, description) = match self {
            Self::Off => (
                StatusCode::NOT_FOUND,
                "invalid_request",
                "clients do not register themselves here: ask an administrator".to_owned(),
            ),
            Self::Token => {
                challenge = true;
                (
                    StatusCode::UNAUTHORIZED,
                    "invalid_token",
                    "send the initial access token that an administrator gave out; each is good once"
                        .to_owned(),
                )
            }
            Self::RedirectUri(why) => (StatusCode::BAD_REQUEST, "invalid_redirect_uri", why),
            Self::Metadata(why) => (StatusCode::BAD_REQUEST, "invalid_client_metadata", why),
            Self::Failed => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "the server cannot answer now".to_owned(),
            ),
        };
        let body = json!({ "error": error, "error_description": description });
        let mut response = (status, Json(body)).into_response();
        if challenge {
            let value = "Bearer realm=\"glovebox\", error=\"invalid_token\"";
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        response
    }
}

/// `POST /oauth/{tenant}/register`.
pub async fn post(
    State(app): State<App>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, RegisterRefused> {
    let tenant: TenantId = tenant.parse().map_err(|_| RegisterRefused::Off)?;
    if !app.settings.oauth.registration.contains(&tenant) {
        return Err(RegisterRefused::Off);
    }
    let token = token(&app, &tenant, &headers).await?;
    let registered = match register(&app, &tenant, &token, &body).await {
        Ok(registered) => registered,
        Err(refused) => {
            let outcome = Outcome::Denied("registration".to_owned());
            record(&app, &tenant, None, &token, outcome).await?;
            return Err(refused);
        }
    };
    let client = &registered.client;
    record(&app, &tenant, Some(client), &token, Outcome::Ok).await?;
    let mut answer = clients::describe(client);
    if let Some(members) = answer.as_object_mut() {
        members.insert("status".to_owned(), "pending".into());
        members.insert(
            "client_id_issued_at".to_owned(),
            app.clock.now().seconds().into(),
        );
        clients::add_secret(members, registered.secret.as_ref());
    }
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn token(
    app: &App,
    tenant: &TenantId,
    headers: &HeaderMap,
) -> Result<RegistrationToken, RegisterRefused> {
    let presented = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .ok_or(RegisterRefused::Token)?;
    let tokens = &app.authorization.registration_tokens;
    let found = tokens
        .verify(tenant, presented.1.trim(), app.clock.now())
        .await;
    found.map_err(failed)?.ok_or(RegisterRefused::Token)
}

async fn register(
    app: &App,
    tenant: &TenantId,
    token: &RegistrationToken,
    body: &[u8],
) -> Result<Registered, RegisterRefused> {
    let wrong = |why: &str| RegisterRefused::Metadata(why.to_owned());
    let body: Value = serde_json::from_slice(body).map_err(|_| wrong("send a JSON object"))?;
    let Value::Object(all) = body else {
        return Err(wrong("send a JSON object"));
    };
    let registration =
        clients::read_metadata(tenant, known(all)).map_err(RegisterRefused::Metadata)?;
    let clients = &app.authorization.clients;
    clients.check(&registration).map_err(invalid)?;
    // Before anything is kept: of two requests with one token, one registers.
    let tokens = &app.authorization.registration_tokens;
    if !tokens.use_up(token).await.map_err(failed)? {
        return Err(RegisterRefused::Token);
    }
    clients.propose(registration).await.map_err(invalid)
}

fn invalid(problem: Error) -> RegisterRefused {
    match problem {
        Error::Invalid {
            what: "redirect_uris",
            ..
        } => RegisterRefused::RedirectUri(problem.to_string()),
        Error::Invalid { .. } | Error::Exists { .. } => {
            RegisterRefused::Metadata(problem.to_string())
        }
        other => failed(other),
    }
}

/// What is read, in our words: `contacts` is whom to call.
fn known(all: Map<String, Value>) -> Map<String, Value> {
    let mut known: Map<String, Value> = all
        .into_iter()
        .filter(|(name, value)| READ.contains(&name.as_str()) && !value.is_null())
        .collect();
    let contact = known.remove("contacts");
    let contact = contact.as_ref().and_then(|list| list.get(0)).cloned();
    if let Some(contact) = contact {
        known.entry("security_contact").or_insert(contact);
    }
    if let Some(launch) = known.remove("initiate_login_uri") {
        known.entry("launch_uri").or_insert(launch);
    }
    known
}

async fn record(
    app: &App,
    tenant: &TenantId,
    client: Option<&glovebox_authorization::Client>,
    token: &RegistrationToken,
    outcome: Outcome,
) -> Result<(), RegisterRefused> {
    let subject = Subject {
        tenant: Some(tenant.clone()),
        client: client.map(|client| client.id.clone()),
        ..Subject::default()
    };
    let event = Event::new(Kind::ClientChange, "propose", subject, outcome)
        .with("registration_token", token.id.as_str())
        .with("issued_by", token.issued_by.as_str());
    let recorded = app.ledger.append_durable(event).await;
    recorded.map(|_| ()).map_err(|problem| {
        tracing::error!(error = %problem, "a registration could not be recorded");
        RegisterRefused::Failed
    })
}

fn failed(problem: Error) -> RegisterRefused {
    tracing::error!(error = %problem, "a registration failed");
    RegisterRefused::Failed
}
