//! Rows that say what matches: the matcher's own table.

use super::*;

const UCUM: &str = "http://unitsofmeasure.org";

#[test]
fn not_means_that_no_value_is_one_of_these() {
    let resource = json!({
        "resourceType": "Observation", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}, {"code": "A1C"}]},
        "meta": {"security": [{"system": "s", "code": "R"}]},
    });
    check(
        &resource,
        &[
            ("status:not=final", false),
            ("status:not=amended", true),
            ("status:not=amended,final", false),
            ("status:not=amended,preliminary", true),
            ("code:not=4548-4", false),
            ("code:not=A1C", false),
            ("code:not=718-7", true),
            ("code:not=http://snomed.info/sct|4548-4", true),
            ("code:not=http://loinc.org|", false),
            ("category:not=laboratory", true),
            ("_security:not=R", false),
            ("_security:not=V", true),
            ("_tag:not=x", true),
            ("status:not=amended&status:not=final", false),
        ],
    );
}

#[test]
fn missing_means_that_the_element_is_not_there() {
    let resource = json!({
        "resourceType": "Observation", "id": "o", "status": "final",
        "subject": {"identifier": {"system": "mrn", "value": "1"}},
        "performer": [{"reference": "#p"}],
        "category": [{"text": "by words only"}],
        "effectiveDateTime": "2024", "meta": {"lastUpdated": "2024-01-01T00:00:00Z"},
        "component": [{"code": {"coding": [{"code": "a"}]}, "valueQuantity": {"value": 1}}],
    });
    check(
        &resource,
        &[
            ("status:missing=false", true),
            ("status:missing=true", false),
            ("code:missing=true", true),
            ("code:missing=false", false),
            // there, although nothing can be searched for in it
            ("subject:missing=true", false),
            ("subject:missing=false", true),
            ("performer:missing=false", true),
            ("category:missing=false", true),
            ("patient:missing=true", true),
            ("encounter:missing=true", true),
            ("date:missing=false", true),
            ("value-quantity:missing=true", true),
            ("value-string:missing=true", true),
            ("component-code-value-quantity:missing=false", true),
            ("code-value-quantity:missing=true", true),
            ("_id:missing=false", true),
            ("_id:missing=true", false),
            ("_lastUpdated:missing=false", true),
            ("_tag:missing=true", true),
            ("_security:missing=true", true),
            ("_profile:missing=true", true),
            ("_source:missing=true", true),
        ],
    );
}

#[test]
fn meta_is_searchable_like_anything_else() {
    let resource = json!({
        "resourceType": "Patient",
        "meta": {
            "profile": ["http://hl7.org/p|6.1", "http://hl7.org/q"], "source": "urn:feed#1",
            "tag": [{"system": "t", "code": "x"}], "security": [{"system": "s", "code": "R"}],
        },
    });
    check(
        &resource,
        &[
            ("_profile=http://hl7.org/p", true),
            ("_profile=http://hl7.org/p|6.1", true),
            ("_profile=http://hl7.org/p|7", false),
            ("_profile=http://hl7.org", false),
            ("_profile=http://hl7.org/q", true),
            ("_profile=http://hl7.org/z,http://hl7.org/q", true),
            ("_source=urn:feed#1", true),
            ("_source=urn:feed", false),
            ("_tag=t|x", true),
            ("_tag=x", true),
            ("_tag=t|y", false),
            ("_security=s|R", true),
            ("_security=s|", true),
        ],
    );
}

