//! One patient: what matters at a glance, and the apps that can be opened.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::SearchQuery;
use glovebox_gateway::Viewer;
use glovebox_model::{PatientId, Role, TenantId};
use glovebox_policy::{access_summary, effective_scopes};
use glovebox_registry::{AppVersion, Stage};
use glovebox_render::pages::{AppCard, Fact, FactGroup, PatientPage};
use glovebox_render::shell::Place;
use glovebox_render::{AppIdentity, PostForm};
use serde::Deserialize;
use serde_json::Value;

use super::record;
use super::session::was_offered;
use crate::http::App;
use crate::http::identity::SignedIn;
use crate::http::page::{PageError, PageResult, html, shell};

/// Lines of one group.
const FACTS: usize = 6;

/// The tenant of a page.
#[derive(Deserialize)]
pub struct InTenant {
    pub(super) tenant: Option<String>,
}

/// `GET /chart/patients/{patient}`.
pub async fn get(
    State(app): State<App>,
    who: SignedIn,
    Path(patient): Path<String>,
    Query(address): Query<InTenant>,
) -> PageResult {
    who.require(&[Role::Clinician])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let patient: PatientId = patient.parse().map_err(|_| PageError::NotFound)?;
    let pass = who.enter(&app, &tenant).await?;
    let viewer = Viewer {
        tenant: tenant.clone(),
        user: who.0.user.id.clone(),
    };
    let released = app.gateway.chart_patient(&viewer, &patient).await?;
    let today = app.clock.now().to_string();
    let page = PatientPage {
        patient: record::patient_head(&record::parse(&released.bytes), &today),
        list_url: format!("/chart?tenant={tenant}"),
        apps: app_cards(&app, &who, &tenant, &patient).await?,
        facts: facts(&app, &viewer, &patient).await?,
    };
    let response: Response =
        html(page.page(&shell(&app, &who, &tenant, Some(Place::Patients)))).into_response();
    pass.release(|| response).map_err(|_| PageError::NotFound)
}

/// The newest version of each app that is or was offered, those that can be opened first.
async fn app_cards(
    app: &App,
    who: &SignedIn,
    tenant: &TenantId,
    patient: &PatientId,
) -> Result<Vec<AppCard>, PageError> {
    let mut cards: Vec<AppCard> = Vec::new();
    let mut last = None;
    for version in offered(app.registry.all(tenant).await?) {
        if last.as_ref() == Some(&version.manifest.id) {
            continue;
        }
        last = Some(version.manifest.id.clone());
        cards.push(card(who, tenant, patient, &version));
    }
    cards.sort_by_key(|card| card.disabled.is_some());
    Ok(cards)
}

/// Versions that a clinician should see, a live one before a withdrawn one of the same app.
fn offered(versions: Vec<AppVersion>) -> Vec<AppVersion> {
    let mut offered: Vec<AppVersion> = versions
        .into_iter()
        .filter(|version| {
            matches!(version.stage, Stage::Live(_) | Stage::Quarantined(_)) && was_offered(version)
        })
        .collect();
    offered.sort_by_key(|version| (version.manifest.id.clone(), !version.stage.is_live()));
    offered
}

fn card(who: &SignedIn, tenant: &TenantId, patient: &PatientId, version: &AppVersion) -> AppCard {
    let manifest = &version.manifest;
    let asked = manifest.scope_set();
    let (scopes, reviewed, disabled) = match &version.stage {
        Stage::Live(approval) => (
            effective_scopes(&asked, &approval.scopes),
            Some(approval.at.whole_second().to_string()),
            None,
        ),
        _ => (
            asked,
            None,
            Some(
                "Your hospital has taken this app out of service while it is looked into."
                    .to_owned(),
            ),
        ),
    };
    let (can_read, can_write) = access_summary(&scopes);
    let owned = |labels: Vec<&str>| labels.into_iter().map(str::to_owned).collect();
    AppCard {
        app: AppIdentity {
            name: manifest.name.clone(),
            publisher: manifest.publisher_name.clone(),
            version: None,
            hosted: true,
        },
        purpose: manifest.purpose.clone(),
        can_read: owned(can_read),
        can_write: owned(can_write),
        reviewed,
        launch: PostForm::new(format!("/chart/patients/{patient}/launch"), &who.csrf())
            .with("tenant", tenant.as_str())
            .with("app", manifest.id.as_str()),
        disabled,
    }
}

/// One short list of the page and the search behind it.
struct Group {
    title: &'static str,
    empty: &'static str,
    resource_type: &'static str,
    parameters: &'static [(&'static str, &'static str)],
    draw: fn(&Value) -> Fact,
}

const GROUPS: [Group; 4] = [
    Group {
        title: "Problems",
        empty: "No active problems recorded",
        resource_type: "Condition",
        parameters: &[
            ("clinical-status", "active"),
            ("category", "problem-list-item"),
        ],
        draw: record::condition,
    },
    Group {
        title: "Medicines",
        empty: "No active medicines recorded",
        resource_type: "MedicationRequest",
        parameters: &[("status", "active"), ("_sort", "-authoredon")],
        draw: record::medication,
    },
    Group {
        title: "Allergies",
        empty: "No allergies recorded",
        resource_type: "AllergyIntolerance",
        parameters: &[],
        draw: record::allergy,
    },
    Group {
        title: "Recent results",
        empty: "No laboratory results recorded",
        resource_type: "Observation",
        parameters: &[("category", "laboratory"), ("_sort", "-date")],
        draw: record::result,
    },
];

async fn facts(
    app: &App,
    viewer: &Viewer,
    patient: &PatientId,
) -> Result<Vec<FactGroup>, PageError> {
    let mut drawn = Vec::with_capacity(GROUPS.len());
    for group in &GROUPS {
        let mut pairs = vec![
            ("patient".to_owned(), patient.to_string()),
            // how many more there are is said beside the few that are shown
            ("_total".to_owned(), "accurate".to_owned()),
        ];
        let more = group.parameters.iter();
        pairs.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let query = SearchQuery::parse(group.resource_type, &pairs)
            .map_err(|problem| PageError::Invalid(problem.to_string()))?;
        let page = app
            .gateway
            .chart_search(viewer, patient, query, FACTS)
            .await?;
        let facts: Vec<Fact> = page
            .matches
            .iter()
            .map(|released| (group.draw)(&record::parse(&released.bytes)))
            .collect();
        let shown = u64::try_from(facts.len()).unwrap_or(u64::MAX);
        drawn.push(FactGroup {
            title: group.title.to_owned(),
            empty: group.empty.to_owned(),
            facts,
            more: page.total.unwrap_or(shown).saturating_sub(shown),
        });
    }
    Ok(drawn)
}
