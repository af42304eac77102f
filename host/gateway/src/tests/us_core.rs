//! The searches of US Core 6.1 and 7.0 over a small chart: each finds what it should, and
//! another patient's equal data is never among it.

use super::*;

/// One resource of each type for anna, and the same for tom. `@` stands for the patient.
const CHART: [&str; 20] = [
    r#"{"resourceType":"Patient","id":"@","identifier":[{"system":"http://mrn","value":"m-@"}],"name":[{"family":"Rossi","given":["@"]}],"gender":"female","birthDate":"1980-05-05","extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3"}}]}],"generalPractitioner":[{"reference":"Practitioner/dr"}]}"#,
    r#"{"resourceType":"AllergyIntolerance","id":"allergy-@","patient":{"reference":"Patient/@"},"clinicalStatus":{"coding":[{"code":"active"}]}}"#,
    r#"{"resourceType":"CarePlan","id":"plan-@","status":"active","intent":"plan","subject":{"reference":"Patient/@"},"category":[{"coding":[{"code":"assess-plan"}]}],"period":{"start":"2026-01-05"}}"#,
    r#"{"resourceType":"CareTeam","id":"team-@","status":"active","subject":{"reference":"Patient/@"},"participant":[{"role":[{"coding":[{"code":"pcp"}]}],"member":{"reference":"Practitioner/dr"}}]}"#,
    r#"{"resourceType":"Condition","id":"condition-@","subject":{"reference":"Patient/@"},"category":[{"coding":[{"code":"problem-list-item"}]}],"clinicalStatus":{"coding":[{"code":"active"}]},"code":{"coding":[{"code":"38341003"}]},"onsetDateTime":"2025-02","recordedDate":"2025-03-01","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/condition-assertedDate","valueDateTime":"2025-03-01"}],"encounter":{"reference":"Encounter/encounter-@"}}"#,
    r#"{"resourceType":"Coverage","id":"coverage-@","status":"active","beneficiary":{"reference":"Patient/@"},"payor":[{"reference":"Organization/org"}]}"#,
    r#"{"resourceType":"DiagnosticReport","id":"report-@","status":"final","subject":{"reference":"Patient/@"},"category":[{"coding":[{"system":"http://loinc.org","code":"LP29684-5"}]}],"code":{"coding":[{"code":"58410-2"}]},"effectiveDateTime":"2026-03-01T10:00:00Z"}"#,
    r#"{"resourceType":"DocumentReference","id":"document-@","status":"current","subject":{"reference":"Patient/@"},"type":{"coding":[{"code":"11506-3"}]},"category":[{"coding":[{"code":"clinical-note"}]}],"date":"2026-03-02T10:00:00Z","content":[{"attachment":{"title":"x"}}],"context":{"period":{"start":"2026-03-01","end":"2026-03-02"}}}"#,
    r#"{"resourceType":"Encounter","id":"encounter-@","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/@"},"identifier":[{"value":"e-@"}],"type":[{"coding":[{"code":"99213"}]}],"period":{"start":"2026-03-01T09:00:00Z","end":"2026-03-01T10:00:00Z"},"location":[{"location":{"reference":"Location/ward"}}],"hospitalization":{"dischargeDisposition":{"coding":[{"code":"home"}]}}}"#,
    r#"{"resourceType":"Goal","id":"goal-@","lifecycleStatus":"active","description":{"coding":[{"code":"weight"}]},"subject":{"reference":"Patient/@"},"target":[{"dueDate":"2026-12-31"}]}"#,
    r#"{"resourceType":"Immunization","id":"shot-@","status":"completed","vaccineCode":{"coding":[{"code":"207"}]},"patient":{"reference":"Patient/@"},"occurrenceDateTime":"2025-10-10"}"#,
    r#"{"resourceType":"MedicationDispense","id":"dispense-@","status":"completed","type":{"coding":[{"code":"FF"}]},"medicationReference":{"reference":"Medication/med"},"subject":{"reference":"Patient/@"}}"#,
    r#"{"resourceType":"MedicationRequest","id":"order-@","status":"active","intent":"order","medicationReference":{"reference":"Medication/med"},"subject":{"reference":"Patient/@"},"authoredOn":"2026-02-02","encounter":{"reference":"Encounter/encounter-@"}}"#,
    r#"{"resourceType":"Observation","id":"lab-@","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"718-7"}]},"subject":{"reference":"Patient/@"},"effectiveDateTime":"2026-03-01","valueQuantity":{"value":13.5,"system":"http://unitsofmeasure.org","code":"g/dL"}}"#,
    r#"{"resourceType":"Procedure","id":"procedure-@","status":"completed","code":{"coding":[{"code":"80146002"}]},"subject":{"reference":"Patient/@"},"performedPeriod":{"start":"2025-05-05","end":"2025-05-06"}}"#,
    r#"{"resourceType":"QuestionnaireResponse","id":"answers-@","status":"completed","questionnaire":"http://forms.example/q|2","subject":{"reference":"Patient/@"},"authored":"2026-01-01"}"#,
    r#"{"resourceType":"RelatedPerson","id":"mother-@","patient":{"reference":"Patient/@"},"name":[{"family":"Rossi"}]}"#,
    r#"{"resourceType":"ServiceRequest","id":"request-@","status":"active","intent":"order","category":[{"coding":[{"code":"108252007"}]}],"code":{"coding":[{"code":"58410-2"}]},"subject":{"reference":"Patient/@"},"authoredOn":"2026-02-20"}"#,
    r#"{"resourceType":"Specimen","id":"specimen-@","subject":{"reference":"Patient/@"}}"#,
    r#"{"resourceType":"Provenance","id":"provenance-@","recorded":"2026-03-01T11:00:00Z","target":[{"reference":"Observation/lab-@"}],"agent":[{"who":{"reference":"Practitioner/dr"}}]}"#,
];

