//! Where a search has to look.

use std::collections::BTreeSet;

use glovebox_fhir::search::newest_first;
use glovebox_fhir::{Interaction, SearchQuery, compartment};
use glovebox_policy::Permitted;

use crate::key;

/// Where the candidates stand. What a search can match stands in one of these places.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Heads under these keys.
    pub(super) keys: Vec<Vec<u8>>,
    /// Heads under these prefixes.
    pub(super) prefixes: Vec<Vec<u8>>,
    /// Named by the entries of the index of references under these prefixes.
    pub(super) referring: Vec<Vec<u8>>,
    /// All of them once more, in the order asked for, under one prefix, if there is one.
    pub(super) order: Option<Order>,
    /// Whether the query named patients beyond the permit's reach.
    pub(super) outside_reach: bool,
}

/// Candidates that stand in the order asked for: the key after the prefix is the sort key.
#[derive(Debug)]
pub(super) enum Order {
    /// By id, as all heads stand.
    ById(Vec<u8>),
    /// The newest first, in an index of its own.
    NewestFirst(Vec<u8>),
}

impl Candidates {
    /// Whether a candidate can be met more than once.
    pub(super) fn overlap(&self) -> bool {
        self.prefixes.len() + self.referring.len() > 1
    }
}

/// The candidates, narrowed by the permit and by the query itself. Only the two decide where
/// to look, never what is stored: the work done tells nothing of what is absent or
/// forbidden.
pub(super) fn candidates(permitted: &Permitted<Interaction>, query: &SearchQuery) -> Candidates {
    let resource_type = query.resource_type();
    let in_compartment =
        compartment::parameters(resource_type).is_some_and(|parameters| !parameters.is_empty());
    let is_patient = resource_type == "Patient";
    let asked = if in_compartment || is_patient {
        query.patient_restriction()
    } else {
        None
    };
    let reach = permitted.patients();
    let within = |id: &str| {
        reach
            .as_ref()
            .is_none_or(|reach| reach.iter().any(|patient| patient.as_str() == id))
    };
    let outside_reach = asked.iter().flatten().any(|patient| !within(patient));
    let ids: Option<BTreeSet<&str>> = query.id_restriction().map(|ids| ids.into_iter().collect());
    if let Some(ids) = ids {
        return Candidates {
            keys: ids.iter().map(|id| key::head(resource_type, id)).collect(),
            outside_reach,
            ..Candidates::default()
        };
    }
    // Whoever may read the targets sees a Provenance: where its own compartment lies does
    // not say who.
    let by_targets = resource_type == "Provenance" && permitted.asks_for_targets();
    // A match is with the patients asked for and with those within reach, but it may be so by
    // different references: the two sets must not be intersected. Where somebody beyond reach
    // is named, all within reach are looked through, and nobody else.
    let patients: Option<BTreeSet<&str>> = match (&reach, &asked) {
        (_, Some(asked)) if !outside_reach || by_targets => {
            Some(asked.iter().map(String::as_str).collect())
        }
        _ if by_targets || !(in_compartment || is_patient) => None,
        (Some(reach), _) => Some(reach.iter().map(|patient| patient.as_str()).collect()),
        (None, _) => None,
    };
    let found = match patients {
        None => of_everybody(query),
        // Whom a permit reaches is a patient's own record, not one that links to it.
        Some(patients) if is_patient => Candidates {
            keys: patients
                .iter()
                .map(|patient| key::head(resource_type, patient))
                .collect(),
            ..Candidates::default()
        },
        Some(patients) => Candidates {
            order: only(&patients).and_then(|patient| order_of_patient(patient, query)),
            prefixes: patients
                .iter()
                .map(|patient| key::all_of_patient(patient, resource_type))
                .collect(),
            ..Candidates::default()
        },
    };
    Candidates {
        outside_reach,
        ..found
    }
}

fn only<'a>(patients: &BTreeSet<&'a str>) -> Option<&'a str> {
    let mut patients = patients.iter();
    patients
        .next()
        .copied()
        .filter(|_| patients.next().is_none())
}

fn order_of_patient(patient: &str, query: &SearchQuery) -> Option<Order> {
    let resource_type = query.resource_type();
    match query.sort() {
        [] => Some(Order::ById(key::all_of_patient(patient, resource_type))),
        [one] if newest_first(resource_type).as_ref() == Some(one) => {
            Some(Order::NewestFirst(key::all_newest(patient, resource_type)))
        }
        _ => None,
    }
}

/// Candidates where no patient narrows: what refers to the targets that the query names, or
/// else all of the type.
fn of_everybody(query: &SearchQuery) -> Candidates {
    let resource_type = query.resource_type();
    let Some(targets) = query.reference_targets().next() else {
        let all = key::heads(resource_type);
        return Candidates {
            order: query.sort().is_empty().then(|| Order::ById(all.clone())),
            prefixes: vec![all],
            ..Candidates::default()
        };
    };
    let targets: BTreeSet<_> = targets.into_iter().collect();
    Candidates {
        // What refers to a patient stands in the patient's compartment or in the index.
        prefixes: targets
            .iter()
            .filter(|(of, _)| *of == "Patient")
            .map(|(_, id)| key::all_of_patient(id, resource_type))
            .collect(),
        referring: targets
            .iter()
            .map(|target| key::references(*target, resource_type))
            .collect(),
        ..Candidates::default()
    }
}
