//! Relations that follow from the record: from CareTeam and RelatedPerson.
//!
//! **Who may say so.** An app must not be able to give its user new patients by writing a
//! CareTeam. So a right follows only from what the *hospital* said: an import, or an
//! administrator who has the record looked through ([`Gateway::derive_relations`](crate::Gateway::derive_relations)). What an
//! app writes, by any door and in a draft too, only narrows: who is no longer named, or for
//! a shorter time, loses the right at once; who is named anew gets none. The same holds for
//! the PractitionerRole through which a team names somebody.
//!
//! What the hospital said of each resource is kept beside it
//! ([`Relations::accept`](glovebox_database::Relations::accept)). Before the record changes,
//! the resource is marked as pending; the mark goes once all that follows is in force, and
//! the next start makes good what a crash left open.

mod acts;
mod statement;
mod work;

use std::sync::Arc;

use glovebox_database::fence::Fence;
use glovebox_database::ledger::Ledger;
use glovebox_database::relations::{Origin, Pending, Relations, Statement};
use glovebox_fhir::Interaction;
use glovebox_fhir_store::FhirStore;
use glovebox_model::ledger::Subject;
use glovebox_model::{Clock, TenantId};
use glovebox_policy::Permitted;
use tokio::sync::Mutex;

use crate::gateway::unavailable;
use crate::refusal::Refusal;
use work::Work;

/// Whose word widens a right.
#[derive(Clone, Copy)]
enum Word<'a> {
    /// Nobody's: what is in the record narrows only.
    Nobody,
    /// What the hospital itself wrote.
    Said(&'a Statement),
    /// What is in the record, on an administrator's word.
    Record,
}

/// Who brought a change about, and why.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) subject: Subject,
    pub(crate) reason: String,
}

impl Cause {
    pub(crate) fn new(subject: &Subject, reason: impl Into<String>) -> Self {
        let (subject, reason) = (subject.clone(), reason.into());
        Self { subject, reason }
    }
}

/// What looking through the record came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// Resources that were looked at.
    pub looked_at: usize,
    /// Rights that follow now and did not before, or follow for another time.
    pub given: usize,
    /// Rights that do not follow any more.
    pub taken: usize,
}

/// Keeps the relations in step with the record.
#[derive(Clone)]
pub(crate) struct Derivation {
    relations: Relations,
    fence: Fence,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    /// One at a time: what is read of the record is not outdated by another's derivation.
    turn: Arc<Mutex<()>>,
}

/// What an interaction that writes touches, if relations may follow from it.
pub(crate) fn origin(permitted: &Permitted<Interaction>, id: &str) -> Option<Origin> {
    Origin::of(permitted.interaction().resource_type(), id)
}

/// What the hospital says by a resource that it writes.
pub(crate) fn hospital_says(permitted: &Permitted<Interaction>) -> Option<Pending> {
    let resource = permitted.interaction().resource()?;
    let origin = Origin::of(resource.resource_type(), resource.id()?)?;
    let said = statement::statement(&origin, resource);
    Some(Pending::origin(&origin, Some(said)))
}

impl Derivation {
    pub(crate) fn new(
        relations: Relations,
        fence: Fence,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            relations,
            fence,
            ledger,
            clock,
            turn: Arc::default(),
        }
    }

    /// To be called before the record changes: a crash from here on is made good.
    pub(crate) async fn announce(
        &self,
        tenant: &TenantId,
        pending: &mut [Pending],
    ) -> Result<(), Refusal> {
        let marked = self.relations.mark_pending(tenant, pending).await;
        marked.map_err(unavailable)
    }

    /// Takes the announcement back: nothing was written.
    pub(crate) async fn forget(
        &self,
        tenant: &TenantId,
        pending: &[Pending],
    ) -> Result<(), Refusal> {
        let unmarked = self.relations.unmark_pending(tenant, pending).await;
        unmarked.map_err(unavailable)
    }

    /// To be called after the record changed, or might have: looks at what was announced and
    /// gives and takes what follows. When this returns, what was taken is in force.
    pub(crate) async fn follow(
        &self,
        tenant: &TenantId,
        store: &FhirStore,
        pending: &[Pending],
        cause: &Cause,
    ) -> Result<Derived, Refusal> {
        self.follow_all(tenant, store, pending, cause, false).await
    }

    async fn follow_all(
        &self,
        tenant: &TenantId,
        store: &FhirStore,
        pending: &[Pending],
        cause: &Cause,
        is_settling: bool,
    ) -> Result<Derived, Refusal> {
        if pending.is_empty() {
            return Ok(Derived::default());
        }
        let _turn = self.turn.lock().await;
        let mut work = Work::new(self, tenant, store);
        for one in pending {
            let word = one.said.as_ref().map_or(Word::Nobody, Word::Said);
            if let Some(origin) = one.as_origin() {
                work.look(&origin, word, is_settling).await?;
            }
            if let Some(member) = one.as_member() {
                work.naming(&member).await?;
            }
        }
        let derived = work.put_in_force(cause).await?;
        self.forget(tenant, pending).await?;
        Ok(derived)
    }
}
