//! MedicationRequest: every treatment, renewed once a year.

use serde_json::{Value, json};

use super::{Chart, set};
use crate::{
    calendar::{day, plus_days},
    facility,
    story::{Reason, Treatment},
    terms::hl7,
};

impl Chart<'_> {
    pub(super) fn medications(&mut self) {
        for treatment in &self.story.treatments {
            let is_brief = matches!(treatment.reason, Reason::Passing(_));
            let mut authored = treatment.start.max(self.story.begins);
            loop {
                let renewal = plus_days(authored, 365);
                let is_last = is_brief || renewal >= treatment.stop.unwrap_or(self.story.today);
                let is_active =
                    is_last && treatment.stop.is_none_or(|stop| stop >= self.story.today);
                self.medication_request(treatment, authored, is_active);
                if is_last {
                    break;
                }
                authored = renewal;
            }
        }
    }

    fn medication_request(&mut self, treatment: &Treatment, authored: time::Date, is_active: bool) {
        let drug = treatment.drug;
        let shared = drug
            .formulary_reference()
            .filter(|_| treatment.is_by_reference);
        let reason = match treatment.reason {
            Reason::Lasting(illness) => self.condition_of(illness),
            Reason::Passing(_) => None,
        };
        let mut body = json!({
            "status": if is_active { "active" } else { "completed" },
            "intent": "order",
            "category": [hl7("medicationrequest-category", "community", "Community")],
            "reportedBoolean": false,
            "medicationReference": shared.as_ref().map_or(Value::Null, |reference| json!({ "reference": reference, "display": drug.text })),
            "medicationCodeableConcept": if shared.is_some() { Value::Null } else { drug.concept() },
            "subject": self.subject(),
            "authoredOn": day(authored),
            "requester": facility::clinician(treatment.requester),
            "reasonCode": [treatment.reason.term().concept()],
            "reasonReference": reason.map_or(Value::Null, |condition| json!([condition])),
            "dosageInstruction": [drug.dosage()],
        });
        if let Some(stop) = treatment
            .stop
            .filter(|_| matches!(treatment.reason, Reason::Passing(_)))
        {
            let days = (stop - treatment.start).whole_days();
            set(
                &mut body,
                "dispenseRequest",
                json!({
                    "numberOfRepeatsAllowed": 0,
                    "expectedSupplyDuration": { "value": days, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d" },
                }),
            );
        } else {
            set(
                &mut body,
                "dispenseRequest",
                json!({
                    "numberOfRepeatsAllowed": 3,
                    "expectedSupplyDuration": { "value": 90, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d" },
                }),
            );
        }
        self.add(
            "MedicationRequest",
            "prescription",
            Some("us-core-medicationrequest"),
            body,
        );
    }
}
