//! The keys that sign id_tokens: their public side, and rotation.

use axum::Json;
use axum::extract::{Query, State};
use glovebox_authorization::{Error, KeyStatus, SigningKey};
use glovebox_model::ledger::Subject;
use glovebox_model::{Role, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::InTenant;
use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;
use crate::services::{RotateError, rotate_signing_key};

/// `GET /api/v1/keys`: the keys of a tenant that are remembered, the active one first.
pub async fn list(
    State(app): State<App>,
    who: Bearer,
    Query(address): Query<InTenant>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let keys = app.authorization.signing_keys.list(&tenant).await;
    let keys = keys.map_err(|problem| Problem::internal(&problem))?;
    let now = app.clock.now();
    let items: Vec<Value> = keys.iter().map(|key| describe(key, now)).collect();
    Ok(Json(json!({ "items": items, "next": null })))
}

/// What a rotation needs.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RotateBody {
    tenant: Option<String>,
}

/// `POST /api/v1/keys/rotate`: a new key signs from now on.
pub async fn rotate(
    State(app): State<App>,
    who: Bearer,
    body: Option<Json<RotateBody>>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Administrator])?;
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let tenant = who.tenant(&app, body.tenant.as_deref())?;
    let subject = Subject {
        tenant: Some(tenant),
        user: Some(who.0.user.clone()),
        ..Subject::default()
    };
    let (active, retired) = match rotate_signing_key(&app, subject, "api").await {
        Ok(rotated) => rotated,
        Err(RotateError::Authorization(problem @ Error::Invalid { .. })) => {
            let status = axum::http::StatusCode::CONFLICT;
            return Err(Problem::new(status, "too-often", problem.to_string()));
        }
        Err(problem) => return Err(Problem::internal(&problem)),
    };
    let now = app.clock.now();
    Ok(Json(json!({
        "active": describe(&active, now),
        "retired": describe(&retired, now),
    })))
}

/// A key in JSON, here and on the command line.
pub(crate) fn describe(key: &SigningKey, now: Timestamp) -> Value {
    let (status, until) = match key.status {
        KeyStatus::Active => ("active", None),
        KeyStatus::Retired { until } if key.is_listed(now) => ("retired", Some(until)),
        KeyStatus::Retired { until } => ("withdrawn", Some(until)),
    };
    json!({
        "kid": key.kid,
        "algorithm": glovebox_authorization::signing_keys::SIGNING_ALGORITHM,
        "status": status,
        "created_at": key.created_at.whole_second().to_string(),
        "listed_until": until.map(|until| until.whole_second().to_string()),
    })
}
