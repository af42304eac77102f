//! What is worth a second look.

use glovebox_sdk::view::Tone;

use crate::record::{Allergy, Medication};
use crate::substance::shared_family;

/// One thing to look at.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// Allergy matches first, then duplicates; each pair once.
pub(crate) fn findings(medications: &[Medication], allergies: &[Allergy]) -> Vec<Finding> {
    let matches = medications.iter().flat_map(|medication| {
        allergies
            .iter()
            .filter_map(move |allergy| allergy_match(medication, allergy))
    });
    let duplicates = medications.iter().enumerate().flat_map(|(position, one)| {
        medications
            .iter()
            .skip(position + 1)
            .filter_map(move |other| duplicate(one, other))
    });
    matches.chain(duplicates).collect()
}

fn allergy_match(medication: &Medication, allergy: &Allergy) -> Option<Finding> {
    let same_code = !medication.codes.is_disjoint(&allergy.codes);
    let same_substance = !medication.substances.is_disjoint(&allergy.substances);
    if same_code || same_substance {
        return Some(Finding {
            tone: Tone::Danger,
            text: format!(
                "{} is prescribed, and an allergy to {} is recorded.",
                medication.name, allergy.name
            ),
        });
    }
    let family = medication.substances.iter().find_map(|one| {
        allergy
            .substances
            .iter()
            .find_map(|other| shared_family(one, other))
    })?;
    Some(Finding {
        tone: Tone::Danger,
        text: format!(
            "{} is prescribed, and an allergy to {} is recorded: both belong to the family {family}.",
            medication.name, allergy.name
        ),
    })
}

fn duplicate(one: &Medication, other: &Medication) -> Option<Finding> {
    let text = if !one.codes.is_disjoint(&other.codes) || one.name == other.name {
        format!("{} is prescribed twice.", one.name)
    } else {
        let shared = one.substances.intersection(&other.substances).next()?;
        format!("{} and {} both contain {shared}.", one.name, other.name)
    };
    Some(Finding {
        tone: Tone::Caution,
        text,
    })
}
