//! An app on the screen: the frame, events, close; and the calm page when it has stopped.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use glovebox_gateway::Viewer;
use glovebox_model::view::Tone;
use glovebox_model::{AppId, PatientId, Role, SessionId, TenantId, Version};
use glovebox_registry::{AppVersion, Stage};
use glovebox_render::pages::{AppFrame, FrameState, ReadCall, Stop};
use glovebox_render::shell::Place;
use glovebox_render::{AppIdentity, Badge, Entered, Frame, PatientHead, PostForm, draw};
use glovebox_runtime::{RunError, ScreenInput, SessionInfo, Shown};

use super::record;
use super::sign_in::see_other;
use crate::http::App;
use crate::http::identity::SignedIn;
use crate::http::page::{PageError, PageResult, html, shell};
use crate::services::end_unless_allowed;

/// Ledger entries that the drawer "What is it reading" shows.
const CALLS_SHOWN: usize = 20;
/// Prefix of the app's own field names in a form.
const FIELD_PREFIX: &str = "v.";

/// Why an app is not on the screen.
pub(super) enum Stopped {
    /// There is no live version.
    NotLive {
        /// Which app.
        app: AppId,
    },
    /// Its call ended badly.
    Run {
        /// Which app.
        app: AppId,
        /// How.
        error: RunError,
    },
    /// The page knows why already.
    Known {
        /// Which app.
        app: AppId,
        /// Why.
        stop: Stop,
        /// What support is told.
        reference: String,
    },
}

/// A session of the signed-in user, and what its page needs to know.
struct Mine {
    info: SessionInfo,
    tenant: TenantId,
    patient: PatientId,
    app: AppId,
}

async fn mine(app: &App, who: &SignedIn, session: &str) -> Result<Mine, PageError> {
    who.require(&[Role::Clinician])?;
    let id: SessionId = session.parse().map_err(|_| PageError::NotFound)?;
    let info = app
        .screens
        .get(&id)
        .await
        .map_err(|error| run_failed(&error))?;
    let info = info
        .filter(|info| info.subject.user.as_ref() == Some(&who.0.user.id))
        .ok_or(PageError::NotFound)?;
    let subject = &info.subject;
    let (Some(tenant), Some(patient), Some(id)) = (
        subject.tenant.clone(),
        subject.patient.clone(),
        subject.app.clone(),
    ) else {
        return Err(PageError::NotFound);
    };
    let allowed = end_unless_allowed(app, &info).await;
    allowed.map_err(|cause| PageError::internal(cause.as_ref()))?;
    Ok(Mine {
        tenant,
        patient,
        app: id,
        info,
    })
}

/// `GET /chart/sessions/{session}`.
pub async fn get(State(app): State<App>, who: SignedIn, Path(session): Path<String>) -> PageResult {
    let mine = mine(&app, &who, &session).await?;
    match app.screens.current(&mine.info.id, &who.0.user.id).await {
        Ok(shown) => frame(&app, &who, &mine, &shown, None).await,
        Err(error) => ended(&app, &who, &mine, error).await,
    }
}

