//! `/metadata`: the CapabilityStatement, made of what the engine really does. For anybody:
//! it says nothing of records.

mod resources;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use glovebox_model::TenantId;
use serde_json::{Value, json};

use super::format::{FHIR_JSON, check_accepted};
use super::headers::Public;
use super::preconditions::is_known;
use super::query::{Pairs, QUERY_BYTES_MAX};
use super::route_error::RouteError;
use crate::http::App;

/// When the shape of the statement last changed.
const DATE: &str = "2026-11-23";
const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
const SECURITY_SERVICE: &str = "http://terminology.hl7.org/CodeSystem/restful-security-service";

/// Answers with the statement of a tenant.
pub(super) fn get(app: &App, tenant: &TenantId, parts: &Parts) -> Result<Response, RouteError> {
    let query = parts.uri.query().unwrap_or_default();
    if query.len() > QUERY_BYTES_MAX {
        return Err(RouteError::LongAddress);
    }
    let mut pairs = Pairs::parse(query)?;
    check_accepted(&parts.headers, &mut pairs)?;
    match pairs.take_one("mode")?.as_deref() {
        None | Some("full" | "normative") => {}
        Some(_) => {
            return Err(RouteError::Invalid(
                "this server has the capability modes `full` and `normative`".to_owned(),
            ));
        }
    }
    let (tag, body) = written(&Instance::of(app, tenant));
    let known = is_known(&parts.headers, &tag, None);
    let mut response = if known {
        (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
    } else {
        let headers = [
            (header::ETAG, tag),
            (header::CONTENT_TYPE, FHIR_JSON.to_owned()),
        ];
        (headers, body).into_response()
    };
    response.extensions_mut().insert(Public);
    Ok(response)
}

/// What differs from tenant to tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Instance {
    name: String,
    base: String,
    /// The addresses of the authorization server, under the names of the extension: the same
    /// as in the discovery documents.
    oauth_uris: Vec<(&'static str, String)>,
}

impl Instance {
    fn of(app: &App, tenant: &TenantId) -> Self {
        let settings = &app.settings;
        Self {
            name: settings.tenant_name(tenant).unwrap_or_default().to_owned(),
            base: settings.fhir_url(tenant),
            oauth_uris: settings
                .advertised(tenant)
                .filter_map(|(endpoint, address)| Some((endpoint.legacy()?, address)))
                .collect(),
        }
    }
}

/// The statement's tag and bytes. They are long and change with the program only: written
/// once for each tenant.
fn written(instance: &Instance) -> (String, Bytes) {
    static WRITTEN: Mutex<BTreeMap<String, (String, Bytes)>> = Mutex::new(BTreeMap::new());
    let mut all = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = all.entry(format!("{instance:?}")).or_insert_with(|| {
        let body = statement(instance).to_string();
        let digest = glovebox_database::sha256(body.as_bytes()).to_string();
        let start = digest.len().saturating_sub(16);
        let tag = format!("W/\"{}\"", digest.get(start..).unwrap_or_default());
        (tag, Bytes::from(body))
    });
    entry.clone()
}

fn statement(instance: &Instance) -> Value {
    let oauth_uris: Vec<Value> = instance
        .oauth_uris
        .iter()
        .map(|(name, address)| json!({ "url": name, "valueUri": address }))
        .collect();
    json!({
        "resourceType": "CapabilityStatement",
        "url": format!("{}/metadata", instance.base),
        "version": env!("CARGO_PKG_VERSION"),
        "name": "Glovebox",
        "title": instance.name,
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": { "name": "Glovebox", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": instance.name, "url": instance.base },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json"],
        "rest": [{
            "mode": "server",
            "documentation": "What an app may do is what its scopes, its approval and its user's \
                rights allow together; the rest is refused or not there.",
            "security": {
                "extension": [{ "url": OAUTH_URIS, "extension": oauth_uris }],
                "cors": true,
                "service": [{
                    "coding": [{ "system": SECURITY_SERVICE, "code": "SMART-on-FHIR" }],
                    "text": "OAuth2 with SMART App Launch 2.2",
                }],
            },
            "resource": resources::all(),
            "interaction": [{ "code": "transaction" }, { "code": "batch" }],
        }],
    })
}

#[cfg(test)]
mod tests;
