//! The proof that a decision was made, and what it allows to come back.

use std::collections::BTreeSet;
use std::sync::Arc;

use glovebox_fhir::{FactsView, Interaction, SearchQuery, ValueRef, compartment};
use glovebox_model::PatientId;

use crate::decision::{Denial, Rule};
use crate::system::SystemReason;
use crate::terms::Terms;

/// Whose data an authority reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everybody's.
    Everyone,
    /// Resources in the compartment of one of these patients.
    Patients(BTreeSet<PatientId>),
}

impl Reach {
    /// One patient.
    pub fn patient(patient: &PatientId) -> Self {
        Self::Patients(BTreeSet::from([patient.clone()]))
    }

    fn covers(&self, facts: &FactsView<'_>) -> bool {
        match self {
            Self::Everyone => true,
            // A Patient's link puts it into the compartment of whom it links to. It never
            // widens whom an authority reaches: a person's record is reached by its own id.
            Self::Patients(patients) if facts.resource_type() == "Patient" => patients
                .iter()
                .any(|patient| patient.as_str() == facts.id()),
            Self::Patients(patients) => {
                compartment::is_universal(facts.resource_type())
                    || facts
                        .patients()
                        .any(|id| patients.iter().any(|patient| patient.as_str() == id))
            }
        }
    }
}

/// One authority under which an interaction was permitted: a scope and its reach.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The scope as text, or `system: reason`: for the ledger.
    pub authority: Arc<str>,
    /// Whose data it reaches.
    pub reach: Reach,
    /// The scope's own filter, evaluated on the host.
    pub filter: Option<Arc<SearchQuery>>,
}

impl Basis {
    pub(crate) fn system(reason: SystemReason, reach: Reach) -> Self {
        Self {
            authority: format!("system: {}", reason.as_str()).into(),
            reach,
            filter: None,
        }
    }

    fn check(&self, facts: &FactsView<'_>, standing: Standing) -> Result<(), Rule> {
        let is_within = match standing {
            Standing::Own => self.reach.covers(facts),
            Standing::OfItsTargets => true,
            Standing::NoTargets => self.reach == Reach::Everyone,
        };
        if !is_within {
            return Err(Rule::Compartment);
        }
        if self
            .filter
            .as_ref()
            .is_some_and(|filter| !filter.matches(facts))
        {
            return Err(Rule::ScopeFilter);
        }
        Ok(())
    }
}

/// By what a resource is within reach.
#[derive(Clone, Copy)]
enum Standing {
    /// By its own compartment.
    Own,
    /// A Provenance: by its targets, all of which the session may read.
    OfItsTargets,
    /// A Provenance without a target on this server.
    NoTargets,
}

/// What is known of the targets of Provenance, which is readable only if they are.
#[derive(Clone, Debug)]
pub(crate) enum Targets {
    /// Not asked: the host's own work and writes, where the compartment says enough.
    NotAsked,
    /// The session may read these, as type and id, and no others.
    Readable(BTreeSet<(String, String)>),
}

/// An interaction that policy has permitted. Only this crate can make one.
#[derive(Clone, Debug)]
pub struct Permitted<I> {
    interaction: I,
    bases: Vec<Basis>,
    terms: Arc<Terms>,
    targets: Targets,
}

impl Permitted<Interaction> {
    pub(crate) fn new(
        interaction: Interaction,
        bases: Vec<Basis>,
        terms: Arc<Terms>,
        targets: Targets,
    ) -> Self {
        Self {
            interaction,
            bases,
            terms,
            targets,
        }
    }

    /// The same permit, knowing which targets of Provenance the session may read, each
    /// decided and re-checked on its own. Without it no Provenance that names a target
    /// passes the re-check.
    #[must_use]
    pub fn with_readable_targets(mut self, readable: BTreeSet<(String, String)>) -> Self {
        if let Targets::Readable(known) = &mut self.targets {
            *known = readable;
        }
        self
    }

    /// The same permit for one patient only: no authority reaches anybody else.
    #[must_use]
    pub fn within(mut self, patient: &PatientId) -> Self {
        for basis in &mut self.bases {
            let only = match &basis.reach {
                Reach::Everyone => true,
                Reach::Patients(patients) => patients.contains(patient),
            };
            basis.reach = match only {
                true => Reach::patient(patient),
                false => Reach::Patients(BTreeSet::new()),
            };
        }
        self
    }

    /// Whether a Provenance passes only with [`Permitted::with_readable_targets`].
    pub fn asks_for_targets(&self) -> bool {
        matches!(self.targets, Targets::Readable(_))
    }

    fn standing(&self, facts: &FactsView<'_>) -> Result<Standing, Rule> {
        let Targets::Readable(readable) = &self.targets else {
            return Ok(Standing::Own);
        };
        if facts.resource_type() != "Provenance" {
            return Ok(Standing::Own);
        }
        let mut standing = Standing::NoTargets;
        for target in facts.values("target") {
            if let ValueRef::Reference { resource_type, id } = target {
                if !readable.contains(&(resource_type.to_owned(), id.to_owned())) {
                    return Err(Rule::ProvenanceTarget);
                }
                standing = Standing::OfItsTargets;
            }
        }
        Ok(standing)
    }

    /// What may be done.
    pub fn interaction(&self) -> &Interaction {
        &self.interaction
    }

    /// The authorities, any one of which suffices for a resource.
    pub fn bases(&self) -> &[Basis] {
        &self.bases
    }

    /// What the approval says beyond scopes: the projection to apply to what passes.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Checks one resource that is about to be given out, or the content about to be
    /// written, by its facts. The one function behind reads, searches and pages. A label
    /// that is withheld refuses whatever the scopes allow.
    pub fn recheck(&self, facts: &FactsView<'_>) -> Result<&Basis, Denial> {
        if !self.terms.clearance.admits(facts) {
            return Err(Denial::new(Rule::Label));
        }
        let standing = self.standing(facts).map_err(Denial::new)?;
        let mut failed = Rule::Compartment;
        for basis in &self.bases {
            match basis.check(facts, standing) {
                Ok(()) => return Ok(basis),
                // The more telling cause wins: a filter is reached only inside the compartment.
                Err(Rule::ScopeFilter) => failed = Rule::ScopeFilter,
                Err(_) => {}
            }
        }
        Err(Denial::new(failed))
    }

    /// The union of what the authorities reach: how a store narrows its query before the
    /// re-check. `None` stands for everyone.
    pub fn patients(&self) -> Option<BTreeSet<PatientId>> {
        let mut union = BTreeSet::new();
        for basis in &self.bases {
            match &basis.reach {
                Reach::Everyone => return None,
                Reach::Patients(patients) => union.extend(patients.iter().cloned()),
            }
        }
        Some(union)
    }
}

#[cfg(test)]
mod tests;
