use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{DateRange, Limits};

fn facts(resource: &Value) -> Facts {
    let bytes = resource.to_string();
    Facts::extract(&Resource::parse(bytes.as_bytes(), Limits::RESOURCE).unwrap())
}

fn patients(resource: &Value) -> Vec<String> {
    facts(resource).patients().map(str::to_owned).collect()
}

fn lab() -> Value {
    json!({
        "resourceType": "Observation", "id": "o1",
        "meta": {
            "versionId": "3", "lastUpdated": "2026-01-02T03:04:05.5Z",
            "security": [{"system": "http://s", "code": "R"}, {"code": "N"}],
        },
        "status": "final",
        "category": [{"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
        ]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}, {"code": "A1C"}]},
        "subject": {"reference": "Patient/anna-rossi"},
        "performer": [{"reference": "Practitioner/rivera"}, {"reference": "Organization/lab"}],
        "effectiveDateTime": "2024-05-31",
        "valueQuantity": {"value": 6.50, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    })
}

#[test]
fn a_laboratory_result_gives_its_identity_labels_and_values() {
    let facts = facts(&lab());
    let view = facts.view();
    assert_eq!(
        (view.resource_type(), view.id(), view.version_id()),
        ("Observation", "o1", "3")
    );
    assert_eq!(
        view.last_updated(),
        Timestamp::parse("2026-01-02T03:04:05.5Z")
    );
    assert_eq!(view.patients().collect::<Vec<_>>(), ["anna-rossi"]);
    assert!(view.is_in_compartment_of("anna-rossi"));
    assert!(!view.is_in_compartment_of("anna"));
    assert_eq!(
        view.security_labels().collect::<Vec<_>>(),
        [("http://s", "R"), ("", "N")]
    );
    let token = |system, code| ValueRef::Token { system, code };
    let reference = |resource_type, id| ValueRef::Reference { resource_type, id };
    let loinc = token("http://loinc.org", "4548-4");
    for (parameter, expected) in [
        ("code", vec![loinc, token("", "A1C")]),
        ("status", vec![token("", "final")]),
        ("patient", vec![reference("Patient", "anna-rossi")]),
        (
            "performer",
            vec![
                reference("Practitioner", "rivera"),
                reference("Organization", "lab"),
            ],
        ),
        (
            "date",
            vec![ValueRef::Date(DateRange::parse("2024-05-31").unwrap())],
        ),
        (
            "value-quantity",
            vec![ValueRef::Quantity {
                value: "6.5",
                system: "http://unitsofmeasure.org",
                code: "%",
                unit: "%",
            }],
        ),
        ("focus", vec![]),
        ("_id", vec![]),
        ("no-such", vec![]),
    ] {
        let values: Vec<_> = view.values(parameter).collect();
        assert_eq!(values, expected, "{parameter}");
    }
}

#[test]
fn decimals_keep_their_spelling() {
    let text = br#"{"resourceType":"Observation","valueQuantity":{"value":72.50}}"#;
    let facts = Facts::extract(&Resource::parse(text, Limits::RESOURCE).unwrap());
    let value = facts.view().values("value-quantity").next();
    assert!(matches!(
        value,
        Some(ValueRef::Quantity { value: "72.50", .. })
    ));
}

#[test]
fn membership_follows_exactly_the_compartment_definition() {
    let reference = |text: &str| json!({"reference": text});
    for (resource, expected) in [
        (
            json!({"resourceType": "Patient", "id": "a", "link": [{"other": reference("Patient/b")}]}),
            &["a", "b"][..],
        ),
        (
            json!({"resourceType": "Observation", "focus": [reference("Patient/a")]}),
            &[],
        ),
        (
            json!({"resourceType": "Observation", "subject": reference("Group/a"),
                   "performer": [reference("Patient/b"), reference("Practitioner/c")]}),
            &["b"],
        ),
        (
            json!({"resourceType": "Observation", "subject": reference("Patient/a/_history/2")}),
            &["a"],
        ),
        (
            json!({"resourceType": "Observation", "subject": reference("https://other.example/Patient/a")}),
            &[],
        ),
        (
            json!({"resourceType": "Observation", "subject": reference("#a"),
                   "contained": [{"resourceType": "Patient", "id": "a"}]}),
            &[],
        ),
        (
            json!({"resourceType": "Observation", "subject": reference("urn:uuid:a"),
                   "subjectReference": reference("Patient/x"), "extension": [reference("Patient/y")]}),
            &[],
        ),
        (
            json!({"resourceType": "AuditEvent", "agent": [{"who": reference("Patient/a")}],
                   "entity": [{"what": reference("Patient/b")}, {"what": reference("Patient/a")}]}),
            &["a", "b"],
        ),
        (
            json!({"resourceType": "Appointment", "participant": [
                {"actor": reference("Patient/a")}, {"actor": reference("Location/l")}]}),
            &["a"],
        ),
        (
            json!({"resourceType": "Provenance", "target": [reference("Patient/a"), reference("Observation/o")]}),
            &["a"],
        ),
        (
            json!({"resourceType": "Group", "member": [
                {"entity": reference("Patient/a")}, {"entity": reference("Patient/b")}]}),
            &["a", "b"],
        ),
        (
            json!({"resourceType": "Device", "patient": reference("Patient/a")}),
            &[],
        ),
    ] {
        assert_eq!(patients(&resource), expected, "{resource}");
    }
}

