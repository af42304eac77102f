//! Smoking status and questionnaire scores.

use serde_json::{Value, json};

use super::{Chart, encounters::Written, reference, set};
use crate::{
    chance::Chance,
    decimal::{quantity, rounded},
    story::{Smoking, VisitKind},
    terms::{Term, drug, hl7, illness::Illness, loinc, snomed},
};

const SMOKING_STATUS: Term = loinc("72166-2", "Tobacco smoking status");
const PHQ_2: Term = loinc(
    "55758-7",
    "Patient Health Questionnaire 2 item (PHQ-2) total score [Reported]",
);
const PHQ_9: Term = loinc(
    "44261-6",
    "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]",
);
const GAD_7: Term = loinc(
    "70274-6",
    "Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]",
);

impl Chart<'_> {
    pub(super) fn surveys(&mut self, written: &Written<'_>, chance: &mut Chance) {
        let on = written.visit.date;
        if written.visit.kind != VisitKind::CheckUp {
            return;
        }
        self.smoking_status(written);
        let low_mood = if self.story.has(Illness::Depression, on) {
            1.0 - 0.65 * self.story.effect(&drug::SERTRALINE, on, 120)
        } else {
            0.0
        };
        let phq_2 = rounded(
            (0.5 + 3.6 * low_mood + chance.normal(0.0, 0.5)).clamp(0.0, 6.0),
            0,
        );
        self.score(written, PHQ_2, phq_2);
        // Two questions first; all nine when they give cause.
        if phq_2 >= 3.0 || self.story.has(Illness::Depression, on) {
            let score = rounded(
                (phq_2 + 7.0 * low_mood + chance.normal(2.0, 0.8)).clamp(phq_2, 27.0),
                0,
            );
            self.score(written, PHQ_9, score);
        }
        if self.story.has(Illness::Anxiety, on) {
            let score = 14.0 - 7.0 * self.story.effect(&drug::ESCITALOPRAM, on, 120)
                + chance.normal(0.0, 1.2);
            self.score(written, GAD_7, rounded(score.clamp(0.0, 21.0), 0));
        }
    }

    fn smoking_status(&mut self, written: &Written<'_>) {
        let status = match self.story.smoking {
            Smoking::Never => snomed("266919005", "Never smoked tobacco"),
            Smoking::Former => snomed("8517006", "Ex-smoker"),
            Smoking::Current => snomed("449868002", "Smokes tobacco daily"),
        };
        let mut body = self.survey_body(
            written,
            SMOKING_STATUS,
            ("social-history", "Social History"),
        );
        set(&mut body, "valueCodeableConcept", status.concept());
        self.add("Observation", "social", Some("us-core-smokingstatus"), body);
    }

    fn score(&mut self, written: &Written<'_>, term: Term, score: f64) {
        let mut body = self.survey_body(written, term, ("survey", "Survey"));
        set(
            &mut body,
            "valueQuantity",
            quantity(score, 0, "{score}", "{score}"),
        );
        self.add(
            "Observation",
            "survey",
            Some("us-core-observation-screening-assessment"),
            body,
        );
    }

    fn survey_body(&self, written: &Written<'_>, term: Term, category: (&str, &str)) -> Value {
        json!({
            "status": "final",
            "category": [hl7("observation-category", category.0, category.1)],
            "code": term.concept(),
            "subject": self.subject(),
            "encounter": reference(&written.encounter),
            "effectiveDateTime": written.after(10),
            "performer": [reference(&self.patient_reference())],
        })
    }
}
