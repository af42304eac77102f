//! A clinician puts a draft into the record.

use std::sync::Arc;

use glovebox_database::Batch;
use glovebox_database::fence::{Held, Mark, Pass, Revoked};
use glovebox_fhir::{Interaction, InteractionKind, Limits, Resource};
use glovebox_fhir_store::{Change, Commit, FhirStore, StoreError, WriteRefused};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{TenantId, Timestamp};
use glovebox_policy::{Reach, SystemReason, Terms, permit_system};

use super::provenance::provenance;
use super::review::review_event;
use super::{Draft, DraftCommitted, DraftRefused, DraftStage, DraftWrite, stored};
use crate::chart::Viewer;
use crate::derivation::{Cause, Derivation};
use crate::gateway::{Gateway, unavailable};
use crate::plan::{Planned, Within, Write};
use crate::refusal::Refusal;
use crate::session::{Door, Session};
use crate::write::{new_id, pending};

impl Gateway {
    /// Commits a draft on a clinician's word. `fhir_user` is the clinician as a FHIR
    /// reference, for the Provenance.
    pub async fn commit_draft(
        &self,
        viewer: &Viewer,
        fhir_user: Option<&str>,
        id: &str,
    ) -> Result<DraftCommitted, DraftRefused> {
        // Taken before any right is looked at: what is withdrawn from here on is noticed.
        let mut held = self.fence.generations(&[
            Mark::Tenant(viewer.tenant.clone()),
            Mark::User(viewer.tenant.clone(), viewer.user.clone()),
            Mark::Relations(viewer.tenant.clone(), viewer.user.clone()),
        ]);
        let draft = self.reviewable(viewer, id).await?;
        let refused = match self.prepare(viewer, &draft, &mut held).await {
            Ok((ready, pass)) => {
                return self
                    .carry_out_draft(viewer, fhir_user, draft, ready, &pass)
                    .await;
            }
            Err(refused) => refused,
        };
        let (DraftRefused::Settled(_)
        | DraftRefused::Expired
        | DraftRefused::Frozen(_)
        | DraftRefused::Stale(_)
        | DraftRefused::Invalid(_)) = &refused
        else {
            return Err(refused);
        };
        let denied = Outcome::Denied(code(&refused).to_owned());
        let event = review_event(Kind::DraftCommitted, "commit", viewer, &draft, denied);
        self.record(event)?;
        Err(refused)
    }

    /// Asks for everything that may have changed since the app wrote it, as for any write:
    /// what the app was granted, within what the clinician may do.
    async fn prepare(
        &self,
        viewer: &Viewer,
        draft: &Draft,
        held: &mut Vec<Held>,
    ) -> Result<(Vec<Write>, Pass), DraftRefused> {
        if draft.summary.stage != DraftStage::Waiting {
            return Err(DraftRefused::Settled(draft.summary.stage.clone()));
        }
        if self.clock.now() >= draft.summary.expires {
            return Err(DraftRefused::Expired);
        }
        held.extend(draft.held.iter().cloned());
        let frozen = |revoked: Revoked| DraftRefused::Frozen(revoked.reason);
        let pass = self.fence.enter(held).map_err(frozen)?;
        let patient = draft.summary.subject.patient.clone();
        let session = Session {
            tenant: viewer.tenant.clone(),
            // Not the app's subject: what a clinician accepts draws on no app's budget.
            subject: Subject {
                tenant: Some(viewer.tenant.clone()),
                user: Some(viewer.user.clone()),
                patient: patient.clone(),
                ..Subject::default()
            },
            scopes: draft.scopes.clone(),
            patient,
            user: Some(viewer.user.clone()),
            door: Door::Http,
            terms: Arc::new(Terms::host()),
        };
        let binaries = draft
            .writes
            .iter()
            .filter(|write| write.kind == InteractionKind::Create)
            .filter(|write| write.resource_type == "Binary")
            .map(|write| write.id.clone());
        let mut within = Within {
            id: None,
            binaries: binaries.collect(),
        };
        let mut ready = Vec::with_capacity(draft.writes.len());
        for write in &draft.writes {
            let refused = |refusal| refused(write, refusal);
            let permitted = self.permit(&session, &pass, interaction(write)?).await;
            let permitted = permitted.map_err(refused)?;
            within.id = Some(write.id.clone());
            let plan = self.plan(&session, &pass, permitted, &within).await;
            match plan.map_err(refused)? {
                Planned::Write(planned) => ready.push(*planned),
                Planned::Unchanged(_) => return Err(refused(Refusal::Unavailable)),
            }
        }
        Ok((ready, pass))
    }

