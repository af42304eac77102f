//! Looking at resources, and giving and taking what follows.

use std::collections::BTreeSet;

use glovebox_database::fence::Mark;
use glovebox_database::relations::{Origin, OriginKind, Shift, Statement};
use glovebox_fhir::{Interaction, Limits, Resource, SearchQuery};
use glovebox_fhir_store::FhirStore;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{FhirUser, TenantId, UserId};
use glovebox_policy::{Reach, SystemReason, permit_system};

use super::{Cause, Derivation, Derived, Word, statement};
use crate::gateway::unavailable;
use crate::refusal::Refusal;

/// How often a resource is looked at again when something changed underneath.
const TRIES_MAX: usize = 8;
/// Resources that are looked up at a time when the record is looked through.
const PAGE: usize = 1_000;
/// Resources that one ledger entry names; beyond it the count tells.
const NAMED_MAX: usize = 100;

/// A derivation under way, and what it has changed so far.
pub(super) struct Work<'a> {
    derivation: &'a Derivation,
    tenant: &'a TenantId,
    store: &'a FhirStore,
    looked_at: BTreeSet<Origin>,
    shifts: Vec<Shift>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        derivation: &'a Derivation,
        tenant: &'a TenantId,
        store: &'a FhirStore,
    ) -> Self {
        Self {
            derivation,
            tenant,
            store,
            looked_at: BTreeSet::new(),
            shifts: Vec::new(),
        }
    }

    /// Looks at a resource, and at what depends on it if it says something else than before,
    /// or if nobody knows how far the last one came.
    pub(super) async fn look(
        &mut self,
        origin: &Origin,
        word: Word<'_>,
        is_settling: bool,
    ) -> Result<(), Refusal> {
        let relations = &self.derivation.relations;
        for _ in 0..TRIES_MAX {
            // What was accepted is read first: whoever accepts in between makes this start again.
            let accepted = relations.accepted(self.tenant, origin).await;
            let accepted = accepted.map_err(unavailable)?;
            let current = self.current(origin).await?;
            let statement = match word {
                Word::Nobody => current.agreed(&[&accepted.statement]),
                Word::Said(said) => current.agreed(&[&accepted.statement, said]),
                Word::Record => current,
            };
            let now = self.derivation.clock.now();
            let shifts = relations.accept(self.tenant, origin, &accepted, &statement, now);
            let Some(shifts) = shifts.await.map_err(unavailable)? else {
                continue;
            };
            self.shifts.extend(shifts);
            self.looked_at.insert(origin.clone());
            let is_role = origin.kind() == OriginKind::PractitionerRole;
            if is_role && (is_settling || statement != accepted.statement) {
                let role: Result<FhirUser, _> = origin.to_string().parse();
                self.naming(&role.map_err(unavailable)?).await?;
            }
            return Ok(());
        }
        Err(contended(origin))
    }

    /// What the current version says; nothing where there is none.
    async fn current(&self, origin: &Origin) -> Result<Statement, Refusal> {
        let read = Interaction::read(origin.kind().as_str(), origin.id()).map_err(unavailable)?;
        let permitted = permit_system(SystemReason::Relations, Reach::Everyone, read);
        let head = self.store.head(&permitted).await.map_err(unavailable)?;
        let Some(head) = head.filter(|head| !head.deleted) else {
            return Ok(Statement::default());
        };
        let bytes = self.store.load(&head).await.map_err(unavailable)?;
        // What is stored was accepted once and is a little longer now, by its `meta`.
        let limits = Limits {
            bytes_max: bytes.len(),
            ..Limits::RESOURCE
        };
        let resource = Resource::parse(&bytes, limits).map_err(unavailable)?;
        Ok(statement::statement(origin, &resource))
    }

    /// Gives and takes anew what follows from the resources that name somebody, or a role of
    /// somebody.
    pub(super) async fn naming(&mut self, member: &FhirUser) -> Result<(), Refusal> {
        let mut members = vec![member.clone()];
        while let Some(member) = members.pop() {
            let mut after = None;
            loop {
                let relations = &self.derivation.relations;
                let named = relations.naming(self.tenant, &member, after.as_ref());
                let named = named.await.map_err(unavailable)?;
                for origin in &named {
                    if origin.kind() == OriginKind::PractitionerRole {
                        members.extend(origin.to_string().parse::<FhirUser>());
                    } else {
                        self.again(origin).await?;
                    }
                }
                match named.into_iter().next_back() {
                    Some(last) => after = Some(last),
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// What was accepted of a resource is accepted still, for other accounts.
    async fn again(&mut self, origin: &Origin) -> Result<(), Refusal> {
        let relations = &self.derivation.relations;
        for _ in 0..TRIES_MAX {
            let accepted = relations.accepted(self.tenant, origin).await;
            let accepted = accepted.map_err(unavailable)?;
            let (now, statement) = (self.derivation.clock.now(), &accepted.statement);
            let shifts = relations.accept(self.tenant, origin, &accepted, statement, now);
            if let Some(shifts) = shifts.await.map_err(unavailable)? {
                self.shifts.extend(shifts);
                return Ok(());
            }
        }
        Err(contended(origin))
    }

    /// Every resource of a type, on an administrator's word.
    pub(super) async fn look_through(&mut self, kind: OriginKind) -> Result<(), Refusal> {
        let query = SearchQuery::parse(kind.as_str(), &[]).map_err(unavailable)?;
        let search = Interaction::Search(query);
        let permitted = permit_system(SystemReason::Relations, Reach::Everyone, search);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let found = self.store.search(&permitted, after.as_deref(), PAGE).await;
            let found = found.map_err(unavailable)?;
            for hit in &found.hits {
                if let Some(origin) = Origin::of(kind.as_str(), &hit.id) {
                    self.look(&origin, Word::Record, true).await?;
                }
            }
            match found.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Ends what runs under rights that are gone, and records each change.
    pub(super) async fn put_in_force(self, cause: &Cause) -> Result<Derived, Refusal> {
        let (fence, ledger) = (&self.derivation.fence, &self.derivation.ledger);
        let ended = self.shifts.iter().filter(|shift| shift.ends);
        let users: BTreeSet<&UserId> = ended.map(|shift| &shift.user).collect();
        for user in users {
            let mark = Mark::Relations(self.tenant.clone(), user.clone());
            let revoked = fence.revoke(mark, "a relation does not follow from the record any more");
            revoked.await.map_err(unavailable)?;
        }
        let given = self.shifts.iter().filter(|shift| shift.is_given).count();
        let derived = Derived {
            looked_at: self.looked_at.len(),
            given,
            taken: self.shifts.len() - given,
        };
        for shift in &self.shifts {
            let event = shift_event(self.tenant, shift, cause);
            ledger.append(event).map_err(unavailable)?;
        }
        let names = self.looked_at.iter().take(NAMED_MAX).map(Origin::to_string);
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let subject = Subject {
            tenant: Some(self.tenant.clone()),
            ..cause.subject.clone()
        };
        let event = Event::new(Kind::RelationChange, "derive", subject, Outcome::Ok)
            .with("ids", names.collect::<Vec<_>>())
            .with("count", number(derived.looked_at))
            .with("given", number(derived.given))
            .with("taken", number(derived.taken))
            .with("reason", cause.reason.as_str());
        if self.shifts.is_empty() {
            ledger.append(event).map_err(unavailable)?;
        } else {
            ledger.append_durable(event).await.map_err(unavailable)?;
        }
        Ok(derived)
    }
}

fn shift_event(tenant: &TenantId, shift: &Shift, cause: &Cause) -> Event {
    let subject = Subject {
        tenant: Some(tenant.clone()),
        patient: Some(shift.patient.clone()),
        ..cause.subject.clone()
    };
    let action = if shift.is_given { "grant" } else { "withdraw" };
    Event::new(Kind::RelationChange, action, subject, Outcome::Ok)
        .with("of", shift.user.to_string())
        .with("right", shift.patient.to_string())
        .with("source", shift.origin.kind().source().as_str())
        .with("from", shift.origin.to_string())
        .with("reason", cause.reason.as_str())
}

fn contended(origin: &Origin) -> Refusal {
    tracing::error!(%origin, "changed again and again while relations were derived from it");
    Refusal::Unavailable
}