#[test]
fn facts_can_be_those_of_the_version_to_be_stored() {
    let text = br#"{"resourceType":"Patient","id":"old","meta":{"versionId":"9"}}"#;
    let resource = Resource::parse(text, Limits::RESOURCE).unwrap();
    let at = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
    let facts = Facts::extract_as(&resource, "new", "1", Some(at));
    let spliced = resource.splice("new", "1", at);
    let spliced = Resource::parse(&spliced, Limits::RESOURCE).unwrap();
    assert_eq!(facts, Facts::extract(&spliced));
    assert_eq!(facts.patients().collect::<Vec<_>>(), ["new"]);
}

#[test]
fn data_types_become_values_by_their_shape() {
    let patient = facts(&json!({
        "resourceType": "Patient",
        "identifier": [{"system": "http://mrn", "value": "7"}, {"value": "8"}],
        "active": true,
        "name": [{"family": "O'Neill", "given": ["José", "X"]}],
        "telecom": [{"system": "email", "value": "a@b"}],
        "deceasedDateTime": "2020",
    }));
    let token = |system, code| ValueRef::Token { system, code };
    let values = |code: &str| patient.view().values(code).collect::<Vec<_>>();
    assert_eq!(
        values("identifier"),
        [token("http://mrn", "7"), token("", "8")]
    );
    assert_eq!(values("active"), [token("", "true")]);
    assert_eq!(values("deceased"), [token("", "true")]);
    assert_eq!(values("email"), [token("", "a@b")]);
    assert_eq!(values("phone"), []);
    assert_eq!(
        values("given"),
        [
            ValueRef::Text {
                normalised: "jose",
                original: "José"
            },
            ValueRef::Text {
                normalised: "x",
                original: "X"
            },
        ]
    );
    let encounter = |period: Value| {
        let facts = facts(&json!({"resourceType": "Encounter", "period": period}));
        let found: Vec<_> = facts
            .view()
            .values("date")
            .filter_map(|value| match value {
                ValueRef::Date(range) => Some((range.start == i64::MIN, range.end == i64::MAX)),
                _ => None,
            })
            .collect();
        found
    };
    assert_eq!(
        encounter(json!({"start": "2024", "end": "2025"})),
        [(false, false)]
    );
    assert_eq!(encounter(json!({"start": "2024"})), [(false, true)]);
    assert_eq!(encounter(json!({"end": "2024"})), [(true, false)]);
    assert_eq!(encounter(json!({})), []);
    assert_eq!(encounter(json!({"start": "2025", "end": "2024"})), []);
    assert_eq!(encounter(json!({"start": "soon"})), []);
}

#[test]
fn another_format_or_torn_bytes_are_no_facts() {
    let whole = facts(&lab()).encode();
    assert!(Facts::decode(&whole).is_some());
    let mut other = whole.clone();
    other[0] = FORMAT - 1;
    assert_eq!(Facts::decode(&other), None);
    assert!(Facts::is_other_format(&other) && !Facts::is_other_format(&whole));
    for end in 0..whole.len() {
        // A cut between two parameters leaves a shorter whole; any other cut is seen.
        if let Some(cut) = Facts::decode(&whole[..end]) {
            assert!(cut.view().parameters().count() < facts(&lab()).view().parameters().count());
        }
    }
    assert_eq!(Facts::decode(&[]), None);
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z/:#?|.0-9-]{0,12}".prop_map(Value::from),
        "(Patient|Group|Observation)/[a-z0-9]{1,4}".prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    let keys = prop_oneof![
        prop_oneof![
            Just("reference"),
            Just("subject"),
            Just("code"),
            Just("coding"),
            Just("system"),
            Just("value"),
            Just("period"),
            Just("start"),
            Just("end"),
            Just("performer"),
            Just("meta"),
            Just("security"),
            Just("name"),
            Just("given"),
            Just("component"),
            Just("valueQuantity"),
            Just("repeat"),
            Just("event"),
            Just("identifier"),
            Just("effectiveTiming"),
            Just("effectivePeriod"),
            Just("category"),
            Just("link"),
            Just("other"),
            Just("actor"),
            Just("participant"),
            Just("telecom"),
            Just("target"),
        ]
        .prop_map(str::to_owned),
        "[a-z]{1,4}",
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((keys.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_resources_extract_and_read_back(
        body in arbitrary_json(),
        at in 0..crate::resource_types().len(),
    ) {
        let mut object = serde_json::Map::new();
        object.insert("resourceType".into(), crate::resource_types()[at].into());
        if let Value::Object(members) = body {
            object.extend(members.into_iter().filter(|(name, _)| name != "resourceType"));
        }
        let text = Value::Object(object).to_string();
        if let Ok(resource) = Resource::parse(text.as_bytes(), Limits::RESOURCE) {
            let facts = Facts::extract(&resource);
            let again = Facts::decode(&facts.encode());
            prop_assert_eq!(again.as_ref(), Some(&facts));
            let view = facts.view();
            for parameter in view.parameters() {
                prop_assert!(view.has(parameter));
                let _ = view.values(parameter).count();
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_the_decoder(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..120),
        keep_format in any::<bool>(),
    ) {
        if let (true, Some(first)) = (keep_format, bytes.first_mut()) {
            *first = FORMAT;
        }
        if let Some(view) = FactsView::parse(&bytes) {
            let _ = view.patients().count() + view.security_labels().count();
            for parameter in view.parameters() {
                let _ = view.values(parameter).count();
            }
        }
        let _ = Facts::decode(&bytes);
    }

    #[test]
    fn a_flipped_byte_never_panics(at in 0..400_usize, to in any::<u8>()) {
        let mut bytes = facts(&lab()).encode();
        let at = at % bytes.len();
        bytes[at] = to;
        if let Some(facts) = Facts::decode(&bytes) {
            let _ = facts.view().values("code").count();
        }
    }
}
