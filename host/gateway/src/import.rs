//! Import: resources are put as given, in batches that are announced in the ledger.

use std::collections::HashSet;

use glovebox_database::ledger::Ledger;
use glovebox_database::relations::Pending;
use glovebox_fhir::{Interaction, Resource};
use glovebox_fhir_store::{FhirStore, Imported, Planned, Put, StoreError};
use glovebox_model::TenantId;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_policy::{Permitted, Reach, SystemReason, permit_system};

use crate::derivation::{Cause, Derivation, hospital_says};
use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;

/// Resources of one commit at most.
const BATCH_RESOURCES_MAX: usize = 200;
/// Records of one commit at most: well below what one batch of records may hold.
const BATCH_OPERATIONS_MAX: usize = 3_000;
/// Bytes of one commit at most, with room for one more of the largest resources.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// How often a batch is tried again when something changed underneath it.
const TRIES_MAX: usize = 5;
/// Refused resources that one ledger entry names; beyond it the count tells.
const REFUSED_NAMED_MAX: usize = 100;

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

    fn refuse(&mut self, reference: String, why: impl Into<String>) {
        let why = why.into();
        self.refused.push(RefusedResource { reference, why });
    }
}

/// What goes into the next commit.
#[derive(Default)]
struct ImportBatch {
    permits: Vec<Permitted<Interaction>>,
    planned: Vec<Planned>,
    references: HashSet<String>,
    operations: usize,
    bytes: usize,
}

impl ImportBatch {
    fn has_room_for(&self, planned: &Planned) -> bool {
        self.planned.len() < BATCH_RESOURCES_MAX
            && self.operations + planned.operations() <= BATCH_OPERATIONS_MAX
            && (self.planned.is_empty() || self.bytes + planned.bytes() <= BATCH_BYTES_MAX)
    }

    fn push(&mut self, permitted: Permitted<Interaction>, planned: Planned) {
        self.operations += planned.operations();
        self.bytes += planned.bytes();
        self.references.insert(planned.reference());
        self.permits.push(permitted);
        self.planned.push(planned);
    }
}

/// One import under way.
struct Import<'a> {
    gateway: &'a Gateway,
    store: &'a FhirStore,
    subject: Subject,
    options: ImportOptions,
    report: ImportReport,
    batch: ImportBatch,
    /// What the hospital says again, by resources that are there already.
    said_again: Vec<Pending>,
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
        let mut import = Import {
            gateway: self,
            store: self.stores.get(tenant).ok_or(Refusal::Unavailable)?,
            subject: Subject {
                tenant: Some(tenant.clone()),
                ..actor.clone()
            },
            options,
            report: ImportReport::default(),
            batch: ImportBatch::default(),
            said_again: Vec::new(),
        };
        for resource in resources {
            import.take(resource).await?;
        }
        import.flush().await?;
        import.confirm().await?;
        import.record_refused()?;
        Ok(import.report)
    }
}

