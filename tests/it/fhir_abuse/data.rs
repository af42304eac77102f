//! Two charts: that of A, whose app is the attacker's, and that of B, in which every
//! resource carries a marker that must never be seen.

use serde_json::{Value, json};

/// Stands in every resource of B.
pub(crate) const MARKER: &str = "PLANTED-IN-B";
/// B's record number, for identifier searches.
pub(crate) const MRN_SYSTEM: &str = "http://hospital.example/mrn";

/// Everything, A's and B's.
pub(crate) fn world() -> Vec<Value> {
    let mut all = vec![
        json!({ "resourceType": "Practitioner", "id": "abuse-dr", "name": [{ "family": "Shared" }] }),
    ];
    all.extend(chart("abuse-a", "A-CHART"));
    all.extend(chart("abuse-b", MARKER));
    // What ties the two together without making one's data the other's.
    all.extend([
        json!({ "resourceType": "Coverage", "id": "abuse-a-coverage", "status": "active",
            "beneficiary": { "reference": "Patient/abuse-a" },
            "subscriber": { "reference": "Patient/abuse-b" }, "payor": [{ "display": "Payor" }] }),
        json!({ "resourceType": "DiagnosticReport", "id": "abuse-a-mixed", "status": "final",
            "code": { "text": "Mixed" }, "subject": { "reference": "Patient/abuse-a" },
            "result": [{ "reference": "Observation/abuse-b-lab" }, { "reference": "Observation/abuse-a-lab" }] }),
        json!({ "resourceType": "Observation", "id": "abuse-b-focus", "status": "final",
            "code": { "text": MARKER }, "subject": { "reference": "Patient/abuse-b" },
            "focus": [{ "reference": "Patient/abuse-a" }] }),
        json!({ "resourceType": "Observation", "id": "abuse-nobody", "status": "final",
            "code": { "text": MARKER } }),
        json!({ "resourceType": "Observation", "id": "abuse-elsewhere", "status": "final",
            "code": { "text": MARKER },
            "subject": { "reference": "https://other.example/fhir/Patient/abuse-a" } }),
    ]);
    all
}

fn chart(patient: &str, marker: &str) -> Vec<Value> {
    let subject = || json!({ "reference": format!("Patient/{patient}") });
    let observation = |id: &str, category: &str, value: f64| {
        json!({ "resourceType": "Observation", "id": format!("{patient}-{id}"), "status": "final",
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category }] }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "718-7" }], "text": marker },
            "subject": subject(), "effectiveDateTime": "2024-03-01",
            "valueQuantity": { "value": value, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL" } })
    };
    vec![
        json!({ "resourceType": "Patient", "id": patient,
            "identifier": [{ "system": MRN_SYSTEM, "value": format!("{patient}-mrn") }],
            "name": [{ "family": format!("{marker}-{patient}") }], "birthDate": "1970-01-01" }),
        observation("lab", "laboratory", 13.0),
        observation("vital", "vital-signs", 80.0),
        json!({ "resourceType": "Condition", "id": format!("{patient}-condition"),
            "code": { "text": marker }, "subject": subject() }),
        json!({ "resourceType": "Encounter", "id": format!("{patient}-encounter"), "status": "finished",
            "class": { "code": "AMB" }, "subject": subject(), "type": [{ "text": marker }] }),
        json!({ "resourceType": "Provenance", "id": format!("{patient}-provenance"),
            "target": [{ "reference": format!("Observation/{patient}-lab") }], "recorded": "2024-03-01T10:00:00Z",
            "agent": [{ "who": { "reference": "Practitioner/abuse-dr", "display": marker } }] }),
        json!({ "resourceType": "Binary", "id": format!("{patient}-binary"), "contentType": "text/html",
            "securityContext": subject(), "data": "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==" }),
        json!({ "resourceType": "DocumentReference", "id": format!("{patient}-document"), "status": "current",
            "subject": subject(), "description": marker,
            "content": [{ "attachment": { "contentType": "text/html", "url": format!("Binary/{patient}-binary") } }] }),
        json!({ "resourceType": "RelatedPerson", "id": format!("{patient}-related"),
            "patient": subject(), "name": [{ "text": marker }] }),
    ]
}
