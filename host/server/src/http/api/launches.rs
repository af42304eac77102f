//! EHR launch: the hospital's EHR asks for an address to send a user's browser to.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use glovebox_authorization::ehr_launch::HANDLE_TTL;
use glovebox_authorization::{Launch, LaunchFor, LaunchTarget};
use glovebox_model::launch::ContextItem;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{AppId, ClientId, PatientId, Role, TenantId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sessions::spoken_for;
use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;

/// What the EHR says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchBody {
    tenant: Option<String>,
    app: Option<String>,
    client_id: Option<String>,
    user: String,
    patient: String,
    encounter: Option<String>,
    intent: Option<String>,
    #[serde(default)]
    fhir_context: Vec<ContextBody>,
}

/// One entry of SMART `fhirContext`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextBody {
    reference: Option<String>,
    canonical: Option<String>,
    role: Option<String>,
}

/// `POST /api/v1/launches`.
pub async fn post(
    State(app): State<App>,
    who: Bearer,
    Json(body): Json<LaunchBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    who.require(&[Role::Ehr])?;
    let tenant = who.tenant(&app, body.tenant.as_deref())?;
    let user: UserId = body.user.parse().map_err(bad)?;
    let patient: PatientId = body.patient.parse().map_err(bad)?;
    spoken_for(&app, &who, &tenant, &user).await?;
    let opening = match (&body.app, &body.client_id) {
        (Some(id), None) => Opening::app(&app, &who, &tenant, id).await?,
        (None, Some(id)) => Opening::client(&app, &who, &tenant, id).await?,
        _ => {
            return Err(Problem::bad_request(
                "give either app or client_id".to_owned(),
            ));
        }
    };
    let launch = Launch {
        tenant: tenant.clone(),
        made_for: LaunchFor::User(user.clone()),
        target: opening.target.clone(),
        patient: Some(patient.clone()),
        encounter: body.encounter,
        intent: body.intent,
        fhir_context: body
            .fhir_context
            .into_iter()
            .map(|item| ContextItem {
                reference: item.reference,
                canonical: item.canonical,
                role: item.role.unwrap_or_else(|| "launch".to_owned()),
            })
            .collect(),
        asserted_by: Some(who.0.user.clone()),
    };
    let now = app.clock.now();
    let handle = match app.authorization.launches.create(&launch, now).await {
        Ok(handle) => handle,
        Err(problem @ glovebox_authorization::Error::Invalid { .. }) => {
            return Err(Problem::bad_request(problem.to_string()));
        }
        Err(problem) => return Err(Problem::internal(&problem)),
    };
    let mut subject = Subject {
        tenant: Some(tenant.clone()),
        user: Some(user),
        patient: Some(patient),
        asserted_by: Some(who.0.user),
        ..Subject::default()
    };
    match opening.target {
        LaunchTarget::App { app: id, version } => {
            subject.app = Some(id);
            subject.version = Some(version);
        }
        LaunchTarget::Client(id) => subject.client = Some(id),
    }
    let event =
        Event::new(Kind::Launch, "handle", subject, Outcome::Ok).with("handle", handle.id.as_str());
    app.ledger
        .append(event)
        .map_err(|problem| Problem::internal(&problem))?;
    let launch_url = match &opening.launch_uri {
        None => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("tenant", tenant.as_str())
                .append_pair("launch", handle.text.expose())
                .finish();
            format!("{}/launch/app?{query}", app.settings.base_url)
        }
        // The app's own page, with what it needs to come back (SMART App Launch 2.2,
        // "Launch App: EHR Launch").
        Some(uri) => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("iss", &app.settings.fhir_url(&tenant))
                .append_pair("launch", handle.text.expose())
                .finish();
            let joint = if uri.contains('?') { '&' } else { '?' };
            format!("{uri}{joint}{query}")
        }
    };
    let answer = json!({
        "launch_url": launch_url,
        "expires_at": (now + HANDLE_TTL).whole_second().to_string(),
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

/// What is to be opened.
struct Opening {
    target: LaunchTarget,
    /// The page of an app that brings its own.
    launch_uri: Option<String>,
}

impl Opening {
    async fn app(app: &App, who: &Bearer, tenant: &TenantId, id: &str) -> Result<Self, Problem> {
        let id: AppId = id.parse().map_err(bad)?;
        let live = app.registry.live(tenant, &id).await;
        let live = live.map_err(|problem| Problem::internal(&problem))?;
        let version = live.ok_or_else(|| {
            who.refused("not-live");
            Problem::not_found("no version of this app is live")
        })?;
        Ok(Self {
            target: LaunchTarget::App {
                app: id,
                version: version.manifest.version,
            },
            launch_uri: None,
        })
    }

    async fn client(app: &App, who: &Bearer, tenant: &TenantId, id: &str) -> Result<Self, Problem> {
        let id: ClientId = id.parse().map_err(bad)?;
        let client = app.authorization.clients.get(tenant, &id).await;
        let client = client.map_err(|problem| Problem::internal(&problem))?;
        let launch_uri = client.and_then(|client| client.launch_uri).ok_or_else(|| {
            who.refused("no-launch-uri");
            Problem::not_found("no client of this id has registered a launch_uri")
        })?;
        Ok(Self {
            target: LaunchTarget::Client(id),
            launch_uri: Some(launch_uri),
        })
    }
}

fn bad(problem: glovebox_model::id::InvalidId) -> Problem {
    Problem::bad_request(problem.to_string())
}