#[test]
fn numbers_are_compared_by_their_digits() {
    let amount = |value: &str| {
        let text = format!(
            r#"{{"resourceType":"Observation","valueQuantity":{{"value":{value},"unit":"mmol/l","system":"{UCUM}","code":"mmol/L"}}}}"#
        );
        serde_json::from_str::<Value>(&text).unwrap()
    };
    for (stored, rows) in [
        (
            "5.35",
            &[
                ("value-quantity=5.4", true),
                ("value-quantity=5.3", false),
                ("value-quantity=5.35", true),
                ("value-quantity=5.350", true),
                ("value-quantity=5", true),
                ("value-quantity=6", false),
                ("value-quantity=ne5.4", false),
                ("value-quantity=ne5.3", true),
                ("value-quantity=ge5.35", true),
                ("value-quantity=gt5.35", false),
                ("value-quantity=sa5.35", false),
                ("value-quantity=le5.35", true),
                ("value-quantity=lt5.35", false),
                ("value-quantity=eb5.35", false),
                ("value-quantity=eb5.351", true),
                ("value-quantity=sa5.349", true),
            ][..],
        ),
        // the upper end does not belong to it
        (
            "5.45",
            &[("value-quantity=5.4", false), ("value-quantity=5.5", true)],
        ),
        (
            "100",
            &[
                ("value-quantity=100", true),
                ("value-quantity=1e2", true),
                ("value-quantity=100.00", true),
                ("value-quantity=99.6", false),
                ("value-quantity=ap91", true),
                ("value-quantity=ap90", false),
                ("value-quantity=ap111", true),
                ("value-quantity=ap112", false),
            ],
        ),
        (
            "1.0e-7",
            &[
                ("value-quantity=0.0000001", true),
                ("value-quantity=lt0.00000011", true),
                ("value-quantity=gt1e-8", true),
                ("value-quantity=0", true),
            ],
        ),
        (
            "-3",
            &[
                ("value-quantity=-3", true),
                ("value-quantity=3", false),
                ("value-quantity=lt-2.9", true),
                ("value-quantity=ap-3.2", true),
            ],
        ),
        (
            "9007199254740993",
            &[
                ("value-quantity=9007199254740993", true),
                ("value-quantity=9007199254740992", false),
                ("value-quantity=gt9007199254740992", true),
            ],
        ),
        (
            "7",
            &[
                ("value-quantity=7|http://unitsofmeasure.org|mmol/L", true),
                ("value-quantity=7||mmol/L", true),
                ("value-quantity=7||mmol/l", true),
                ("value-quantity=7|http://unitsofmeasure.org|mmol/l", false),
                ("value-quantity=7||mg", false),
                ("value-quantity=gt6|http://unitsofmeasure.org|mmol/L", true),
                ("value-quantity=gt6|http://other|mmol/L", false),
            ],
        ),
    ] {
        check(&amount(stored), rows);
    }
}

#[test]
fn plain_numbers_money_and_ranges_are_amounts_too() {
    check(
        &json!({"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": 0.25}]}),
        &[
            ("probability=0.25", true),
            ("probability=gt0.2", true),
            ("probability=0.2", false),
            ("probability=0.3", true),
            ("probability=ap0.27", true),
            ("probability:missing=false", true),
        ],
    );
    check(
        &json!({"resourceType": "Invoice", "totalGross": {"value": 12.5, "currency": "EUR"}}),
        &[
            ("totalgross=12.5", true),
            ("totalgross=12.5|urn:iso:std:iso:4217|EUR", true),
            ("totalgross=12.5||EUR", true),
            ("totalgross=12.5||USD", false),
        ],
    );
    check(
        &json!({"resourceType": "Condition", "onsetRange": {
            "low": {"value": 3, "code": "a"}, "high": {"value": 7, "code": "a"}}}),
        &[
            ("onset-age=gt6", true),
            ("onset-age=lt4", true),
            ("onset-age=gt7", false),
            ("onset-age=lt3", false),
        ],
    );
}

#[test]
fn a_date_that_is_about_right_lies_next_to_the_one_asked_for() {
    let day = json!({"resourceType": "Observation", "effectiveDateTime": "2024-05-31"});
    check(
        &day,
        &[
            ("date=ap2024-05-31", true),
            ("date=ap2024-06-01", true),
            ("date=ap2024-05-30", true),
            ("date=ap2024-06-02", false),
            ("date=ap2024-08", false),
            ("date=ap2024-06", true),
            ("date=ap2023", true),
            ("date=ap2022", false),
            ("date=ap2024-05-31T12:00Z", true),
            ("date=ap2024-06-01T12:00Z", false),
        ],
    );
}

#[test]
fn partial_dates_mean_all_that_they_leave_open() {
    let month = json!({"resourceType": "Condition", "onsetDateTime": "2024-05"});
    check(
        &month,
        &[
            ("onset-date=2024", true),
            ("onset-date=2024-05", true),
            ("onset-date=2024-05-31", false),
            ("onset-date=ne2024-05-31", true),
            ("onset-date=ge2024-05-31", false),
            ("onset-date=ge2024-05-30", true),
            ("onset-date=gt2024-05-31", false),
            ("onset-date=gt2024-05-30", true),
            ("onset-date=lt2024-05-31", true),
            ("onset-date=le2024-05-01", false),
            ("onset-date=le2024-05-02", true),
            ("onset-date=lt2024-05-01", false),
            ("onset-date=sa2024-04", true),
            ("onset-date=sa2024-05-01", false),
            ("onset-date=eb2024-06", true),
            ("onset-date=eb2024-05-31", false),
        ],
    );
    let offset =
        json!({"resourceType": "Observation", "effectiveDateTime": "2024-05-31T23:30:00-05:00"});
    check(
        &offset,
        &[
            ("date=2024-06-01", true),
            ("date=2024-05-31", false),
            ("date=2024-05-31T23:30:00-05:00", true),
            ("date=2024-06-01T04:30:00Z", true),
            ("date=2024-06-01T04:30Z", true),
            ("date=2024-06-01T04:30:00.0Z", false),
        ],
    );
    let timing = json!({"resourceType": "ServiceRequest", "occurrenceTiming": {
        "event": ["2024-01-05", "2024-03-05"]}});
    check(
        &timing,
        &[
            ("occurrence=2024-01", true),
            ("occurrence=2024-02", false),
            ("occurrence=2024-03-05", true),
        ],
    );
}

