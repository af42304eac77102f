//! Vital signs.

use serde_json::{Value, json};

use super::{Chart, encounters::Written, reference, set};
use crate::{
    body::{Body, Vitals},
    chance::Chance,
    decimal::{quantity, rounded},
    facility,
    story::VisitKind,
    terms::{Term, hl7, illness::Illness, loinc},
};

const BLOOD_PRESSURE: Term = loinc("85354-9", "Blood pressure panel with all children optional");
const SYSTOLIC: Term = loinc("8480-6", "Systolic blood pressure");
const DIASTOLIC: Term = loinc("8462-4", "Diastolic blood pressure");
const HEART_RATE: Term = loinc("8867-4", "Heart rate");
const RESPIRATORY_RATE: Term = loinc("9279-1", "Respiratory rate");
const TEMPERATURE: Term = loinc("8310-5", "Body temperature");
const OXYGEN_SATURATION: Term = loinc("2708-6", "Oxygen saturation in Arterial blood");
const PULSE_OXIMETRY: Term = loinc(
    "59408-5",
    "Oxygen saturation in Arterial blood by Pulse oximetry",
);
const HEIGHT: Term = loinc("8302-2", "Body height");
const WEIGHT: Term = loinc("29463-7", "Body weight");
const BODY_MASS_INDEX: Term = loinc("39156-5", "Body mass index (BMI) [Ratio]");
const HEAD: Term = loinc("9843-4", "Head Occipital-frontal circumference");

impl Chart<'_> {
    pub(super) fn vital_signs(
        &mut self,
        written: &Written<'_>,
        body: &mut Body<'_>,
        chance: &mut Chance,
    ) {
        let visit = written.visit;
        let feverish = visit.acute.is_some_and(|acute| acute.is_infection());
        let vitals = body.vitals(visit.date, visit.kind, feverish, chance);
        let age = self.person.age_on(visit.date);
        let is_sick = matches!(
            visit.kind,
            VisitKind::Sick | VisitKind::Inpatient(_) | VisitKind::Admitted
        );
        let is_yearly = matches!(
            visit.kind,
            VisitKind::CheckUp | VisitKind::WellChild(_) | VisitKind::Admitted
        );

        if age >= 3 {
            self.blood_pressure(written, &vitals);
        }
        self.vital(
            written,
            "us-core-heart-rate",
            &[HEART_RATE],
            quantity(vitals.heart_rate, 0, "beats/minute", "/min"),
        );
        if is_sick {
            let rate = quantity(vitals.respiratory_rate, 0, "breaths/minute", "/min");
            self.vital(
                written,
                "us-core-respiratory-rate",
                &[RESPIRATORY_RATE],
                rate,
            );
            self.vital(
                written,
                "us-core-body-temperature",
                &[TEMPERATURE],
                quantity(vitals.temperature, 1, "Cel", "Cel"),
            );
        }
        if is_sick
            || self.story.has(Illness::Copd, visit.date)
            || self.story.has(Illness::Asthma, visit.date)
        {
            let saturation = quantity(vitals.oxygen_saturation.min(100.0), 0, "%", "%");
            self.vital(
                written,
                "us-core-pulse-oximetry",
                &[PULSE_OXIMETRY, OXYGEN_SATURATION],
                saturation,
            );
        }
        let is_followed = visit.kind == VisitKind::FollowUp;
        if is_yearly {
            self.vital(
                written,
                "us-core-body-height",
                &[HEIGHT],
                quantity(vitals.height, 1, "cm", "cm"),
            );
        }
        if is_yearly || is_followed || (is_sick && age < 18) {
            let places = if age < 2 { 2 } else { 1 };
            self.vital(
                written,
                "us-core-body-weight",
                &[WEIGHT],
                quantity(vitals.weight, places, "kg", "kg"),
            );
        }
        if is_yearly && age >= 2 {
            let meters = rounded(vitals.height, 1) / 100.0;
            let index = rounded(vitals.weight, 1) / (meters * meters);
            self.vital(
                written,
                "us-core-bmi",
                &[BODY_MASS_INDEX],
                quantity(index, 1, "kg/m2", "kg/m2"),
            );
        }
        if let (Some(head), true) = (vitals.head, is_yearly) {
            self.vital(
                written,
                "us-core-head-circumference",
                &[HEAD],
                quantity(head, 1, "cm", "cm"),
            );
        }
    }

    fn blood_pressure(&mut self, written: &Written<'_>, vitals: &Vitals) {
        let part = |term: Term, value: f64| json!({ "code": term.concept(), "valueQuantity": quantity(value, 0, "mmHg", "mm[Hg]") });
        let mut body = self.vital_body(written, &[BLOOD_PRESSURE]);
        set(
            &mut body,
            "component",
            json!([
                part(SYSTOLIC, vitals.systolic),
                part(DIASTOLIC, vitals.diastolic)
            ]),
        );
        self.add("Observation", "vital", Some("us-core-blood-pressure"), body);
    }

    fn vital(&mut self, written: &Written<'_>, profile: &str, terms: &[Term], value: Value) {
        let mut body = self.vital_body(written, terms);
        set(&mut body, "valueQuantity", value);
        self.add("Observation", "vital", Some(profile), body);
    }

    fn vital_body(&self, written: &Written<'_>, terms: &[Term]) -> Value {
        let codings: Vec<Value> = terms.iter().map(Term::coding).collect();
        let is_on_east = written.visit.kind == VisitKind::Admitted;
        json!({
            "status": "final",
            "category": [hl7("observation-category", "vital-signs", "Vital Signs")],
            "code": { "coding": codings, "text": terms.first().map_or("", |term| term.display) },
            "subject": self.subject(),
            "encounter": reference(&written.encounter),
            "effectiveDateTime": written.after(5),
            "performer": [facility::clinician(if is_on_east { facility::OKAFOR } else { facility::BAUER })],
        })
    }
}
