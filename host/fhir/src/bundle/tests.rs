use serde_json::json;

use super::*;

fn parse(text: &str) -> Result<Bundle, BundleError> {
    Bundle::parse(text.as_bytes(), Limits::BUNDLE)
}

#[test]
fn entries_keep_the_bytes_of_their_resources() {
    let bundle = parse(
        r#"{"resourceType":"Bundle","type":"transaction","entry":[
            {"fullUrl":"urn:uuid:7c1e2f00-0000-0000-0000-000000000001",
             "resource":{ "resourceType":"Patient", "x":1.50 },
             "request":{"method":"POST","url":"Patient"}},
            {"resource":{"resourceType":"Bot","id":"b"}},
            {"request":{"method":"DELETE","url":"Patient/9"}}]}"#,
    )
    .unwrap();
    assert_eq!(bundle.bundle_type, BundleType::Transaction);
    let [first, second, third] = bundle.entries.as_slice() else {
        panic!("three entries");
    };
    assert_eq!(
        first.resource.as_deref(),
        Some(&br#"{ "resourceType":"Patient", "x":1.50 }"#[..])
    );
    assert_eq!(
        first.id.as_deref(),
        Some("7c1e2f00-0000-0000-0000-000000000001")
    );
    assert_eq!(first.method.as_deref(), Some("POST"));
    assert_eq!(first.resource_type, Some("Patient"));
    assert!(first.parse(Limits::RESOURCE).unwrap().is_ok());
    assert_eq!(
        (second.resource_type, second.id.as_deref()),
        (None, Some("b"))
    );
    assert!(second.parse(Limits::RESOURCE).unwrap().is_err());
    assert!(third.parse(Limits::RESOURCE).is_none());
}

#[test]
fn references_between_entries_become_type_and_id_and_nothing_else_changes() {
    let bundle = parse(
        r##"{"resourceType":"Bundle","type":"collection","entry":[
            {"fullUrl":"urn:uuid:a1","resource":{"resourceType":"Patient","id":"p"}},
            {"fullUrl":"https://ehr.example/Encounter/e","resource":{"resourceType":"Encounter","id":"e"}},
            {"resource":{"resourceType":"Observation",
              "identifier":[{"value":"urn:uuid:a1"}],
              "subject":{ "reference" : "urn:uuid:a1" , "display":"A"},
              "encounter":{"reference":"https:\/\/ehr.example/Encounter/e"},
              "performer":[{"reference":"Practitioner?identifier=s|1"},{"reference":"urn:uuid:zz"},{"reference":"#c"}],
              "v":1.0}}]}"##,
    )
    .unwrap()
    .resolve();
    assert_eq!(
        std::str::from_utf8(bundle.entries[2].resource.as_deref().unwrap()).unwrap(),
        r##"{"resourceType":"Observation",
              "identifier":[{"value":"urn:uuid:a1"}],
              "subject":{ "reference" : "Patient/p" , "display":"A"},
              "encounter":{"reference":"Encounter/e"},
              "performer":[{"reference":"Practitioner?identifier=s|1"},{"reference":"urn:uuid:zz"},{"reference":"#c"}],
              "v":1.0}"##
    );
}

#[test]
fn what_is_not_a_readable_bundle_is_refused() {
    assert_eq!(
        parse(r#"{"resourceType":"Patient"}"#),
        Err(BundleError::NotABundle)
    );
    assert_eq!(
        parse(r#"{"resourceType":"Bundle","type":"document"}"#),
        Err(BundleError::UnsupportedType("document".into()))
    );
    assert!(matches!(
        parse(r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"a":1,"a":2}}]}"#),
        Err(BundleError::Json(JsonError::DuplicateKey(_)))
    ));
    assert!(matches!(
        parse("[]"),
        Err(BundleError::Json(_) | BundleError::NotABundle)
    ));
    assert!(matches!(parse("{"), Err(BundleError::Json(_))));
    let tiny = Limits {
        bytes_max: 3,
        ..Limits::BUNDLE
    };
    assert!(matches!(
        Bundle::parse(b"{   }", tiny),
        Err(BundleError::Json(JsonError::TooLarge { .. }))
    ));
    assert!(Bundle::is_one(br#"{"resourceType":"Bundle"}"#));
    assert!(!Bundle::is_one(br#"{"resourceType":"Patient"}"#));
    assert!(!Bundle::is_one(b"nonsense"));
}

#[test]
fn a_search_set_holds_the_bytes_as_they_are() {
    let mut set = SearchSet::new("http://h/Observation?code=\"x\"")
        .next("http://h/next")
        .total(2);
    set.push(
        "http://h/Observation/1",
        br#"{"resourceType":"Observation","id":"1","v":1.50}"#,
        EntryMode::Match,
    );
    set.push(
        "http://h/Patient/2",
        br#"{"resourceType":"Patient","id":"2"}"#,
        EntryMode::Include,
    );
    let bytes = set.to_bytes();
    assert!(
        String::from_utf8(bytes.clone())
            .unwrap()
            .contains(r#""v":1.50"#)
    );
    let resource = Resource::parse(&bytes, Limits::RESOURCE).unwrap();
    assert_eq!(resource.value()["total"], json!(2));
    assert_eq!(resource.value()["link"][1]["relation"], "next");
    assert_eq!(resource.value()["entry"][1]["search"]["mode"], "include");
    assert_eq!(
        parse(std::str::from_utf8(&bytes).unwrap())
            .unwrap()
            .entries
            .len(),
        2
    );

    let empty = SearchSet::new("http://h/Observation").to_bytes();
    let empty = Resource::parse(&empty, Limits::RESOURCE).unwrap();
    assert_eq!(empty.value().get("entry"), None);
    assert_eq!(empty.value().get("total"), None);
}

proptest::proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in r#"[\[\]{}",:a-z0-9\\ ]{0,60}|.*"#) {
        if let Ok(bundle) = parse(&text) {
            let _ = bundle.resolve();
        }
    }
}