    async fn carry_out_draft(
        &self,
        viewer: &Viewer,
        fhir_user: Option<&str>,
        draft: Draft,
        mut ready: Vec<Write>,
        pass: &Pass,
    ) -> Result<DraftCommitted, DraftRefused> {
        let store = self
            .stores
            .get(&viewer.tenant)
            .ok_or(Refusal::Unavailable)?;
        let now = self.clock.now();
        let Some(expectations) = self.expectations(pass.held()) else {
            return Err(DraftRefused::Frozen("access was withdrawn".to_owned()));
        };
        let written: Vec<(String, String)> = ready
            .iter()
            .map(|ready| {
                let version = ready.old.as_ref().map_or(0, |old| old.version) + 1;
                (reference(ready), version.to_string())
            })
            .collect();
        let resource = provenance(&draft, &viewer.user, fhir_user, &written, now);
        let resource = resource.map_err(unavailable)?;
        let provenance_id = new_id()?;
        ready.push(Write {
            action: InteractionKind::Create,
            permitted: permit_system(
                SystemReason::DraftProvenance,
                Reach::Everyone,
                Interaction::create(resource),
            ),
            id: provenance_id.clone(),
            old: None,
        });
        let stage = DraftStage::Committed {
            by: viewer.user.clone(),
            at: now,
        };
        let moved = stored::moved(&self.drafts.keyspace, &viewer.tenant, &draft, stage);
        let (key, value, expect) = moved.map_err(unavailable)?;
        let commit = DraftCommit {
            tenant: viewer.tenant.clone(),
            subject: Subject {
                user: Some(viewer.user.clone()),
                ..draft.summary.subject.clone()
            },
            ready,
            now,
            expectations,
            also: Batch::new().put(key, value, expect),
            intent: review_event(
                Kind::WriteIntent,
                "commit-draft",
                viewer,
                &draft,
                Outcome::Ok,
            )
            .with(
                "ids",
                written
                    .iter()
                    .map(|(name, _)| name.clone())
                    .collect::<Vec<_>>(),
            ),
            outcome: {
                let (viewer, draft) = (viewer.clone(), draft.clone());
                Box::new(move |kind, outcome| {
                    review_event(kind, "commit-draft", &viewer, &draft, outcome)
                })
            },
        };
        // A task of its own: whoever asked may stop waiting, and the outcome follows still.
        let carried_out = tokio::spawn(commit.carry_out(
            self.ledger.clone(),
            self.derivation.clone(),
            store.clone(),
        ));
        carried_out.await.map_err(unavailable)??;
        Ok(DraftCommitted {
            draft: draft.summary.id,
            written,
            provenance: format!("Provenance/{provenance_id}"),
        })
    }
}

/// A commit that is ready to be carried out.
struct DraftCommit {
    tenant: TenantId,
    subject: Subject,
    ready: Vec<Write>,
    now: Timestamp,
    expectations: Vec<(Vec<u8>, glovebox_database::Expect)>,
    also: Batch,
    intent: Event,
    outcome: Box<dyn Fn(Kind, Outcome) -> Event + Send>,
}