#[test]
fn both_parts_of_a_composite_are_met_by_the_same_component() {
    let code = |code: &str| json!({"coding": [{"system": "http://loinc.org", "code": code}]});
    let pressure = json!({
        "resourceType": "Observation", "code": code("85354-9"),
        "component": [
            {"code": code("8480-6"), "valueQuantity": {"value": 140, "system": UCUM, "code": "mm[Hg]"}},
            {"code": code("8462-4"), "valueQuantity": {"value": 85, "system": UCUM, "code": "mm[Hg]"}},
            {"code": code("x"), "valueCodeableConcept": {"coding": [{"system": "s", "code": "high"}]}},
        ],
    });
    check(
        &pressure,
        &[
            ("component-code-value-quantity=8480-6$gt130", true),
            ("component-code-value-quantity=8480-6$lt90", false),
            ("component-code-value-quantity=8462-4$lt90", true),
            ("component-code-value-quantity=8462-4$gt130", false),
            (
                "component-code-value-quantity=http://loinc.org|8480-6$140|http://unitsofmeasure.org|mm[Hg]",
                true,
            ),
            (
                "component-code-value-quantity=8480-6$140|http://unitsofmeasure.org|kPa",
                false,
            ),
            (
                "component-code-value-quantity=8480-6$lt90,8462-4$lt90",
                true,
            ),
            ("component-code-value-quantity=85354-9$gt1", false),
            ("combo-code-value-quantity=8480-6$gt130", true),
            ("combo-code-value-quantity=8480-6$lt90", false),
            ("combo-code-value-quantity=85354-9$gt130", false),
            ("code-value-quantity=85354-9$gt130", false),
            ("code-value-quantity=8480-6$gt130", false),
            ("component-code-value-concept=x$high", true),
            ("component-code-value-concept=x$s|high", true),
            ("component-code-value-concept=x$s|low", false),
            ("component-code-value-concept=8480-6$high", false),
            ("combo-code-value-concept=x$high", true),
            (
                "component-code-value-quantity=8480-6$gt130&component-code-value-quantity=8462-4$gt130",
                false,
            ),
        ],
    );
}

#[test]
fn an_observation_is_found_by_its_code_and_value_together() {
    let coded = |value: (&str, Value)| {
        let mut resource = json!({
            "resourceType": "Observation",
            "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}, {"code": "a$b"}]},
        });
        resource[value.0] = value.1;
        resource
    };
    check(
        &coded(("valueQuantity", json!({"value": 6.5, "code": "%"}))),
        &[
            ("code-value-quantity=4548-4$6.5", true),
            ("code-value-quantity=http://loinc.org|4548-4$gt6||%", true),
            ("code-value-quantity=4548-4$gt7", false),
            ("code-value-quantity=718-7$6.5", false),
            (r"code-value-quantity=a\$b$6.5", true),
            ("combo-code-value-quantity=4548-4$6.5", true),
            ("component-code-value-quantity=4548-4$6.5", false),
            ("code-value-string=4548-4$6", false),
        ],
    );
    check(
        &coded((
            "valueCodeableConcept",
            json!({"coding": [{"system": "s", "code": "pos"}]}),
        )),
        &[
            ("code-value-concept=4548-4$pos", true),
            ("code-value-concept=4548-4$s|pos", true),
            ("code-value-concept=4548-4$|pos", false),
            ("code-value-concept=4548-4$neg,4548-4$pos", true),
            ("combo-code-value-concept=4548-4$pos", true),
        ],
    );
    check(
        &coded(("valueString", json!("Trace of protein"))),
        &[
            ("code-value-string=4548-4$trace", true),
            ("code-value-string=4548-4$protein", false),
        ],
    );
    check(
        &coded(("valueDateTime", json!("2024-05-31"))),
        &[
            ("code-value-date=4548-4$2024-05", true),
            ("code-value-date=4548-4$lt2024", false),
        ],
    );
    check(
        &coded((
            "valuePeriod",
            json!({"start": "2024-05-01", "end": "2024-05-31"}),
        )),
        &[("code-value-date=4548-4$2024-05", true)],
    );
}