const SHARED: [&str; 6] = [
    r#"{"resourceType":"Practitioner","id":"dr","identifier":[{"system":"http://npi","value":"123"}],"name":[{"family":"Rivera"}]}"#,
    r#"{"resourceType":"PractitionerRole","id":"role","practitioner":{"reference":"Practitioner/dr"},"specialty":[{"coding":[{"system":"http://nucc","code":"207R"}]}],"endpoint":[{"reference":"Endpoint/end"}]}"#,
    r#"{"resourceType":"Organization","id":"org","name":"Northlake Health","address":[{"city":"Springfield"}]}"#,
    r#"{"resourceType":"Location","id":"ward","name":"Ward 3","address":{"city":"Springfield","state":"IL"}}"#,
    r#"{"resourceType":"Medication","id":"med","code":{"coding":[{"code":"314076"}]}}"#,
    r#"{"resourceType":"Endpoint","id":"end","status":"active"}"#,
];

async fn charts() -> Door {
    let door = Door::empty().await.with("patient/*.rs");
    let mut resources: Vec<String> = SHARED.iter().map(|json| (*json).to_owned()).collect();
    for of in ["anna", "tom"] {
        resources.extend(CHART.iter().map(|json| json.replace('@', of)));
    }
    let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
    assert!(door.import(&resources, false).await.refused.is_empty());
    door.may("anna").await;
    door.may("tom").await;
    door
}

