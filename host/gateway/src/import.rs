//! Import: resources are put as given, in batches that are announced in the ledger.

use glovebox_fhir::{Interaction, Resource};
use glovebox_fhir_store::{FhirStore, Head, Imported, Put};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{Digest, TenantId};
use glovebox_policy::{Permitted, Reach, SystemReason, permit_system};

use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;

/// Resources of one commit at most.
const BATCH_RESOURCES_MAX: usize = 200;
/// Bytes of one commit at most.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// How often a batch is tried again when something changed underneath it.
const TRIES_MAX: usize = 5;

/// How an import treats what is already there.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Replace a resource that has the same id and other content.
    pub update: bool,
}

/// A resource that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedResource {
    /// `Type/id`.
    pub reference: String,
    /// What is wrong and how to mend it.
    pub why: String,
}

/// What an import did. Every resource given is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// New resources.
    pub created: usize,
    /// Replaced resources.
    pub updated: usize,
    /// Equal resources that were there already.
    pub unchanged: usize,
    /// What was not taken.
    pub refused: Vec<RefusedResource>,
}

impl ImportReport {
    /// Adds another part of the same import.
    pub fn add(&mut self, part: Self) {
        self.created += part.created;
        self.updated += part.updated;
        self.unchanged += part.unchanged;
        self.refused.extend(part.refused);
    }
}

/// One resource that will be written.
struct Write {
    permitted: Permitted<Interaction>,
    old: Option<Head>,
    given: Digest,
}

impl Gateway {
    /// Puts resources as given: ids kept, an equal resource is no change, a different one
    /// with the same id is refused unless [`ImportOptions::update`]. What is reported as
    /// created or updated is on disk.
    pub async fn import(
        &self,
        tenant: &TenantId,
        actor: &Subject,
        resources: Vec<Resource>,
        options: ImportOptions,
    ) -> Result<ImportReport, Refusal> {
        let mut report = ImportReport::default();
        let mut batch = Vec::new();
        let mut bytes = 0;
        for resource in resources {
            let repeated = batch.iter().any(|other: &Resource| {
                other.resource_type() == resource.resource_type() && other.id() == resource.id()
            });
            bytes += resource.bytes().len();
            if repeated || batch.len() == BATCH_RESOURCES_MAX || bytes > BATCH_BYTES_MAX {
                report.add(
                    self.import_batch(tenant, actor, std::mem::take(&mut batch), options)
                        .await?,
                );
                bytes = resource.bytes().len();
            }
            batch.push(resource);
        }
        if !batch.is_empty() {
            report.add(self.import_batch(tenant, actor, batch, options).await?);
        }
        Ok(report)
    }

    async fn import_batch(
        &self,
        tenant: &TenantId,
        actor: &Subject,
        resources: Vec<Resource>,
        options: ImportOptions,
    ) -> Result<ImportReport, Refusal> {
        let store = self.store(tenant)?;
        let mut report = ImportReport::default();
        let mut permits = Vec::with_capacity(resources.len());
        for resource in resources {
            if resource.id().is_none() {
                report.refused.push(RefusedResource {
                    reference: resource.resource_type().to_owned(),
                    why: "it has no id: give it one, or a fullUrl of the form urn:uuid:…"
                        .to_owned(),
                });
                continue;
            }
            let interaction = Interaction::Update {
                resource,
                if_match: None,
            };
            permits.push(permit_system(
                SystemReason::Import,
                Reach::Everyone,
                interaction,
            ));
        }
        for _ in 0..TRIES_MAX {
            let mut attempt = report.clone();
            let writes = consider(store, &permits, options, &mut attempt).await?;
            if writes.is_empty() {
                return Ok(attempt);
            }
            if self.import_writes(store, tenant, actor, &writes).await? == Imported::Done {
                for write in &writes {
                    match write.old.as_ref().is_some_and(|old| !old.deleted) {
                        true => attempt.updated += 1,
                        false => attempt.created += 1,
                    }
                }
                return Ok(attempt);
            }
        }
        Err(Refusal::Unavailable)
    }

    async fn import_writes(
        &self,
        store: &FhirStore,
        tenant: &TenantId,
        actor: &Subject,
        writes: &[Write],
    ) -> Result<Imported, Refusal> {
        let subject = Subject {
            tenant: Some(tenant.clone()),
            ..actor.clone()
        };
        let listing: Vec<String> = writes
            .iter()
            .map(|write| {
                let interaction = write.permitted.interaction();
                let id = interaction.id().unwrap_or_default();
                format!("{}/{id} {}", interaction.resource_type(), write.given)
            })
            .collect();
        let event = Event::new(Kind::ImportIntent, "import", subject.clone(), Outcome::Ok)
            .with("count", u64::try_from(writes.len()).unwrap_or(u64::MAX))
            .with("content", listing);
        let intent = self.ledger.intent(event).await.map_err(unavailable)?;
        let batch: Vec<_> = writes
            .iter()
            .map(|write| (write.permitted.clone(), write.old.clone()))
            .collect();
        let imported = store.import(&batch, intent, self.clock.now()).await;
        let outcome = match &imported {
            Ok(Imported::Done) => Outcome::Ok,
            Ok(Imported::Changed) => Outcome::Failed("conflict".to_owned()),
            Err(_) => Outcome::Failed("store".to_owned()),
        };
        let event = Event::new(Kind::ImportOutcome, "import", subject, outcome);
        self.ledger.outcome(intent, event).map_err(unavailable)?;
        imported.map_err(unavailable)
    }
}

async fn consider(
    store: &FhirStore,
    permits: &[Permitted<Interaction>],
    options: ImportOptions,
    report: &mut ImportReport,
) -> Result<Vec<Write>, Refusal> {
    let mut writes = Vec::new();
    for permitted in permits {
        match store
            .consider(permitted, options.update)
            .await
            .map_err(unavailable)?
        {
            Put::Write { old, given } => writes.push(Write {
                permitted: permitted.clone(),
                old,
                given,
            }),
            Put::Unchanged => report.unchanged += 1,
            Put::Differs => report.refused.push(RefusedResource {
                reference: format!(
                    "{}/{}",
                    permitted.interaction().resource_type(),
                    permitted.interaction().id().unwrap_or_default()
                ),
                why:
                    "a resource with this id and other content is there: use --update to replace it"
                        .to_owned(),
            }),
        }
    }
    Ok(writes)
}
