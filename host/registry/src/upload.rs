//! Upload: cheap checks before expensive ones, nothing kept unless all pass.

use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::manifest::Manifest;
use glovebox_model::scope::Permissions;
use glovebox_model::{PublisherId, TenantId};

use crate::acts::Actor;
use crate::app_version::{Act, AppVersion};
use crate::error::{RegistryError, UploadRefused};
use crate::registry::Registry;
use crate::stage::Stage;
use crate::stored;

/// Longest record of a new version: approvals and history, which come later, need room.
const RECORD_BYTES_MAX: usize = 24 << 10;

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
            Err(refused) => return self.refuse_upload(subject, bytes, refused).await,
        };
        let manifest = package.manifest;
        let number = manifest.version.to_string();
        if let Some(existing) = self
            .version(tenant, &manifest.id, &manifest.version)
            .await?
        {
            if existing.digest == package.digest {
                return Ok(Ok(existing));
            }
            let refused = UploadRefused::VersionExists(number);
            return self.refuse_upload(subject, bytes, refused).await;
        }
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
        let record_bytes = stored::encode(&version)?.len();
        if record_bytes > RECORD_BYTES_MAX {
            let refused = UploadRefused::ManifestTooLong {
                bytes: record_bytes,
                max: RECORD_BYTES_MAX,
            };
            return self.refuse_upload(subject, bytes, refused).await;
        }
        self.parts.artifacts.keep(component.to_vec()).await?;
        let subject = self.subject(&version, actor);
        let event = Event::new(Kind::Upload, "upload", subject.clone(), Outcome::Ok);
        let event = event.with("bytes", bytes);
        self.parts.ledger.append_durable(event).await?;
        if self.put_new(&version).await? {
            return Ok(Ok(version));
        }
        // Somebody else was faster: with the same bytes, with others, or with the app's id.
        let (tenant, manifest) = (&version.tenant, &version.manifest);
        let there = self
            .version(tenant, &manifest.id, &manifest.version)
            .await?;
        let refused = match there {
            Some(there) if there.digest == version.digest => return Ok(Ok(there)),
            Some(_) => UploadRefused::VersionExists(number),
            None => UploadRefused::OtherOwner(manifest.id.to_string()),
        };
        self.refuse_upload(subject, bytes, refused).await
    }

    async fn refuse_upload(
        &self,
        subject: Subject,
        bytes: u64,
        refused: UploadRefused,
    ) -> Result<Result<AppVersion, UploadRefused>, RegistryError> {
        let finding: String = refused.to_string().chars().take(500).collect();
        let denied = Outcome::Denied("check".to_owned());
        let event = Event::new(Kind::Upload, "upload", subject, denied)
            .with("finding", finding)
            .with("bytes", bytes);
        self.parts.ledger.append_durable(event).await?;
        Ok(Err(refused))
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
        let imports: Vec<String> = prepared
            .imports()
            .iter()
            .map(|import| import.name.clone())
            .collect();
        Ok(check_imports(manifest, &imports).map(|()| (package, imports)))
    }
}

/// The interfaces imported must be ones that the scopes asked for can use.
pub fn check_imports(manifest: &Manifest, imports: &[String]) -> Result<(), UploadRefused> {
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
