//! Import into a running server: `glovebox fhir import --server`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use glovebox_fhir::OwnBase;
use glovebox_gateway::{ImportOptions, ImportReport, Refusal, RefusedResource};
use glovebox_model::Role;
use glovebox_model::ledger::Subject;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;
use crate::intake;

/// Where to, and how.
#[derive(Deserialize)]
pub struct ImportAddress {
    tenant: Option<String>,
    #[serde(default)]
    update: bool,
}

/// `POST /api/v1/fhir/import`: a Bundle or resource (`application/fhir+json`), or NDJSON
/// (`application/fhir+ndjson`).
pub async fn post(
    State(app): State<App>,
    who: Bearer,
    Query(address): Query<ImportAddress>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let actor = super::versions::person(&who, &[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_lines = content_type.contains("ndjson");
    // Parsing tens of megabytes would keep other requests from this thread.
    let read = tokio::task::spawn_blocking(move || {
        if is_lines {
            intake::ndjson(&body)
        } else {
            intake::document(&body)
        }
    });
    let read = read.await.map_err(|problem| Problem::internal(&problem))?;
    let entries = read.map_err(|problem| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not-fhir",
            problem.to_string(),
        )
    })?;
    let mut report = ImportReport::default();
    let mut resources = Vec::with_capacity(entries.len());
    let base = app.settings.fhir_url(&tenant);
    for entry in entries {
        match entry {
            Ok(resource) => resources.push(OwnBase::new(&base).localise(resource)),
            Err(refused) => report.refused.push(RefusedResource {
                reference: refused.place,
                why: refused.why,
            }),
        }
    }
    let subject = Subject {
        user: Some(actor.user),
        ..Subject::default()
    };
    let options = ImportOptions {
        update: address.update,
    };
    match app
        .gateway
        .import(&tenant, &subject, resources, options)
        .await
    {
        Ok(part) => report.add(part),
        Err(Refusal::Invalid(problem)) => return Err(Problem::bad_request(problem)),
        Err(_) => {
            let detail = "the store cannot be written now; what was acknowledged before is kept";
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                detail,
            ));
        }
    }
    let refused: Vec<Value> = report
        .refused
        .iter()
        .map(|refused| json!({ "reference": refused.reference, "why": refused.why }))
        .collect();
    Ok(Json(json!({
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "refused": refused,
    })))
}
