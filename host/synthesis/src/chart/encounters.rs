//! Encounter, and what is written at it.

use serde_json::{Value, json};

use super::{Chart, reference, set};
use crate::{
    body::Body,
    calendar::{instant, plus_days},
    chance::Chance,
    facility,
    story::{Visit, VisitKind},
    terms::{Term, hl7, snomed},
};

/// An encounter that was written: its reference and when it was.
pub(super) struct Written<'v> {
    pub(super) visit: &'v Visit,
    pub(super) encounter: String,
}

impl Written<'_> {
    /// The moment some minutes into the encounter.
    pub(super) fn after(&self, minutes: i64) -> String {
        instant(self.visit.date, self.visit.minute + minutes)
    }
}

impl Chart<'_> {
    pub(super) fn visit(&mut self, visit: &Visit, body: &mut Body<'_>, chance: &mut Chance) {
        let encounter = self.encounter(visit);
        let written = Written { visit, encounter };
        if let Some(acute) = visit.acute {
            self.diagnosis(acute, visit, &written.encounter);
        }
        if visit.kind != VisitKind::Anticoagulation {
            self.vital_signs(&written, body, chance);
        }
        self.laboratory(&written, body, chance);
        if let VisitKind::WellChild(months) = visit.kind {
            self.scheduled_vaccines(months, &written);
        }
        self.surveys(&written, chance);
        self.procedures(&written, chance);
        self.note(&written);
    }

    /// Where a visit takes place and who is responsible.
    pub(super) fn setting(&self, visit: &Visit) -> (&'static str, &'static str) {
        match visit.kind {
            VisitKind::WellChild(_) => (facility::PEDIATRICS, facility::LINDQVIST),
            VisitKind::Sick if self.person.is_child_on(visit.date) => {
                (facility::PEDIATRICS, facility::LINDQVIST)
            }
            VisitKind::Sick => (facility::URGENT_CARE, facility::SATO),
            VisitKind::Anticoagulation => (facility::CLINIC, facility::HADDAD),
            VisitKind::Inpatient(_) => (facility::WARD_WEST, facility::NAKAMURA),
            VisitKind::Admitted => (facility::WARD_EAST, facility::RIVERA),
            VisitKind::CheckUp | VisitKind::FollowUp => (facility::CLINIC, facility::RIVERA),
        }
    }

    /// Why the patient came.
    pub(super) fn cause(&self, visit: &Visit) -> Option<Term> {
        let lasting = || {
            self.story
                .courses
                .iter()
                .find(|course| course.onset <= visit.date)
                .map(|course| course.illness.term())
        };
        match visit.kind {
            VisitKind::CheckUp | VisitKind::WellChild(_) => None,
            VisitKind::Anticoagulation => {
                Some(crate::terms::illness::Illness::AtrialFibrillation.term())
            }
            _ => visit.acute.map(|acute| acute.term()).or_else(lasting),
        }
    }

    fn encounter(&mut self, visit: &Visit) -> String {
        let (place, clinician) = self.setting(visit);
        let kind = match visit.kind {
            VisitKind::CheckUp => snomed("162673000", "General examination of patient"),
            VisitKind::FollowUp | VisitKind::Anticoagulation => {
                snomed("390906007", "Follow-up encounter")
            }
            VisitKind::WellChild(_) => snomed("410620009", "Well child visit"),
            VisitKind::Sick => snomed("185345009", "Encounter for symptom"),
            VisitKind::Inpatient(_) | VisitKind::Admitted => {
                snomed("32485007", "Hospital admission")
            }
        };
        let is_stay = matches!(visit.kind, VisitKind::Inpatient(_) | VisitKind::Admitted);
        let class = if is_stay {
            ("IMP", "inpatient encounter")
        } else {
            ("AMB", "ambulatory")
        };
        let end = match visit.kind {
            VisitKind::Admitted => Value::Null,
            VisitKind::Inpatient(nights) => json!(instant(plus_days(visit.date, nights), 15 * 60)),
            VisitKind::Anticoagulation => json!(instant(visit.date, visit.minute + 15)),
            _ => json!(instant(visit.date, visit.minute + 35)),
        };
        let mut period = json!({ "start": instant(visit.date, visit.minute) });
        if !end.is_null() {
            set(&mut period, "end", end);
        }
        let body = json!({
            "identifier": [{
                "system": "https://harbor-point.example/visit-number",
                "value": format!("{}-{}", 1_000_003 + 37 * self.person.index, self.numbers.get("encounter").unwrap_or(&0) + 1),
            }],
            "status": if visit.kind == VisitKind::Admitted { "in-progress" } else { "finished" },
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class.0, "display": class.1 },
            "type": [kind.concept()],
            "subject": self.subject(),
            "participant": [{
                "type": [hl7("v3-ParticipationType", "PPRF", "primary performer")],
                "individual": facility::clinician(clinician),
            }],
            "period": period,
            "reasonCode": self.cause(visit).map_or(Value::Null, |term| json!([term.concept()])),
            "location": [{ "location": facility::place(place) }],
            "serviceProvider": reference(facility::HOSPITAL),
        });
        self.add("Encounter", "encounter", Some("us-core-encounter"), body)
    }
}
