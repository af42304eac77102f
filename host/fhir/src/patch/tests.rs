use proptest::prelude::*;

use super::*;

fn resource(json: &str) -> Resource {
    Resource::parse(json.as_bytes(), Limits::RESOURCE).unwrap()
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","active":true,
"name":[{"use":"official","family":"Rossi","given":["Anna","Maria"]},{"use":"nickname","given":["Annie"]}],
"multipleBirthInteger":2,"extension":[{"url":"http://x.example/score","valueDecimal":1.00}]}"#;

fn patched(patch: &str) -> Result<Value, PatchError> {
    let result = Patch::parse(patch.as_bytes())?.apply(&resource(PATIENT))?;
    Ok(result.value().clone())
}

/// A FHIRPath Patch of one operation; `parts` are the parts after type and path.
fn at(act: &str, path: &str, parts: &str) -> Result<Value, PatchError> {
    patched(&format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"operation","part":[
        {{"name":"type","valueCode":"{act}"}},{{"name":"path","valueString":"{path}"}}{parts}]}}]}}"#
    ))
}

#[test]
fn a_json_patch_changes_what_it_names_and_nothing_else() {
    let value = patched(
        r#"[{"op":"test","path":"/active","value":true},
        {"op":"replace","path":"/name/0/family","value":"Bianchi"},
        {"op":"add","path":"/name/0/given/-","value":"Pia"},
        {"op":"remove","path":"/name/1"},
        {"op":"copy","from":"/name/0/family","path":"/name/0/text"},
        {"op":"move","from":"/multipleBirthInteger","path":"/extension/0/valueInteger"}]"#,
    )
    .unwrap();
    assert_eq!(
        value.to_string(),
        r#"{"resourceType":"Patient","id":"p","active":true,"name":[{"use":"official","family":"Bianchi","given":["Anna","Maria","Pia"],"text":"Bianchi"}],"extension":[{"url":"http://x.example/score","valueDecimal":1.00,"valueInteger":2}]}"#
    );
}

