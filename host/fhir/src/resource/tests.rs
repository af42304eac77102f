use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Resource, ResourceError> {
    Resource::parse(text.as_bytes(), Limits::RESOURCE)
}

#[test]
fn what_is_not_an_r4_resource_is_refused() {
    for (text, expected) in [
        ("[]", ResourceError::NotAnObject),
        ("{}", ResourceError::NoType),
        (r#"{"resourceType":7}"#, ResourceError::NoType),
        (
            r#"{"resourceType":"Bot"}"#,
            ResourceError::UnknownType("Bot".into()),
        ),
        (
            r#"{"resourceType":"Patient","id":"a/b"}"#,
            ResourceError::InvalidId,
        ),
        (
            r#"{"resourceType":"Patient","id":7}"#,
            ResourceError::InvalidId,
        ),
        (
            r#"{"resourceType":"Patient","meta":[]}"#,
            ResourceError::InvalidMeta,
        ),
        (
            r#"{"resourceType":"Patient","id":"a","id":"b"}"#,
            ResourceError::Json(JsonError::DuplicateKey("id".into())),
        ),
    ] {
        assert_eq!(parse(text), Err(expected), "{text}");
    }
    let small = Limits {
        bytes_max: 10,
        ..Limits::RESOURCE
    };
    assert!(matches!(
        Resource::parse(br#"{"resourceType":"Patient"}"#, small),
        Err(ResourceError::Json(JsonError::TooLarge {
            bytes: 26,
            max: 10
        }))
    ));
}

#[test]
fn a_splice_sets_three_members_and_nothing_else() {
    let at = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
    for (given, expected) in [
        (
            r#"{"resourceType":"Observation","x":72.50}"#,
            r#"{"resourceType":"Observation","id":"new","meta":{"versionId":"7","lastUpdated":"2026-01-02T03:04:05Z"},"x":72.50}"#,
        ),
        (
            r#"{ "id" : "old", "resourceType" : "Observation", "meta" : { } , "x" : 1.0e2 }"#,
            r#"{ "id" : "new", "resourceType" : "Observation", "meta" : {"versionId":"7","lastUpdated":"2026-01-02T03:04:05Z" } , "x" : 1.0e2 }"#,
        ),
        (
            r#"{"meta":{"profile":["p"],"lastUpdated":"x"},"resourceType":"Patient"}"#,
            r#"{"meta":{"versionId":"7","profile":["p"],"lastUpdated":"2026-01-02T03:04:05Z"},"resourceType":"Patient","id":"new"}"#,
        ),
        (
            r#"{"resourceType":"Patient","contained":[{"resourceType":"Patient","id":"c","meta":{"versionId":"1"}}]}"#,
            r#"{"resourceType":"Patient","id":"new","meta":{"versionId":"7","lastUpdated":"2026-01-02T03:04:05Z"},"contained":[{"resourceType":"Patient","id":"c","meta":{"versionId":"1"}}]}"#,
        ),
    ] {
        let resource = parse(given).unwrap();
        let spliced = String::from_utf8(resource.splice("new", "7", at)).unwrap();
        assert_eq!(spliced, expected);
        let again = parse(&spliced).unwrap();
        assert!(equal_content(&resource, &again));
        assert_eq!(again.id(), Some("new"));
        assert_eq!(again.version_id(), Some("7"));
        assert_eq!(again.last_updated(), Some(at));
    }
}

#[test]
fn equal_content_tells_decimals_apart_and_ignores_order() {
    let base = parse(r#"{"resourceType":"Basic","id":"a","v":1.0,"w":[1,2]}"#).unwrap();
    for (other, equal) in [
        (
            r#"{"resourceType":"Basic","id":"b","w":[1,2],"v":1.0}"#,
            true,
        ),
        (
            r#"{"resourceType":"Basic","meta":{"versionId":"3"},"v":1.0,"w":[1,2]}"#,
            true,
        ),
        (r#"{"resourceType":"Basic","v":1.00,"w":[1,2]}"#, false),
        (r#"{"resourceType":"Basic","v":1.0,"w":[2,1]}"#, false),
        (
            r#"{"resourceType":"Basic","v":1.0,"w":[1,2],"meta":{"tag":[]}}"#,
            false,
        ),
        (r#"{"resourceType":"List","v":1.0,"w":[1,2]}"#, false),
    ] {
        assert_eq!(
            equal_content(&base, &parse(other).unwrap()),
            equal,
            "{other}"
        );
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Resource::parse(&bytes, Limits::RESOURCE);
    }

    #[test]
    fn arbitrary_text_in_a_resource_survives_a_splice(name in ".*", text in ".*") {
        prop_assume!(!["resourceType", "id", "meta"].contains(&name.as_str()));
        let json = format!(r#"{{"resourceType":"Basic",{}:{}}}"#, quote(&name), quote(&text));
        if let Ok(resource) = parse(&json) {
            let spliced = resource.splice("x", "1", Timestamp::from_micros(0));
            let again = Resource::parse(&spliced, Limits::RESOURCE).unwrap();
            prop_assert!(equal_content(&resource, &again));
        }
    }
}
