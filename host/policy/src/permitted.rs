//! The proof that a decision was made, and what it allows to come back.

use std::collections::BTreeSet;
use std::sync::Arc;

use glovebox_fhir::{FactsView, Interaction, SearchQuery, compartment};
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
    pub authority: String,
    /// Whose data it reaches.
    pub reach: Reach,
    /// The scope's own filter, evaluated on the host.
    pub filter: Option<SearchQuery>,
}

impl Basis {
    pub(crate) fn system(reason: SystemReason, reach: Reach) -> Self {
        Self {
            authority: format!("system: {}", reason.as_str()),
            reach,
            filter: None,
        }
    }

    fn check(&self, facts: &FactsView<'_>) -> Result<(), Rule> {
        if !self.reach.covers(facts) {
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

/// An interaction that policy has permitted. Only this crate can make one.
#[derive(Clone, Debug)]
pub struct Permitted<I> {
    interaction: I,
    bases: Vec<Basis>,
    terms: Arc<Terms>,
}

impl Permitted<Interaction> {
    pub(crate) fn new(interaction: Interaction, bases: Vec<Basis>, terms: Arc<Terms>) -> Self {
        Self {
            interaction,
            bases,
            terms,
        }
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
        let mut failed = Rule::Compartment;
        for basis in &self.bases {
            match basis.check(facts) {
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
