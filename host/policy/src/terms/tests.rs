use super::*;

#[test]
fn what_is_written_reads_back_the_same() {
    let written = json!({
        "projection": {
            "Appointment": { "only": ["participant.actor", "start", "status"] },
            "Patient": { "strip": ["name.text", "telecom"] },
        },
        "labels": {
            "confidentiality": "R",
            "withheld": ["http://terminology.hl7.org/CodeSystem/v3-ActCode|PSY"],
        },
        "writes": "direct",
        "budget": { "requests_per_minute": 60, "patients_per_hour": 25 },
    });
    let terms = Terms::from_json(&written).unwrap();
    assert_eq!(terms.to_json(), written);
    assert_eq!(Terms::from_json(&terms.to_json()), Ok(terms));
    assert_eq!(Terms::from_json(&json!({})), Ok(Terms::approved()));
}

#[test]
fn an_approval_that_says_nothing_of_writes_makes_them_drafts() {
    assert_eq!(
        Terms::from_json(&json!({})).unwrap().writes,
        WriteMode::Draft
    );
}

#[test]
fn each_wrong_field_is_named() {
    for (written, field) in [
        (json!([]), "terms"),
        (json!({ "projektion": {} }), "projektion"),
        (
            json!({ "projection": { "Bot": { "strip": [] } } }),
            "projection.Bot",
        ),
        (
            json!({ "projection": { "Patient": ["name"] } }),
            "projection.Patient",
        ),
        (
            json!({ "projection": { "Patient": {} } }),
            "projection.Patient",
        ),
        (
            json!({ "projection": { "Patient": { "strip": ["a"], "only": ["b"] } } }),
            "projection.Patient",
        ),
        (
            json!({ "projection": { "Patient": { "strip": "name" } } }),
            "projection.Patient",
        ),
        (
            json!({ "labels": { "confidentiality": "X" } }),
            "labels.confidentiality",
        ),
        (
            json!({ "labels": { "withheld": ["a|"] } }),
            "labels.withheld",
        ),
        (json!({ "labels": { "other": 1 } }), "labels"),
        (json!({ "writes": "maybe" }), "writes"),
        (
            json!({ "budget": { "records_per_day": -1 } }),
            "budget.records_per_day",
        ),
        (
            json!({ "budget": { "records_per_year": 1 } }),
            "budget.records_per_year",
        ),
    ] {
        assert_eq!(
            Terms::from_json(&written).unwrap_err().field,
            field,
            "{written}"
        );
    }
}
