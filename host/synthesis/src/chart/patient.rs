//! Patient, RelatedPerson, Coverage.

use serde_json::{Value, json};

use super::{Chart, reference};
use crate::{
    calendar::day,
    chance::Chance,
    person::{Named, Sex},
    terms::hl7,
};

const CDC_RACE: &str = "urn:oid:2.16.840.1.113883.6.238";

impl Chart<'_> {
    pub(super) fn patient(&mut self) {
        let person = self.person;
        let origin = person.origin;
        let ethnicity = if origin.is_hispanic {
            ("2135-2", "Hispanic or Latino")
        } else {
            ("2186-5", "Not Hispanic or Latino")
        };
        let is_child = person.is_child_on(self.story.today);
        let record_number = format!("HP{:07}", 1_000_003 + 37 * person.index);
        let mut telecom = vec![json!({ "system": "phone", "value": person.phone, "use": "home" })];
        if !is_child {
            telecom
                .push(json!({ "system": "email", "value": format!("{}@mail.example", person.id) }));
        }
        let body = json!({
            "extension": [
                us_core_category("us-core-race", origin.race),
                us_core_category("us-core-ethnicity", ethnicity),
                {
                    "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex",
                    "valueCode": if person.sex == Sex::Female { "F" } else { "M" },
                },
            ],
            "identifier": [{
                "use": "usual",
                "type": hl7("v2-0203", "MR", "Medical record number"),
                "system": "https://harbor-point.example/medical-record-number",
                "value": record_number,
            }],
            "active": true,
            "name": [{ "use": "official", "text": person.full_name(), "family": person.family, "given": [person.given] }],
            "telecom": telecom,
            "gender": person.sex.code(),
            "birthDate": day(person.birth_date),
            "address": [{
                "use": "home",
                "line": [person.street],
                "city": person.city.0,
                "state": "MA",
                "postalCode": person.city.1,
                "country": "US",
            }],
            "communication": [{
                "language": {
                    "coding": [{ "system": "urn:ietf:bcp:47", "code": origin.language.0, "display": origin.language.1 }],
                    "text": origin.language.1,
                },
                "preferred": true,
            }],
            "generalPractitioner": [crate::facility::clinician(self.physician())],
            "managingOrganization": { "reference": crate::facility::HOSPITAL, "display": "Harbor Point Medical Center" },
        });
        self.add_as("Patient", person.id.clone(), Some("us-core-patient"), body);
    }

    /// Children have a parent on record; Tom Rossi's is Maria Rossi, who has an account.
    pub(super) fn related_person(&mut self) {
        let person = self.person;
        if !person.is_child_on(self.story.today) {
            return;
        }
        let (id, given) = if person.named == Some(Named::TomRossi) {
            ("maria-rossi".to_owned(), "Maria")
        } else {
            let names = &person.origin.female;
            let given = names
                .iter()
                .cycle()
                .skip(person.index)
                .find(|name| **name != person.given)
                .copied();
            (format!("{}-parent", person.id), given.unwrap_or("Maria"))
        };
        let body = json!({
            "active": true,
            "patient": self.subject(),
            "relationship": [hl7("v3-RoleCode", "MTH", "mother")],
            "name": [{ "use": "official", "text": format!("{given} {}", person.family), "family": person.family, "given": [given] }],
            "telecom": [{ "system": "phone", "value": person.phone, "use": "mobile" }],
            "gender": "female",
        });
        self.add_as("RelatedPerson", id, Some("us-core-relatedperson"), body);
    }

    pub(super) fn coverage(&mut self, chance: &mut Chance) {
        let payer = *chance.pick(&["evergreen-health-plan", "tidewater-mutual"]);
        let body = json!({
            "identifier": [{
                "type": hl7("v2-0203", "MB", "Member Number"),
                "system": format!("https://{payer}.example/member"),
                "value": format!("M{:08}", chance.between(10_000_000, 99_999_999)),
            }],
            "status": "active",
            "type": hl7("v3-ActCode", "EHCPOL", "extended healthcare"),
            "subscriberId": format!("S{:08}", chance.between(10_000_000, 99_999_999)),
            "beneficiary": self.subject(),
            "relationship": if self.person.is_child_on(self.story.today) {
                hl7("subscriber-relationship", "child", "Child")
            } else {
                hl7("subscriber-relationship", "self", "Self")
            },
            "period": { "start": day(self.story.begins) },
            "payor": [reference(&format!("Organization/{payer}"))],
        });
        self.add("Coverage", "coverage", Some("us-core-coverage"), body);
    }
}

fn us_core_category(name: &str, (code, display): (&str, &str)) -> Value {
    let coding = json!({ "system": CDC_RACE, "code": code, "display": display });
    // "Other Race" is a detailed concept, not one of the categories that US Core binds.
    let url = if code == "2131-1" {
        "detailed"
    } else {
        "ombCategory"
    };
    json!({
        "url": format!("http://hl7.org/fhir/us/core/StructureDefinition/{name}"),
        "extension": [{ "url": url, "valueCoding": coding }, { "url": "text", "valueString": display }],
    })
}