#[test]
fn each_bad_json_patch_is_refused_by_what_is_wrong() {
    let identity =
        |patch: &str| assert_eq!(patched(patch), Err(PatchError::Identity(0)), "{patch}");
    for path in ["", "/id", "/resourceType", "/id/0"] {
        identity(&format!(
            r#"[{{"op":"replace","path":"{path}","value":"q"}}]"#
        ));
        identity(&format!(r#"[{{"op":"add","path":"{path}","value":"q"}}]"#));
        identity(&format!(r#"[{{"op":"remove","path":"{path}"}}]"#));
        identity(&format!(r#"[{{"op":"move","from":"{path}","path":"/x"}}]"#));
        identity(&format!(
            r#"[{{"op":"copy","from":"/active","path":"{path}"}}]"#
        ));
    }
    for (patch, text) in [
        ("5", "not a patch: a JSON Patch is an array"),
        (
            r#"[{"path":"/active"}]"#,
            "not a patch: operation 0 has no `op`",
        ),
        (
            r#"[{"op":"add","path":"/active"}]"#,
            "not a patch: operation 0 has no `value`",
        ),
        (
            r#"[{"op":"copy","path":"/x"}]"#,
            "not a patch: operation 0 has no `from`",
        ),
        (
            r#"[{"op":"merge","path":"/x"}]"#,
            "not a patch: operation 0: `merge` is none of add, remove, replace, move, copy, test",
        ),
        (
            r#"[{"op":"remove","path":"active"}]"#,
            "operation 0: the path `active` is not supported; a path is a JSON Pointer such as /name/0/family",
        ),
        (
            r#"[{"op":"test","path":"/active","value":false}]"#,
            "operation 0: the test does not hold",
        ),
        (
            r#"[{"op":"remove","path":"/nothing"}]"#,
            "operation 0: `path` names nothing that this operation could change",
        ),
        (
            r#"[{"op":"add","path":"/name/7","value":{}}]"#,
            "operation 0: `path` names nothing that this operation could change",
        ),
        (
            r#"[{"op":"copy","from":"/no","path":"/x"}]"#,
            "operation 0: `from` names nothing",
        ),
        (
            r#"[{"op":"move","from":"/name","path":"/name/0"}]"#,
            "operation 0: an element cannot move into itself",
        ),
        (
            r#"[{"op":"add","path":"/x","path":"/y","value":1}]"#,
            "the member `path` occurs twice in one object",
        ),
    ] {
        assert_eq!(patched(patch).unwrap_err().to_string(), text, "{patch}");
    }
}

#[test]
fn copies_cannot_make_a_resource_grow_without_bound() {
    let mut operations = vec![format!(
        r#"{{"op":"add","path":"/a","value":"{}"}}"#,
        "x".repeat(1_000)
    )];
    for _ in 0..30 {
        operations.push(r#"{"op":"copy","from":"/name","path":"/name/-"}"#.to_owned());
    }
    let patch = format!("[{}]", operations.join(","));
    assert!(matches!(
        patched(&patch),
        Err(PatchError::TooLarge(_) | PatchError::Result(_))
    ));
    let many = vec![r#"{"op":"test","path":"/active","value":true}"#; 201].join(",");
    assert_eq!(patched(&format!("[{many}]")), Err(PatchError::TooMany));
    let deep = format!(
        r#"[{{"op":"add","path":"/name/0/x","value":[]}},{{"op":"add","path":"/name/0/x/-","value":{}1{}}}]"#,
        "[".repeat(61),
        "]".repeat(61)
    );
    assert_eq!(patched(&deep), Err(PatchError::TooLarge(1)));
}

#[test]
fn a_fhirpath_patch_adds_inserts_deletes_replaces_and_moves() {
    let value = |json: &str| format!(r#",{{"name":"value",{json}}}"#);
    for (act, path, parts, pointer, expected) in [
        (
            "replace",
            "Patient.name[0].family",
            value(r#""valueString":"B""#),
            "/name/0/family",
            r#""B""#,
        ),
        (
            "replace",
            "Patient.name.where(use='nickname').given[0]",
            value(r#""valueString":"N""#),
            "/name/1/given/0",
            r#""N""#,
        ),
        (
            "replace",
            "Patient.multipleBirth",
            value(r#""valueBoolean":true"#),
            "/multipleBirthBoolean",
            "true",
        ),
        (
            "add",
            "Patient",
            format!(
                r#",{{"name":"name","valueString":"birthDate"}}{}"#,
                value(r#""valueDate":"2001""#)
            ),
            "/birthDate",
            r#""2001""#,
        ),
        (
            "add",
            "Patient",
            format!(
                r#",{{"name":"name","valueString":"name"}}{}"#,
                value(r#""valueHumanName":{"text":"x"}"#)
            ),
            "/name/2/text",
            r#""x""#,
        ),
        (
            "add",
            "Patient",
            format!(
                r#",{{"name":"name","valueString":"contact"}}{}"#,
                value(
                    r#""part":[{"name":"name","valueHumanName":{"text":"c"}},{"name":"telecom","valueContactPoint":{"value":"1"}}]"#
                )
            ),
            "/contact/0/telecom/0/value",
            r#""1""#,
        ),
        (
            "add",
            "Patient",
            format!(
                r#",{{"name":"name","valueString":"deceased"}}{}"#,
                value(r#""valueDateTime":"2020""#)
            ),
            "/deceasedDateTime",
            r#""2020""#,
        ),
        (
            "insert",
            "Patient.name[0].given",
            format!(
                r#",{{"name":"index","valueInteger":1}}{}"#,
                value(r#""valueString":"I""#)
            ),
            "/name/0/given/1",
            r#""I""#,
        ),
        (
            "move",
            "Patient.name",
            r#",{"name":"source","valueInteger":1},{"name":"destination","valueInteger":0}"#
                .to_owned(),
            "/name/0/use",
            r#""nickname""#,
        ),
        (
            "delete",
            "Patient.name[1]",
            String::new(),
            "/name",
            r#"[{"use":"official","family":"Rossi","given":["Anna","Maria"]}]"#,
        ),
        (
            "delete",
            "Patient.name[1].given[0]",
            String::new(),
            "/name/1",
            r#"{"use":"nickname"}"#,
        ),
        ("delete", "Patient.photo", String::new(), "/active", "true"),
    ] {
        let value = at(act, path, &parts).unwrap_or_else(|error| panic!("{act} {path}: {error}"));
        let found = value.pointer(pointer).map(Value::to_string);
        assert_eq!(found.as_deref(), Some(expected), "{act} {path}");
    }
    let replaced = at(
        "replace",
        "Patient.multipleBirth",
        &value(r#""valueBoolean":true"#),
    )
    .unwrap();
    assert_eq!(replaced.get("multipleBirthInteger"), None);
}

#[test]
fn each_bad_fhirpath_patch_is_refused_by_what_is_wrong() {
    let value = r#",{"name":"value","valueString":"x"}"#;
    for path in [
        "Patient.name.first()",
        "Patient.name.where(use != 'a')",
        "Patient.name.where(use='a' or true)",
        "Patient.name[-1]",
        "Patient..name",
        "%resource.name",
        "Patient.name | Patient.contact",
        "Patient.descendants()",
        "",
    ] {
        let refused = at("replace", path, value);
        let named = matches!(&refused, Err(PatchError::UnsupportedPath { path: named, .. }) if named == path);
        assert!(named, "{path}: {refused:?}");
    }
    for (act, path) in [
        ("replace", "Patient.id"),
        ("delete", "Patient.id"),
        ("delete", "Patient"),
        ("replace", "Patient"),
    ] {
        assert_eq!(
            at(act, path, value),
            Err(PatchError::Identity(0)),
            "{act} {path}"
        );
    }
    let named = |name: &str| format!(r#",{{"name":"name","valueString":"{name}"}}{value}"#);
    assert_eq!(
        at("add", "Patient", &named("id")),
        Err(PatchError::Identity(0))
    );
    for (act, path, parts, text) in [
        (
            "replace",
            "Patient.name",
            value.to_owned(),
            "`path` names more than one element",
        ),
        (
            "delete",
            "Patient.name",
            String::new(),
            "`path` names more than one element",
        ),
        (
            "replace",
            "Patient.photo",
            value.to_owned(),
            "`path` names nothing",
        ),
        (
            "replace",
            "Observation.status",
            value.to_owned(),
            "`path` names nothing",
        ),
        (
            "add",
            "Patient",
            named("colour"),
            "`colour` is not an element there",
        ),
        (
            "add",
            "Patient",
            named("active"),
            "the element is there already: replace it",
        ),
        (
            "add",
            "Patient",
            named("deceased"),
            "the value has a type that the element may not have",
        ),
        (
            "insert",
            "Patient.name",
            format!(r#",{{"name":"index","valueInteger":9}}{value}"#),
            "`index` is beyond the end of the list",
        ),
        (
            "insert",
            "Patient.active",
            format!(r#",{{"name":"index","valueInteger":0}}{value}"#),
            "`path` must end in the name of a list",
        ),
        (
            "move",
            "Patient.name",
            r#",{"name":"source","valueInteger":2},{"name":"destination","valueInteger":0}"#
                .to_owned(),
            "`source` or `destination` is beyond the end of the list",
        ),
    ] {
        let refused = at(act, path, &parts).unwrap_err().to_string();
        assert_eq!(refused, format!("operation 0: {text}"), "{act} {path}");
    }
    assert!(matches!(
        at("upsert", "Patient.name", ""),
        Err(PatchError::NotAPatch(_))
    ));
    assert!(matches!(
        patched(r#"{"resourceType":"Patient"}"#),
        Err(PatchError::NotAPatch(_))
    ));
}

/// JSON with numbers in odd spellings.
fn document() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("1.00".to_owned()),
        Just("1e3".to_owned()),
        Just("-0.0".to_owned()),
        Just("100000000000000000000.10".to_owned()),
        Just("1E-7".to_owned()),
        any::<i32>().prop_map(|number| number.to_string()),
    ];
    let leaf = prop_oneof![number, Just("null".to_owned()), Just(r#""t""#.to_owned())];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map("[a-e]", inner, 0..5).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!(r#""{name}":{value}"#))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn untouched_numbers_keep_their_spelling(document in document(), new in document()) {
        let before = resource(&format!(r#"{{"resourceType":"Basic","id":"b","old":1,"kept":{document}}}"#));
        let patch = format!(r#"[{{"op":"add","path":"/new","value":{new}}},{{"op":"remove","path":"/old"}},{{"op":"copy","from":"/kept","path":"/copy"}}]"#);
        let after = Patch::json(patch.as_bytes()).unwrap().apply(&before).unwrap();
        // But for how the exponent is written (`1E3`, `1e+3`), which says nothing.
        let plain = |text: &str| text.replace('E', "e").replace("e+", "e");
        let (document, new) = (plain(&document), plain(&new));
        let member = |name: &str| plain(&after.value().get(name).unwrap().to_string());
        prop_assert_eq!(member("kept"), document.clone());
        prop_assert_eq!(member("copy"), document);
        prop_assert_eq!(member("new"), new);
        prop_assert_eq!(after.value().get("old"), None);
    }
}
