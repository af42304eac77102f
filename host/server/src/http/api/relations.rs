//! Who may open whom, for programs: list, grant, withdraw, and derive from the record.

mod file;

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use glovebox_database::relations::{Assertion, Holding, Origin, Relation, Right, Source};
use glovebox_model::ledger::Subject;
use glovebox_model::{Role, TenantId, Timestamp, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sessions::spoken_for;
use super::versions::person;
use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;

/// Relations on one page.
const PAGE: usize = 200;

/// Whose relations, and where the list goes on.
#[derive(Deserialize)]
pub struct ListAddress {
    tenant: Option<String>,
    user: Option<String>,
    after: Option<String>,
}

/// `GET /api/v1/relations`: of one user, or of everybody in the tenant.
pub async fn list(
    State(app): State<App>,
    who: Bearer,
    Query(address): Query<ListAddress>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let user = address.user.as_deref().map(user_id).transpose()?;
    let after = address.after.as_deref().map(position).transpose()?;
    let after = after.as_ref().map(|(user, right)| (user, right));
    let listed = app.relations.list(&tenant, user.as_ref(), after, PAGE);
    let listed = listed
        .await
        .map_err(|problem| Problem::internal(&problem))?;
    let next = listed.last().filter(|_| listed.len() == PAGE);
    let next = next.map(|last| format!("{}/{}", last.user, last.right));
    let items: Vec<Value> = listed.iter().flat_map(describe).collect();
    Ok(Json(json!({ "items": items, "next": next })))
}

/// Where a page ended: `user/right`.
fn position(text: &str) -> Result<(UserId, Right), Problem> {
    let bad = || Problem::bad_request("`after` must be the `next` of a page");
    let (user, right) = text.split_once('/').ok_or_else(bad)?;
    let right = match right {
        "*" => Right::Everyone,
        patient => Right::Patient(patient.parse().map_err(|_| bad())?),
    };
    Ok((user.parse().map_err(|_| bad())?, right))
}

/// One item for each source of a relation.
fn describe(relation: &Relation) -> impl Iterator<Item = Value> {
    relation.holdings.iter().map(|holding| {
        let mut item = right_json(&relation.user, &relation.right);
        merge(&mut item, holding_json(holding));
        item
    })
}

fn right_json(user: &UserId, right: &Right) -> Value {
    let patient = match right {
        Right::Everyone => None,
        Right::Patient(patient) => Some(patient.to_string()),
    };
    json!({
        "user": user.to_string(),
        "patient": patient,
        "everyone": *right == Right::Everyone,
    })
}

fn holding_json(holding: &Holding) -> Value {
    json!({
        "source": holding.source.as_str(),
        "from": holding.origin.as_ref().map(ToString::to_string),
        "starts": holding.term.starts.map(|at| at.to_string()),
        "expires": holding.term.expires.map(|at| at.to_string()),
    })
}

fn merge(item: &mut Value, more: Value) {
    if let (Some(item), Value::Object(more)) = (item.as_object_mut(), more) {
        item.extend(more);
    }
}

/// What is granted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantBody {
    tenant: Option<String>,
    user: String,
    patient: Option<String>,
    #[serde(default)]
    everyone: bool,
    expires: Option<String>,
    #[serde(default)]
    reason: String,
}

/// Where a file of relations goes, and why.
#[derive(Deserialize)]
pub struct FileAddress {
    tenant: Option<String>,
    #[serde(default)]
    reason: String,
}

/// `POST /api/v1/relations`: one relation as JSON, or a file of them as `text/csv`.
pub async fn grant(
    State(app): State<App>,
    who: Bearer,
    Query(address): Query<FileAddress>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    who.require(&[Role::Administrator, Role::Ehr])?;
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let media_type = content_type.unwrap_or_default().split(';').next();
    match media_type.unwrap_or_default().trim() {
        "application/json" => {
            let body = serde_json::from_slice(&body);
            let body = body.map_err(|problem| Problem::bad_request(problem.to_string()))?;
            grant_one(&app, &who, body).await
        }
        "text/csv" => grant_file(&app, &who, &address, &body).await,
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "send one relation as `application/json`, or a file of them as `text/csv`",
        )),
    }
}

async fn grant_one(
    app: &App,
    who: &Bearer,
    body: GrantBody,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let tenant = who.tenant(app, body.tenant.as_deref())?;
    let user = user_id(&body.user)?;
    let right = right(body.patient.as_deref(), body.everyone)?;
    let (source, actor, reason) = if who.0.roles.contains(&Role::Ehr) {
        spoken_for(app, who, &tenant, &user).await?;
        if right == Right::Everyone {
            who.refused("everyone");
            let detail = "an EHR asserts one patient at a time: only an administrator grants all";
            return Err(Problem::forbidden(detail));
        }
        let actor = Subject {
            asserted_by: Some(who.0.user.clone()),
            ..Subject::default()
        };
        let reason = match body.reason.trim() {
            "" => "asserted by the EHR",
            reason => reason,
        };
        (Source::Ehr, actor, reason.to_owned())
    } else {
        let (actor, reason) = act(who, &body.reason)?;
        if !works_here(app, &tenant, &user).await? {
            return Err(unknown_user(&user));
        }
        (Source::Api, actor, reason)
    };
    let expires = body
        .expires
        .as_deref()
        .map(|text| expires(text, app.clock.now()));
    let expires = expires.transpose().map_err(Problem::bad_request)?;
    let mut answer = right_json(&user, &right);
    let holding = Holding::asserted(source, expires);
    let said = [Assertion {
        user,
        right,
        source,
        expires,
    }];
    let granted = app.gateway.grant_relations(&tenant, &said, &actor, &reason);
    granted.await.map_err(|_| unconfirmed())?;
    merge(&mut answer, holding_json(&holding));
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn grant_file(
    app: &App,
    who: &Bearer,
    address: &FileAddress,
    body: &[u8],
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (actor, reason) = act(who, &address.reason)?;
    let tenant = who.tenant(app, address.tenant.as_deref())?;
    let refused = |bad| {
        let detail = file::explain(bad);
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-lines", detail)
    };
    let rows = file::read(body, app.clock.now()).map_err(refused)?;
    let mut known: HashMap<&UserId, bool> = HashMap::new();
    let users: HashSet<&UserId> = rows.iter().map(|row| &row.said.user).collect();
    for user in users {
        known.insert(user, works_here(app, &tenant, user).await?);
    }
    let unknown = rows
        .iter()
        .filter(|row| known.get(&row.said.user) != Some(&true));
    let bad: Vec<_> = unknown
        .map(|row| file::BadLine {
            line: row.line,
            why: format!("there is no user `{}` in this tenant", row.said.user),
        })
        .collect();
    if !bad.is_empty() {
        return Err(refused(bad));
    }
    let said: Vec<Assertion> = rows.into_iter().map(|row| row.said).collect();
    let granted = app.gateway.grant_relations(&tenant, &said, &actor, &reason);
    granted.await.map_err(|_| unconfirmed())?;
    Ok((StatusCode::CREATED, Json(json!({ "granted": said.len() }))))
}

/// What is withdrawn.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawBody {
    tenant: Option<String>,
    user: String,
    patient: Option<String>,
    #[serde(default)]
    everyone: bool,
    #[serde(default)]
    reason: String,
}

