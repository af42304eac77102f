//! What the server asks for: an administrator's word, people's accounts, the start.

use std::collections::{BTreeMap, BTreeSet};

use glovebox_database::relations::{Origin, OriginKind, Pending, Person};
use glovebox_model::TenantId;
use glovebox_model::ledger::Subject;

use super::work::Work;
use super::{Cause, Derived, Word};
use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;

impl Gateway {
    /// Looks through the record of a tenant, or at one resource of it, and accepts what it
    /// says of who may open whom: also what apps wrote. On an administrator's word only.
    pub async fn derive_relations(
        &self,
        tenant: &TenantId,
        only: Option<&Origin>,
        actor: &Subject,
        reason: &str,
    ) -> Result<Derived, Refusal> {
        let store = self.stores.get(tenant).ok_or(Refusal::Unavailable)?;
        let _turn = self.derivation.turn.lock().await;
        let mut work = Work::new(&self.derivation, tenant, store);
        match only {
            Some(origin) => work.look(origin, Word::Record, true).await?,
            None => {
                for kind in OriginKind::ALL {
                    work.look_through(kind).await?;
                }
            }
        }
        let reason: String = reason.chars().take(500).collect();
        work.put_in_force(&Cause::new(actor, reason)).await
    }

    /// Makes these, and nobody else, the people of the record whose accounts are known:
    /// whoever an active CareTeam names gets or loses what follows.
    pub async fn set_people(
        &self,
        people: &BTreeSet<Person>,
        actor: &Subject,
    ) -> Result<(), Refusal> {
        let change = self.relations.set_people(people).await;
        for (tenant, pending) in change.map_err(unavailable)? {
            let Some(store) = self.stores.get(&tenant) else {
                continue;
            };
            let cause = Cause::new(actor, "the accounts of people in the record changed");
            self.derivation
                .follow(&tenant, store, &pending, &cause)
                .await?;
        }
        Ok(())
    }

    /// At start: derives again what was announced and not crossed out, before anything is
    /// served. Answers how much there was.
    pub async fn settle_relations(&self) -> Result<usize, Refusal> {
        let mut settled = 0;
        loop {
            let mut open: BTreeMap<TenantId, Vec<Pending>> = BTreeMap::new();
            for (tenant, pending) in self.relations.pending().await.map_err(unavailable)? {
                open.entry(tenant).or_default().push(pending);
            }
            // A tenant that was taken away since: nobody is served from it.
            open.retain(|tenant, _| self.stores.contains_key(tenant));
            if open.is_empty() {
                return Ok(settled);
            }
            for (tenant, pending) in open {
                let store = self.stores.get(&tenant).ok_or(Refusal::Unavailable)?;
                let cause = Cause::new(&Subject::default(), "settled at start");
                self.derivation
                    .follow_all(&tenant, store, &pending, &cause, true)
                    .await?;
                settled += pending.len();
            }
        }
    }
}
