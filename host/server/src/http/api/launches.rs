//! EHR launch: the hospital's EHR asks for an address to send a user's browser to.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use glovebox_authorization::ehr_launch::HANDLE_TTL;
use glovebox_authorization::{Launch, LaunchFor, LaunchTarget};
use glovebox_model::launch::ContextItem;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{AppId, PatientId, Role, UserId};
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
    app: String,
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
    let bad = |problem: glovebox_model::id::InvalidId| Problem::bad_request(problem.to_string());
    let user: UserId = body.user.parse().map_err(bad)?;
    let patient: PatientId = body.patient.parse().map_err(bad)?;
    let id: AppId = body.app.parse().map_err(bad)?;
    spoken_for(&app, &who, &tenant, &user).await?;
    let live = app
        .registry
        .live(&tenant, &id)
        .await
        .map_err(|problem| Problem::internal(&problem))?;
    let version = live.ok_or_else(|| {
        who.refused("not-live");
        Problem::not_found("no version of this app is live")
    })?;
    let launch = Launch {
        tenant: tenant.clone(),
        made_for: LaunchFor::User(user.clone()),
        target: LaunchTarget::App {
            app: id.clone(),
            version: version.manifest.version.clone(),
        },
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
    let subject = Subject {
        tenant: Some(tenant.clone()),
        app: Some(id),
        version: Some(version.manifest.version),
        user: Some(user),
        patient: Some(patient),
        asserted_by: Some(who.0.user),
        ..Subject::default()
    };
    let event =
        Event::new(Kind::Launch, "handle", subject, Outcome::Ok).with("handle", handle.id.as_str());
    app.ledger
        .append(event)
        .map_err(|problem| Problem::internal(&problem))?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("tenant", tenant.as_str())
        .append_pair("launch", handle.text.expose())
        .finish();
    let answer = json!({
        "launch_url": format!("{}/launch/app?{query}", app.settings.base_url),
        "expires_at": (now + HANDLE_TTL).whole_second().to_string(),
    });
    Ok((StatusCode::CREATED, Json(answer)))
}