/// Searches and the only match; `-` for none.
const SEARCHES: &[(&str, &str)] = &[
    ("Patient?_id=anna", "anna"),
    ("Patient?identifier=http://mrn|m-anna", "anna"),
    ("Patient?identifier=m-tom", "-"),
    ("Patient?name=rossi", "anna"),
    ("Patient?family=rossi&given=anna", "anna"),
    ("Patient?birthdate=1980-05-05&name=Rossi", "anna"),
    ("Patient?birthdate=ge1980&family=rossi", "anna"),
    ("Patient?gender=female&name=Rossi", "anna"),
    ("Patient?death-date:missing=true&race=2106-3", "anna"),
    ("AllergyIntolerance?patient=anna", "allergy-anna"),
    (
        "AllergyIntolerance?patient=anna&clinical-status=active",
        "allergy-anna",
    ),
    ("CarePlan?patient=anna&category=assess-plan", "plan-anna"),
    (
        "CarePlan?patient=anna&category=assess-plan&status=active,completed&date=ge2026",
        "plan-anna",
    ),
    ("CareTeam?patient=anna&status=active", "team-anna"),
    (
        "CareTeam?patient=anna&status=proposed,active&role=pcp",
        "team-anna",
    ),
    ("Condition?patient=anna", "condition-anna"),
    (
        "Condition?patient=anna&category=problem-list-item",
        "condition-anna",
    ),
    (
        "Condition?patient=anna&code=38341003&clinical-status=active",
        "condition-anna",
    ),
    (
        "Condition?patient=anna&onset-date=gt2025-01&recorded-date=lt2025-04",
        "condition-anna",
    ),
    (
        "Condition?patient=anna&encounter=Encounter/encounter-anna",
        "condition-anna",
    ),
    (
        "Condition?patient=anna&abatement-date:missing=true&asserted-date=2025-03",
        "condition-anna",
    ),
    ("Coverage?patient=anna", "coverage-anna"),
    ("DiagnosticReport?patient=anna", "report-anna"),
    (
        "DiagnosticReport?patient=anna&category=http://loinc.org|LP29684-5",
        "report-anna",
    ),
    (
        "DiagnosticReport?patient=anna&category=LP29684-5&date=2026-03-01",
        "report-anna",
    ),
    (
        "DiagnosticReport?patient=anna&code=58410-2&date=le2026-03-01T10:00:00Z",
        "report-anna",
    ),
    (
        "DiagnosticReport?patient=anna&status=final,amended",
        "report-anna",
    ),
    ("DocumentReference?_id=document-anna", "document-anna"),
    (
        "DocumentReference?patient=anna&category=clinical-note",
        "document-anna",
    ),
    (
        "DocumentReference?patient=anna&category=clinical-note&date=sa2026-03-01",
        "document-anna",
    ),
    (
        "DocumentReference?patient=anna&type=11506-3&period=2026-03",
        "document-anna",
    ),
    (
        "DocumentReference?patient=anna&status=current,superseded",
        "document-anna",
    ),
    ("Encounter?_id=encounter-anna", "encounter-anna"),
    ("Encounter?patient=anna", "encounter-anna"),
    (
        "Encounter?date=ge2026-03-01&date=lt2026-03-02&patient=anna",
        "encounter-anna",
    ),
    (
        "Encounter?patient=anna&class=AMB&status=finished&type=99213",
        "encounter-anna",
    ),
    (
        "Encounter?patient=anna&location=ward&discharge-disposition=home",
        "encounter-anna",
    ),
    ("Encounter?identifier=e-anna", "encounter-anna"),
    ("Encounter?identifier=e-tom", "-"),
    ("Goal?patient=anna", "goal-anna"),
    (
        "Goal?patient=anna&lifecycle-status=active&target-date=2026-12&description=weight",
        "goal-anna",
    ),
    (
        "Immunization?patient=anna&status=completed&date=2025",
        "shot-anna",
    ),
    ("Location?name=ward", "ward"),
    ("Location?address=springfield", "ward"),
    ("Location?address-city=springfield&address-state=il", "ward"),
    (
        "MedicationDispense?patient=anna&status=completed&type=FF",
        "dispense-anna",
    ),
    ("MedicationRequest?patient=anna&intent=order", "order-anna"),
    (
        "MedicationRequest?patient=anna&intent=order,plan&status=active,stopped",
        "order-anna",
    ),
    (
        "MedicationRequest?patient=anna&intent=order&authoredon=ge2026-02&encounter=encounter-anna",
        "order-anna",
    ),
    ("Observation?patient=anna&category=laboratory", "lab-anna"),
    (
        "Observation?patient=Patient/anna&category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory&date=ge2026-03-01",
        "lab-anna",
    ),
    (
        "Observation?patient=anna&code=http://loinc.org|718-7&status=final",
        "lab-anna",
    ),
    (
        "Observation?patient=anna&code-value-quantity=718-7$gt13|http://unitsofmeasure.org|g/dL",
        "lab-anna",
    ),
    ("Observation?patient=tom&category=laboratory", "-"),
    ("Observation?code=718-7", "lab-anna"),
    (
        "Observation?patient=anna&_lastUpdated=ge2026-01-01",
        "lab-anna",
    ),
    ("Organization?name=north", "org"),
    ("Organization?address=springfield", "org"),
    ("Practitioner?name=rivera", "dr"),
    ("Practitioner?identifier=http://npi|123", "dr"),
    ("PractitionerRole?practitioner=Practitioner/dr", "role"),
    ("PractitionerRole?practitioner=dr", "role"),
    ("PractitionerRole?specialty=http://nucc|207R", "role"),
    (
        "Procedure?patient=anna&date=ge2025-05-01&date=le2025-06",
        "procedure-anna",
    ),
    (
        "Procedure?patient=anna&code=80146002&status=completed",
        "procedure-anna",
    ),
    ("QuestionnaireResponse?_id=answers-anna", "answers-anna"),
    (
        "QuestionnaireResponse?patient=anna&questionnaire=http://forms.example/q&authored=2026",
        "answers-anna",
    ),
    ("RelatedPerson?_id=mother-anna", "mother-anna"),
    ("RelatedPerson?patient=anna&name=rossi", "mother-anna"),
    ("ServiceRequest?_id=request-anna", "request-anna"),
    (
        "ServiceRequest?patient=anna&category=108252007&authored=ge2026-02-01",
        "request-anna",
    ),
    (
        "ServiceRequest?patient=anna&code=58410-2&status=active",
        "request-anna",
    ),
    ("Specimen?_id=specimen-anna", "specimen-anna"),
    ("Specimen?patient=anna", "specimen-anna"),
    ("Specimen?_id=specimen-tom", "-"),
    ("Provenance?target=Observation/lab-anna", "provenance-anna"),
];

