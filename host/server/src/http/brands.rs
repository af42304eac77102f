//! `GET /brands/{tenant}.json`: the user-access brand bundle, in which people find their
//! hospital (SMART App Launch 2.2, "User-access Brands and Endpoints").

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use glovebox_model::{TenantId, Timestamp};
use serde_json::{Value, json};

use super::App;
use super::fhir::is_known;
use super::oauth::discovery::{Missing, known_tenant};
use crate::config::{Brand, IDENTIFIER_SYSTEM, Settings};

const PROFILES: &str = "http://hl7.org/fhir/smart-app-launch/StructureDefinition";
const EXTENSIONS: &str = "http://hl7.org/fhir/StructureDefinition";
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";
const KEPT: &str = "public, max-age=300";

/// Answers with the bundle of a tenant.
pub(super) async fn get(
    State(app): State<App>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Missing> {
    let tenant = file.strip_suffix(".json").ok_or(Missing::Unknown)?;
    let tenant = known_tenant(&app, tenant)?;
    let brand = app.settings.brands.get(&tenant).ok_or(Missing::Unknown)?;
    let entries = entries(&app.settings, &tenant, brand);
    let (tag, body) = written(&entries, app.clock.now());
    let told = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, KEPT.to_owned()),
    ];
    if is_known(&headers, &tag, None) {
        return Ok((StatusCode::NOT_MODIFIED, told).into_response());
    }
    let content_type = [(header::CONTENT_TYPE, "application/fhir+json")];
    Ok((told, content_type, body).into_response())
}

/// The bundle's tag and bytes. Its times say since when this process has told it so; the
/// tag is weak and follows the content alone, so that a restart changes no tag.
fn written(entries: &Value, now: Timestamp) -> (String, Bytes) {
    static WRITTEN: Mutex<BTreeMap<String, (String, Bytes)>> = Mutex::new(BTreeMap::new());
    let mut all = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let content = entries.to_string();
    let digest = glovebox_database::sha256(content.as_bytes()).to_string();
    let entry = all.entry(content).or_insert_with(|| {
        let since = now.whole_second().to_string();
        let bundle = json!({
            "resourceType": "Bundle",
            "id": "user-access-brands",
            "meta": {
                "lastUpdated": since,
                "profile": [format!("{PROFILES}/user-access-brands-bundle")],
            },
            "type": "collection",
            "timestamp": since,
            "entry": entries,
        });
        let start = digest.len().saturating_sub(16);
        let tag = format!("W/\"{}\"", digest.get(start..).unwrap_or_default());
        (tag, Bytes::from(bundle.to_string()))
    });
    entry.clone()
}

/// One brand with its portal, and the one endpoint that it leads to.
fn entries(settings: &Settings, tenant: &TenantId, brand: &Brand) -> Value {
    let below = format!("{}/brands/{tenant}", settings.base_url);
    let endpoint = json!({
        "reference": format!("Endpoint/{tenant}"),
        "display": format!("FHIR R4 endpoint of {}", brand.name),
    });
    json!([
        {
            "fullUrl": format!("{below}/Organization/{tenant}"),
            "resource": organization(tenant, brand, &endpoint),
        },
        {
            "fullUrl": format!("{below}/Endpoint/{tenant}"),
            "resource": {
                "resourceType": "Endpoint",
                "id": tenant.as_str(),
                "meta": { "profile": [format!("{PROFILES}/user-access-endpoint")] },
                "extension": [{
                    "url": format!("{EXTENSIONS}/endpoint-fhir-version"),
                    "valueCode": "4.0.1",
                }],
                "status": "active",
                "connectionType": {
                    "system": format!("{TERMINOLOGY}/endpoint-connection-type"),
                    "code": "hl7-fhir-rest",
                },
                "name": format!("FHIR R4 endpoint of {}", brand.name),
                "managingOrganization": { "reference": format!("Organization/{tenant}") },
                "contact": [{ "system": "url", "value": brand.website }],
                "payloadType": [{ "coding": [{
                    "system": format!("{TERMINOLOGY}/endpoint-payload-type"),
                    "code": "none",
                }] }],
                "address": settings.fhir_url(tenant),
            },
        },
    ])
}

fn organization(tenant: &TenantId, brand: &Brand, endpoint: &Value) -> Value {
    let logo = match &brand.logo {
        Some(logo) => json!({ "url": "brandLogo", "valueUrl": logo }),
        // Nobody has been asked for one; an empty address would be none either.
        None => json!({
            "url": "brandLogo",
            "_valueUrl": { "extension": [{
                "url": format!("{EXTENSIONS}/data-absent-reason"),
                "valueCode": "asked-unknown",
            }] },
        }),
    };
    json!({
        "resourceType": "Organization",
        "id": tenant.as_str(),
        "meta": { "profile": [format!("{PROFILES}/user-access-brand")] },
        "extension": [
            { "url": format!("{EXTENSIONS}/organization-brand"), "extension": [logo] },
            {
                "url": format!("{EXTENSIONS}/organization-portal"),
                "extension": [
                    { "url": "portalName", "valueString": brand.name },
                    { "url": "portalUrl", "valueUrl": brand.portal },
                    { "url": "portalEndpoint", "valueReference": endpoint },
                ],
            },
        ],
        "identifier": [{ "system": IDENTIFIER_SYSTEM, "value": brand.identifier }],
        "active": true,
        "type": [{ "coding": [{
            "system": format!("{TERMINOLOGY}/organization-type"),
            "code": "prov",
            "display": "Healthcare Provider",
        }] }],
        "name": brand.name,
        "telecom": [{ "system": "url", "value": brand.website }],
        "endpoint": [endpoint],
    })
}
