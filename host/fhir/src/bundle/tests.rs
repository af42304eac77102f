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

mod submission {
    use super::super::*;
    use crate::{Interaction, InteractionKind};

    const BASE: &str = "https://here.example/fhir/main";

    fn entry(method: &str, url: &str, rest: &str) -> String {
        format!(r#"{{"request":{{"method":"{method}","url":"{url}"}}{rest}}}"#)
    }

    fn split(kind: &str, entries: &[String]) -> Result<Submission, SubmissionError> {
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{}]}}"#,
            entries.join(",")
        );
        Submission::split(bundle.as_bytes(), BASE)
    }

    fn only(entry: String) -> Result<Interaction, EntryProblem> {
        split("batch", &[entry])
            .unwrap()
            .entries
            .remove(0)?
            .interaction()
    }

    #[test]
    fn each_entry_becomes_an_interaction() {
        let patient = r#","resource":{"resourceType":"Patient","id":"1"}"#;
        let patch = r#","resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="}"#;
        for (method, url, rest, kind) in [
            ("GET", "Patient/1", "", InteractionKind::Read),
            (
                "GET",
                "https://here.example/fhir/main/Patient/1",
                "",
                InteractionKind::Read,
            ),
            ("GET", "Patient/1/_history/2", "", InteractionKind::Vread),
            (
                "GET",
                "Patient/1/_history?_count=2",
                "",
                InteractionKind::History,
            ),
            ("GET", "Patient", "", InteractionKind::Search),
            ("GET", "Patient?_id=1%2C2", "", InteractionKind::Search),
            ("POST", "Patient", patient, InteractionKind::Create),
            ("PUT", "Patient/1", patient, InteractionKind::Update),
            ("PUT", "Patient?_id=1", patient, InteractionKind::Update),
            ("PATCH", "Patient/1", patch, InteractionKind::Patch),
            ("DELETE", "Patient/1", "", InteractionKind::Delete),
            ("DELETE", "Patient?_id=1", "", InteractionKind::Delete),
        ] {
            let interaction =
                only(entry(method, url, rest)).unwrap_or_else(|e| panic!("{url}: {e}"));
            assert_eq!(interaction.kind(), kind, "{method} {url}");
        }
        let versioned = r#"{"request":{"method":"DELETE","url":"Patient/1","ifMatch":"W/\"3\""}}"#;
        assert_eq!(only(versioned.to_owned()).unwrap().if_match(), Some("3"));
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let patient = r#","resource":{"resourceType":"Patient","id":"1"}"#;
        for (method, url, rest) in [
            ("GET", "https://elsewhere.example/Patient/1", ""),
            ("GET", "//elsewhere.example/Patient/1", ""),
            ("GET", "/Patient/1", ""),
            ("GET", "../Patient/1", ""),
            ("GET", "Patient/../Group/1", ""),
            ("GET", "Patient//1", ""),
            ("GET", "Patient/1%2f_history", ""),
            ("GET", "Patient%2F1", ""),
            ("GET", "Patient;x/1", ""),
            ("GET", "patient/1", ""),
            ("GET", "Patient/1/", ""),
            ("GET", "Patient/1?_format=json", ""),
            ("GET", "Patient/1/Observation", ""),
            ("GET", "Patient/1/$everything", ""),
            ("GET", "$export", ""),
            ("GET", "metadata", ""),
            ("GET", "", ""),
            ("GET", "_history", ""),
            ("GET", "Patient/_history", ""),
            ("HEAD", "Patient/1", ""),
            ("POST", "Patient/_search", patient),
            ("POST", "Patient/1", patient),
            ("POST", "Patient", ""),
            ("POST", "Group", patient),
            ("PUT", "Patient/2", patient),
            ("PUT", "Patient", patient),
            ("DELETE", "Patient", ""),
            ("DELETE", "Patient/1", patient),
            ("DELETE", "Patient?", ""),
            ("DELETE", "Patient?_count=1", ""),
            ("PATCH", "Patient/1", patient),
            (
                "POST",
                "Bundle",
                r#","resource":{"resourceType":"Bundle","type":"batch"}"#,
            ),
            ("GET", "Patient?name=%zz", ""),
        ] {
            assert!(only(entry(method, url, rest)).is_err(), "{method} {url}");
        }
    }

    #[test]
    fn a_bundle_that_is_ambiguous_or_too_large_is_refused_as_a_whole() {
        let get = || entry("GET", "Patient/1", r#","fullUrl":"urn:uuid:a""#);
        assert_eq!(
            split("batch", &[get(), get()]),
            Err(SubmissionError::RepeatedFullUrl(1))
        );
        let delete = || entry("DELETE", "Patient/1", "");
        assert_eq!(
            split("transaction", &[delete(), delete()]),
            Err(SubmissionError::RepeatedTarget(1))
        );
        assert!(split("batch", &[delete(), delete()]).is_ok());
        let many: Vec<String> = (0..501).map(|_| delete()).collect();
        assert_eq!(
            split("batch", &many),
            Err(SubmissionError::TooManyEntries(501))
        );
        assert_eq!(split("document", &[]), Err(SubmissionError::NotASubmission));
        let bad = split("transaction", &[delete(), entry("GET", "../x", "")]);
        assert!(
            matches!(bad, Err(SubmissionError::Entry { index: 1, .. })),
            "{bad:?}"
        );
        assert!(
            split("batch", &[delete(), entry("GET", "../x", "")])
                .unwrap()
                .entries[1]
                .is_err()
        );
    }

    #[test]
    fn links_between_entries_are_resolved_and_text_is_left_alone() {
        let resource = r#","resource":{"resourceType":"DocumentReference","status":"current","description":"urn:uuid:a",
            "masterIdentifier":{"system":"urn:uuid:a","value":"urn:uuid:a"},
            "subject":{"reference":"urn:uuid:a"},"contained":[{"resourceType":"Patient","link":[{"other":{"reference":"urn:uuid:a"}}]}],
            "extension":[{"url":"urn:uuid:a","valueReference":{"reference":"urn:uuid:a"}}],
            "context":{"encounter":[{"reference":"Encounter?identifier=s|1"}]},
            "content":[{"attachment":{"url":"urn:uuid:b","title":"1.00"}}]}"#;
        let split = split(
            "transaction",
            &[entry("POST", "DocumentReference", resource)],
        )
        .unwrap();
        let mut request = split.entries.into_iter().next().unwrap().unwrap();
        assert_eq!(
            request.conditional_references(),
            ["Encounter?identifier=s|1"]
        );
        assert!(request.has_unresolved_link());
        let target = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        request.resolve(&HashMap::from([
            target("urn:uuid:a", "Patient/1"),
            target("urn:uuid:b", "Binary/2"),
            target("Encounter?identifier=s|1", "Encounter/3"),
        ]));
        let interaction = request.interaction().unwrap();
        let value = interaction.resource().unwrap().value();
        for (pointer, expected) in [
            ("/subject/reference", "Patient/1"),
            ("/contained/0/link/0/other/reference", "Patient/1"),
            ("/extension/0/valueReference/reference", "Patient/1"),
            ("/context/encounter/0/reference", "Encounter/3"),
            ("/content/0/attachment/url", "Binary/2"),
            ("/description", "urn:uuid:a"),
            ("/extension/0/url", "urn:uuid:a"),
            ("/masterIdentifier/value", "urn:uuid:a"),
            ("/masterIdentifier/system", "urn:uuid:a"),
        ] {
            assert_eq!(value.pointer(pointer).unwrap(), expected, "{pointer}");
        }
    }
}
