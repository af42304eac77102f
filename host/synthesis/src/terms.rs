//! The codes that the charts use, each with the display of its code system.

pub(crate) mod acute;
pub(crate) mod allergen;
pub(crate) mod analyte;
pub(crate) mod drug;
pub(crate) mod illness;
pub(crate) mod panel;
pub(crate) mod vaccine;

use serde_json::{Value, json};

pub(crate) const SNOMED: &str = "http://snomed.info/sct";
pub(crate) const LOINC: &str = "http://loinc.org";
pub(crate) const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
pub(crate) const CVX: &str = "http://hl7.org/fhir/sid/cvx";

/// One concept of one code system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) system: &'static str,
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
}

pub(crate) const fn snomed(code: &'static str, display: &'static str) -> Term {
    Term {
        system: SNOMED,
        code,
        display,
    }
}

pub(crate) const fn loinc(code: &'static str, display: &'static str) -> Term {
    Term {
        system: LOINC,
        code,
        display,
    }
}

impl Term {
    pub(crate) fn coding(&self) -> Value {
        json!({ "system": self.system, "code": self.code, "display": self.display })
    }

    /// A CodeableConcept whose text is the display.
    pub(crate) fn concept(&self) -> Value {
        json!({ "coding": [self.coding()], "text": self.display })
    }

    /// A CodeableConcept with the words a clinician would use.
    pub(crate) fn concept_as(&self, text: &str) -> Value {
        json!({ "coding": [self.coding()], "text": text })
    }
}

/// A CodeableConcept from an HL7 terminology (`http://terminology.hl7.org/CodeSystem/…`).
pub(crate) fn hl7(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [{
        "system": format!("http://terminology.hl7.org/CodeSystem/{system}"),
        "code": code,
        "display": display,
    }] })
}
