//! Apps as a whole.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use glovebox_model::Role;
use serde::Deserialize;
use serde_json::{Value, json};

use super::InTenant;
use super::versions::{app_id, describe, failed, may_see, person, withdraw_or_release};
use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;

/// `GET /api/v1/apps`: every version of every app that the caller may see.
pub async fn list(
    State(app): State<App>,
    who: Bearer,
    Query(address): Query<InTenant>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Vendor, Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let versions = app.registry.all(&tenant).await.map_err(failed)?;
    let items: Vec<Value> = versions
        .iter()
        .filter(|version| may_see(&who, version))
        .map(describe)
        .collect();
    Ok(Json(json!({ "items": items, "next": null })))
}

/// What an act on an app needs.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActBody {
    tenant: Option<String>,
    reason: String,
}

/// `POST /api/v1/apps/{app}/{quarantine,revoke,release}`.
pub async fn act(
    State(app): State<App>,
    who: Bearer,
    Path((id, act)): Path<(String, String)>,
    body: Option<Json<ActBody>>,
) -> Result<Response, Problem> {
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let actor = person(&who, &[Role::Administrator])?;
    let tenant = who.tenant(&app, body.tenant.as_deref())?;
    withdraw_or_release(
        &app,
        &tenant,
        &app_id(&id)?,
        None,
        &actor,
        &act,
        &body.reason,
    )
    .await
}
