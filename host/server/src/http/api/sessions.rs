//! App sessions for programs: open, answer, close, watch, end.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use glovebox_authorization::User;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{FhirUser, Role, SessionId, TenantId, UserId};
use glovebox_runtime::{RunError, ScreenInput, SessionInfo, Shown, Target, screen_json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::InTenant;
use super::versions::app_id;
use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;
use crate::services::{LaunchProblem, OpenedApp, end_unless_allowed, is_clinician, open_app};

/// Host calls listed at most.
const CALLS_MAX: usize = 1_000;

/// What is opened for whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenBody {
    tenant: Option<String>,
    app: String,
    patient: String,
    encounter: Option<String>,
    user: Option<String>,
}

/// For whom a token acts: itself, or whom an EHR names and may speak for.
async fn acting(
    app: &App,
    who: &Bearer,
    tenant: &TenantId,
    named: Option<&str>,
) -> Result<(UserId, Option<FhirUser>, Option<UserId>), Problem> {
    who.require(&[Role::Clinician, Role::Ehr])?;
    if who.0.is_person && named.is_none_or(|named| named == who.0.user.as_str()) {
        return Ok((who.0.user.clone(), who.0.fhir_user.clone(), None));
    }
    let named =
        named.ok_or_else(|| Problem::bad_request("name the `user` for whom the app is opened"))?;
    let user: UserId = named
        .parse()
        .map_err(|problem| Problem::bad_request(format!("{problem}")))?;
    let spoken_for = spoken_for(app, who, tenant, &user).await?;
    Ok((user, spoken_for.fhir_user, Some(who.0.user.clone())))
}

/// The user for whom an EHR's token may speak in a tenant: named to it, and a clinician
/// there who is not disabled. Who is not, and why, the answer does not tell.
pub(super) async fn spoken_for(
    app: &App,
    who: &Bearer,
    tenant: &TenantId,
    user: &UserId,
) -> Result<User, Problem> {
    let may_name = who.0.roles.contains(&Role::Ehr) && who.0.speaks_for.covers(user);
    let may_act = is_clinician(app, tenant, user).await;
    let may_act = may_act.map_err(|cause| Problem::internal(cause.as_ref()))?;
    let found = app.authorization.users.get(user).await;
    let found = found.map_err(|problem| Problem::internal(&problem))?;
    found.filter(|_| may_name && may_act).ok_or_else(|| {
        who.refused("speaks-for");
        Problem::forbidden("this token may not speak for that user")
    })
}

/// `POST /api/v1/sessions`.
pub async fn open(
    State(app): State<App>,
    who: Bearer,
    Json(body): Json<OpenBody>,
) -> Result<Response, Problem> {
    let tenant = who.tenant(&app, body.tenant.as_deref())?;
    let (user, fhir_user, asserted_by) = acting(&app, &who, &tenant, body.user.as_deref()).await?;
    let encounter = body.encounter.as_deref();
    if encounter.is_some_and(|id| !glovebox_model::id::is_fhir_id(id)) {
        return Err(Problem::bad_request(
            "`encounter` must be the logical id of an Encounter",
        ));
    }
    let opened = OpenedApp {
        tenant,
        app: app_id(&body.app)?,
        version: None,
        patient: body.patient.parse().map_err(|_| no_such_patient())?,
        encounter: body.encounter,
        intent: None,
        fhir_context: Vec::new(),
        user,
        fhir_user,
        asserted_by,
    };
    match open_app(&app, opened).await {
        Ok(shown) => Ok((StatusCode::CREATED, Json(screen(&shown))).into_response()),
        Err(LaunchProblem::User) => Err(Problem::forbidden(
            "that user may not open apps in this tenant",
        )),
        Err(LaunchProblem::Patient) => Err(no_such_patient()),
        Err(LaunchProblem::NotLive) => {
            let detail = "no version of this app is live: it was not approved, or it was withdrawn";
            Err(Problem::new(StatusCode::CONFLICT, "not-live", detail))
        }
        Err(LaunchProblem::Run(error)) => Err(run_problem(&error)),
        Err(LaunchProblem::Failed(cause)) => Err(Problem::internal(cause.as_ref())),
    }
}

