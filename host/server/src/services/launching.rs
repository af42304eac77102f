//! From "this user opens this app for this patient" to the first screen: one function
//! behind the chart and the API.

use glovebox_database::fence::Mark;
use glovebox_gateway::{Door, Session, Viewer};
use glovebox_model::launch::{ContextItem, LaunchContext};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{AppId, FhirUser, PatientId, TenantId, UserId, Version};
use glovebox_runtime::{RunError, ScreenLaunch, Shown};

use super::{Services, is_clinician};

/// Who opens what for whom.
#[derive(Clone, Debug)]
pub struct OpenedApp {
    /// Where.
    pub tenant: TenantId,
    /// Which app.
    pub app: AppId,
    /// The version for which the launch was made, where it was made before.
    pub version: Option<Version>,
    /// For whom.
    pub patient: PatientId,
    /// Encounter in context.
    pub encounter: Option<String>,
    /// SMART intent.
    pub intent: Option<String>,
    /// SMART `fhirContext`.
    pub fhir_context: Vec<ContextItem>,
    /// By whom.
    pub user: UserId,
    /// The user as a FHIR reference.
    pub fhir_user: Option<FhirUser>,
    /// The service account that spoke for the user.
    pub asserted_by: Option<UserId>,
}

/// Why an app did not open.
#[derive(Debug)]
pub enum LaunchProblem {
    /// The user may not act in this tenant: unknown, disabled, or not a clinician there.
    User,
    /// The user may not open this patient, or there is no such patient.
    Patient,
    /// The app is not live, or the version of the launch is not any more.
    NotLive,
    /// It started, and its call ended badly.
    Run(RunError),
    /// The server failed; the cause was logged.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

/// Opens an app and answers with its first screen.
pub async fn open_app(services: &Services, opened: OpenedApp) -> Result<Shown, LaunchProblem> {
    let failed =
        |problem: glovebox_registry::RegistryError| LaunchProblem::Failed(Box::new(problem));
    let subject = Subject {
        tenant: Some(opened.tenant.clone()),
        app: Some(opened.app.clone()),
        user: Some(opened.user.clone()),
        patient: Some(opened.patient.clone()),
        asserted_by: opened.asserted_by.clone(),
        ..Subject::default()
    };
    // The user's generations are taken before the right is looked at: what is withdrawn in
    // between ends the session.
    let mut held = services.fence.generations(&[
        Mark::User(opened.tenant.clone(), opened.user.clone()),
        Mark::Relations(opened.tenant.clone(), opened.user.clone()),
    ]);
    let may_act = is_clinician(services, &opened.tenant, &opened.user).await;
    if !may_act.map_err(LaunchProblem::Failed)? {
        record(services, subject, Outcome::Denied("user".to_owned()))?;
        return Err(LaunchProblem::User);
    }
    let viewer = Viewer {
        tenant: opened.tenant.clone(),
        user: opened.user.clone(),
    };
    if let Err(refusal) = services
        .gateway
        .chart_patient(&viewer, &opened.patient)
        .await
    {
        record(services, subject, Outcome::Denied("patient".to_owned()))?;
        return Err(match refusal {
            glovebox_gateway::Refusal::Unavailable => {
                LaunchProblem::Failed("the store does not answer".into())
            }
            _ => LaunchProblem::Patient,
        });
    }
    let installation = services
        .registry
        .installation(&opened.tenant, &opened.app)
        .await
        .map_err(failed)?;
    let installation = installation.filter(|found| {
        let current = &found.version.manifest.version;
        opened
            .version
            .as_ref()
            .is_none_or(|wanted| wanted == current)
    });
    let Some(installation) = installation else {
        record(services, subject, Outcome::Denied("not-live".to_owned()))?;
        return Err(LaunchProblem::NotLive);
    };
    let manifest = &installation.version.manifest;
    let subject = Subject {
        version: Some(manifest.version.clone()),
        digest: Some(installation.version.digest),
        ..subject
    };
    record(services, subject.clone(), Outcome::Ok)?;
    held.extend(installation.held);
    let session = Session {
        tenant: opened.tenant.clone(),
        subject,
        scopes: installation.scopes,
        patient: Some(opened.patient.clone()),
        user: Some(opened.user),
        door: Door::Wit,
        terms: installation.terms,
    };
    let launch = ScreenLaunch {
        prepared: installation.prepared,
        app_name: manifest.name.clone(),
        session,
        held,
        context: LaunchContext {
            tenant: opened.tenant,
            patient: Some(opened.patient),
            encounter: opened.encounter,
            fhir_user: opened.fhir_user,
            intent: opened.intent,
            fhir_context: opened.fhir_context,
            locale: "en".to_owned(),
        },
        storage_granted: manifest.storage,
        limits: installation.limits,
    };
    services
        .screens
        .open(launch)
        .await
        .map_err(LaunchProblem::Run)
}

fn record(services: &Services, subject: Subject, outcome: Outcome) -> Result<(), LaunchProblem> {
    let event = Event::new(Kind::Launch, "open", subject, outcome);
    let appended = services.ledger.append(event);
    appended
        .map(|_| ())
        .map_err(|problem| LaunchProblem::Failed(Box::new(problem)))
}