impl DraftCommit {
    async fn carry_out(
        self,
        ledger: glovebox_database::ledger::Ledger,
        derivation: Derivation,
        store: FhirStore,
    ) -> Result<(), DraftRefused> {
        let mut pending = pending(self.ready.iter());
        derivation.announce(&self.tenant, &mut pending).await?;
        let intent = ledger.intent(self.intent).await.map_err(unavailable)?;
        let changes = self
            .ready
            .iter()
            .map(|ready| Change {
                permitted: &ready.permitted,
                id: &ready.id,
                old: ready.old.as_ref(),
            })
            .collect();
        let commit = Commit {
            changes,
            now: self.now,
            intent,
            expectations: self.expectations,
            request: None,
        };
        let committed: Result<_, StoreError> = store.commit_beside(commit, self.also).await;
        // Whether it was committed is unknown: the intent stays open, the next start settles it.
        let committed = committed.map_err(unavailable)?;
        let refused = match committed {
            Ok(_) => None,
            Err(WriteRefused::Changed | WriteRefused::Repeated) => Some(DraftRefused::Stale(
                "the draft or a resource that it changes".to_owned(),
            )),
            Err(WriteRefused::Revoked) => {
                Some(DraftRefused::Frozen("access was withdrawn".to_owned()))
            }
            Err(WriteRefused::TooLarge(too_large)) => {
                Some(DraftRefused::Invalid(too_large.to_string()))
            }
        };
        let outcome = || {
            refused
                .as_ref()
                .map_or(Outcome::Ok, |why| Outcome::Denied(code(why).to_owned()))
        };
        let settled = ledger.outcome(intent, (self.outcome)(Kind::WriteOutcome, outcome()));
        settled.map_err(unavailable)?;
        let told = ledger.append_durable((self.outcome)(Kind::DraftCommitted, outcome()));
        told.await.map_err(unavailable)?;
        let cause = Cause::new(&self.subject, "the record was changed by an app's draft");
        derivation
            .follow(&self.tenant, &store, &pending, &cause)
            .await?;
        match refused {
            None => Ok(()),
            Some(refused) => Err(refused),
        }
    }
}

/// The stable code of a refusal in the ledger.
fn code(refused: &DraftRefused) -> &'static str {
    match refused {
        DraftRefused::NotFound => "not-found",
        DraftRefused::Settled(_) => "settled",
        DraftRefused::Expired => "expired",
        DraftRefused::Frozen(_) => "frozen",
        DraftRefused::Stale(_) => "stale",
        DraftRefused::Invalid(_) => "invalid",
        DraftRefused::Gateway(_) => "refused",
    }
}

/// The interaction that a kept write stands for, at the version that the app saw.
fn interaction(write: &DraftWrite) -> Result<Interaction, DraftRefused> {
    let invalid = |problem: &dyn std::fmt::Display| DraftRefused::Invalid(problem.to_string());
    let resource =
        || Resource::parse(&write.content, Limits::RESOURCE).map_err(|problem| invalid(&problem));
    let expected = write.expected.as_deref();
    let made = match write.kind {
        InteractionKind::Create => Ok(Interaction::create(resource()?)),
        InteractionKind::Update => Interaction::update(resource()?, expected),
        _ => Interaction::delete(&write.resource_type, &write.id, expected),
    };
    made.map_err(|problem| invalid(&problem))
}

fn reference(write: &Write) -> String {
    let name = write.permitted.interaction().resource_type();
    format!("{name}/{}", write.id)
}

/// Why a write of a draft cannot be carried out any more, in the clinician's words.
fn refused(write: &DraftWrite, refusal: Refusal) -> DraftRefused {
    let reference = format!("{}/{}", write.resource_type, write.id);
    match refusal {
        Refusal::Conflict(_) | Refusal::Gone | Refusal::NotFound => DraftRefused::Stale(reference),
        Refusal::Invalid(problem) => DraftRefused::Invalid(format!("{reference}: {problem}")),
        Refusal::NotValid(_) => DraftRefused::Invalid(format!("{reference} is not valid")),
        other => other.into(),
    }
}
