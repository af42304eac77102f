//! App versions: upload, look, decide.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use glovebox_model::limits::Limits;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{AppId, Role, TenantId, Version};
use glovebox_policy::{Terms, sentence};
use glovebox_registry::{
    ActRefused, Actor, AppVersion, RegistryError, Released, Stage, UploadRefused, Withdrawn,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::InTenant;
use crate::http::App;
use crate::http::identity::Bearer;
use crate::http::problem::Problem;
use crate::services::end_sessions;

/// `POST /api/v1/apps/{app}/versions`: the component, manifest inside.
pub async fn upload(
    State(app): State<App>,
    who: Bearer,
    Path(id): Path<String>,
    Query(address): Query<InTenant>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    who.require(&[Role::Vendor, Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !content_type.starts_with("application/wasm") {
        let detail = "send the component as Content-Type: application/wasm";
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            detail,
        ));
    }
    if let Ok(package) = glovebox_package::read(&body)
        && package.manifest.id.as_str() != id
    {
        let detail = format!(
            "the manifest is of `{}`: upload it there",
            package.manifest.id
        );
        return Err(Problem::bad_request(detail));
    }
    let actor = Actor {
        user: who.0.user.clone(),
    };
    let publisher = who.0.publisher.as_ref();
    if publisher.is_none() && !who.0.roles.contains(&Role::Administrator) {
        return Err(Problem::forbidden(
            "this vendor has no publisher: ask an administrator",
        ));
    }
    let uploaded = app
        .registry
        .upload(&tenant, &actor, publisher, &body)
        .await
        .map_err(failed)?;
    let version = uploaded.map_err(|refused| {
        let code = match refused {
            UploadRefused::Package(_) => "package",
            UploadRefused::Component(_) => "component",
            UploadRefused::ImportWithoutScope { .. } => "import-without-scope",
            UploadRefused::OtherPublisher { .. } => "other-publisher",
            UploadRefused::OtherOwner(_) => "other-owner",
            UploadRefused::VersionExists(_) => "version-exists",
            UploadRefused::ManifestTooLong { .. } => "manifest-too-long",
        };
        let status = match refused {
            UploadRefused::VersionExists(_) => StatusCode::CONFLICT,
            UploadRefused::OtherPublisher { .. } | UploadRefused::OtherOwner(_) => {
                StatusCode::FORBIDDEN
            }
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Problem::new(status, code, refused.to_string())
    })?;
    Ok((StatusCode::ACCEPTED, Json(describe(&version))).into_response())
}

/// `GET /api/v1/apps/{app}/versions/{version}`.
pub async fn get(
    State(app): State<App>,
    who: Bearer,
    Path((id, version)): Path<(String, String)>,
    Query(address): Query<InTenant>,
) -> Result<Json<Value>, Problem> {
    who.require(&[Role::Vendor, Role::Administrator])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let (id, version) = ids(&id, &version)?;
    let found = app
        .registry
        .version(&tenant, &id, &version)
        .await
        .map_err(failed)?;
    let found = found.filter(|version| may_see(&who, version));
    found
        .map(|version| Json(describe(&version)))
        .ok_or_else(no_such_version)
}

/// A vendor sees its own publisher's apps only.
pub(super) fn may_see(who: &Bearer, version: &AppVersion) -> bool {
    who.0.roles.contains(&Role::Administrator)
        || who.0.publisher.as_ref() == Some(&version.manifest.publisher)
}

/// What an act needs.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActBody {
    /// Default: `main`.
    tenant: Option<String>,
    /// Why.
    reason: String,
    /// For an approval: fewer scopes than the manifest asks for.
    scopes: Option<String>,
    /// For an approval: lower limits, by name.
    limits: Option<std::collections::BTreeMap<String, u64>>,
    /// For an approval: elements to strip, or the only ones to give, by resource type.
    projection: Option<Value>,
    /// For an approval: the security labels that the app may see.
    labels: Option<Value>,
    /// For an approval: `draft` (the default) or `direct`.
    writes: Option<Value>,
    /// For an approval: how much the app may take.
    budget: Option<Value>,
}

impl ActBody {
    /// What the approval says beyond scopes and limits.
    fn terms(&self) -> Result<Terms, Problem> {
        let written: Map<String, Value> = [
            ("projection", &self.projection),
            ("labels", &self.labels),
            ("writes", &self.writes),
            ("budget", &self.budget),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect();
        Terms::from_json(&written.into())
            .map_err(|problem| Problem::bad_request(problem.to_string()))
    }
}

/// `POST /api/v1/apps/{app}/versions/{version}/{act}`.
pub async fn act(
    State(app): State<App>,
    who: Bearer,
    Path((id, version, act)): Path<(String, String, String)>,
    body: Option<Json<ActBody>>,
) -> Result<Response, Problem> {
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let tenant = who.tenant(&app, body.tenant.as_deref())?;
    let (id, version) = ids(&id, &version)?;
    let actor = person(
        &who,
        if act == "submit" {
            &[Role::Vendor, Role::Administrator]
        } else {
            &[Role::Administrator]
        },
    )?;
    let registry = &app.registry;
    match act.as_str() {
        "submit" => {
            let found = registry
                .version(&tenant, &id, &version)
                .await
                .map_err(failed)?;
            found
                .filter(|version| may_see(&who, version))
                .ok_or_else(no_such_version)?;
            let done = registry
                .submit(&tenant, &id, &version, &actor)
                .await
                .map_err(failed)?;
            Ok(Json(describe(&done.map_err(refused)?)).into_response())
        }
        "approve" => {
            let scopes = match &body.scopes {
                Some(text) => Some(
                    ScopeSet::parse(text)
                        .map_err(|problem| Problem::bad_request(problem.to_string()))?,
                ),
                None => None,
            };
            let limits = limits(&app, body.limits.as_ref())?;
            let terms = body.terms()?;
            let done = registry
                .approve(
                    &tenant,
                    &id,
                    &version,
                    &actor,
                    &body.reason,
                    scopes,
                    limits,
                    Some(terms),
                )
                .await;
            Ok(Json(describe(&done.map_err(failed)?.map_err(refused)?)).into_response())
        }
        "reject" => {
            let done = registry
                .reject(&tenant, &id, &version, &actor, &body.reason)
                .await
                .map_err(failed)?;
            Ok(Json(describe(&done.map_err(refused)?)).into_response())
        }
        _ => {
            withdraw_or_release(
                &app,
                &tenant,
                &id,
                Some(&version),
                &actor,
                &act,
                &body.reason,
            )
            .await
        }
    }
}

/// Quarantine, revoke and release, of one version or of the whole app.
pub(super) async fn withdraw_or_release(
    app: &App,
    tenant: &TenantId,
    id: &AppId,
    version: Option<&Version>,
    actor: &Actor,
    act: &str,
    reason: &str,
) -> Result<Response, Problem> {
    let started = app.clock.now();
    let registry = &app.registry;
    let withdrawn: Withdrawn = match act {
        "quarantine" => registry
            .quarantine(tenant, id, version, actor, reason)
            .await
            .map_err(failed)?
            .map_err(refused)?,
        "revoke" => registry
            .revoke(tenant, id, version, actor, reason)
            .await
            .map_err(failed)?
            .map_err(refused)?,
        "release" => {
            let released = registry
                .release(tenant, id, version, actor, reason)
                .await
                .map_err(failed)?;
            return Ok(match released.map_err(refused)? {
                Released::Pending => {
                    let answer = json!({ "state": "pending", "needs": "a second administrator" });
                    (StatusCode::ACCEPTED, Json(answer)).into_response()
                }
                Released::InReview(versions) => {
                    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
                    Json(json!({ "state": "in-review", "versions": versions })).into_response()
                }
            });
        }
        _ => return Err(Problem::not_found("there is no such act")),
    };
    // The fence has ended what runs already; this closes the sessions and counts them.
    let ended = end_sessions(app, tenant, id, &withdrawn, act).await;
    let sessions_ended = ended.map_err(|problem| {
        tracing::error!(error = %problem, "the sessions of a withdrawn app could not be ended");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "the sessions could not be listed; the app is withdrawn",
        )
    })?;
    let took = app.clock.now().since(started);
    let versions: Vec<String> = withdrawn.versions.iter().map(ToString::to_string).collect();
    Ok(Json(json!({
        "act": act,
        "versions": versions,
        "sessions_ended": sessions_ended,
        "calls_ended": withdrawn.calls_ended,
        "in_force_ms": u64::try_from(withdrawn.took.as_millis()).unwrap_or(u64::MAX),
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }))
    .into_response())
}

/// Acts count people: a service account's token cannot decide.
pub(super) fn person(who: &Bearer, roles: &[Role]) -> Result<Actor, Problem> {
    who.require(roles)?;
    if who.0.is_person {
        Ok(Actor {
            user: who.0.user.clone(),
        })
    } else {
        who.refused("not-a-person");
        Err(Problem::forbidden("this act needs a person's own token"))
    }
}

fn limits(
    app: &App,
    asked: Option<&std::collections::BTreeMap<String, u64>>,
) -> Result<Option<Limits>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    let mut limits = app.settings.ceiling.clone();
    for (name, value) in asked {
        if !limits.set(name, *value) {
            return Err(Problem::bad_request(format!(
                "there is no limit named `{name}`"
            )));
        }
    }
    Ok(Some(limits))
}

