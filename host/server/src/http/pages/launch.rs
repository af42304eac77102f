//! Launching an app from the chart: a single-use handle, then the app's first screen.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use glovebox_authorization::{Launch, LaunchFor, LaunchTarget, Presenter};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{AppId, PatientId, Role, TenantId};
use glovebox_render::pages::Stop;
use serde::Deserialize;

use super::session::{Stopped, stopped};
use super::sign_in::see_other;
use crate::http::App;
use crate::http::identity::SignedIn;
use crate::http::page::{PageError, PageResult};
use crate::services::{LaunchProblem, OpenedApp, open_app};

/// The button of an app's card.
#[derive(Deserialize)]
pub struct LaunchForm {
    csrf: String,
    app: String,
    tenant: Option<String>,
}

/// `POST /chart/patients/{patient}/launch`: makes a handle bound to this browser session,
/// user, app version and patient, and goes on to it.
pub async fn post(
    State(app): State<App>,
    who: SignedIn,
    Path(patient): Path<String>,
    Form(form): Form<LaunchForm>,
) -> PageResult {
    who.check_csrf(&form.csrf)?;
    who.require(&[Role::Clinician])?;
    let tenant = who.tenant(&app, form.tenant.as_deref())?;
    let patient: PatientId = patient.parse().map_err(|_| PageError::NotFound)?;
    let id: AppId = form.app.parse().map_err(|_| PageError::NotFound)?;
    let Some(version) = app.registry.live(&tenant, &id).await? else {
        record_refused(&app, &who, &tenant, "not-live")?;
        return stopped(&app, &who, &tenant, &patient, Stopped::NotLive { app: id }).await;
    };
    let launch = Launch {
        tenant: tenant.clone(),
        made_for: LaunchFor::Session {
            user: who.0.user.id.clone(),
            session: who.0.id.clone(),
        },
        target: LaunchTarget::App {
            app: id,
            version: version.manifest.version,
        },
        patient: Some(patient),
        encounter: None,
        intent: None,
        fhir_context: Vec::new(),
        asserted_by: None,
    };
    let handle = app
        .authorization
        .launches
        .create(&launch, app.clock.now())
        .await?;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("tenant", tenant.as_str())
        .append_pair("launch", handle.text.expose())
        .finish();
    Ok(see_other(&format!("/launch/app?{query}")).into_response())
}

/// The address that an EHR sends a browser to.
#[derive(Deserialize)]
pub struct LaunchAddress {
    tenant: Option<String>,
    launch: String,
}

/// `GET /launch/app`: uses the handle up and opens the app.
pub async fn get(
    State(app): State<App>,
    who: SignedIn,
    Query(address): Query<LaunchAddress>,
) -> PageResult {
    who.require(&[Role::Clinician])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let presenter = Presenter {
        tenant: &tenant,
        user: &who.0.user.id,
        session: &who.0.id,
    };
    let consumed = app
        .authorization
        .launches
        .consume(&address.launch, presenter, app.clock.now())
        .await?;
    let launch = match consumed {
        Ok(launch) => launch,
        Err(refused) => {
            record_refused(&app, &who, &tenant, refused.code())?;
            return Err(PageError::Invalid(
                "This launch link was used already, has run out, or is not yours. Open the app from the patient's chart again."
                    .to_owned(),
            ));
        }
    };
    let (LaunchTarget::App { app: id, version }, Some(patient)) = (launch.target, launch.patient)
    else {
        return Err(PageError::NotFound);
    };
    let opened = OpenedApp {
        tenant: tenant.clone(),
        app: id.clone(),
        version: Some(version),
        patient: patient.clone(),
        encounter: launch.encounter,
        intent: launch.intent,
        fhir_context: launch.fhir_context,
        user: who.0.user.id.clone(),
        fhir_user: who.0.user.fhir_user.clone(),
        asserted_by: launch.asserted_by,
    };
    match open_app(&app, opened).await {
        Ok(shown) => Ok(see_other(&format!("/chart/sessions/{}", shown.session)).into_response()),
        Err(LaunchProblem::User) => Err(PageError::Forbidden),
        Err(LaunchProblem::Patient) => Err(PageError::NotFound),
        Err(LaunchProblem::NotLive) => {
            stopped(&app, &who, &tenant, &patient, Stopped::NotLive { app: id }).await
        }
        Err(LaunchProblem::Run(error)) => {
            stopped(
                &app,
                &who,
                &tenant,
                &patient,
                Stopped::Run { app: id, error },
            )
            .await
        }
        Err(LaunchProblem::Failed(cause)) => {
            let PageError::Internal { reference } = PageError::internal(cause.as_ref()) else {
                return Err(PageError::NotFound);
            };
            let stop = Stop::OurFault;
            stopped(
                &app,
                &who,
                &tenant,
                &patient,
                Stopped::Known {
                    app: id,
                    stop,
                    reference,
                },
            )
            .await
        }
    }
}

fn record_refused(
    app: &App,
    who: &SignedIn,
    tenant: &TenantId,
    code: &str,
) -> Result<(), PageError> {
    let subject = Subject {
        tenant: Some(tenant.clone()),
        user: Some(who.0.user.id.clone()),
        ..Subject::default()
    };
    let event = Event::new(
        Kind::Launch,
        "present",
        subject,
        Outcome::Denied(code.to_owned()),
    );
    let appended = app.ledger.append(event);
    appended
        .map(|_| ())
        .map_err(|problem| PageError::internal(&problem))
}
