//! Charts as large and as many as a line wants them.

use serde_json::{Value, json};

use crate::house::{House, PATIENT};

/// Resources of one import.
const BATCH: usize = 2_000;

/// A laboratory result, the newest first.
fn result(patient: &str, number: usize) -> Value {
    let (year, month, day) = (2026 - number / 360, 1 + number / 30 % 12, 1 + number % 28);
    json!({
        "resourceType": "Observation",
        "id": format!("{patient}-{number}"),
        "status": "final",
        "category": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory",
        }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "2345-7", "display": "Glucose" }] },
        "subject": { "reference": format!("Patient/{patient}") },
        "effectiveDateTime": format!("{year}-{month:02}-{day:02}T08:00:00Z"),
        "valueQuantity": {
            "value": 80 + number % 60, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL",
        },
        "referenceRange": [{ "low": { "value": 70 }, "high": { "value": 99 } }],
    })
}

/// So many patients with so many results each; [`PATIENT`] is the first, and the user may
/// open it.
pub(crate) async fn admit(house: &House, patients: usize, results: usize) -> anyhow::Result<()> {
    let mut batch = Vec::new();
    for index in 0..patients {
        let id = match index {
            0 => PATIENT.to_owned(),
            index => format!("p{index}"),
        };
        batch.push(json!({ "resourceType": "Patient", "id": id }));
        batch.extend((0..results).map(|number| result(&id, number)));
        if batch.len() >= BATCH || index + 1 == patients {
            house.import(std::mem::take(&mut batch)).await?;
        }
    }
    house.relate().await
}
