//! The chart: a story written down as FHIR resources.

mod documents;
mod encounters;
mod immunizations;
mod laboratory;
mod medications;
mod patient;
mod planning;
mod problems;
mod procedures;
mod surveys;
mod vitals;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    Plan,
    body::Body,
    chance::{Chance, Topic},
    person::Person,
    story::Story,
    terms::illness::Illness,
};

/// Profiles of US Core 6.1, by their last path segment.
const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";

/// A resource in writing order: type, id, meta, then the body's fields.
pub(crate) fn resource(
    resource_type: &str,
    id: String,
    profile: Option<&str>,
    body: Value,
) -> Value {
    let mut whole = Map::new();
    whole.insert("resourceType".to_owned(), json!(resource_type));
    whole.insert("id".to_owned(), Value::String(id));
    if let Some(profile) = profile {
        whole.insert(
            "meta".to_owned(),
            json!({ "profile": [format!("{US_CORE}{profile}")] }),
        );
    }
    if let Value::Object(fields) = body {
        whole.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Value::Object(whole)
}

/// Sets a field of a JSON object.
pub(crate) fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}

/// A chart while it is written.
struct Chart<'a> {
    person: &'a Person,
    story: &'a Story,
    resources: Vec<Value>,
    numbers: BTreeMap<&'static str, usize>,
    /// Reference to the Condition of each lasting illness, once written.
    conditions: Vec<(Illness, String)>,
}

/// The whole chart of one patient.
pub(crate) fn write(plan: &Plan, person: &Person) -> Vec<Value> {
    let story = Story::new(plan, person);
    let mut chance = Chance::new(plan.seed, person.index, Topic::Chart);
    let mut body = Body::new(person, &story, &mut chance);
    let mut chart = Chart {
        person,
        story: &story,
        resources: Vec::new(),
        numbers: BTreeMap::new(),
        conditions: Vec::new(),
    };
    chart.patient();
    chart.related_person();
    chart.coverage(&mut chance);
    chart.problems();
    chart.allergies();
    for visit in &story.visits {
        chart.visit(visit, &mut body, &mut chance);
    }
    chart.medications();
    chart.yearly_vaccines(&mut chance);
    chart.planning(&mut chance);
    chart.resources
}

impl Chart<'_> {
    /// Adds a numbered resource (`anna-rossi-lab-0042`) and returns the reference to it.
    fn add(
        &mut self,
        resource_type: &'static str,
        kind: &'static str,
        profile: Option<&str>,
        body: Value,
    ) -> String {
        let number = self.numbers.entry(kind).or_insert(0);
        *number += 1;
        let id = format!("{}-{kind}-{number:04}", self.person.id);
        self.add_as(resource_type, id, profile, body)
    }

    /// Adds a resource with an id of its own.
    fn add_as(
        &mut self,
        resource_type: &str,
        id: String,
        profile: Option<&str>,
        body: Value,
    ) -> String {
        let reference = format!("{resource_type}/{id}");
        self.resources
            .push(resource(resource_type, id, profile, body));
        reference
    }

    fn patient_reference(&self) -> String {
        format!("Patient/{}", self.person.id)
    }

    /// The Reference that `subject` and `patient` elements carry.
    fn subject(&self) -> Value {
        json!({ "reference": self.patient_reference(), "display": self.person.full_name() })
    }

    fn condition_of(&self, illness: Illness) -> Option<Value> {
        let written = self.conditions.iter().find(|(of, _)| *of == illness);
        written.map(
            |(_, reference)| json!({ "reference": reference, "display": illness.term().display }),
        )
    }

    /// The clinician who looks after the patient.
    fn physician(&self) -> &'static str {
        if self.person.is_child_on(self.story.today) {
            crate::facility::LINDQVIST
        } else {
            crate::facility::RIVERA
        }
    }
}

/// A bare Reference.
fn reference(to: &str) -> Value {
    json!({ "reference": to })
}