/// `POST /chart/sessions/{session}/events`: an action with its form's values, or `refresh`.
pub async fn event(
    State(app): State<App>,
    who: SignedIn,
    Path(session): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> PageResult {
    let field = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    who.check_csrf(field("csrf").unwrap_or_default())?;
    let mine = mine(&app, &who, &session).await?;
    let seq = field("seq")
        .and_then(|seq| seq.parse().ok())
        .ok_or_else(|| {
            PageError::Invalid("The form is incomplete. Go back and try again.".to_owned())
        })?;
    let input = match field("action") {
        Some(action) => ScreenInput::Submit {
            action: action.to_owned(),
            values: fields
                .iter()
                .filter_map(|(key, value)| {
                    Some((key.strip_prefix(FIELD_PREFIX)?.to_owned(), value.clone()))
                })
                .collect(),
        },
        None => ScreenInput::Refresh,
    };
    prepare(&app, &mine).await?;
    match app
        .screens
        .event(&mine.info.id, &who.0.user.id, seq, input.clone())
        .await
    {
        Ok(shown) => Ok(see_other(&format!("/chart/sessions/{}", shown.session)).into_response()),
        Err(error @ RunError::InvalidEvent(_)) => {
            let problem = error.message_for_user(&mine.info.app_name);
            let shown = app.screens.current(&mine.info.id, &who.0.user.id).await;
            let shown = shown.map_err(|error| run_failed(&error))?;
            frame(&app, &who, &mine, &shown, Some((input, problem))).await
        }
        Err(error) => ended(&app, &who, &mine, error).await,
    }
}

/// The form of the close button.
#[derive(serde::Deserialize)]
pub struct CloseForm {
    csrf: String,
}

/// `POST /chart/sessions/{session}/close`.
pub async fn close(
    State(app): State<App>,
    who: SignedIn,
    Path(session): Path<String>,
    Form(form): Form<CloseForm>,
) -> PageResult {
    who.check_csrf(&form.csrf)?;
    let mine = mine(&app, &who, &session).await?;
    let closed = app.screens.close(&mine.info.id, &who.0.user.id).await;
    closed.map_err(|error| run_failed(&error))?;
    Ok(see_other(&chart(&mine.tenant, &mine.patient)).into_response())
}

/// After a restart the component of a session has to be compiled again before its next event.
async fn prepare(app: &App, mine: &Mine) -> Result<(), PageError> {
    if let Some(digest) = &mine.info.subject.digest {
        app.registry.prepare(digest, mine.app.as_str()).await?;
    }
    Ok(())
}

fn chart(tenant: &TenantId, patient: &PatientId) -> String {
    format!("/chart/patients/{patient}?tenant={tenant}")
}

async fn frame(
    app: &App,
    who: &SignedIn,
    mine: &Mine,
    shown: &Shown,
    refused: Option<(ScreenInput, String)>,
) -> PageResult {
    let event_url = format!("/chart/sessions/{}/events", mine.info.id);
    let csrf = who.csrf();
    let entered = refused.as_ref().and_then(|(input, problem)| match input {
        ScreenInput::Submit { action, values } => Some(Entered {
            action: action.clone(),
            values: values.clone(),
            problem: problem.clone(),
        }),
        ScreenInput::Refresh => None,
    });
    let drawing = Frame {
        event_url: event_url.clone(),
        csrf: csrf.clone(),
        seq: shown.seq,
        entered,
    };
    let markup = draw(&shown.document, &drawing);
    let state = match refused {
        Some((_, problem)) => FrameState::Kept(markup, problem),
        None => FrameState::Showing(markup),
    };
    let refresh = PostForm::new(event_url, &csrf).with("seq", shown.seq.to_string());
    page(
        app,
        who,
        &mine.tenant,
        &mine.patient,
        &mine.app,
        Some(&mine.info),
        state,
        Some(refresh),
    )
    .await
}

async fn ended(app: &App, who: &SignedIn, mine: &Mine, error: RunError) -> PageResult {
    let stop = stop(app, who, &mine.tenant, &mine.patient, &mine.app, &error).await?;
    let state = FrameState::Stopped {
        again: can_try_again(&stop).then(|| again(who, &mine.tenant, &mine.patient, &mine.app)),
        why: stop,
        reference: None,
    };
    page(
        app,
        who,
        &mine.tenant,
        &mine.patient,
        &mine.app,
        Some(&mine.info),
        state,
        None,
    )
    .await
}

/// The page of an app that did not open.
pub(super) async fn stopped(
    app: &App,
    who: &SignedIn,
    tenant: &TenantId,
    patient: &PatientId,
    stopped: Stopped,
) -> PageResult {
    let (id, why, reference) = match stopped {
        Stopped::NotLive { app: id } => {
            let error = RunError::Terminated(String::new());
            let why = stop(app, who, tenant, patient, &id, &error).await?;
            (id, why, None)
        }
        Stopped::Run { app: id, error } => {
            let why = stop(app, who, tenant, patient, &id, &error).await?;
            (id, why, None)
        }
        Stopped::Known {
            app: id,
            stop,
            reference,
        } => (id, stop, Some(reference)),
    };
    let state = FrameState::Stopped {
        again: can_try_again(&why).then(|| again(who, tenant, patient, &id)),
        why,
        reference,
    };
    page(app, who, tenant, patient, &id, None, state, None).await
}

fn again(who: &SignedIn, tenant: &TenantId, patient: &PatientId, app: &AppId) -> PostForm {
    PostForm::new(format!("/chart/patients/{patient}/launch"), &who.csrf())
        .with("tenant", tenant.as_str())
        .with("app", app.as_str())
}

fn can_try_again(stop: &Stop) -> bool {
    !matches!(
        stop,
        Stop::Quarantined | Stop::Revoked | Stop::NotOffered | Stop::NoRelation
    )
}

/// The cause in the words of the page. Why something was terminated is looked up: the user
/// is told what it means, not what an administrator wrote.
async fn stop(
    app: &App,
    who: &SignedIn,
    tenant: &TenantId,
    patient: &PatientId,
    id: &AppId,
    error: &RunError,
) -> Result<Stop, PageError> {
    Ok(match error {
        RunError::CpuBudgetExceeded => Stop::ComputingTime,
        RunError::DeadlineExceeded => Stop::TookTooLong,
        RunError::MemoryLimit | RunError::StackOverflow => Stop::Memory,
        RunError::MessageTooLarge | RunError::TooManyHandles | RunError::OverBudget(_) => {
            Stop::TooMuchData
        }
        RunError::AppCrashed(_) | RunError::AbiViolation(_) => Stop::Failed,
        RunError::InvalidView(_) | RunError::InvalidEvent(_) => Stop::UnreadableScreen,
        // The text is the app's: bounded, and without what could deceive a reader.
        RunError::AppMessage(text) | RunError::AppOther(text) => {
            Stop::Reported(RunError::AppMessage(text.clone()).message_for_user(""))
        }
        RunError::AppNeeds(scope) => Stop::Refused(
            match scope
                .parse()
                .ok()
                .and_then(|s| glovebox_policy::sentence(&s))
            {
                Some(sentence) => sentence,
                None => "a permission that it was not given".to_owned(),
            },
        ),
        RunError::Busy => Stop::Busy,
        RunError::Unavailable | RunError::HostFault | RunError::NotPrepared(_) => Stop::OurFault,
        RunError::NoSuchSession => Stop::Closed,
        RunError::Terminated(reason) if reason == "closed" => Stop::Closed,
        RunError::Terminated(reason) if reason == "expired" => Stop::Expired,
        RunError::Terminated(_) => {
            let versions = app.registry.versions(tenant, id).await?;
            let viewer = Viewer {
                tenant: tenant.clone(),
                user: who.0.user.id.clone(),
            };
            if versions.iter().any(|version| version.stage.is_live()) {
                match app.gateway.may_open(&viewer, patient).await? {
                    true => Stop::Closed,
                    false => Stop::NoRelation,
                }
            } else if versions
                .iter()
                .any(|version| matches!(version.stage, Stage::Quarantined(_)))
            {
                Stop::Quarantined
            } else if versions
                .iter()
                .any(|version| matches!(version.stage, Stage::Revoked { .. }))
            {
                Stop::Revoked
            } else {
                Stop::NotOffered
            }
        }
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "the frame around a running app and a stopped one is the same"
)]
async fn page(
    app: &App,
    who: &SignedIn,
    tenant: &TenantId,
    patient: &PatientId,
    id: &AppId,
    session: Option<&SessionInfo>,
    state: FrameState,
    refresh: Option<PostForm>,
) -> PageResult {
    let versions = app.registry.versions(tenant, id).await?;
    let running = session.and_then(|info| info.subject.version.as_ref());
    let session = session.map(|info| &info.id);
    let identity = match named(&versions, running) {
        Some(version) => AppIdentity {
            name: version.manifest.name.clone(),
            publisher: version.manifest.publisher_name.clone(),
            version: Some(version.manifest.version.to_string()),
            hosted: true,
        },
        None => return Err(PageError::NotFound),
    };
    let csrf = who.csrf();
    let close_url = match session {
        Some(session) => format!("/chart/sessions/{session}/close"),
        None => chart(tenant, patient),
    };
    let page = AppFrame {
        patient: head(app, who, tenant, patient).await,
        app: identity,
        state,
        close: PostForm::new(close_url, &csrf),
        refresh,
        chart_url: chart(tenant, patient),
        calls: match session {
            Some(session) => calls(app, session).await?,
            None => Vec::new(),
        },
    };
    let response: Response =
        html(page.page(&shell(app, who, tenant, Some(Place::Patients)))).into_response();
    Ok(response)
}

/// The version whose name stands at the frame: the one that runs, else the one that is
/// offered, else one that people decided about. What a vendor has merely uploaded must not
/// rename what is on the screen.
fn named<'a>(versions: &'a [AppVersion], running: Option<&Version>) -> Option<&'a AppVersion> {
    let find = |wanted: &dyn Fn(&AppVersion) -> bool| versions.iter().find(|v| wanted(v));
    find(&|version| Some(&version.manifest.version) == running)
        .or_else(|| find(&|version| version.stage.is_live()))
        .or_else(|| find(&|version| was_offered(version)))
}

