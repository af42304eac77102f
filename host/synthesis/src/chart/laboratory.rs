//! Laboratory Observations and the DiagnosticReports that group them.

use serde_json::{Value, json};

use super::{Chart, encounters::Written, reference, set};
use crate::{
    body::{Body, Sample},
    calendar::instant,
    chance::Chance,
    decimal::quantity,
    facility,
    person::Sex,
    story::VisitKind,
    terms::{
        analyte::{Analyte, Range},
        drug, hl7,
        illness::Illness,
        panel::Panel,
    },
};

impl Chart<'_> {
    pub(super) fn laboratory(
        &mut self,
        written: &Written<'_>,
        body: &Body<'_>,
        chance: &mut Chance,
    ) {
        let panels = self.panels(written, chance);
        let infected = written
            .visit
            .acute
            .is_some_and(|acute| acute.is_infection());
        let mut sample = Sample::new(written.visit.date, infected);
        for panel in panels {
            let mut results = Vec::new();
            for analyte in panel.analytes() {
                // Two panels of one draw report a shared analyte once.
                if let Some(value) =
                    sample.fresh(*analyte, |sample| body.measure(*analyte, sample, chance))
                {
                    let observation = self.result(*analyte, value, written);
                    results
                        .push(json!({ "reference": observation, "display": analyte.facts().name }));
                }
            }
            if !results.is_empty() {
                self.report(panel, results, written);
            }
        }
    }

    /// What is ordered at a visit.
    fn panels(&self, written: &Written<'_>, chance: &mut Chance) -> Vec<Panel> {
        let visit = written.visit;
        let (story, on) = (self.story, visit.date);
        let age = self.person.age_on(on);
        let has = |illness| story.has(illness, on);
        let mut panels = Vec::new();
        match visit.kind {
            VisitKind::WellChild(12 | 24) => panels.extend([Panel::HemoglobinOnly, Panel::Lead]),
            VisitKind::WellChild(_) => {}
            VisitKind::Anticoagulation => panels.push(Panel::Inr),
            VisitKind::Sick => {
                if visit.acute.is_some_and(|acute| acute.is_infection()) && chance.odds(0.3) {
                    panels.extend([Panel::BloodCount, Panel::Inflammation]);
                }
            }
            VisitKind::Inpatient(_) | VisitKind::Admitted if age < 18 => {
                panels.extend([Panel::BloodCount, Panel::Inflammation])
            }
            VisitKind::Inpatient(_) | VisitKind::Admitted => {
                panels.extend([
                    Panel::BasicMetabolic,
                    Panel::BloodCount,
                    Panel::Inflammation,
                ]);
            }
            VisitKind::CheckUp => {
                panels.push(if age < 40 {
                    Panel::BasicMetabolic
                } else {
                    Panel::ComprehensiveMetabolic
                });
                panels.extend([Panel::BloodCount, Panel::Lipids]);
                if has(Illness::Diabetes) || age >= 45 {
                    panels.push(Panel::HemoglobinA1c);
                }
                if has(Illness::Diabetes) || has(Illness::KidneyDisease) {
                    panels.push(Panel::UrineAlbumin);
                }
                if self.person.sex == Sex::Female && age >= 50 || has(Illness::Hypothyroidism) {
                    panels.push(Panel::Thyroid);
                }
                if self.person.sex == Sex::Male && (55..75).contains(&age) {
                    panels.push(Panel::Prostate);
                }
                if has(Illness::AtrialFibrillation) {
                    panels.push(Panel::Natriuretic);
                }
                if has(Illness::IronDeficiency) {
                    panels.push(Panel::Ferritin);
                }
            }
            VisitKind::FollowUp => {
                if has(Illness::Diabetes) {
                    panels.push(Panel::HemoglobinA1c);
                }
                if has(Illness::Diabetes)
                    || has(Illness::Hypertension)
                    || has(Illness::KidneyDisease)
                {
                    panels.push(Panel::Renal);
                }
                if has(Illness::Hypothyroidism) {
                    panels.push(Panel::Thyroid);
                }
            }
        }
        let is_anticoagulated = story.effect(&drug::WARFARIN, on, 1) > 0.0;
        if is_anticoagulated && matches!(visit.kind, VisitKind::Inpatient(_) | VisitKind::Sick) {
            panels.push(Panel::Inr);
        }
        panels
    }

    fn result(&mut self, analyte: Analyte, value: f64, written: &Written<'_>) -> String {
        let facts = analyte.facts();
        let visit = written.visit;
        let range = analyte.range(self.person.sex, self.person.age_on(visit.date));
        let (flag, meaning) = interpretation(value, range);
        let limit = |limit: f64| quantity(limit, facts.places, facts.unit, facts.ucum);
        let mut reference_range = json!({ "text": range_text(range, facts.places, facts.unit) });
        if let Some(low) = range.0 {
            set(&mut reference_range, "low", limit(low));
        }
        if let Some(high) = range.1 {
            set(&mut reference_range, "high", limit(high));
        }
        if analyte.range_is_therapeutic() {
            set(
                &mut reference_range,
                "type",
                hl7(
                    "referencerange-meaning",
                    "therapeutic",
                    "Therapeutic Desired Level",
                ),
            );
        }
        let body = json!({
            "status": "final",
            "category": [hl7("observation-category", "laboratory", "Laboratory")],
            "code": facts.term.concept_as(facts.name),
            "subject": self.subject(),
            "encounter": reference(&written.encounter),
            "effectiveDateTime": written.after(15),
            "issued": instant(visit.date, visit.minute + 180),
            "performer": [reference(facility::LABORATORY)],
            "valueQuantity": quantity(value, facts.places, facts.unit, facts.ucum),
            "interpretation": [hl7("v3-ObservationInterpretation", flag, meaning)],
            "referenceRange": [reference_range],
        });
        self.add("Observation", "lab", Some("us-core-observation-lab"), body)
    }

    fn report(&mut self, panel: Panel, results: Vec<Value>, written: &Written<'_>) {
        let visit = written.visit;
        let body = json!({
            "status": "final",
            "category": [hl7("v2-0074", "LAB", "Laboratory")],
            "code": panel.term().concept(),
            "subject": self.subject(),
            "encounter": reference(&written.encounter),
            "effectiveDateTime": written.after(15),
            "issued": instant(visit.date, visit.minute + 180),
            "performer": [reference(facility::LABORATORY)],
            "result": results,
        });
        self.add(
            "DiagnosticReport",
            "report",
            Some("us-core-diagnosticreport-lab"),
            body,
        );
    }
}

fn interpretation(value: f64, range: Range) -> (&'static str, &'static str) {
    if range.0.is_some_and(|low| value < low) {
        ("L", "Low")
    } else if range.1.is_some_and(|high| value > high) {
        ("H", "High")
    } else {
        ("N", "Normal")
    }
}

fn range_text(range: Range, places: u8, unit: &str) -> String {
    let places = usize::from(places);
    match range {
        (Some(low), Some(high)) => format!("{low:.places$}–{high:.places$} {unit}"),
        (Some(low), None) => format!("≥ {low:.places$} {unit}"),
        (None, Some(high)) => format!("≤ {high:.places$} {unit}"),
        (None, None) => unit.to_owned(),
    }
}
