use serde_json::Value;

use super::*;

fn projection(rules: &[(&str, Keeping, &[&str])]) -> Projection {
    let mut projection = Projection::default();
    for (name, keeping, elements) in rules {
        let elements: Vec<String> = elements.iter().map(|text| (*text).to_owned()).collect();
        projection.set(name, *keeping, &elements).unwrap();
    }
    projection
}

fn applied(projection: &Projection, resource: &str) -> String {
    let mut value: Value = serde_json::from_str(resource).unwrap();
    projection.apply(&mut value);
    value.to_string()
}

const TAG: &str =
    r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}"#;

/// Digits stay as they are; the JSON library writes the sign of an exponent out.
#[test]
fn stripped_elements_are_gone_and_the_rest_keeps_its_spelling() {
    let rules = projection(&[(
        "Patient",
        Keeping::Strip,
        &["telecom", "name.text", "birthDate"],
    )]);
    let patient = r#"{"resourceType":"Patient","id":"p","meta":{"versionId":"1"},"text":{"div":"x"},"telecom":[{"value":"1"}],"name":[{"text":"A B","family":"B"}],"birthDate":"1961","_birthDate":{"id":"q"},"multipleBirthInteger":1.00,"extension":[{"valueDecimal":1e3}]}"#;
    assert_eq!(
        applied(&rules, patient),
        format!(
            r#"{{"resourceType":"Patient","id":"p","meta":{{"versionId":"1","tag":[{TAG}]}},"name":[{{"family":"B"}}],"multipleBirthInteger":1.00,"extension":[{{"valueDecimal":1e+3}}]}}"#
        )
    );
}

#[test]
fn only_the_named_elements_are_left_and_what_every_resource_keeps() {
    let rules = projection(&[(
        "Observation",
        Keeping::Only,
        &["status", "value", "code.text"],
    )]);
    let observation = r#"{"resourceType":"Observation","id":"o","implicitRules":"x","text":{"div":"x"},"status":"final","_status":{"id":"s"},"code":{"text":"Hb","coding":[]},"valueQuantity":{"value":1.50},"valueSet":"no","subject":{},"modifierExtension":[]}"#;
    assert_eq!(
        applied(&rules, observation),
        format!(
            r#"{{"resourceType":"Observation","id":"o","implicitRules":"x","status":"final","_status":{{"id":"s"}},"code":{{"text":"Hb"}},"valueQuantity":{{"value":1.50}},"modifierExtension":[],"meta":{{"tag":[{TAG}]}}}}"#
        )
    );
}

#[test]
fn resources_inside_others_follow_the_rule_of_their_own_type() {
    let rules = projection(&[("Patient", Keeping::Strip, &["telecom"])]);
    let bundle = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","telecom":[1],"contained":[{"resourceType":"Patient","telecom":[2]}]}}]}"#;
    let shown = applied(&rules, bundle);
    assert!(
        !shown.contains("telecom") && shown.contains("SUBSETTED"),
        "{shown}"
    );
    let unconcerned = r#"{"resourceType":"Observation","telecom":[1]}"#;
    assert_eq!(applied(&rules, unconcerned), unconcerned);
}

#[test]
fn the_tag_tells_nothing_of_what_was_there() {
    let rules = projection(&[("Patient", Keeping::Strip, &["telecom"])]);
    let with = applied(&rules, r#"{"resourceType":"Patient","telecom":[1]}"#);
    assert_eq!(with, applied(&rules, r#"{"resourceType":"Patient"}"#));
    assert_eq!(applied(&rules, &with), with);
}

#[test]
fn a_projection_of_impossible_elements_is_refused() {
    let mut rules = Projection::default();
    for (name, element) in [
        ("Bot", "name"),
        ("Patient", ""),
        ("Patient", "name..text"),
        ("Patient", "Name"),
        ("Patient", "name[0]"),
        ("Patient", "id"),
        ("Patient", "meta.tag"),
        ("Patient", "modifierExtension"),
    ] {
        let set = rules.set(name, Keeping::Strip, &[element.to_owned()]);
        assert!(set.is_err(), "{name} {element}");
    }
    let many = vec!["name".to_owned(); 101];
    assert_eq!(
        rules.set("Patient", Keeping::Only, &many),
        Err(InvalidProjection::TooLong)
    );
    assert!(rules.is_empty());
}

#[test]
fn rule_18_hidden_elements_are_not_searchable_sortable_or_includable() {
    let strip = projection(&[
        ("Patient", Keeping::Strip, &["telecom", "name.text"]),
        ("Observation", Keeping::Strip, &["value", "performer"]),
    ]);
    let only = projection(&[("Patient", Keeping::Only, &["birthDate", "name.family"])]);
    for (rules, name, parameter, value, hidden) in [
        (&strip, "Patient", "phone", "1", true),
        (&strip, "Patient", "telecom:missing", "true", true),
        (&strip, "Patient", "name", "a", true),
        (&strip, "Patient", "family", "a", false),
        (&strip, "Patient", "birthdate", "ge1900", false),
        (&strip, "Patient", "_id", "a", false),
        (&strip, "Patient", "_lastUpdated", "ge1900", false),
        (&strip, "Patient", "_sort", "birthdate,-phone", true),
        (&strip, "Patient", "_sort", "-birthdate", false),
        (&strip, "Patient", "_content", "a", true),
        (&strip, "Patient", "general-practitioner.name", "a", true),
        (
            &strip,
            "Patient",
            "_has:Observation:patient:code",
            "a",
            true,
        ),
        (
            &strip,
            "Patient",
            "_revinclude",
            "Observation:performer",
            true,
        ),
        (
            &strip,
            "Patient",
            "_revinclude",
            "Observation:subject",
            false,
        ),
        (&strip, "Observation", "value-quantity", "gt5", true),
        (&strip, "Observation", "value-concept:text", "a", true),
        (&strip, "Observation", "code-value-quantity", "a$5", true),
        (&strip, "Observation", "code", "a", false),
        (
            &strip,
            "Observation",
            "_include",
            "Observation:performer",
            true,
        ),
        (
            &strip,
            "Observation",
            "_include:iterate",
            "Observation:performer",
            true,
        ),
        (
            &strip,
            "Observation",
            "_include",
            "Observation:subject",
            false,
        ),
        (&strip, "Observation", "_include", "*", true),
        (&strip, "Observation", "_include", "Observation:*", true),
        (&strip, "Condition", "code", "a", false),
        (&only, "Patient", "birthdate", "1961", false),
        (&only, "Patient", "family", "a", false),
        (&only, "Patient", "name", "a", true),
        (&only, "Patient", "gender", "female", true),
        (&only, "Patient", "identifier", "1", true),
        (&Projection::default(), "Patient", "phone", "1", false),
    ] {
        let pairs = [(parameter.to_owned(), value.to_owned())];
        let found = rules.hidden_parameter(name, &pairs);
        assert_eq!(found.is_some(), hidden, "{name}?{parameter}={value}");
    }
}