/// `POST /api/v1/relations/withdraw`: answers once it is in force. What follows from the
/// record stays, and is named.
pub async fn withdraw(
    State(app): State<App>,
    who: Bearer,
    Json(body): Json<WithdrawBody>,
) -> Result<Json<Value>, Problem> {
    let (actor, reason) = act(&who, &body.reason)?;
    let tenant = who.tenant(&app, body.tenant.as_deref())?;
    let user = user_id(&body.user)?;
    let right = right(body.patient.as_deref(), body.everyone)?;
    let withdrawn = app
        .gateway
        .withdraw_relation(&tenant, &user, &right, &actor, &reason)
        .await
        .map_err(|_| unconfirmed())?;
    let still: Vec<Value> = withdrawn.still.iter().map(holding_json).collect();
    let mut answer = right_json(&user, &right);
    merge(
        &mut answer,
        json!({
            "calls_ended": withdrawn.ended.calls,
            "took_ms": withdrawn.ended.micros / 1_000,
            "still": still,
        }),
    );
    Ok(Json(answer))
}

/// What is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeriveBody {
    tenant: Option<String>,
    from: Option<String>,
    #[serde(default)]
    reason: String,
}

/// `POST /api/v1/relations/derive`: accepts what care teams and related persons in the
/// record say, also where an app wrote it.
pub async fn derive(
    State(app): State<App>,
    who: Bearer,
    Json(body): Json<DeriveBody>,
) -> Result<Json<Value>, Problem> {
    let (actor, reason) = act(&who, &body.reason)?;
    let tenant = who.tenant(&app, body.tenant.as_deref())?;
    let from: Option<Origin> = match &body.from {
        Some(from) => Some(
            from.parse()
                .map_err(|problem| Problem::bad_request(format!("`from`: {problem}")))?,
        ),
        None => None,
    };
    let derived = app
        .gateway
        .derive_relations(&tenant, from.as_ref(), &actor, &reason)
        .await
        .map_err(|_| unconfirmed())?;
    Ok(Json(json!({
        "looked_at": derived.looked_at,
        "given": derived.given,
        "taken": derived.taken,
    })))
}

/// An administrator's act: in person, and with a reason.
fn act(who: &Bearer, reason: &str) -> Result<(Subject, String), Problem> {
    let actor = person(who, &[Role::Administrator])?;
    let reason = reason.trim();
    if reason.is_empty() {
        let detail = "say why in `reason`: it stands in the audit log";
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "no-reason",
            detail,
        ));
    }
    let subject = Subject {
        user: Some(actor.user),
        ..Subject::default()
    };
    Ok((subject, reason.to_owned()))
}

fn user_id(text: &str) -> Result<UserId, Problem> {
    text.parse()
        .map_err(|problem| Problem::bad_request(format!("{problem}")))
}

fn right(patient: Option<&str>, everyone: bool) -> Result<Right, Problem> {
    match (patient, everyone) {
        (Some(patient), false) => patient
            .parse()
            .map(Right::Patient)
            .map_err(|problem| Problem::bad_request(format!("{problem}"))),
        (None, true) => Ok(Right::Everyone),
        _ => Err(Problem::bad_request(
            "name a `patient`, or say `everyone`: true, and not both",
        )),
    }
}

/// An instant to come.
fn expires(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let cut: String = text.chars().take(80).collect();
    match Timestamp::parse(text) {
        None => Err(format!(
            "`{cut}` is no RFC 3339 time: write it as 2030-01-31T00:00:00Z"
        )),
        Some(at) if at <= now => Err(format!("`{cut}` is in the past")),
        Some(at) => Ok(at),
    }
}

/// Whether somebody has an account that acts in a tenant.
async fn works_here(app: &App, tenant: &TenantId, user: &UserId) -> Result<bool, Problem> {
    let found = app.authorization.users.get(user).await;
    let found = found.map_err(|problem| Problem::internal(&problem))?;
    Ok(found.is_some_and(|user| user.tenants.contains(tenant)))
}

fn unknown_user(user: &UserId) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unknown-user",
        format!("there is no user `{user}` in this tenant"),
    )
}

fn unconfirmed() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "it is not confirmed that this is in force: ask again",
    )
}
