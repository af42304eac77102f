//! The patient compartment (R4, compartmentdefinition-patient): which references put a
//! resource of a type into a patient's compartment, exactly as the definition lists them.
//! `Observation.focus`, for one, does not.

use std::collections::HashMap;
use std::sync::OnceLock;

static TABLE: OnceLock<HashMap<&'static str, Vec<&'static str>>> = OnceLock::new();

/// The search parameters of a type through which its resources belong to a patient;
/// `None` for types that are in no patient's compartment.
pub fn parameters(resource_type: &str) -> Option<&'static [&'static str]> {
    TABLE
        .get_or_init(|| {
            include_str!("../definitions/compartment-patient.tsv")
                .lines()
                .filter_map(|line| line.split_once('\t'))
                .map(|(name, list)| (name, list.split(',').collect()))
                .collect()
        })
        .get(resource_type)
        .map(Vec::as_slice)
}

/// Types that carry no patient data and are shared by all patients. Listed one by one:
/// "anything without a patient" is not the rule (a `Binary` has no patient either).
/// `Device` is not here: an implanted one names its patient.
const UNIVERSAL: [&str; 11] = [
    "Endpoint",
    "HealthcareService",
    "InsurancePlan",
    "Location",
    "Medication",
    "MedicationKnowledge",
    "Organization",
    "OrganizationAffiliation",
    "Practitioner",
    "PractitionerRole",
    "Substance",
];

/// Whether the type is one of the explicit list of types without patient data.
pub fn is_universal(resource_type: &str) -> bool {
    UNIVERSAL.binary_search(&resource_type).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{is_resource_type, search_parameters};

    #[test]
    fn the_parameters_are_those_of_the_definition() {
        for (resource_type, expected) in [
            ("Observation", Some(&["subject", "performer"][..])),
            ("Patient", Some(&["link"][..])),
            ("Task", Some(&["patient", "focus"][..])),
            ("Practitioner", None),
            ("Device", None),
            ("Bot", None),
        ] {
            assert_eq!(parameters(resource_type), expected, "{resource_type}");
        }
    }

    #[test]
    fn each_parameter_exists_and_has_an_expression() {
        let mut missing = Vec::new();
        for name in crate::resource_types() {
            for code in parameters(name).unwrap_or_default() {
                let known = search_parameters(name).iter().any(|p| p.code() == *code);
                if !known {
                    missing.push(format!("{name}:{code}"));
                }
            }
        }
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn universal_types_are_r4_types_outside_every_compartment() {
        assert!(UNIVERSAL.is_sorted());
        for name in UNIVERSAL {
            assert!(is_resource_type(name), "{name}");
            assert_eq!(parameters(name), None, "{name}");
        }
        for name in [
            "Device", "Binary", "Group", "List", "Person", "Patient", "Bundle",
        ] {
            assert!(!is_universal(name), "{name}");
        }
    }
}