fn no_such_patient() -> Problem {
    Problem::not_found("there is no such patient for this user")
}

/// An answer to the current screen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventBody {
    seq: u64,
    action: Option<String>,
    #[serde(default)]
    values: serde_json::Map<String, Value>,
    #[serde(default)]
    refresh: bool,
}

/// `POST /api/v1/sessions/{session}/events`.
pub async fn event(
    State(app): State<App>,
    who: Bearer,
    Path(session): Path<String>,
    Json(body): Json<EventBody>,
) -> Result<Json<Value>, Problem> {
    let info = owned(&app, &who, &session).await?;
    let input = match (body.action, body.refresh) {
        (Some(action), false) => ScreenInput::Submit {
            action,
            values: body
                .values
                .into_iter()
                .map(|(name, value)| {
                    let text = match value {
                        Value::String(text) => text,
                        other => other.to_string(),
                    };
                    (name, text)
                })
                .collect(),
        },
        (None, true) => ScreenInput::Refresh,
        _ => {
            return Err(Problem::bad_request(
                "send either `action` (with `values`) or `refresh`: true",
            ));
        }
    };
    if let (Some(digest), Some(id)) = (&info.subject.digest, &info.subject.app) {
        app.registry
            .prepare(digest, id.as_str())
            .await
            .map_err(super::versions::failed)?;
    }
    let user = info
        .subject
        .user
        .clone()
        .unwrap_or_else(|| who.0.user.clone());
    match app.screens.event(&info.id, &user, body.seq, input).await {
        Ok(shown) => Ok(Json(screen(&shown))),
        Err(error) => Err(run_problem(&error)),
    }
}

/// `DELETE /api/v1/sessions/{session}`.
pub async fn close(
    State(app): State<App>,
    who: Bearer,
    Path(session): Path<String>,
) -> Result<StatusCode, Problem> {
    let info = owned(&app, &who, &session).await?;
    let user = info
        .subject
        .user
        .clone()
        .unwrap_or_else(|| who.0.user.clone());
    match app.screens.close(&info.id, &user).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err(run_problem(&error)),
    }
}

/// `GET /api/v1/sessions`.
pub async fn list(
    State(app): State<App>,
    who: Bearer,
    Query(page): Query<ListAddress>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, page.tenant.as_deref())?;
    let after: Option<SessionId> = page.after.and_then(|after| after.parse().ok());
    let found = app
        .screens
        .list(Some(&tenant), after.as_ref())
        .await
        .map_err(|error| run_problem(&error))?;
    let items: Vec<Value> = found.items.iter().map(describe).collect();
    Ok(Json(
        json!({ "items": items, "next": found.next.map(|next| next.to_string()) }),
    ))
}

/// Where a list goes on.
#[derive(Deserialize)]
pub struct ListAddress {
    tenant: Option<String>,
    after: Option<String>,
}

/// `GET /api/v1/sessions/{session}/calls`: what the session did, newest first.
pub async fn calls(
    State(app): State<App>,
    who: Bearer,
    Path(session): Path<String>,
    Query(address): Query<InTenant>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Administrator])?;
    let info = in_tenant(&app, &who, &session, address.tenant.as_deref()).await?;
    let filter = glovebox_database::ledger::Filter {
        session: Some(info.id.to_string()),
        limit: CALLS_MAX,
        ..Default::default()
    };
    let entries = super::audit::search(&app, filter).await?;
    super::audit::record_read(&app, &who, info.subject.tenant, entries.len())?;
    let items: Vec<Value> = entries.iter().map(super::audit::entry_json).collect();
    Ok(Json(json!({ "items": items, "next": null })))
}

