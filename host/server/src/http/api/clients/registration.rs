//! Registrations that vendors make by themselves: an administrator gives out the token for
//! one, and decides whether what was registered becomes a client.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use glovebox_authorization::REGISTRATION_TOKEN_TTL;
use glovebox_model::Role;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use serde_json::{Value, json};

use super::{describe, record, refused};
use crate::http::App;
use crate::http::api::InTenant;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;

/// `POST /api/v1/clients/registration-tokens`: the text is shown this once.
pub async fn issue(
    State(app): State<App>,
    who: Bearer,
    Query(address): Query<InTenant>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    if !app.settings.oauth.registration.contains(&tenant) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "registration-off",
            "clients do not register themselves in this tenant: list it in `oauth.dynamic_registration`",
        ));
    }
    let tokens = &app.authorization.registration_tokens;
    let issued = tokens.issue(&tenant, &who.0.user, app.clock.now()).await;
    let issued = issued.map_err(refused)?;
    let subject = Subject {
        tenant: Some(tenant.clone()),
        user: Some(who.0.user.clone()),
        ..Subject::default()
    };
    let event = Event::new(Kind::ClientChange, "invite", subject, Outcome::Ok)
        .with("registration_token", issued.id.as_str());
    let recorded = app.ledger.append_durable(event).await;
    recorded.map_err(|problem| Problem::internal(&problem))?;
    let answer = json!({
        "id": issued.id,
        "initial_access_token": issued.text.expose(),
        "expires_in": REGISTRATION_TOKEN_TTL.as_secs(),
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `POST /api/v1/clients/{client}/approve`: what waited is a client from now on.
pub async fn approve(
    State(app): State<App>,
    who: Bearer,
    Path(id): Path<String>,
    Query(address): Query<InTenant>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let unknown = || Problem::not_found("no registration of this name waits");
    let id = id.parse().map_err(|_| unknown())?;
    let approved = app.authorization.clients.approve(&tenant, &id).await;
    let client = approved.map_err(refused)?.ok_or_else(unknown)?;
    record(&app, &who, &tenant, &client.id, "approve").await?;
    Ok(Json(describe(&client)))
}
