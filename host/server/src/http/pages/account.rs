//! What apps may do for the person who is signed in, and how that stops.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect};
use glovebox_authorization::Grant;
use glovebox_gateway::Viewer;
use glovebox_model::TenantId;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::scope::Scope;
use glovebox_model::view::Tone;
use glovebox_policy::sentence;
use glovebox_render::pages::{ConnectedApp, ConnectedApps};
use glovebox_render::shell::{Notice, Place};
use glovebox_render::{PostForm, Shell};
use serde::Deserialize;

use super::record;
use super::sign_in::see_other;
use crate::http::App;
use crate::http::identity::SignedIn;
use crate::http::page::{PageError, PageResult, html, shell};

/// Address of the list.
#[derive(Deserialize)]
pub struct ListAddress {
    tenant: Option<String>,
    #[serde(default)]
    stopped: bool,
}

/// The button.
#[derive(Deserialize)]
pub struct StopForm {
    csrf: String,
    tenant: Option<String>,
}

/// `GET /account`.
pub async fn index() -> Redirect {
    Redirect::to("/account/apps")
}

/// `GET /account/apps`.
pub async fn apps(
    State(app): State<App>,
    who: SignedIn,
    Query(address): Query<ListAddress>,
) -> PageResult {
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let now = app.clock.now();
    let mut grants = app
        .authorization
        .grants
        .of(&tenant, &who.0.user.id, now)
        .await?;
    grants.sort_by_key(|grant| std::cmp::Reverse(grant.created_at));
    let mut page = ConnectedApps::default();
    for grant in &grants {
        page.apps.push(connected(&app, &who, grant).await?);
    }
    let mut frame: Shell = shell(&app, &who, &tenant, Some(Place::ConnectedApps));
    frame.notice = address.stopped.then(|| Notice {
        tone: Tone::Good,
        text: "The app is stopped. It sees nothing any more.".to_owned(),
    });
    Ok(html(page.page(&frame)).into_response())
}

async fn connected(app: &App, who: &SignedIn, grant: &Grant) -> Result<ConnectedApp, PageError> {
    let clients = &app.authorization.clients;
    let client = clients.get(&grant.tenant, &grant.client).await?;
    let (name, publisher) = match client {
        Some(client) => (client.name, client.owner),
        // Its tokens are worth nothing any more; the grant can still be taken away.
        None => (grant.client.to_string(), "nobody any more".to_owned()),
    };
    let url = format!("/account/apps/{}/stop", grant.id);
    Ok(ConnectedApp {
        name,
        publisher,
        patient: patient(app, who, grant).await?,
        sentences: grant
            .scope
            .iter()
            .filter(says)
            .filter_map(sentence)
            .collect(),
        since: grant.created_at.to_string(),
        until: grant.expires_at.to_string(),
        stop: PostForm::new(url, &who.csrf()).with("tenant", grant.tenant.as_str()),
    })
}

/// Whether a scope is about the record or about time; what goes with any app is not repeated.
fn says(scope: &&Scope) -> bool {
    scope.as_resource().is_some() || matches!(scope, Scope::OfflineAccess | Scope::OnlineAccess)
}

/// The name of the patient, as long as the person may open them.
async fn patient(app: &App, who: &SignedIn, grant: &Grant) -> Result<Option<String>, PageError> {
    let Some(patient) = grant.patient() else {
        return Ok(None);
    };
    let viewer = Viewer {
        tenant: grant.tenant.clone(),
        user: who.0.user.id.clone(),
    };
    if !app.gateway.may_open(&viewer, patient).await? {
        return Ok(Some("a patient whom you may no longer open".to_owned()));
    }
    let released = app.gateway.chart_patient(&viewer, patient).await?;
    let today = app.clock.now().to_string();
    let head = record::patient_head(&record::parse(&released.bytes), &today);
    Ok(Some(head.name))
}

/// `POST /account/apps/{grant}/stop`: in force when it is answered.
pub async fn stop(
    State(app): State<App>,
    who: SignedIn,
    Path(grant): Path<String>,
    Form(form): Form<StopForm>,
) -> PageResult {
    who.check_csrf(&form.csrf)?;
    let tenant: TenantId = who.tenant(&app, form.tenant.as_deref())?;
    let grants = &app.authorization.grants;
    let found = grants.get(&grant, app.clock.now()).await?;
    let own = |grant: &Grant| grant.tenant == tenant && grant.user == who.0.user.id;
    let Some(grant) = found.filter(own) else {
        return Err(PageError::NotFound);
    };
    grants.revoke(&grant.id, "the user stopped it").await?;
    let subject = Subject {
        tenant: Some(tenant.clone()),
        client: Some(grant.client),
        user: Some(grant.user),
        patient: grant.context.patient,
        ..Subject::default()
    };
    let event = Event::new(Kind::Consent, "stop", subject, Outcome::Ok);
    let recorded = app
        .ledger
        .append_durable(event.with("grant", grant.id))
        .await;
    recorded.map_err(|problem| PageError::internal(&problem))?;
    let next = format!("/account/apps?tenant={tenant}&stopped=true");
    Ok(see_other(&next).into_response())
}