/// `POST /api/v1/sessions/{session}/kill`.
pub async fn kill(
    State(app): State<App>,
    who: Bearer,
    Path(session): Path<String>,
    Query(address): Query<InTenant>,
) -> Result<Json<Value>, Problem> {
    let actor = super::versions::person(&who, &[Role::Administrator])?;
    let started = app.clock.now();
    let info = in_tenant(&app, &who, &session, address.tenant.as_deref()).await?;
    let subject = Subject {
        user: Some(actor.user),
        ..info.subject
    };
    let event = Event::new(Kind::Kill, "session", subject, Outcome::Ok);
    app.ledger
        .append_durable(event)
        .await
        .map_err(|problem| Problem::internal(&problem))?;
    let ended = app
        .screens
        .end(&Target::Session(info.id), "ended by an administrator")
        .await;
    let ended = ended.map_err(|error| run_problem(&error))?;
    let took = app.clock.now().since(started);
    Ok(Json(
        json!({ "sessions_ended": ended, "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }),
    ))
}

/// A session that this token may act in: its user's own, or one of a user it speaks for.
async fn owned(app: &App, who: &Bearer, session: &str) -> Result<SessionInfo, Problem> {
    let info = find(app, session).await?;
    let info = info.filter(|info| {
        let user = info.subject.user.as_ref();
        let speaks = who.0.roles.contains(&Role::Ehr)
            && info.subject.asserted_by.as_ref() == Some(&who.0.user);
        let tenant = info.subject.tenant.as_ref();
        tenant.is_some_and(|tenant| who.0.tenants.contains(tenant))
            && (user == Some(&who.0.user)
                || (speaks && user.is_some_and(|user| who.0.speaks_for.covers(user))))
    });
    let info = info.ok_or_else(|| {
        who.refused("session");
        no_such_session()
    })?;
    let allowed = end_unless_allowed(app, &info).await;
    allowed.map_err(|cause| Problem::internal(cause.as_ref()))?;
    Ok(info)
}

async fn in_tenant(
    app: &App,
    who: &Bearer,
    session: &str,
    tenant: Option<&str>,
) -> Result<SessionInfo, Problem> {
    let tenant = who.tenant(app, tenant)?;
    let info = find(app, session).await?;
    info.filter(|info| info.subject.tenant.as_ref() == Some(&tenant))
        .ok_or_else(no_such_session)
}

async fn find(app: &App, session: &str) -> Result<Option<SessionInfo>, Problem> {
    let id: SessionId = session.parse().map_err(|_| no_such_session())?;
    app.screens
        .get(&id)
        .await
        .map_err(|error| run_problem(&error))
}

fn no_such_session() -> Problem {
    Problem::not_found("there is no such session for this token")
}

/// The screen of a session as JSON.
fn screen(shown: &Shown) -> Value {
    json!({
        "session": shown.session.to_string(),
        "seq": shown.seq,
        "screen": screen_json(&shown.document),
    })
}

fn describe(info: &SessionInfo) -> Value {
    let text = |value: Option<String>| value.map_or(Value::Null, Value::String);
    let subject = &info.subject;
    json!({
        "session": info.id.to_string(),
        "app": text(subject.app.as_ref().map(ToString::to_string)),
        "version": text(subject.version.as_ref().map(ToString::to_string)),
        "user": text(subject.user.as_ref().map(ToString::to_string)),
        "patient": text(subject.patient.as_ref().map(ToString::to_string)),
        "asserted_by": text(subject.asserted_by.as_ref().map(ToString::to_string)),
        "opened": info.opened.to_string(),
        "seq": info.seq,
        "ended": info.ended.as_ref().map(|(reason, at)| json!({ "reason": reason, "at": at.to_string() })),
    })
}

/// A call that ended badly, as a problem with the runtime's stable code.
fn run_problem(error: &RunError) -> Problem {
    let status = match error {
        RunError::Busy => return Problem::busy(),
        RunError::NoSuchSession => return no_such_session(),
        RunError::InvalidEvent(_) => StatusCode::BAD_REQUEST,
        RunError::Terminated(_) => StatusCode::CONFLICT,
        RunError::Unavailable | RunError::HostFault | RunError::NotPrepared(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        RunError::CpuBudgetExceeded
        | RunError::DeadlineExceeded
        | RunError::MemoryLimit
        | RunError::StackOverflow
        | RunError::AppCrashed(_)
        | RunError::AbiViolation(_)
        | RunError::MessageTooLarge
        | RunError::TooManyHandles
        | RunError::OverBudget(_)
        | RunError::InvalidView(_)
        | RunError::AppMessage(_)
        | RunError::AppNeeds(_)
        | RunError::AppOther(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, error.code(), error.message_for_user("The app"))
}
