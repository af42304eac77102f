//! Sample apps: uploaded by the vendor, approved by the administrator, like any app.

use std::path::{Path, PathBuf};

use glovebox_model::{AppId, PublisherId, TenantId};
use glovebox_package::Package;
use glovebox_registry::{Actor, Stage};

use super::build::{DemoError, Step, known};
use crate::services::Services;

/// What the manifest of an app says that only shows what hostile apps try.
const HOSTILE: &str = "hostile-example";

/// A component that was read.
pub(super) struct SampleApp {
    package: Package,
    bytes: Vec<u8>,
}

/// Reads every component of a folder. Errors name the file.
pub(super) fn read(dir: &Path) -> Result<Vec<SampleApp>, DemoError> {
    let failed = |path: &Path, problem: std::io::Error| DemoError::File {
        path: path.to_owned(),
        problem,
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .map_err(|problem| failed(dir, problem))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .collect();
    paths.sort();
    let mut apps = Vec::new();
    for path in paths {
        let bytes = std::fs::read(&path).map_err(|problem| failed(&path, problem))?;
        let package = glovebox_package::read(&bytes).map_err(|problem| DemoError::App {
            app: path.display().to_string(),
            why: problem.to_string(),
        })?;
        apps.push(SampleApp { package, bytes });
    }
    Ok(apps)
}

/// Installs what is not there yet. What an administrator decided about a version stays.
/// Answers what was left as it was and why somebody may wonder.
pub(super) async fn install(
    services: &Services,
    apps: &[SampleApp],
    progress: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Vec<String>, DemoError> {
    let vendor = Actor {
        user: known("vendor")?,
    };
    let admin = Actor {
        user: known("admin")?,
    };
    let mut notes = Vec::new();
    for app in apps {
        let manifest = &app.package.manifest;
        progress(Step::App(&manifest.name));
        let tenants: &[&str] = if manifest.category == HOSTILE {
            &["sandbox"]
        } else {
            &["main", "sandbox"]
        };
        for tenant in tenants {
            let tenant: TenantId = known(tenant)?;
            let found = services
                .registry
                .version(&tenant, &manifest.id, &manifest.version)
                .await?;
            let stage = match found {
                Some(found) => {
                    if found.digest != app.package.digest && tenant.as_str() == "sandbox" {
                        notes.push(format!(
                            "{} {} was built anew, but this data directory keeps its first build: raise its version, \
                             or start with a new --data",
                            manifest.id, manifest.version
                        ));
                    }
                    found.stage
                }
                None => upload(services, &tenant, &vendor, &manifest.publisher, app).await?,
            };
            if matches!(stage, Stage::Checked) {
                approve(services, &tenant, &admin, app).await?;
            }
        }
    }
    Ok(notes)
}

async fn upload(
    services: &Services,
    tenant: &TenantId,
    vendor: &Actor,
    publisher: &PublisherId,
    app: &SampleApp,
) -> Result<Stage, DemoError> {
    let uploaded = services
        .registry
        .upload(tenant, vendor, Some(publisher), &app.bytes)
        .await?;
    let refused = |why: String| DemoError::App {
        app: app.package.manifest.id.to_string(),
        why,
    };
    Ok(uploaded
        .map_err(|problem| refused(problem.to_string()))?
        .stage)
}

async fn approve(
    services: &Services,
    tenant: &TenantId,
    admin: &Actor,
    app: &SampleApp,
) -> Result<(), DemoError> {
    let manifest = &app.package.manifest;
    let reason = "a sample app of the demo";
    let approved = services
        .registry
        .approve(
            tenant,
            &manifest.id,
            &manifest.version,
            admin,
            reason,
            None,
            None,
            None,
        )
        .await?;
    let refused = |why: String| DemoError::App {
        app: manifest.id.to_string(),
        why,
    };
    approved
        .map(drop)
        .map_err(|problem| refused(problem.to_string()))
}

/// Loads the live apps, so that the first launch does not wait for the compiler.
pub(super) async fn warm(services: &Services) {
    for (tenant, _) in &services.settings.tenants {
        let Ok(versions) = services.registry.all(tenant).await else {
            continue;
        };
        let ids: std::collections::BTreeSet<AppId> = versions
            .into_iter()
            .map(|version| version.manifest.id)
            .collect();
        for id in ids {
            if let Err(problem) = services.registry.installation(tenant, &id).await {
                tracing::warn!(app.id = %id, error = %problem, "an app cannot be made ready");
            }
        }
    }
}
