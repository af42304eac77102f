//! The administrator's and the privacy officer's pages, in their smallest form.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use glovebox_database::ledger::Filter;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::view::Tone;
use glovebox_model::{AppId, Role, SessionId, TenantId, Version};
use glovebox_policy::sentence;
use glovebox_registry::{Actor, AppVersion, Stage};
use glovebox_render::pages::{
    Act, AppAction, AppRow, Apps, Audit, AuditRow, AuditSearch, SessionRow, Sessions,
};
use glovebox_render::shell::Place;
use glovebox_render::{Badge, PostForm, Reason};
use glovebox_runtime::Target;
use serde::Deserialize;

use super::patient::InTenant;
use super::sign_in::see_other;
use crate::http::App;
use crate::http::identity::SignedIn;
use crate::http::page::{PageError, PageResult, html, shell};
use crate::services::end_sessions;

const AUDIT_ROWS: usize = 100;

/// `GET /admin`.
pub async fn index(who: SignedIn) -> PageResult {
    let target = if who.has(&[Role::Administrator]) {
        "/admin/apps"
    } else {
        "/admin/audit"
    };
    Ok(see_other(target).into_response())
}

/// `GET /admin/apps`.
pub async fn apps(
    State(app): State<App>,
    who: SignedIn,
    Query(address): Query<InTenant>,
) -> PageResult {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let versions = app.registry.all(&tenant).await?;
    let running = running_by_app(&app, &tenant).await?;
    let mut rows: Vec<(bool, AppRow)> = versions
        .iter()
        .map(|version| {
            let waits = matches!(version.stage, Stage::Checked | Stage::InReview);
            let sessions = running
                .iter()
                .filter(|digest| **digest == version.digest.to_string())
                .count();
            (
                !waits,
                row(
                    &who,
                    &tenant,
                    version,
                    u64::try_from(sessions).unwrap_or(u64::MAX),
                ),
            )
        })
        .collect();
    rows.sort_by_key(|(later, _)| *later);
    let page = Apps {
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    };
    let response: Response =
        html(page.page(&shell(&app, &who, &tenant, Some(Place::Apps)))).into_response();
    Ok(response)
}

async fn running_by_app(app: &App, tenant: &TenantId) -> Result<Vec<String>, PageError> {
    let page = app
        .screens
        .list(Some(tenant), None)
        .await
        .map_err(|error| failed(&error))?;
    let running = page.items.into_iter().filter(|info| info.ended.is_none());
    Ok(running
        .filter_map(|info| info.subject.digest.map(|digest| digest.to_string()))
        .collect())
}

fn row(who: &SignedIn, tenant: &TenantId, version: &AppVersion, sessions: u64) -> AppRow {
    let manifest = &version.manifest;
    let (word, tone) = match &version.stage {
        Stage::Checked => ("Checked", Tone::Neutral),
        Stage::InReview => ("In review", Tone::Caution),
        Stage::Live(_) => ("Live", Tone::Good),
        Stage::Superseded(_) => ("Superseded", Tone::Neutral),
        Stage::Rejected { .. } => ("Rejected", Tone::Neutral),
        Stage::Quarantined(_) => ("Quarantined", Tone::Danger),
        Stage::Revoked { .. } => ("Revoked", Tone::Danger),
    };
    let note = match &version.stage {
        Stage::Quarantined(quarantine) => Some(match &quarantine.release_asked_by {
            Some(first) => format!("{first} asked to release it; a second person must agree."),
            None => format!("{}: {}", quarantine.by, quarantine.reason),
        }),
        Stage::Rejected { reason } | Stage::Revoked { reason } => Some(reason.clone()),
        _ => None,
    };
    let ends = match sessions {
        0 => "Nobody is using it now.".to_owned(),
        1 => "Ends 1 session; keeps the evidence.".to_owned(),
        many => format!("Ends {many} sessions; keeps the evidence."),
    };
    let action = |act: Act, name: &str, reason: Reason, consequence: Option<&str>| AppAction {
        act,
        form: PostForm::new(
            format!("/admin/apps/{}/{}/{name}", manifest.id, manifest.version),
            &who.csrf(),
        )
        .with("tenant", tenant.as_str()),
        reason,
        consequence: consequence.map(str::to_owned),
    };
    let approve = || {
        action(
            Act::Approve,
            "approve",
            Reason::Required,
            Some("Offers it in the chart. It gives the app no patient's data by itself."),
        )
    };
    let reject = || action(Act::Reject, "reject", Reason::Required, None);
    let quarantine = || action(Act::Quarantine, "quarantine", Reason::Required, Some(&ends));
    let revoke = || {
        action(
            Act::Revoke,
            "revoke",
            Reason::Required,
            Some("For good. A new version has to be uploaded."),
        )
    };
    let actions = match &version.stage {
        Stage::Checked | Stage::InReview => vec![approve(), reject()],
        Stage::Live(_) => vec![quarantine(), revoke()],
        Stage::Superseded(_) | Stage::Rejected { .. } => vec![revoke()],
        Stage::Quarantined(_) => vec![
            action(
                Act::Release,
                "release",
                Reason::Required,
                Some("Needs two people; leads back to review."),
            ),
            revoke(),
        ],
        Stage::Revoked { .. } => Vec::new(),
    };
    AppRow {
        name: manifest.name.clone(),
        id: manifest.id.to_string(),
        publisher: manifest.publisher_name.clone(),
        version: manifest.version.to_string(),
        digest: version.digest.short(),
        state: Badge::new(word, tone),
        permissions: permissions(version),
        sessions,
        note,
        actions,
    }
}