impl Import<'_> {
    async fn take(&mut self, resource: Resource) -> Result<(), Refusal> {
        let Some(id) = resource.id() else {
            self.report.refuse(
                resource.resource_type().to_owned(),
                "it has no id: give it one, or a fullUrl of the form urn:uuid:…",
            );
            return Ok(());
        };
        let reference = format!("{}/{id}", resource.resource_type());
        if self.batch.references.contains(&reference) {
            // Given twice: the second one is compared with the first.
            self.flush().await?;
        }
        let interaction = Interaction::Update {
            resource,
            if_match: None,
        };
        self.consider(permit_system(
            SystemReason::Import,
            Reach::Everyone,
            interaction,
        ))
        .await
    }

    async fn consider(&mut self, permitted: Permitted<Interaction>) -> Result<(), Refusal> {
        let now = self.gateway.clock.now();
        let put = self.store.consider(&permitted, self.options.update, now);
        match put.await.map_err(unavailable)? {
            Put::Write(planned) => {
                if !self.batch.has_room_for(&planned) {
                    self.flush().await?;
                }
                self.batch.push(permitted, *planned);
            }
            Put::Unchanged => {
                self.report.unchanged += 1;
                self.said_again.extend(hospital_says(&permitted));
            }
            Put::Differs => self.report.refuse(
                reference_of(&permitted),
                "a resource with this id and other content is there: use --update to replace it",
            ),
            Put::TooLarge(too_large) => self
                .report
                .refuse(reference_of(&permitted), too_large.to_string()),
        }
        Ok(())
    }

    /// Commits what was collected. When something changed underneath, all of it is
    /// considered again.
    async fn flush(&mut self) -> Result<(), Refusal> {
        for _ in 0..TRIES_MAX {
            let batch = std::mem::take(&mut self.batch);
            if batch.planned.is_empty() {
                return Ok(());
            }
            let created = batch.planned.iter().filter(|put| put.is_new()).count();
            let updated = batch.planned.len() - created;
            // A task of its own: whoever asked may stop waiting, and the outcome follows still.
            let pending = batch.permits.iter().filter_map(hospital_says).collect();
            let committing = tokio::spawn(commit_and_follow(
                self.gateway.ledger.clone(),
                self.gateway.derivation.clone(),
                self.store.clone(),
                self.subject.clone(),
                batch.planned,
                pending,
            ));
            match committing.await.map_err(unavailable)?? {
                Imported::Done => {
                    self.report.created += created;
                    self.report.updated += updated;
                    return Ok(());
                }
                Imported::Changed => {
                    for permitted in batch.permits {
                        // Boxed, because considering may flush, which may consider again.
                        Box::pin(self.consider(permitted)).await?;
                    }
                }
            }
        }
        Err(Refusal::Unavailable)
    }

    /// An equal resource may have been written by an app: now the hospital says so too.
    async fn confirm(&mut self) -> Result<(), Refusal> {
        let Some(tenant) = &self.subject.tenant else {
            return Ok(());
        };
        for said in std::mem::take(&mut self.said_again).chunks_mut(BATCH_RESOURCES_MAX) {
            let derivation = &self.gateway.derivation;
            let cause = Cause::new(&self.subject, IMPORTED);
            derivation.announce(tenant, said).await?;
            derivation.follow(tenant, self.store, said, &cause).await?;
        }
        Ok(())
    }

    fn record_refused(&self) -> Result<(), Refusal> {
        let refused = &self.report.refused;
        if refused.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = refused
            .iter()
            .take(REFUSED_NAMED_MAX)
            .map(|refused| refused.reference.clone())
            .collect();
        let denied = Outcome::Denied("not-importable".to_owned());
        let event = Event::new(Kind::Fhir, "import", self.subject.clone(), denied)
            .with("count", u64::try_from(refused.len()).unwrap_or(u64::MAX))
            .with("ids", names);
        self.gateway.record(event)
    }
}

fn reference_of(permitted: &Permitted<Interaction>) -> String {
    let interaction = permitted.interaction();
    let id = interaction.id().unwrap_or_default();
    format!("{}/{id}", interaction.resource_type())
}

/// Why relations change by an import.
const IMPORTED: &str = "the record was changed by an import";

/// A commit, and the relations that follow from what it says.
async fn commit_and_follow(
    ledger: Ledger,
    derivation: Derivation,
    store: FhirStore,
    subject: Subject,
    planned: Vec<Planned>,
    mut pending: Vec<Pending>,
) -> Result<Imported, Refusal> {
    let tenant = subject.tenant.clone().ok_or(Refusal::Unavailable)?;
    derivation.announce(&tenant, &mut pending).await?;
    let imported = commit(ledger, store.clone(), subject.clone(), planned).await?;
    match imported {
        Imported::Done => {
            let cause = Cause::new(&subject, IMPORTED);
            derivation.follow(&tenant, &store, &pending, &cause).await?;
        }
        Imported::Changed => derivation.forget(&tenant, &pending).await?,
    }
    Ok(imported)
}

/// A durable intent that lists what comes, the commit that carries its sequence, the outcome.
async fn commit(
    ledger: Ledger,
    store: FhirStore,
    subject: Subject,
    planned: Vec<Planned>,
) -> Result<Imported, Refusal> {
    let listing: Vec<String> = planned
        .iter()
        .map(|put| format!("{} {}", put.reference(), put.given()))
        .collect();
    let event = Event::new(Kind::ImportIntent, "import", subject.clone(), Outcome::Ok)
        .with("count", u64::try_from(planned.len()).unwrap_or(u64::MAX))
        .with("content", listing);
    let intent = ledger.intent(event).await.map_err(unavailable)?;
    let imported = match store.import(&planned, intent).await {
        Ok(imported) => imported,
        // Whether it was committed is unknown: the intent stays open, the next start settles it.
        Err(error @ StoreError::Records(_)) => return Err(unavailable(error)),
        Err(error) => {
            let failed = Outcome::Failed("store".to_owned());
            let event = Event::new(Kind::ImportOutcome, "import", subject, failed);
            ledger.outcome(intent, event).map_err(unavailable)?;
            return Err(unavailable(error));
        }
    };
    let outcome = match imported {
        Imported::Done => Outcome::Ok,
        Imported::Changed => Outcome::Failed("conflict".to_owned()),
    };
    let event = Event::new(Kind::ImportOutcome, "import", subject, outcome);
    ledger.outcome(intent, event).map_err(unavailable)?;
    Ok(imported)
}