#[test]
fn other_composites_follow_their_definitions() {
    check(
        &json!({"resourceType": "Group", "characteristic": [
            {"code": {"coding": [{"code": "gender"}]}, "valueCodeableConcept": {"coding": [{"code": "f"}]}},
            {"code": {"coding": [{"code": "smoker"}]}, "valueBoolean": true}]}),
        &[
            ("characteristic-value=gender$f", true),
            ("characteristic-value=smoker$true", true),
            ("characteristic-value=smoker$f", false),
        ],
    );
    check(
        &json!({"resourceType": "DocumentReference", "relatesTo": [
            {"code": "replaces", "target": {"reference": "DocumentReference/1"}},
            {"code": "appends", "target": {"reference": "DocumentReference/2"}}]}),
        &[
            ("relationship=replaces$1", true),
            ("relationship=replaces$DocumentReference/1", true),
            ("relationship=replaces$DocumentReference/2", false),
        ],
    );
    // the first part looks at the resource around the group
    check(
        &json!({"resourceType": "MolecularSequence",
            "referenceSeq": {"chromosome": {"coding": [{"code": "1"}]}},
            "variant": [{"start": 10, "end": 20}, {"start": 30, "end": 40}]}),
        &[
            ("chromosome-variant-coordinate=1$10$20", true),
            ("chromosome-variant-coordinate=1$lt15$gt15", true),
            ("chromosome-variant-coordinate=1$10$40", false),
            ("chromosome-variant-coordinate=2$10$20", false),
        ],
    );
}

#[test]
fn references_are_local_absolute_or_of_a_type() {
    let own = json!({"resourceType": "Observation", "subject": {"reference": "Patient/1"}});
    let foreign = json!({
        "resourceType": "Observation", "subject": {"reference": "https://other.example/fhir/Patient/1"},
    });
    let base = "https://ehr.example/fhir/main";
    for (resource, value, expected) in [
        (&own, "https://ehr.example/fhir/main/Patient/1", true),
        (&own, "https://ehr.example/fhir/main/Patient/2", false),
        (&own, "x,https://ehr.example/fhir/main/Patient/1", true),
        (&own, "https://other.example/fhir/Patient/1", false),
        (&own, "https://ehr.example/fhir/mainPatient/1", false),
        (&own, "http://ehr.example/fhir/main/Patient/1", false),
        (&foreign, "https://other.example/fhir/Patient/1", true),
        (&foreign, "https://other.example/fhir/Patient/2", false),
        (&foreign, "https://ehr.example/fhir/main/Patient/1", false),
        (&foreign, "Patient/1", false),
        (&foreign, "1", false),
    ] {
        let given = [("subject".to_owned(), value.to_owned())];
        let options = ParseOptions {
            base: Some(base),
            ..ParseOptions::default()
        };
        let query = SearchQuery::parse_with("Observation", &given, options).unwrap();
        assert_eq!(query.matches(&facts(resource).view()), expected, "{value}");
    }
    let given = [("patient".to_owned(), format!("{base}/Patient/1"))];
    let options = ParseOptions {
        base: Some(base),
        ..ParseOptions::default()
    };
    let query = SearchQuery::parse_with("Observation", &given, options).unwrap();
    assert_eq!(query.patient_restriction(), Some(vec!["1".to_owned()]));
    assert_eq!(query, parse("Observation", "patient=Patient/1").unwrap());
}

#[test]
fn text_and_uris_match_as_their_kinds_say() {
    check(
        &json!({"resourceType": "Location", "name": "Ward 3, East", "address": {"city": "Bern"}}),
        &[
            (r"name=ward 3\, east", true),
            ("name=ward", true),
            ("name=east", false),
            ("name:contains=EAST", true),
            ("name:exact=Ward 3", false),
            (r"name:exact=Ward 3\, East", true),
            ("address=bern", true),
            ("address:missing=false", true),
            ("name=bern", false),
        ],
    );
    check(
        &json!({"resourceType": "ValueSet", "url": "http://a.example/vs"}),
        &[
            ("url=http://a.example/vs", true),
            ("url=http://a.example", false),
            ("url=HTTP://a.example/vs", false),
            ("url=http://b.example,http://a.example/vs", true),
        ],
    );
}
