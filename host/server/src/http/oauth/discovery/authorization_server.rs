//! `GET /.well-known/oauth-authorization-server/oauth/{tenant}`: the metadata of RFC 8414,
//! at the address that its section 3.1 makes of an issuer with a path.

use axum::extract::{Path, State};
use axum::response::Response;
use glovebox_model::TenantId;
use serde_json::Value;

use super::public::{Missing, known_tenant};
use super::{abilities, answer};
use crate::config::Settings;
use crate::http::App;

pub(super) async fn get(
    State(app): State<App>,
    Path(tenant): Path<String>,
) -> Result<Response, Missing> {
    let tenant = known_tenant(&app, &tenant)?;
    Ok(answer(&document(&app.settings, &tenant)))
}

pub(super) fn document(settings: &Settings, tenant: &TenantId) -> Value {
    let mut members = abilities::members(settings, tenant);
    abilities::extend(&mut members, abilities::other_endpoints());
    abilities::extend(&mut members, abilities::identity(settings, tenant));
    Value::Object(members)
}
