use super::*;
use crate::Limits;

fn issues(json: &str) -> Vec<String> {
    let resource = Resource::parse(json.as_bytes(), Limits::RESOURCE).unwrap();
    validate(&resource)
        .into_iter()
        .map(|issue| format!("{}: {}", issue.location, issue.text))
        .collect()
}

/// An Observation with these members more.
fn observation(members: &str) -> Vec<String> {
    issues(&format!(
        r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}}{members}}}"#
    ))
}

#[test]
fn what_r4_allows_passes() {
    for members in [
        "",
        r#","id":"1","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z"}"#,
        r#","valueQuantity":{"value":1.50,"comparator":"<"}"#,
        r#","valueString":"x","_valueString":{"extension":[{"url":"http://x.example/a","valueCode":"b"}]}"#,
        r#","_issued":{"extension":[{"url":"http://x.example/absent","valueBoolean":true}]}"#,
        r##","contained":[{"resourceType":"Patient","id":"p","birthDate":"2001"}],"subject":{"reference":"#p"}"##,
        r#","component":[{"code":{"text":"y"},"referenceRange":[{"text":"z"}],"modifierExtension":[{"url":"http://x.example"}]}]"#,
        r#","subject":{"reference":"https://elsewhere.example/fhir/Patient/1"}"#,
        r#","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}"#,
    ] {
        assert_eq!(observation(members), [""; 0], "{members}");
    }
    let name = r#"{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"http://x.example","valueString":"B"}]}]}]}"#;
    assert_eq!(issues(name), [""; 0]);
    let timing = r#"{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"text":"x"},"subject":{"reference":"Patient/1"},"dosageInstruction":[{"timing":{"repeat":{"boundsPeriod":{"start":"2026"},"frequency":1}}}]}"#;
    assert_eq!(issues(timing), [""; 0]);
}

#[test]
fn what_r4_does_not_allow_is_named_with_its_place() {
    for (members, expected) in [
        (
            r#","colour":"red""#,
            "Observation.colour: `colour` is not an element of Observation",
        ),
        (
            r#","_code":{"id":"x"}"#,
            "Observation.code: `_code` is not an element of Observation",
        ),
        (
            r#","valueString":"x","valueBoolean":true"#,
            "Observation.valueBoolean: only one of `valueString` and `valueBoolean` may be there",
        ),
        (
            r#","valueMoney":{"value":1}"#,
            "Observation.valueMoney: `valueMoney` is not an element of Observation",
        ),
        (
            r#","category":{"text":"x"}"#,
            "Observation.category: must be an array",
        ),
        (
            r#","issued":["x"]"#,
            "Observation.issued: must not be an array",
        ),
        (
            r#","category":[]"#,
            "Observation.category: must not be an empty array: leave the element out",
        ),
        (
            r#","category":[{}]"#,
            "Observation.category[0]: must not be empty: leave the element out",
        ),
        (
            r#","category":[{"coding":[{"system":"a b"}]}]"#,
            "Observation.category[0].coding[0].system: must be a URI without white space",
        ),
        (
            r#","category":[null]"#,
            "Observation.category[0]: must be a CodeableConcept",
        ),
        (
            r#","component":[{"valueInteger":1}]"#,
            "Observation.component[0]: `code` is required",
        ),
        (
            r#","subject":{"reference":"Medication/1"}"#,
            "Observation.subject.reference: must refer to Patient or Group or Device or Location, not Medication",
        ),
        (
            r#","subject":{"reference":"somebody"}"#,
            "Observation.subject.reference: must be Type/id, an absolute URL, #id, urn:uuid:… or Type?query",
        ),
        (
            r#","contained":[{"id":"x"}]"#,
            "Observation.contained[0]: a resource is an object with an R4 type in `resourceType`",
        ),
        (
            r#","contained":[{"resourceType":"Patient","gender":"f"}]"#,
            "Observation.contained[0].gender: must be one of male, female, other, unknown",
        ),
        (
            r#","extension":[{"valueString":"x"}]"#,
            "Observation.extension[0]: `url` is required",
        ),
        (
            r#","effectiveDateTime":"yesterday""#,
            "Observation.effectiveDateTime: must be YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone",
        ),
        (
            r#","valueQuantity":5"#,
            "Observation.valueQuantity: must be a Quantity",
        ),
    ] {
        assert_eq!(observation(members), [expected], "{members}");
    }
    assert_eq!(
        issues(r#"{"resourceType":"Observation"}"#),
        [
            "Observation: `code` is required",
            "Observation: `status` is required"
        ]
    );
    let misaligned =
        r#"{"resourceType":"Patient","name":[{"given":["A"],"_given":[null,{"id":"x"}]}]}"#;
    assert!(!issues(misaligned).is_empty());
}

#[test]
fn a_primitive_may_be_there_by_its_extension_alone() {
    let absent = r#"{"resourceType":"Observation","code":{"text":"x"},"_status":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}}"#;
    assert_eq!(issues(absent), [""; 0]);
}

#[test]
fn the_number_of_issues_is_bounded() {
    let members: Vec<String> = (0..500).map(|n| format!(r#","x{n}":1"#)).collect();
    assert_eq!(observation(&members.concat()).len(), ISSUES_MAX);
}

#[test]
fn issues_become_an_outcome_with_expressions() {
    let resource = Resource::parse(br#"{"resourceType":"Patient","age":3}"#, Limits::RESOURCE);
    let outcome = Issue::outcome(&validate(&resource.unwrap()));
    insta::assert_json_snapshot!(outcome.to_value(), @r#"
    {
      "resourceType": "OperationOutcome",
      "issue": [
        {
          "severity": "error",
          "code": "structure",
          "diagnostics": "`age` is not an element of Patient",
          "expression": [
            "Patient.age"
          ]
        }
      ]
    }
    "#);
}
