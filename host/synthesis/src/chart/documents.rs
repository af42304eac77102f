//! Notes: DocumentReference, the Binary with the text, and the Provenance of both.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{Chart, encounters::Written, reference};
use crate::{
    calendar::{day, instant, plus_days},
    facility,
    story::VisitKind,
    terms::{Term, hl7, loinc},
};

impl Chart<'_> {
    pub(super) fn note(&mut self, written: &Written<'_>) {
        let visit = written.visit;
        let kind = match visit.kind {
            VisitKind::CheckUp | VisitKind::WellChild(_) => loinc("11506-3", "Progress note"),
            VisitKind::Inpatient(_) => loinc("18842-5", "Discharge summary"),
            VisitKind::Admitted => loinc("34117-2", "History and physical note"),
            _ => return,
        };
        let (date, minute) = match visit.kind {
            VisitKind::Inpatient(nights) => (plus_days(visit.date, nights), 15 * 60),
            _ => (visit.date, visit.minute + 30),
        };
        let signed = instant(date, minute);
        let author = facility::clinician(self.setting(visit).1);
        let text = self.note_text(kind, written);
        let binary = self.add(
            "Binary",
            "note",
            None,
            json!({
                "contentType": "text/plain;charset=utf-8",
                "securityContext": reference(&self.patient_reference()),
                "data": STANDARD.encode(&text),
            }),
        );
        let document = self.add("DocumentReference", "document", Some("us-core-documentreference"), json!({
            "identifier": [{ "system": "https://harbor-point.example/document", "value": binary.replace("Binary/", "") }],
            "status": "current",
            "docStatus": "final",
            "type": kind.concept(),
            "category": [{ "coding": [{
                "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
                "code": "clinical-note",
                "display": "Clinical Note",
            }] }],
            "subject": self.subject(),
            "date": signed,
            "author": [author],
            "custodian": reference(facility::HOSPITAL),
            "content": [{
                "attachment": {
                    "contentType": "text/plain;charset=utf-8",
                    "url": binary,
                    "size": text.len(),
                    "title": format!("{}, {}", kind.display, day(date)),
                },
                "format": {
                    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
                    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
                    "display": "mimeType Sufficient",
                },
            }],
            "context": { "encounter": [reference(&written.encounter)] },
        }));
        self.add(
            "Provenance",
            "provenance",
            Some("us-core-provenance"),
            json!({
                "target": [reference(&document), reference(&binary)],
                "recorded": signed,
                "agent": [{
                    "type": hl7("provenance-participant-type", "author", "Author"),
                    "who": author,
                    "onBehalfOf": reference(facility::HOSPITAL),
                }],
            }),
        );
    }

    fn note_text(&self, kind: Term, written: &Written<'_>) -> String {
        let visit = written.visit;
        let (person, on) = (self.person, visit.date);
        let mut text = format!("{}\n{}\n\n", kind.display.to_uppercase(), day(on));
        let age = person.age_on(on);
        let age = if age < 2 {
            format!(
                "{} months",
                crate::calendar::months_between(person.birth_date, on) as i64
            )
        } else {
            format!("{age} years")
        };
        text.push_str(&format!(
            "{}, {}, {age}.\n",
            person.full_name(),
            person.sex.code()
        ));
        if let Some(cause) = self.cause(visit) {
            text.push_str(&format!("Seen for: {}.\n", cause.display));
        }
        let list = |title: &str, items: Vec<&str>, none: &str| {
            if items.is_empty() {
                format!("{title}: {none}\n")
            } else {
                format!("{title}: {}.\n", items.join(", "))
            }
        };
        let ongoing = self
            .story
            .courses
            .iter()
            .filter(|course| course.onset <= on);
        text.push_str(&list(
            "Problems",
            ongoing
                .map(|course| course.illness.term().display)
                .collect(),
            "none.",
        ));
        let taken = self
            .story
            .treatments
            .iter()
            .filter(|treatment| treatment.start <= on);
        let taken = taken.filter(|treatment| treatment.stop.is_none_or(|stop| stop > on));
        text.push_str(&list(
            "Medication",
            taken.map(|treatment| treatment.drug.text).collect(),
            "none.",
        ));
        text.push_str(match visit.kind {
            VisitKind::WellChild(_) => "Growth and development as expected for age. Next visit as scheduled.\n",
            VisitKind::Admitted => "Admitted for observation and adjustment of treatment.\n",
            VisitKind::Inpatient(_) => "Improved under treatment and discharged home. Follow-up in two weeks.\n",
            _ => "Results discussed, treatment continued. Next check-up in a year, sooner if needed.\n",
        });
        text
    }
}