#[tokio::test]
async fn every_search_of_us_core_finds_what_it_should_and_nothing_of_others() {
    let door = charts().await;
    for (search, expected) in SEARCHES {
        let page = door.page_of(search).await;
        let found: Vec<&str> = page.matches.iter().map(|found| found.id.as_str()).collect();
        let wanted: Vec<&str> = Some(*expected)
            .into_iter()
            .filter(|id| *id != "-")
            .collect();
        assert_eq!(found, wanted, "{search}");
    }
}

#[tokio::test]
async fn the_includes_of_us_core_come_with_their_matches() {
    let door = charts().await;
    for (search, expected) in [
        (
            "MedicationRequest?patient=anna&intent=order&_include=MedicationRequest:medication",
            "med",
        ),
        (
            "MedicationDispense?patient=anna&_include=MedicationDispense:medication",
            "med",
        ),
        (
            "CareTeam?patient=anna&status=active&_include=CareTeam:participant",
            "dr",
        ),
        (
            "PractitionerRole?practitioner=dr&_include=PractitionerRole:practitioner",
            "dr",
        ),
        (
            "PractitionerRole?specialty=207R&_include=PractitionerRole:endpoint",
            "end",
        ),
        (
            "Observation?patient=anna&category=laboratory&_revinclude=Provenance:target",
            "provenance-anna",
        ),
    ] {
        let page = door.page_of(search).await;
        let found: Vec<&str> = page
            .included
            .iter()
            .map(|found| found.id.as_str())
            .collect();
        assert_eq!((page.matches.len(), found), (1, vec![expected]), "{search}");
    }
    // on all types, also where there is none
    for json in CHART.iter().chain(&SHARED) {
        let resource_type = json.split('"').nth(3).unwrap();
        let page = door
            .page_of(&format!("{resource_type}?_revinclude=Provenance:target"))
            .await;
        assert_eq!(page.matches.len(), 1, "{resource_type}");
    }
}
