//! Upload: cheap checks before expensive ones, nothing kept unless all pass.

use glovebox_database::Expect;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::manifest::Manifest;
use glovebox_model::scope::Permissions;
use glovebox_model::{PublisherId, TenantId};

use crate::acts::Actor;
use crate::app_version::{Act, AppVersion};
use crate::error::{RegistryError, UploadRefused};
use crate::registry::Registry;
use crate::stage::Stage;

impl Registry {
    /// Takes in a component, or says why not. The same bytes again are no change. An
    /// uploader with a publisher may upload for that publisher only.
    pub async fn upload(
        &self,
        tenant: &TenantId,
        actor: &Actor,
        publisher: Option<&PublisherId>,
        component: &[u8],
    ) -> Result<Result<AppVersion, UploadRefused>, RegistryError> {
        let checked = self.check(tenant, publisher, component).await?;
        let subject = Subject {
            tenant: Some(tenant.clone()),
            user: Some(actor.user.clone()),
            ..Subject::default()
        };
        let bytes = u64::try_from(component.len()).unwrap_or(u64::MAX);
        let (package, imports) = match checked {
            Ok(checked) => checked,
            Err(refused) => {
                let event = Event::new(
                    Kind::Upload,
                    "upload",
                    subject,
                    Outcome::Denied("check".to_owned()),
                )
                .with(
                    "finding",
                    refused.to_string().chars().take(500).collect::<String>(),
                )
                .with("bytes", bytes);
                self.parts.ledger.append_durable(event).await?;
                return Ok(Err(refused));
            }
        };
        let manifest = package.manifest;
        if let Some(existing) = self
            .version(tenant, &manifest.id, &manifest.version)
            .await?
        {
            return Ok(if existing.digest == package.digest {
                Ok(existing)
            } else {
                Err(UploadRefused::VersionExists(manifest.version.to_string()))
            });
        }
        self.parts.artifacts.put(component)?;
        let version = AppVersion {
            tenant: tenant.clone(),
            digest: package.digest,
            imports,
            bytes,
            stage: Stage::Checked,
            history: vec![Act {
                what: "upload".to_owned(),
                by: actor.user.clone(),
                at: self.parts.clock.now(),
                reason: String::new(),
            }],
            manifest,
        };
        let event = Event::new(
            Kind::Upload,
            "upload",
            self.subject(&version, actor),
            Outcome::Ok,
        )
        .with("bytes", bytes);
        self.parts.ledger.append_durable(event).await?;
        if !self.put(&version, Expect::Absent).await? {
            return Ok(Err(UploadRefused::VersionExists(
                version.manifest.version.to_string(),
            )));
        }
        Ok(Ok(version))
    }

    async fn check(
        &self,
        tenant: &TenantId,
        publisher: Option<&PublisherId>,
        component: &[u8],
    ) -> Result<Result<(glovebox_package::Package, Vec<String>), UploadRefused>, RegistryError>
    {
        let package = match glovebox_package::read(component) {
            Ok(package) => package,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let manifest = &package.manifest;
        if let Some(uploader) = publisher.filter(|publisher| **publisher != manifest.publisher) {
            return Ok(Err(UploadRefused::OtherPublisher {
                manifest: manifest.publisher.to_string(),
                uploader: uploader.to_string(),
            }));
        }
        let versions = self.versions(tenant, &manifest.id).await?;
        if versions
            .iter()
            .any(|other| other.manifest.publisher != manifest.publisher)
        {
            return Ok(Err(UploadRefused::OtherOwner(manifest.id.to_string())));
        }
        let prepared = match self.parts.runtime.prepare(component).await {
            Ok(prepared) => prepared,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let imports = prepared.imports().to_vec();
        Ok(check_imports(manifest, &imports).map(|()| (package, imports)))
    }
}

/// The interfaces imported must be ones that the scopes asked for can use.
fn check_imports(manifest: &Manifest, imports: &[String]) -> Result<(), UploadRefused> {
    let scopes = manifest.scope_set();
    let asks = |letters: Permissions| {
        scopes
            .resources()
            .any(|scope| !scope.permissions.intersection(letters).is_empty())
    };
    let reads = asks(Permissions::READ.union(Permissions::SEARCH));
    let writes = asks(
        Permissions::CREATE
            .union(Permissions::UPDATE)
            .union(Permissions::DELETE),
    );
    for import in imports {
        let fix = match import.split('@').next().unwrap_or_default() {
            "glovebox:fhir/read" if !reads => "ask for a scope with r or s, or do not import it",
            "glovebox:fhir/write" if !writes => {
                "ask for a scope with c, u or d, or do not import it"
            }
            "glovebox:host/storage" if !manifest.storage => {
                "set storage = true, or do not import it"
            }
            _ => continue,
        };
        return Err(UploadRefused::ImportWithoutScope {
            import: import.clone(),
            fix,
        });
    }
    Ok(())
}
