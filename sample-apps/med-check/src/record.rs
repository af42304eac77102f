//! What the record says: medications and allergies, with the substances behind them.

use std::collections::BTreeSet;

use glovebox_sdk::clinical::{AllergyIntolerance, Coded, MedicationRequest};
use glovebox_sdk::fhir::{self, Search};
use glovebox_sdk::{FhirError, Level, Value, log_with};

use crate::substance::{self, Code};

/// Resources of one kind that are looked at.
const RESOURCES_MAX: usize = 200;

/// An active prescription.
#[derive(Clone, Debug)]
pub(crate) struct Medication {
    pub(crate) name: String,
    pub(crate) dosage: String,
    pub(crate) prescribed: Option<String>,
    pub(crate) codes: BTreeSet<Code>,
    /// Names of ingredients; empty where the medication could not be identified.
    pub(crate) substances: BTreeSet<String>,
}

/// An active allergy or intolerance.
#[derive(Clone, Debug)]
pub(crate) struct Allergy {
    pub(crate) name: String,
    pub(crate) criticality: Option<String>,
    pub(crate) reactions: String,
    pub(crate) codes: BTreeSet<Code>,
    pub(crate) substances: BTreeSet<String>,
}

/// Active medications, and whether these are all of them.
pub(crate) fn medications(patient: &str) -> Result<(Vec<Medication>, bool), FhirError> {
    let found = Search::new("MedicationRequest")
        .with("patient", patient)
        .with("status", "active")
        .count(100)
        .all(RESOURCES_MAX)?;
    let mut medications = found
        .matches
        .iter()
        .map(medication)
        .collect::<Result<Vec<_>, _>>()?;
    medications.sort_by_cached_key(|medication| medication.name.to_lowercase());
    Ok((medications, found.complete))
}

/// Active allergies, and whether these are all of them.
pub(crate) fn allergies(patient: &str) -> Result<(Vec<Allergy>, bool), FhirError> {
    let found = Search::new("AllergyIntolerance")
        .with("patient", patient)
        .count(100)
        .all(RESOURCES_MAX)?;
    let mut allergies: Vec<Allergy> = found
        .matches
        .iter()
        .map(AllergyIntolerance::new)
        .filter(|allergy| allergy.is_active())
        .map(allergy)
        .collect();
    allergies.sort_by_cached_key(|allergy| allergy.name.to_lowercase());
    Ok((allergies, found.complete))
}

fn medication(resource: &Value) -> Result<Medication, FhirError> {
    let request = MedicationRequest::new(resource);
    let referred = match (request.medication(), request.reference()) {
        (None, Some(reference)) => referred(reference)?,
        _ => None,
    };
    let concept = request
        .medication()
        .or_else(|| referred.as_ref()?.get("code").map(Coded::new));
    let name = concept
        .and_then(Coded::words)
        .or_else(|| request.reference_words())
        .unwrap_or("Unnamed medication");
    let codes = concept.map(substance::codes).unwrap_or_default();
    let mut substances = substance::named_by(&codes);
    if substances.is_empty() && name != "Unnamed medication" {
        substances = substance::ingredients(name);
    }
    Ok(Medication {
        name: name.to_owned(),
        dosage: request.dosage(),
        prescribed: request.authored_on().map(str::to_owned),
        codes,
        substances,
    })
}

/// A Medication that may not be read is no reason to show nothing: the prescription is
/// listed and counted as not identified.
fn referred(reference: &str) -> Result<Option<Value>, FhirError> {
    match fhir::read_reference(reference) {
        Err(error @ (FhirError::NotFound | FhirError::Gone | FhirError::NotGranted(_))) => {
            log_with(
                Level::Warn,
                "a prescribed Medication is not readable",
                &[("error", &error.to_string())],
            );
            Ok(None)
        }
        other => other,
    }
}

fn allergy(resource: AllergyIntolerance<'_>) -> Allergy {
    let concept = resource.code();
    let name = concept
        .and_then(Coded::words)
        .unwrap_or("Unnamed substance");
    let mut codes = concept.map(substance::codes).unwrap_or_default();
    codes.extend(resource.substances().flat_map(substance::codes));
    let mut substances = substance::named_by(&codes);
    if substances.is_empty() {
        substances = substance::allergen(name);
    }
    Allergy {
        name: name.to_owned(),
        criticality: resource.criticality().map(str::to_owned),
        reactions: resource.reactions(),
        codes,
        substances,
    }
}