pub(super) fn app_id(text: &str) -> Result<AppId, Problem> {
    text.parse()
        .map_err(|_| Problem::not_found("there is no such app"))
}

fn ids(id: &str, version: &str) -> Result<(AppId, Version), Problem> {
    Ok((app_id(id)?, version.parse().map_err(|_| no_such_version())?))
}

fn no_such_version() -> Problem {
    Problem::not_found("there is no such app or version")
}

pub(super) fn failed(error: RegistryError) -> Problem {
    Problem::internal(&error)
}

pub(super) fn refused(refused: ActRefused) -> Problem {
    let (status, code) = match &refused {
        ActRefused::NotFound => (StatusCode::NOT_FOUND, "not-found"),
        ActRefused::WrongStage { .. } => (StatusCode::CONFLICT, "wrong-stage"),
        ActRefused::BeyondManifest(_) => (StatusCode::UNPROCESSABLE_ENTITY, "beyond-manifest"),
        ActRefused::SamePerson(_) => (StatusCode::FORBIDDEN, "same-person"),
        ActRefused::NoReason => (StatusCode::UNPROCESSABLE_ENTITY, "no-reason"),
    };
    Problem::new(status, code, refused.to_string())
}

/// A version as JSON.
pub(super) fn describe(version: &AppVersion) -> Value {
    let manifest = &version.manifest;
    let asked: Vec<Value> = manifest
        .scopes
        .iter()
        .map(|justified| {
            json!({
                "scope": justified.scope.to_string(),
                "in_words": sentence(&justified.scope),
                "why": justified.why,
            })
        })
        .collect();
    let approval = match &version.stage {
        Stage::Live(approval) | Stage::Superseded(approval) => json!({
            "by": approval.by.to_string(),
            "at": approval.at.to_string(),
            "reason": approval.reason,
            "scopes": approval.scopes.to_string(),
            "terms": approval.terms.to_json(),
        }),
        _ => Value::Null,
    };
    let history: Vec<Value> = version
        .history
        .iter()
        .map(|act| {
            json!({ "act": act.what, "by": act.by.to_string(), "at": act.at.to_string(), "reason": act.reason })
        })
        .collect();
    json!({
        "app": manifest.id.to_string(),
        "version": manifest.version.to_string(),
        "name": manifest.name,
        "purpose": manifest.purpose,
        "publisher": manifest.publisher.to_string(),
        "category": manifest.category,
        "security_contact": manifest.security_contact,
        "tenant": version.tenant.to_string(),
        "digest": version.digest.to_string(),
        "bytes": version.bytes,
        "state": version.stage.as_str(),
        "imports": version.imports,
        "scopes": asked,
        "approval": approval,
        "history": history,
    })
}
