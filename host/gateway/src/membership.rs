//! Whose record a write touches. Reading asks whether a resource is also the patient's;
//! writing asks whether it is nobody else's, or an app could write into a stranger's chart
//! by naming its own patient as a performer.

use std::collections::BTreeSet;

use glovebox_fhir::{FactsView, Interaction, ValueRef, compartment};
use glovebox_policy::{Denial, Permitted, Reach, Rule};

/// Parameters that say whom a resource is about, where its type has one of them.
const SUBJECT: [&str; 2] = ["patient", "subject"];

/// Checks what is stored, before it is replaced or deleted, or what is about to be stored.
pub(crate) fn check(
    permitted: &Permitted<Interaction>,
    facts: &FactsView<'_>,
) -> Result<(), Denial> {
    permitted.recheck(facts)?;
    let authorised = permitted.bases().iter().any(|basis| {
        let selected = basis
            .filter
            .as_ref()
            .is_none_or(|filter| filter.matches(facts));
        selected && owns(&basis.reach, facts)
    });
    if authorised {
        Ok(())
    } else {
        Err(Denial {
            rule: Rule::Compartment,
        })
    }
}

/// Whether a new version stays with the patients of the one that it replaces.
pub(crate) fn keeps_patients(old: &FactsView<'_>, new: &FactsView<'_>) -> bool {
    // Whom a Patient links to does not make it another one's.
    if new.resource_type() == "Patient" {
        return old.id() == new.id();
    }
    let of = |facts: &FactsView<'_>| facts.patients().map(str::to_owned).collect();
    let (old, new): (BTreeSet<String>, BTreeSet<String>) = (of(old), of(new));
    old == new
}

fn owns(reach: &Reach, facts: &FactsView<'_>) -> bool {
    let Reach::Patients(reach) = reach else {
        return true;
    };
    let within = |id: &str| reach.iter().any(|patient| patient.as_str() == id);
    if facts.resource_type() == "Patient" {
        return within(facts.id());
    }
    // Shared types have no patients: whoever reaches patients only does not change them.
    let mut patients = facts.patients().peekable();
    if patients.peek().is_none() || !patients.all(within) {
        return false;
    }
    let named = compartment::parameters(facts.resource_type()).unwrap_or_default();
    let subjects = SUBJECT.iter().filter(|code| named.contains(code));
    let mut subjects = subjects.peekable();
    subjects.peek().is_none()
        || subjects.any(|code| {
            facts.values(code).any(|value| {
                matches!(value, ValueRef::Reference { resource_type: "Patient", id } if within(id))
            })
        })
}