/// What the app asks for, one plain sentence each; two scopes may come to the same one.
fn permissions(version: &AppVersion) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for justified in &version.manifest.scopes {
        let words = sentence(&justified.scope);
        sentences.extend(words.filter(|words| !sentences.contains(words)));
    }
    sentences
}

/// The form of an act.
#[derive(Deserialize)]
pub struct ActForm {
    csrf: String,
    tenant: Option<String>,
    #[serde(default)]
    reason: String,
}

/// `POST /admin/apps/{app}/{version}/{act}`.
pub async fn act(
    State(app): State<App>,
    who: SignedIn,
    Path((id, version, act)): Path<(String, String, String)>,
    Form(form): Form<ActForm>,
) -> PageResult {
    who.check_csrf(&form.csrf)?;
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, form.tenant.as_deref())?;
    let id: AppId = id.parse().map_err(|_| PageError::NotFound)?;
    let version: Version = version.parse().map_err(|_| PageError::NotFound)?;
    let actor = Actor {
        user: who.0.user.id.clone(),
    };
    let (registry, reason) = (&app.registry, form.reason.trim());
    let one = Some(&version);
    let done = match act.as_str() {
        "approve" => registry
            .approve(&tenant, &id, &version, &actor, reason, None, None, None)
            .await?
            .map(|_| None),
        "reject" => registry
            .reject(&tenant, &id, &version, &actor, reason)
            .await?
            .map(|_| None),
        "quarantine" => registry
            .quarantine(&tenant, &id, one, &actor, reason)
            .await?
            .map(Some),
        "revoke" => registry
            .revoke(&tenant, &id, one, &actor, reason)
            .await?
            .map(Some),
        "release" => registry
            .release(&tenant, &id, one, &actor, reason)
            .await?
            .map(|_| None),
        _ => return Err(PageError::NotFound),
    };
    let withdrawn = done.map_err(|refused| PageError::Invalid(format!("{refused}.")))?;
    if let Some(withdrawn) = withdrawn {
        let ended = end_sessions(&app, &tenant, &id, &withdrawn, &act).await;
        ended.map_err(|problem| PageError::internal(&problem))?;
    }
    Ok(see_other(&format!("/admin/apps?tenant={tenant}")).into_response())
}

/// Address of the session list.
#[derive(Deserialize)]
pub struct SessionsAddress {
    tenant: Option<String>,
    after: Option<String>,
}

/// `GET /admin/sessions`.
pub async fn sessions(
    State(app): State<App>,
    who: SignedIn,
    Query(address): Query<SessionsAddress>,
) -> PageResult {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let after: Option<SessionId> = address.after.and_then(|after| after.parse().ok());
    let page = app
        .screens
        .list(Some(&tenant), after.as_ref())
        .await
        .map_err(|error| failed(&error))?;
    let mut items = page.items;
    items.sort_by_key(|info| (info.ended.is_some(), std::cmp::Reverse(info.opened)));
    let rows = items.into_iter().map(|info| {
        let subject = &info.subject;
        let running = info.ended.is_none();
        SessionRow {
            started: info.opened.to_string(),
            app: format!(
                "{} {}",
                info.app_name,
                subject
                    .version
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default()
            ),
            user: subject
                .user
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            patient: subject.patient.as_ref().map(ToString::to_string),
            state: match &info.ended {
                None => Badge::new("Running", Tone::Good),
                Some((reason, _)) if reason == "closed" => Badge::new("Closed", Tone::Neutral),
                Some((reason, _)) => Badge::new(format!("Ended: {reason}"), Tone::Caution),
            },
            calls: info.seq,
            audit_url: Some(format!("/admin/audit?tenant={tenant}&session={}", info.id)),
            end: running.then(|| {
                PostForm::new(format!("/admin/sessions/{}/end", info.id), &who.csrf())
                    .with("tenant", tenant.as_str())
            }),
        }
    });
    let list = Sessions {
        rows: rows.collect(),
        next_url: page
            .next
            .map(|next| format!("/admin/sessions?tenant={tenant}&after={next}")),
    };
    let response: Response =
        html(list.page(&shell(&app, &who, &tenant, Some(Place::Sessions)))).into_response();
    Ok(response)
}

