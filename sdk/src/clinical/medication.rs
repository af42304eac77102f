//! MedicationRequest.

use serde_json::Value;

use super::{Coded, list, text};

/// A prescription.
#[derive(Clone, Copy, Debug)]
pub struct MedicationRequest<'a>(&'a Value);

impl<'a> MedicationRequest<'a> {
    /// Looks at a MedicationRequest resource.
    pub fn new(resource: &'a Value) -> Self {
        Self(resource)
    }

    /// Logical id.
    pub fn id(self) -> Option<&'a str> {
        text(self.0, "id")
    }

    /// `active`, `stopped`, `entered-in-error` …
    pub fn status(self) -> Option<&'a str> {
        text(self.0, "status")
    }

    /// What was prescribed, where it is said here: `medicationCodeableConcept`, or the
    /// code of a contained Medication.
    pub fn medication(self) -> Option<Coded<'a>> {
        if let Some(concept) = self.0.get("medicationCodeableConcept") {
            return Some(Coded::new(concept));
        }
        let local = self.reference()?.strip_prefix('#')?;
        list(self.0, "contained")
            .iter()
            .find(|contained| text(contained, "id") == Some(local))
            .and_then(|contained| contained.get("code"))
            .map(Coded::new)
    }

    /// The reference to a Medication, where it is said elsewhere.
    pub fn reference(self) -> Option<&'a str> {
        text(self.0.get("medicationReference")?, "reference")
    }

    /// Words beside the reference.
    pub fn reference_words(self) -> Option<&'a str> {
        text(self.0.get("medicationReference")?, "display")
    }

    /// When it was prescribed.
    pub fn authored_on(self) -> Option<&'a str> {
        text(self.0, "authoredOn")
    }

    /// How to take it, in words, instruction after instruction.
    pub fn dosage(self) -> String {
        let words: Vec<&str> = list(self.0, "dosageInstruction")
            .iter()
            .filter_map(|dosage| {
                text(dosage, "text").or_else(|| text(dosage, "patientInstruction"))
            })
            .collect();
        words.join("; ")
    }
}
