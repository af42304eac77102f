//! The audit ledger for programs. Reading it is itself recorded.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use glovebox_database::ledger::{Entry, Filter};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{Role, TenantId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;

const LIMIT: usize = 200;
const LIMIT_MAX: usize = 10_000;

/// The fields of the search.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct AuditAddress {
    tenant: Option<String>,
    app: Option<String>,
    patient: Option<String>,
    user: Option<String>,
    session: Option<String>,
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    next: Option<u64>,
    limit: Option<usize>,
}

/// `GET /api/v1/audit`: newest first; NDJSON of the stored lines if asked for.
pub async fn get(
    State(app): State<App>,
    who: Bearer,
    Query(address): Query<AuditAddress>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    who.require(&[Role::Administrator, Role::PrivacyOfficer])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let limit = address.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let filter = Filter {
        tenant: Some(tenant.to_string()),
        app: address.app,
        patient: address.patient,
        user: address.user,
        session: address.session,
        kind: address.kind,
        from: instant(address.from.as_deref(), Duration::ZERO)?,
        to: instant(address.to.as_deref(), Duration::from_secs(24 * 60 * 60))?,
        before_seq: address.next,
        limit,
    };
    let entries = search(&app, filter).await?;
    record_read(&app, &who, Some(tenant), entries.len())?;
    let wants_lines = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/x-ndjson"));
    if wants_lines {
        let lines: String = entries
            .iter()
            .flat_map(|entry| [entry.raw.as_str(), "\n"])
            .collect();
        return Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response());
    }
    let next = (entries.len() == limit)
        .then(|| entries.last().map(|last| last.seq.to_string()))
        .flatten();
    let items: Vec<Value> = entries.iter().map(entry_json).collect();
    Ok(Json(json!({ "items": items, "next": next })).into_response())
}

/// Records that somebody read this many entries.
pub(super) fn record_read(
    app: &App,
    who: &Bearer,
    tenant: Option<TenantId>,
    rows: usize,
) -> Result<(), Problem> {
    let subject = Subject {
        tenant,
        user: Some(who.0.user.clone()),
        ..Subject::default()
    };
    let event = Event::new(Kind::AuditRead, "search", subject, Outcome::Ok)
        .with("rows", u64::try_from(rows).unwrap_or(u64::MAX));
    let appended = app.ledger.append(event);
    appended
        .map(|_| ())
        .map_err(|problem| Problem::internal(&problem))
}

/// An RFC 3339 instant, or a day: then `whole_day` is added, so that `to` includes it.
fn instant(text: Option<&str>, whole_day: Duration) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let day = Timestamp::parse(&format!("{text}T00:00:00Z")).map(|day| day + whole_day);
    let found = Timestamp::parse(text).or(day);
    found.map(Some).ok_or_else(|| {
        Problem::bad_request(format!("`{text}` is neither an RFC 3339 time nor a date"))
    })
}

/// Searches off the async threads.
pub(super) async fn search(app: &App, filter: Filter) -> Result<Vec<Entry>, Problem> {
    let ledger = app.ledger.clone();
    match tokio::task::spawn_blocking(move || ledger.search(&filter)).await {
        Ok(Ok(entries)) => Ok(entries),
        Ok(Err(problem)) => Err(Problem::internal(&problem)),
        Err(problem) => Err(Problem::internal(&problem)),
    }
}

/// The stored line is JSON already.
pub(super) fn entry_json(entry: &Entry) -> Value {
    serde_json::from_str(&entry.raw).unwrap_or(Value::Null)
}
