//! Which of many resources a session may read: each is decided and re-checked on its own,
//! as a read of it would be.

use std::collections::BTreeSet;

use glovebox_fhir::{Interaction, ValueRef};
use glovebox_fhir_store::{Head, StoreError};
use glovebox_policy::{Decision, Permitted, UserRights, decide};

use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::session::Session;

/// Type and id of a resource.
pub(crate) type Name = (String, String);

/// A resource that may be read, by the permit that says so.
pub(crate) struct Readable {
    pub(crate) permitted: Permitted<Interaction>,
    pub(crate) head: Head,
}

/// Targets of Provenance that one call looks at together.
const CHUNK: usize = 1_000;

impl Gateway {
    /// Permits to read these by id. What no scope allows is left out.
    async fn permit_reads(
        &self,
        session: &Session,
        names: &[Name],
    ) -> Result<Vec<Permitted<Interaction>>, Refusal> {
        let mut permits = Vec::new();
        let mut known: Option<(&String, UserRights)> = None;
        for (resource_type, id) in names {
            let Ok(interaction) = Interaction::read(resource_type, id) else {
                continue;
            };
            let rights = match known.take() {
                Some((of, rights)) if of == resource_type => rights,
                _ => self.rights(session, &interaction).await?,
            };
            if let Decision::Permit(permitted) = decide(&session.request(&rights), interaction) {
                permits.push(permitted);
            }
            known = Some((resource_type, rights));
        }
        Ok(permits)
    }

    /// Those of `names` that the session may read now, in their order. Provenance is left
    /// out: [`Gateway::readable`] knows its rule.
    async fn plainly_readable(
        &self,
        session: &Session,
        interaction: &Interaction,
        names: &[Name],
    ) -> Result<Vec<Readable>, Refusal> {
        let permits = self.permit_reads(session, names).await?;
        let store = self.store(session, interaction)?;
        let mut found = Vec::new();
        for chunk in permits.chunks(CHUNK) {
            let heads = store.heads(chunk).await;
            let heads = heads.map_err(|error| self.broken(session, interaction, &error))?;
            for (permitted, head) in chunk.iter().zip(heads) {
                if let Some(head) = head.filter(|head| !head.deleted)
                    && permitted.recheck(&head.facts.view()).is_ok()
                {
                    found.push(Readable {
                        permitted: permitted.clone(),
                        head,
                    });
                }
            }
        }
        Ok(found)
    }

    /// Those of `names` that the session may read now. Names of one type should stand
    /// together: the person's rights are read once for each run of them.
    pub(crate) async fn readable(
        &self,
        session: &Session,
        interaction: &Interaction,
        names: &[Name],
    ) -> Result<Vec<Readable>, Refusal> {
        let (provenance, plain) = apart(names.iter().cloned());
        let mut found = self.plainly_readable(session, interaction, &plain).await?;
        let permits = self.permit_reads(session, &provenance).await?;
        let store = self.store(session, interaction)?;
        let heads = store.heads(&permits).await;
        let heads = heads.map_err(|error| self.broken(session, interaction, &error))?;
        for (permitted, head) in permits.into_iter().zip(heads) {
            let Some(head) = head.filter(|head| !head.deleted) else {
                continue;
            };
            let known = self.knowing_targets(session, &permitted, &[&head]).await?;
            let permitted = known.unwrap_or(permitted);
            if permitted.recheck(&head.facts.view()).is_ok() {
                found.push(Readable { permitted, head });
            }
        }
        Ok(found)
    }

    /// Those of `targets` that the session may read now. A Provenance that is itself the
    /// target of one does not count as readable: nothing is followed twice.
    async fn readable_targets(
        &self,
        session: &Session,
        interaction: &Interaction,
        targets: &BTreeSet<Name>,
    ) -> Result<BTreeSet<Name>, Refusal> {
        let (_, plain) = apart(targets.iter().cloned());
        let readable = self.plainly_readable(session, interaction, &plain).await?;
        Ok(readable
            .iter()
            .map(|found| {
                let facts = &found.head.facts;
                (facts.resource_type().to_owned(), facts.id().to_owned())
            })
            .collect())
    }

    /// A permit that knows which targets of these versions of a Provenance the session may
    /// read: it is readable only if all of them are. `None` for another type and for the
    /// host's own permits, which need not know.
    ///
    /// One that does not exist counts as one with a target that does not exist: the same
    /// work, so that time does not tell.
    pub(crate) async fn knowing_targets(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        heads: &[&Head],
    ) -> Result<Option<Permitted<Interaction>>, Refusal> {
        let interaction = permitted.interaction();
        if interaction.resource_type() != "Provenance" || !permitted.asks_for_targets() {
            return Ok(None);
        }
        let mut targets = BTreeSet::new();
        for head in heads {
            targets.extend(targets_of(&head.facts));
        }
        if targets.is_empty() {
            targets.insert(nowhere());
        }
        let readable = Box::pin(self.readable_targets(session, interaction, &targets)).await?;
        let permitted = permitted.clone();
        Ok(Some(permitted.with_readable_targets(readable)))
    }

    /// The same for a search of Provenance: the targets of all that it matches.
    pub(crate) async fn knowing_targets_of_matches(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
    ) -> Result<Option<Permitted<Interaction>>, Refusal> {
        let interaction = permitted.interaction();
        if interaction.resource_type() != "Provenance" || !permitted.asks_for_targets() {
            return Ok(None);
        }
        let store = self.store(session, interaction)?;
        let targets = store.targets(permitted, "target").await;
        let mut targets = targets.map_err(|error| self.too_costly(session, interaction, error))?;
        if targets.is_empty() {
            targets.insert(nowhere());
        }
        let readable = Box::pin(self.readable_targets(session, interaction, &targets)).await?;
        let permitted = permitted.clone();
        Ok(Some(permitted.with_readable_targets(readable)))
    }

    /// A search that looks at too much is refused; any other failure is the store's.
    pub(super) fn too_costly(
        &self,
        session: &Session,
        interaction: &Interaction,
        error: StoreError,
    ) -> Refusal {
        match error {
            StoreError::TooCostly(_) => {
                let refusal = Refusal::TooCostly(error.to_string());
                self.failed(session, interaction, "too-costly", refusal)
            }
            error => self.broken(session, interaction, &error),
        }
    }
}

/// Provenance, and everything else.
fn apart(names: impl Iterator<Item = Name>) -> (Vec<Name>, Vec<Name>) {
    names.partition(|(of, _)| of == "Provenance")
}

/// A target that is nowhere: looked up where there is none.
fn nowhere() -> Name {
    ("Observation".to_owned(), "-".to_owned())
}

/// What a Provenance is about, as far as it is on this server.
fn targets_of(facts: &glovebox_fhir::Facts) -> Vec<Name> {
    facts
        .view()
        .values("target")
        .filter_map(|value| match value {
            ValueRef::Reference { resource_type, id } => {
                Some((resource_type.to_owned(), id.to_owned()))
            }
            _ => None,
        })
        .collect()
}
