//! Condition and AllergyIntolerance.

use serde_json::{Value, json};

use super::{Chart, reference, set};
use crate::{
    calendar::{day, plus_days},
    facility,
    story::Visit,
    terms::{acute::Acute, allergen::Allergen, hl7, snomed},
};

impl Chart<'_> {
    /// The problem list.
    pub(super) fn problems(&mut self) {
        for course in &self.story.courses {
            let recorded = course.onset.max(self.story.begins);
            let body = json!({
                "clinicalStatus": hl7("condition-clinical", "active", "Active"),
                "verificationStatus": hl7("condition-ver-status", "confirmed", "Confirmed"),
                "category": [hl7("condition-category", "problem-list-item", "Problem List Item")],
                "code": course.illness.term().concept(),
                "subject": self.subject(),
                "onsetDateTime": day(course.onset),
                "recordedDate": day(recorded),
                "recorder": facility::clinician(self.physician()),
            });
            let written = self.add(
                "Condition",
                "condition",
                Some("us-core-condition-problems-health-concerns"),
                body,
            );
            self.conditions.push((course.illness, written));
        }
    }

    /// The diagnosis of a visit for a short illness, active until it has passed.
    pub(super) fn diagnosis(&mut self, acute: Acute, visit: &Visit, encounter: &str) -> String {
        let passed = plus_days(visit.date, acute.days());
        let is_over = passed < self.story.today;
        let status = if is_over {
            ("resolved", "Resolved")
        } else {
            ("active", "Active")
        };
        let body = json!({
            "clinicalStatus": hl7("condition-clinical", status.0, status.1),
            "verificationStatus": hl7("condition-ver-status", "confirmed", "Confirmed"),
            "category": [hl7("condition-category", "encounter-diagnosis", "Encounter Diagnosis")],
            "code": acute.term().concept(),
            "subject": self.subject(),
            "encounter": reference(encounter),
            "onsetDateTime": day(plus_days(visit.date, -2).max(self.person.birth_date)),
            "abatementDateTime": if is_over { Value::String(day(passed)) } else { Value::Null },
            "recordedDate": day(visit.date),
        });
        self.add(
            "Condition",
            "diagnosis",
            Some("us-core-condition-encounter-diagnosis"),
            body,
        )
    }

    /// The allergies, or the statement that none is known.
    pub(super) fn allergies(&mut self) {
        for allergen in &self.story.allergies {
            self.allergy(*allergen);
        }
        if self.story.allergies.is_empty() {
            let body = json!({
                "clinicalStatus": hl7("allergyintolerance-clinical", "active", "Active"),
                "verificationStatus": hl7("allergyintolerance-verification", "confirmed", "Confirmed"),
                "code": snomed("716186003", "No known allergy").concept(),
                "patient": self.subject(),
                "recordedDate": day(self.story.begins),
            });
            self.add(
                "AllergyIntolerance",
                "allergy",
                Some("us-core-allergyintolerance"),
                body,
            );
        }
    }

    fn allergy(&mut self, allergen: Allergen) {
        let severe = allergen == Allergen::Peanut;
        let culprit = allergen
            .culprit()
            .map_or(Value::Null, |term| term.concept());
        let mut reaction = json!({
            "manifestation": [allergen.reaction().concept()],
            "severity": if severe { "severe" } else { "moderate" },
        });
        if !culprit.is_null() {
            set(&mut reaction, "substance", culprit);
        }
        let body = json!({
            "clinicalStatus": hl7("allergyintolerance-clinical", "active", "Active"),
            "verificationStatus": hl7("allergyintolerance-verification", "confirmed", "Confirmed"),
            "type": "allergy",
            "category": [allergen.category()],
            "criticality": if severe || allergen == Allergen::Penicillin { "high" } else { "low" },
            "code": allergen.concept(),
            "patient": self.subject(),
            "recordedDate": day(self.story.begins),
            "recorder": facility::clinician(self.physician()),
            "reaction": [reaction],
        });
        self.add(
            "AllergyIntolerance",
            "allergy",
            Some("us-core-allergyintolerance"),
            body,
        );
    }
}
