//! Binaries: readable through their security context, or through a resource that shows them
//! and is readable itself. A Binary has no patient, so by itself it is nobody's.

use glovebox_fhir::{FactsView, Interaction, compartment};
use glovebox_fhir_store::shown_binaries;
use glovebox_policy::{Basis, Decision, Denial, Permitted, Rule, decide};

use crate::gateway::Gateway;
use crate::plan::reaches;
use crate::refusal::Refusal;
use crate::search::Readable;
use crate::session::Session;

/// Resources that are looked at for one Binary, at most.
const SHOWN_BY_MAX: usize = 16;

/// Whether a denial of a Binary is lifted by who shows it: only that it is nobody's is, not
/// what a scope's own parameters or a label say.
pub(crate) fn lifts(
    shown: bool,
    permitted: &Permitted<Interaction>,
    denial: &Denial,
    facts: &FactsView<'_>,
) -> bool {
    let selected = |basis: &Basis| {
        let filter = basis.filter.as_ref();
        filter.is_none_or(|filter| filter.matches(facts))
    };
    shown && denial.rule == Rule::Compartment && permitted.bases().iter().any(selected)
}

impl Gateway {
    /// Whether the Binary that an interaction names may be read on behalf of a session that
    /// reaches some patients only. The same reads are made whether it exists or not.
    pub(crate) async fn sees_binary(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
    ) -> Result<bool, Refusal> {
        let interaction = permitted.interaction();
        let Some(id) = interaction.id() else {
            return Ok(false);
        };
        let Some(reach) = permitted.patients() else {
            return Ok(false);
        };
        if interaction.resource_type() != "Binary" {
            return Ok(false);
        }
        let store = self.store(session, interaction)?;
        let broken = |error| self.broken(session, interaction, &error);
        let shown = store.shown(permitted).await.map_err(broken)?;
        let within = |patient: &str| reach.iter().any(|one| one.as_str() == patient);
        // Where there is a security context, nothing else opens the Binary. Without one, or
        // with somebody's beyond reach, the same is looked up all the same.
        let has_context = shown.security_context.is_some();
        let context = shown
            .security_context
            .filter(|(of, id)| of != "Patient" || within(id))
            .unwrap_or_else(|| ("Patient".to_owned(), "-".to_owned()));
        let contexts = self.readable(session, interaction, &[context]).await?;
        // What another scope lets read is not what this one reaches, and an entry may be of
        // an earlier version, about somebody else.
        let reached = |found: &Readable| {
            let facts = &found.head.facts;
            compartment::is_universal(facts.resource_type()) || facts.patients().any(within)
        };
        if has_context {
            return Ok(contexts.iter().any(reached));
        }
        let mut names: Vec<(String, String)> = shown
            .by
            .into_iter()
            .filter(|(patient, of, _)| match patient {
                Some(patient) => within(patient),
                None => compartment::is_universal(of),
            })
            .map(|(_, resource_type, id)| (resource_type, id))
            .take(SHOWN_BY_MAX)
            .collect();
        names.sort();
        names.dedup();
        for readable in self.readable(session, interaction, &names).await? {
            if readable.head.deleted || !reached(&readable) {
                continue;
            }
            let bytes = store.load(&readable.head).await.map_err(broken)?;
            let current: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
            if current.is_some_and(|current| shown_binaries(&current).contains(id)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a session may let a resource show this Binary: only who may read it.
    pub(crate) async fn may_show(&self, session: &Session, id: &str) -> Result<bool, Refusal> {
        let Ok(read) = Interaction::read("Binary", id) else {
            return Ok(false);
        };
        let rights = self.rights(session, &read).await?;
        let Decision::Permit(permitted) = decide(&session.request(&rights), read) else {
            return Ok(false);
        };
        match permitted.patients() {
            None => Ok(true),
            Some(_) => self.sees_binary(session, &permitted).await,
        }
    }

    /// Whether the Binary that a change names belongs to a patient within reach, by its
    /// security context as it is stored.
    pub(crate) async fn owns_binary(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
    ) -> Result<bool, Refusal> {
        let interaction = permitted.interaction();
        if interaction.resource_type() != "Binary" || permitted.patients().is_none() {
            return Ok(false);
        }
        let store = self.store(session, interaction)?;
        let shown = store.shown(permitted).await;
        let shown = shown.map_err(|error| self.broken(session, interaction, &error))?;
        Ok(shown
            .security_context
            .is_some_and(|(of, id)| of == "Patient" && reaches(permitted, &id)))
    }
}
