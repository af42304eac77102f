//! What lies ahead: CareTeam, Goal, CarePlan, Appointment.

use serde_json::{Value, json};

use super::{Chart, reference};
use crate::{
    calendar::{day, instant, plus_days, working_day},
    chance::Chance,
    decimal::quantity,
    facility,
    terms::{Term, analyte::Analyte, illness::Illness, loinc, snomed},
};

impl Chart<'_> {
    pub(super) fn planning(&mut self, chance: &mut Chance) {
        let team = self.care_team();
        let goals = self.goals();
        if !goals.is_empty() {
            self.care_plan(&team, &goals);
        }
        self.appointment(chance);
    }

    /// Dr. Rivera is on every team; nurse Okafor on those of her ward.
    fn care_team(&mut self) -> String {
        let member = |clinician: &str, role: Term| json!({ "role": [role.concept()], "member": facility::clinician(clinician) });
        let physician = snomed("158965000", "Medical practitioner");
        let mut participants = vec![member(facility::RIVERA, physician)];
        if self.person.is_child_on(self.story.today) {
            participants.push(member(facility::LINDQVIST, physician));
        }
        if self.person.is_on_ward() {
            participants.push(member(
                facility::OKAFOR,
                snomed("224535009", "Registered nurse"),
            ));
        }
        let body = json!({
            "status": "active",
            "name": format!("Care team of {}", self.person.full_name()),
            "subject": self.subject(),
            "period": { "start": day(self.story.begins) },
            "participant": participants,
            "managingOrganization": [reference(facility::HOSPITAL)],
        });
        self.add("CareTeam", "team", Some("us-core-careteam"), body)
    }

    /// One goal for each illness that is steered by a number.
    fn goals(&mut self) -> Vec<String> {
        let mut goals = Vec::new();
        for course in &self.story.courses {
            let (text, term, high) = match course.illness {
                Illness::Diabetes => (
                    "Hemoglobin A1c below 7 %",
                    Analyte::HemoglobinA1c.facts().term,
                    quantity(7.0, 1, "%", "%"),
                ),
                Illness::Hypertension => (
                    "Systolic blood pressure below 130 mmHg",
                    loinc("8480-6", "Systolic blood pressure"),
                    quantity(130.0, 0, "mmHg", "mm[Hg]"),
                ),
                Illness::Hyperlipidemia => (
                    "LDL cholesterol below 100 mg/dL",
                    Analyte::Ldl.facts().term,
                    quantity(100.0, 0, "mg/dL", "mg/dL"),
                ),
                Illness::Obesity => (
                    "Body mass index below 30",
                    loinc("39156-5", "Body mass index (BMI) [Ratio]"),
                    quantity(30.0, 1, "kg/m2", "kg/m2"),
                ),
                _ => continue,
            };
            let start = course.onset.max(self.story.begins);
            let body = json!({
                "lifecycleStatus": "active",
                "description": { "text": text },
                "subject": self.subject(),
                "startDate": day(start),
                "target": [{ "measure": term.concept(), "detailQuantity": high, "dueDate": day(plus_days(self.story.today, 180)) }],
                "expressedBy": facility::clinician(self.physician()),
                "addresses": self.condition_of(course.illness).map_or(Value::Null, |condition| json!([condition])),
            });
            goals.push(self.add("Goal", "goal", Some("us-core-goal"), body));
        }
        goals
    }

    fn care_plan(&mut self, team: &str, goals: &[String]) {
        let addressed: Vec<Value> = self
            .conditions
            .iter()
            .map(|(illness, at)| json!({ "reference": at, "display": illness.term().display }))
            .collect();
        let names: Vec<&str> = self
            .conditions
            .iter()
            .map(|(illness, _)| illness.term().display)
            .collect();
        let summary = format!(
            "Plan for {}: medication as prescribed, regular visits and laboratory tests.",
            names.join(", ")
        );
        let activity =
            |text: &str| json!({ "detail": { "status": "in-progress", "description": text } });
        let body = json!({
            "text": {
                "status": "generated",
                "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{summary}</div>"),
            },
            "status": "active",
            "intent": "plan",
            "category": [{ "coding": [{
                "system": "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
                "code": "assess-plan",
                "display": "Assessment and Plan of Treatment",
            }] }],
            "title": "Long-term treatment",
            "description": summary,
            "subject": self.subject(),
            "period": { "start": day(self.story.begins) },
            "author": facility::clinician(self.physician()),
            "careTeam": [reference(team)],
            "addresses": addressed,
            "goal": goals.iter().map(|goal| reference(goal)).collect::<Vec<_>>(),
            "activity": [
                activity("Visit and laboratory tests at the agreed interval"),
                activity("Thirty minutes of walking on most days"),
            ],
        });
        self.add("CarePlan", "plan", Some("us-core-careplan"), body);
    }

    /// The next visit; the only part of the chart that lies in the future.
    fn appointment(&mut self, chance: &mut Chance) {
        let date = plus_days(self.story.today, 10 + chance.between(0, 50));
        // Back to Friday from a weekend; ten days ahead, that is still in the future.
        let date = working_day(date);
        let minute = 14 * 60 + 20 * chance.between(0, 20);
        let is_child = self.person.is_child_on(self.story.today);
        let place = if is_child {
            facility::PEDIATRICS
        } else {
            facility::CLINIC
        };
        let accepted =
            |actor: Value| json!({ "actor": actor, "required": "required", "status": "accepted" });
        let body = json!({
            "status": "booked",
            "serviceType": [snomed("390906007", "Follow-up encounter").concept()],
            "description": if is_child { "Well-child visit" } else { "Follow-up visit" },
            "start": instant(date, minute),
            "end": instant(date, minute + 20),
            "minutesDuration": 20,
            "created": instant(plus_days(self.story.today, -chance.between(1, 20)), 15 * 60),
            "participant": [
                accepted(self.subject()),
                accepted(facility::clinician(self.physician())),
                accepted(facility::place(place)),
            ],
        });
        self.add("Appointment", "appointment", None, body);
    }
}