/// Whether a version was ever approved.
pub(super) fn was_offered(version: &AppVersion) -> bool {
    matches!(version.stage, Stage::Live(_) | Stage::Superseded(_))
        || version.history.iter().any(|act| act.what == "approve")
}

/// The banner; without a name for whoever may not open the patient any more.
async fn head(app: &App, who: &SignedIn, tenant: &TenantId, patient: &PatientId) -> PatientHead {
    let viewer = Viewer {
        tenant: tenant.clone(),
        user: who.0.user.id.clone(),
    };
    let today = app.clock.now().to_string();
    match app.gateway.chart_patient(&viewer, patient).await {
        Ok(released) => record::patient_head(&record::parse(&released.bytes), &today),
        Err(_) => PatientHead {
            name: "Patient".to_owned(),
            birth_date: None,
            age: None,
            sex: None,
            mrn: None,
        },
    }
}

/// What this session has done with the record, from the ledger.
async fn calls(app: &App, session: &SessionId) -> Result<Vec<ReadCall>, PageError> {
    let filter = glovebox_database::ledger::Filter {
        session: Some(session.to_string()),
        kind: Some("fhir".to_owned()),
        limit: CALLS_SHOWN,
        ..Default::default()
    };
    let ledger = app.ledger.clone();
    let found = tokio::task::spawn_blocking(move || ledger.search(&filter)).await;
    let entries = match found {
        Ok(Ok(entries)) => entries,
        Ok(Err(problem)) => return Err(PageError::internal(&problem)),
        Err(problem) => return Err(PageError::internal(&problem)),
    };
    let calls = entries.into_iter().map(|entry| {
        let kind = entry
            .detail
            .get("type")
            .and_then(|v| v.as_str())
            .unwrap_or("resource")
            .to_owned();
        let verb = match entry.action.as_str() {
            "search-type" => "Searched",
            "read" | "vread" => "Read",
            "create" => "Added",
            "update" => "Changed",
            _ => "Used",
        };
        ReadCall {
            at: entry.at.to_string(),
            what: format!("{verb} {}", plain(&kind)),
            count: entry
                .detail
                .get("count")
                .and_then(serde_json::Value::as_u64),
            outcome: match entry.outcome.as_str() {
                "ok" => Badge::new("Allowed", Tone::Good),
                "not-found" => Badge::new("Not there", Tone::Neutral),
                "denied: compartment" => Badge::new("Refused: another patient", Tone::Caution),
                "denied: scope" | "denied: scope-filter" => {
                    Badge::new("Refused: no permission", Tone::Caution)
                }
                other if other.starts_with("denied") => Badge::new("Refused", Tone::Caution),
                _ => Badge::new("Failed", Tone::Caution),
            },
        }
    });
    Ok(calls.collect())
}

/// A resource type in the words of the permissions.
fn plain(resource_type: &str) -> String {
    let scope = format!("patient/{resource_type}.r").parse::<glovebox_model::scope::Scope>();
    let label = scope
        .ok()
        .and_then(|scope| scope.as_resource().and_then(glovebox_policy::category));
    label.map_or_else(|| resource_type.to_owned(), str::to_owned)
}

fn run_failed(error: &RunError) -> PageError {
    match error {
        RunError::NoSuchSession => PageError::NotFound,
        RunError::Busy => PageError::Busy,
        other => {
            tracing::error!(code = other.code(), "a session could not be served");
            PageError::Internal {
                reference: crate::http::page::reference(),
            }
        }
    }
}
