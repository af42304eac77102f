//! What apps want to write: list, look, commit, reject.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use glovebox_gateway::{
    Draft, DraftFilter, DraftRefused, DraftStage, DraftSummary, Refusal, Viewer,
};
use glovebox_model::{Role, TenantId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::versions::app_id;
use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;
use crate::services::is_clinician;

/// Drafts on one page.
const PAGE: usize = 100;

/// Which drafts are listed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    tenant: Option<String>,
    patient: Option<String>,
    app: Option<String>,
    /// `waiting`: only those that nobody decided on.
    state: Option<String>,
    after: Option<String>,
}

/// Where a draft is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InTenant {
    tenant: Option<String>,
}

/// What a decision says.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecideBody {
    tenant: Option<String>,
    /// Why; a rejection needs it.
    reason: Option<String>,
}

/// The clinician behind a token. A draft is decided by a person, not by a service account.
async fn reviewer(app: &App, who: &Bearer, tenant: Option<&str>) -> Result<Viewer, Problem> {
    who.require(&[Role::Clinician])?;
    let tenant: TenantId = who.tenant(app, tenant)?;
    let may_act = is_clinician(app, &tenant, &who.0.user).await;
    let may_act = may_act.map_err(|cause| Problem::internal(cause.as_ref()))?;
    if !who.0.is_person || !may_act {
        who.refused("draft");
        return Err(Problem::forbidden(
            "drafts are decided by a clinician of this tenant in person",
        ));
    }
    Ok(Viewer {
        tenant,
        user: who.0.user.clone(),
    })
}

/// `GET /api/v1/drafts`.
pub async fn list(
    State(app): State<App>,
    who: Bearer,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, Problem> {
    let viewer = reviewer(&app, &who, query.tenant.as_deref()).await?;
    let waiting = match query.state.as_deref() {
        None => false,
        Some("waiting") => true,
        Some(_) => return Err(Problem::bad_request("`state` is `waiting` or left out")),
    };
    let filter = DraftFilter {
        patient: match &query.patient {
            Some(patient) => Some(
                patient
                    .parse()
                    .map_err(|problem| Problem::bad_request(format!("{problem}")))?,
            ),
            None => None,
        },
        app: query.app.as_deref().map(app_id).transpose()?,
        waiting,
    };
    let page = app
        .gateway
        .drafts(&viewer, &filter, query.after.as_deref(), PAGE);
    let (drafts, next) = page.await.map_err(|refusal| refused(refusal.into()))?;
    let items: Vec<Value> = drafts.iter().map(summary).collect();
    Ok(Json(json!({ "items": items, "next": next })))
}

/// `GET /api/v1/drafts/{id}`.
pub async fn get(
    State(app): State<App>,
    who: Bearer,
    Path(id): Path<String>,
    Query(query): Query<InTenant>,
) -> Result<Json<Value>, Problem> {
    let viewer = reviewer(&app, &who, query.tenant.as_deref()).await?;
    let draft = app.gateway.draft_of(&viewer, &id).await.map_err(refused)?;
    Ok(Json(whole(&draft)))
}

/// `POST /api/v1/drafts/{id}/commit`.
pub async fn commit(
    State(app): State<App>,
    who: Bearer,
    Path(id): Path<String>,
    body: Option<Json<DecideBody>>,
) -> Result<Json<Value>, Problem> {
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let viewer = reviewer(&app, &who, body.tenant.as_deref()).await?;
    let fhir_user = who.0.fhir_user.as_ref().map(ToString::to_string);
    let committed = app
        .gateway
        .commit_draft(&viewer, fhir_user.as_deref(), &id)
        .await
        .map_err(refused)?;
    let written: Vec<Value> = committed
        .written
        .iter()
        .map(|(reference, version)| json!({ "reference": reference, "version": version }))
        .collect();
    Ok(Json(json!({
        "draft": committed.draft,
        "state": "committed",
        "written": written,
        "provenance": committed.provenance,
    })))
}

/// `POST /api/v1/drafts/{id}/reject`.
pub async fn reject(
    State(app): State<App>,
    who: Bearer,
    Path(id): Path<String>,
    body: Option<Json<DecideBody>>,
) -> Result<Json<Value>, Problem> {
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let viewer = reviewer(&app, &who, body.tenant.as_deref()).await?;
    let reason = body.reason.unwrap_or_default();
    let rejected = app.gateway.reject_draft(&viewer, &id, &reason).await;
    rejected.map_err(refused)?;
    Ok(Json(json!({ "draft": id, "state": "rejected" })))
}

fn summary(draft: &DraftSummary) -> Value {
    let subject = &draft.subject;
    let writes: Vec<Value> = draft
        .writes
        .iter()
        .map(|(kind, name, id)| json!({ "interaction": kind.as_str(), "type": name, "id": id }))
        .collect();
    let (by, at, reason) = match &draft.stage {
        DraftStage::Waiting => (None, None, None),
        DraftStage::Committed { by, at } => (Some(by), Some(at), None),
        DraftStage::Rejected { by, at, reason } => (Some(by), Some(at), Some(reason)),
    };
    json!({
        "id": draft.id,
        "app": subject.app.as_ref().map(ToString::to_string),
        "client": subject.client.as_ref().map(ToString::to_string),
        "version": subject.version.as_ref().map(ToString::to_string),
        "digest": subject.digest.as_ref().map(ToString::to_string),
        "session": subject.session.as_ref().map(ToString::to_string),
        "user": subject.user.as_ref().map(ToString::to_string),
        "patient": subject.patient.as_ref().map(ToString::to_string),
        "created": draft.created.to_string(),
        "expires": draft.expires.to_string(),
        "state": draft.stage.as_str(),
        "decided_by": by.map(ToString::to_string),
        "decided_at": at.map(ToString::to_string),
        "reason": reason,
        "writes": writes,
    })
}

fn whole(draft: &Draft) -> Value {
    let mut value = summary(&draft.summary);
    let contents: Vec<Value> = draft
        .writes
        .iter()
        .map(|write| {
            json!({
                "interaction": write.kind.as_str(),
                "type": write.resource_type,
                "id": write.id,
                "replaces_version": write.expected,
                "resource": serde_json::from_slice::<Value>(&write.content).ok(),
            })
        })
        .collect();
    if let Some(members) = value.as_object_mut() {
        members.insert("writes".to_owned(), contents.into());
    }
    value
}

fn refused(refused: DraftRefused) -> Problem {
    let conflict = |code, detail: String| Problem::new(StatusCode::CONFLICT, code, detail);
    match refused {
        DraftRefused::NotFound => Problem::not_found("there is no such draft for this user"),
        DraftRefused::Settled(stage) => conflict(
            "draft-settled",
            format!("the draft is {} already", stage.as_str()),
        ),
        DraftRefused::Expired => conflict(
            "draft-expired",
            "the draft waited too long: reject it, and let the app write again".to_owned(),
        ),
        DraftRefused::Frozen(reason) => conflict(
            "draft-frozen",
            format!("the app was withdrawn since it wrote this: {reason}"),
        ),
        DraftRefused::Stale(what) => conflict(
            "draft-stale",
            format!(
                "{what} changed since the app saw it: reject the draft, and let the app write again"
            ),
        ),
        DraftRefused::Invalid(problem) => Problem::bad_request(problem),
        DraftRefused::Gateway(Refusal::Unavailable) => {
            Problem::internal(&std::io::Error::other("the gateway does not answer"))
        }
        DraftRefused::Gateway(_) => Problem::forbidden("the app may not write this any more"),
    }
}
