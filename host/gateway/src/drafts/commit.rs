//! A clinician puts a draft into the record.

use std::sync::Arc;

use glovebox_database::Batch;
use glovebox_database::fence::{Held, Mark};
use glovebox_fhir::{Facts, Interaction, InteractionKind, Limits, Resource};
use glovebox_fhir_store::{Change, Commit, FhirStore, Head, StoreError, WriteRefused};
use glovebox_model::Timestamp;
use glovebox_model::ledger::{Event, Kind, Outcome};
use glovebox_policy::{
    AccessRequest, Decision, Permitted, Reach, SystemReason, Terms, UserRights, decide,
    permit_system,
};

use super::provenance::provenance;
use super::review::review_event;
use super::{Draft, DraftCommitted, DraftRefused, DraftStage, DraftWrite, stored};
use crate::chart::Viewer;
use crate::gateway::{Gateway, unavailable};
use crate::membership;
use crate::refusal::Refusal;
use crate::write::new_id;

/// One write that may be carried out now.
struct Ready {
    permitted: Permitted<Interaction>,
    id: String,
    old: Option<Head>,
}

impl Ready {
    fn reference(&self) -> String {
        let name = self.permitted.interaction().resource_type();
        format!("{name}/{}", self.id)
    }
}

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
            Ok(ready) => {
                return self
                    .carry_out_draft(viewer, fhir_user, draft, ready, held)
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

    /// Asks for everything that may have changed since the app wrote it.
    async fn prepare(
        &self,
        viewer: &Viewer,
        draft: &Draft,
        held: &mut Vec<Held>,
    ) -> Result<Vec<Ready>, DraftRefused> {
        if draft.summary.stage != DraftStage::Waiting {
            return Err(DraftRefused::Settled(draft.summary.stage.clone()));
        }
        if self.clock.now() >= draft.summary.expires {
            return Err(DraftRefused::Expired);
        }
        held.extend(draft.held.iter().cloned());
        if let Err(revoked) = self.fence.check(held) {
            return Err(DraftRefused::Frozen(revoked.reason));
        }
        let store = self
            .stores
            .get(&viewer.tenant)
            .ok_or(Refusal::Unavailable)?;
        // The clinician's own right, within what the app was granted: neither alone writes.
        let rights = match &draft.summary.subject.patient {
            Some(_) => UserRights::Patients(Self::patients_of(draft)),
            None => UserRights::Everyone,
        };
        let mut ready = Vec::with_capacity(draft.writes.len());
        for write in &draft.writes {
            ready.push(self.prepare_one(store, draft, write, &rights).await?);
        }
        Ok(ready)
    }

    async fn prepare_one(
        &self,
        store: &FhirStore,
        draft: &Draft,
        write: &DraftWrite,
        rights: &UserRights,
    ) -> Result<Ready, DraftRefused> {
        let request = AccessRequest {
            scopes: &draft.scopes,
            patient: draft.summary.subject.patient.as_ref(),
            rights,
            terms: &Arc::new(Terms::host()),
        };
        let permitted = match decide(&request, interaction(write)?) {
            Decision::Permit(permitted) => permitted,
            Decision::Deny(denial, _) => return Err(Refusal::from_rule(&denial.rule).into()),
        };
        let reference = format!("{}/{}", write.resource_type, write.id);
        let old = match write.kind {
            InteractionKind::Create => None,
            _ => {
                let head = store.head(&permitted).await.map_err(unavailable)?;
                let head =
                    head.filter(|head| !head.deleted && Some(head.version_id()) == write.expected);
                Some(head.ok_or_else(|| DraftRefused::Stale(reference.clone()))?)
            }
        };
        let wrong = |what: &str| DraftRefused::Invalid(format!("{reference} {what}"));
        if let Some(old) = &old {
            membership::check(&permitted, &old.facts.view())
                .map_err(|_| wrong("is not one that the app may change"))?;
        }
        if let Some(resource) = permitted.interaction().resource() {
            let facts = Facts::extract_as(resource, &write.id, "", None);
            let facts = facts.view();
            let kept = old
                .as_ref()
                .is_none_or(|old| membership::keeps_patients(&old.facts.view(), &facts));
            if !kept || membership::check(&permitted, &facts).is_err() {
                return Err(wrong("is not one that the app may write for this patient"));
            }
        }
        Ok(Ready {
            permitted,
            id: write.id.clone(),
            old,
        })
    }

    async fn carry_out_draft(
        &self,
        viewer: &Viewer,
        fhir_user: Option<&str>,
        draft: Draft,
        mut ready: Vec<Ready>,
        held: Vec<Held>,
    ) -> Result<DraftCommitted, DraftRefused> {
        let store = self
            .stores
            .get(&viewer.tenant)
            .ok_or(Refusal::Unavailable)?;
        let now = self.clock.now();
        let Some(expectations) = self.expectations(&held) else {
            return Err(DraftRefused::Frozen("access was withdrawn".to_owned()));
        };
        let written: Vec<(String, String)> = ready
            .iter()
            .map(|ready| {
                let version = ready.old.as_ref().map_or(0, |old| old.version) + 1;
                (ready.reference(), version.to_string())
            })
            .collect();
        let resource = provenance(&draft, &viewer.user, fhir_user, &written, now);
        let resource = resource.map_err(unavailable)?;
        let provenance_id = new_id()?;
        ready.push(Ready {
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
        let carried_out = tokio::spawn(commit.carry_out(self.ledger.clone(), store.clone()));
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
    ready: Vec<Ready>,
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
        store: FhirStore,
    ) -> Result<(), DraftRefused> {
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

/// The interaction that a kept write stands for.
fn interaction(write: &DraftWrite) -> Result<Interaction, DraftRefused> {
    let invalid = |problem: &dyn std::fmt::Display| DraftRefused::Invalid(problem.to_string());
    let resource =
        || Resource::parse(&write.content, Limits::RESOURCE).map_err(|problem| invalid(&problem));
    let made = match write.kind {
        InteractionKind::Create => Ok(Interaction::create(resource()?)),
        InteractionKind::Update => Interaction::update(resource()?, None),
        _ => Interaction::delete(&write.resource_type, &write.id, None),
    };
    made.map_err(|problem| invalid(&problem))
}