/// `POST /admin/sessions/{session}/end`.
pub async fn end_session(
    State(app): State<App>,
    who: SignedIn,
    Path(session): Path<String>,
    Form(form): Form<ActForm>,
) -> PageResult {
    who.check_csrf(&form.csrf)?;
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, form.tenant.as_deref())?;
    let session: SessionId = session.parse().map_err(|_| PageError::NotFound)?;
    let info = app
        .screens
        .get(&session)
        .await
        .map_err(|error| failed(&error))?;
    let info = info
        .filter(|info| info.subject.tenant.as_ref() == Some(&tenant))
        .ok_or(PageError::NotFound)?;
    let subject = Subject {
        user: Some(who.0.user.id.clone()),
        ..info.subject
    };
    let event = Event::new(Kind::Kill, "session", subject, Outcome::Ok);
    app.ledger
        .append_durable(event)
        .await
        .map_err(|problem| PageError::internal(&problem))?;
    let ended = app
        .screens
        .end(&Target::Session(session), "ended by an administrator")
        .await;
    ended.map_err(|error| failed(&error))?;
    Ok(see_other(&format!("/admin/sessions?tenant={tenant}")).into_response())
}

/// Address of the audit explorer: the fields of its search.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AuditAddress {
    tenant: Option<String>,
    app: String,
    patient: String,
    user: String,
    session: String,
    kind: String,
    from: String,
    to: String,
    before: Option<u64>,
}

/// `GET /admin/audit`. Reading the ledger is itself recorded.
pub async fn audit(
    State(app): State<App>,
    who: SignedIn,
    Query(address): Query<AuditAddress>,
) -> PageResult {
    who.require(&[Role::Administrator, Role::PrivacyOfficer])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let wanted = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let day = |text: &str| glovebox_model::Timestamp::parse(&format!("{text}T00:00:00Z"));
    let filter = Filter {
        tenant: Some(tenant.to_string()),
        app: wanted(&address.app),
        patient: wanted(&address.patient),
        user: wanted(&address.user),
        session: wanted(&address.session),
        kind: wanted(&address.kind),
        from: day(&address.from),
        to: day(&address.to).map(|day| day + std::time::Duration::from_secs(24 * 60 * 60)),
        before_seq: address.before,
        limit: AUDIT_ROWS,
    };
    let ledger = app.ledger.clone();
    let entries = match tokio::task::spawn_blocking(move || ledger.search(&filter)).await {
        Ok(Ok(entries)) => entries,
        Ok(Err(problem)) => return Err(PageError::internal(&problem)),
        Err(problem) => return Err(PageError::internal(&problem)),
    };
    let subject = Subject {
        tenant: Some(tenant.clone()),
        user: Some(who.0.user.id.clone()),
        ..Subject::default()
    };
    let read = Event::new(Kind::AuditRead, "search", subject, Outcome::Ok)
        .with("rows", u64::try_from(entries.len()).unwrap_or(u64::MAX));
    app.ledger
        .append(read)
        .map_err(|problem| PageError::internal(&problem))?;
    let next_url = (entries.len() == AUDIT_ROWS)
        .then(|| entries.last())
        .flatten()
        .map(|last| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("tenant", tenant.as_str())
                .append_pair("app", &address.app)
                .append_pair("patient", &address.patient)
                .append_pair("user", &address.user)
                .append_pair("session", &address.session)
                .append_pair("kind", &address.kind)
                .append_pair("from", &address.from)
                .append_pair("to", &address.to)
                .append_pair("before", &last.seq.to_string())
                .finish();
            format!("/admin/audit?{query}")
        });
    let page = Audit {
        search_url: "/admin/audit".to_owned(),
        search_hidden: vec![("tenant".to_owned(), tenant.to_string())],
        search: AuditSearch {
            app: address.app,
            patient: address.patient,
            user: address.user,
            session: address.session,
            kind: address.kind,
            from: address.from,
            to: address.to,
        },
        kinds: Kind::ALL
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect(),
        chain: None,
        rows: entries.into_iter().map(audit_row).collect(),
        next_url,
    };
    let response: Response =
        html(page.page(&shell(&app, &who, &tenant, Some(Place::Audit)))).into_response();
    Ok(response)
}

fn audit_row(entry: glovebox_database::ledger::Entry) -> AuditRow {
    let tone = match entry.outcome.as_str() {
        "ok" => Tone::Good,
        "not-found" => Tone::Neutral,
        denied if denied.starts_with("denied") => Tone::Caution,
        _ => Tone::Danger,
    };
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items
            .iter()
            .filter_map(serde_json::Value::as_str)
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    };
    AuditRow {
        sequence: entry.seq,
        at: entry.at.to_string(),
        what: format!("{} {}", entry.kind, entry.action),
        app: entry.app,
        user: entry.user,
        patient: entry.patient,
        outcome: Badge::new(entry.outcome, tone),
        detail: entry
            .detail
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    }
}

fn failed(error: &glovebox_runtime::RunError) -> PageError {
    tracing::error!(code = error.code(), "the sessions could not be read");
    PageError::Internal {
        reference: crate::http::page::reference(),
    }
}
