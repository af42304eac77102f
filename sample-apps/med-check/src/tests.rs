use glovebox_sdk::clinical::{RXNORM, SNOMED};
use glovebox_sdk::mock::{Host, Shown};
use glovebox_sdk::{FhirError, Value, json};

use super::*;

fn request(id: &str, rxnorm: &str, name: &str) -> Value {
    json!({
        "resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
        "subject": {"reference": "Patient/anna"}, "authoredOn": "2025-05-05",
        "medicationCodeableConcept": {
            "coding": [{"system": RXNORM, "code": rxnorm, "display": name}]},
        "dosageInstruction": [{"text": "one a day"}],
    })
}

fn allergy(system: &str, code: &str, name: &str) -> Value {
    json!({
        "resourceType": "AllergyIntolerance", "id": code,
        "patient": {"reference": "Patient/anna"}, "criticality": "high",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": system, "code": code, "display": name}]},
        "reaction": [{"manifestation": [{"text": "Hives"}]}],
    })
}

fn open(resources: impl IntoIterator<Item = Value>) -> Shown {
    Host::new("anna")
        .with_resources(resources)
        .run::<MedCheck>()
        .open()
        .unwrap()
}

const LISINOPRIL_10: &str = "lisinopril 10 MG Oral Tablet";

#[test]
fn active_medications_are_listed_and_stopped_ones_are_not() {
    let mut stopped = request("2", "860975", "metformin 500 MG Oral Tablet");
    stopped["status"] = json!("stopped");
    let screen = open([request("1", "314076", LISINOPRIL_10), stopped]);
    assert!(screen.contains("lisinopril 10 MG Oral Tablet | one a day | 2025-05-05"));
    assert!(!screen.contains("metformin"));
    assert!(screen.contains("[good] No duplicates"));
}

#[test]
fn duplicates_are_found_by_code_and_by_ingredient() {
    for (other, expected) in [
        (
            request("2", "314076", "Zestril 10 MG"),
            "is prescribed twice",
        ),
        (
            request("2", "314077", "lisinopril 20 MG Oral Tablet"),
            "both contain lisinopril",
        ),
        (
            request(
                "2",
                "197885",
                "hydrochlorothiazide 12.5 MG / lisinopril 10 MG Oral Tablet",
            ),
            "both contain lisinopril",
        ),
    ] {
        let screen = open([request("1", "314076", LISINOPRIL_10), other]);
        assert!(screen.contains(expected), "{}", screen.text());
        assert!(screen.contains("[caution]"));
    }
}

#[test]
fn allergies_match_by_code_ingredient_and_family() {
    let amoxicillin = || request("1", "308182", "amoxicillin 250 MG Oral Capsule");
    for (allergy, expected) in [
        (
            allergy(RXNORM, "308182", "amoxicillin 250 MG"),
            "an allergy to",
        ),
        (
            allergy(RXNORM, "723", "amoxicillin"),
            "an allergy to amoxicillin",
        ),
        (
            allergy(SNOMED, "91936005", "Allergy to penicillin"),
            "the family penicillin",
        ),
        (
            allergy(RXNORM, "7984", "penicillin V"),
            "the family penicillin",
        ),
        (
            allergy("urn:local", "x", "Penicillin allergy"),
            "the family penicillin",
        ),
    ] {
        let screen = open([amoxicillin(), allergy]);
        assert!(screen.contains("[danger]"), "{}", screen.text());
        assert!(screen.contains(expected), "{}", screen.text());
    }
}

#[test]
fn unrelated_and_refuted_allergies_raise_nothing() {
    let mut refuted = allergy(RXNORM, "29046", "lisinopril");
    refuted["verificationStatus"] = json!({"coding": [{"code": "refuted"}]});
    let screen = open([
        request("1", "314076", LISINOPRIL_10),
        allergy(RXNORM, "723", "amoxicillin"),
        refuted,
    ]);
    assert!(!screen.contains("an allergy to"), "{}", screen.text());
    assert!(screen.contains("amoxicillin | [danger] High | Hives"));
}

#[test]
fn a_medication_elsewhere_is_read_and_a_contained_one_is_found() {
    let mut referring = request("1", "", "");
    referring
        .as_object_mut()
        .unwrap()
        .remove("medicationCodeableConcept");
    let mut contained = referring.clone();
    referring["medicationReference"] = json!({"reference": "Medication/m1"});
    contained["medicationReference"] = json!({"reference": "#m"});
    contained["contained"] = json!([{"resourceType": "Medication", "id": "m",
        "code": {"text": "warfarin 5 MG Oral Tablet"}}]);
    let medication = json!({"resourceType": "Medication", "id": "m1",
        "code": {"coding": [{"system": RXNORM, "code": "11289", "display": "warfarin"}]}});
    let screen = open([referring.clone(), contained, medication]);
    assert!(
        screen.contains("both contain warfarin"),
        "{}",
        screen.text()
    );

    let refused = Host::new("anna")
        .with_resource(referring)
        .with_failure(
            "Medication",
            FhirError::NotGranted("patient/Medication.r".into()),
        )
        .run::<MedCheck>()
        .open()
        .unwrap();
    assert!(refused.contains("1 of 1 medications could not be identified"));
    assert!(!refused.contains("[good]"));
}

#[test]
fn an_empty_record_says_so_and_claims_nothing() {
    let screen = open([]);
    assert!(screen.contains("No active medications are recorded."));
    assert!(screen.contains("No active allergies are recorded."));
    assert!(!screen.contains("[good]"));
}

#[test]
fn ingredients_come_out_of_drug_names() {
    for (name, expected) in [
        (
            "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet",
            vec!["metformin"],
        ),
        (
            "Acetaminophen 325 MG / oxyCODONE 5 MG Oral Tablet [Percocet]",
            vec!["acetaminophen", "oxycodone"],
        ),
        ("insulin glargine 100 UNT/ML", vec!["insulin glargine"]),
        ("500 mg", vec![]),
    ] {
        let found: Vec<String> = substance::ingredients(name).into_iter().collect();
        assert_eq!(found, expected, "{name}");
    }
}
