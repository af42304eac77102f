use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn bundle(bundle_type: &str, entries: &str) -> Vec<u8> {
    format!(r#"{{"resourceType":"Bundle","type":"{bundle_type}","entry":[{entries}]}}"#)
        .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn text(resource: &Resource) -> &str {
    std::str::from_utf8(resource.bytes()).unwrap()
}

const PAIR: &str = r#"
    {"fullUrl":"urn:uuid:5d1c0d3e-0001","resource":{ "resourceType":"Patient","active":true},
     "request":{"method":"POST","url":"Patient"}},
    {"fullUrl":"urn:uuid:5d1c0d3e-0002","resource":{"resourceType":"Observation","id":"o1",
     "valueQuantity":{"value":1.50},"subject":{"reference":"urn:uuid:5d1c0d3e-0001"}},
     "request":{"method":"POST","url":"Observation"}}"#;

#[test]
fn each_kind_of_bundle_gives_its_resources_with_ids_and_resolved_references() {
    for kind in ["transaction", "batch", "collection", "searchset"] {
        let entries = document(&bundle(kind, PAIR)).unwrap();
        let patient = entries[0].as_ref().unwrap();
        assert_eq!(patient.id(), Some("5d1c0d3e-0001"), "{kind}");
        assert!(
            text(patient).contains(r#""resourceType":"Patient","active":true"#),
            "{kind}"
        );
        let observation = entries[1].as_ref().unwrap();
        assert_eq!(observation.id(), Some("o1"));
        assert!(
            text(observation).contains(r#""reference":"Patient/5d1c0d3e-0001""#),
            "{kind}"
        );
        assert!(
            text(observation).contains("1.50"),
            "decimals keep their spelling"
        );
    }
}

#[test]
fn a_bundle_that_is_no_set_of_resources_is_refused_as_a_whole() {
    for kind in ["history", "document", "message", ""] {
        assert!(document(&bundle(kind, PAIR)).is_err(), "{kind}");
    }
    for bytes in [
        &b"resourceType: Patient"[..],
        b"[]",
        b"{}",
        br#"{"resourceType":"Bot","id":"1"}"#,
        b"",
    ] {
        assert!(
            document(bytes).is_err(),
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn an_entry_finds_its_id_in_its_addresses_too() {
    for (addresses, id) in [
        (
            r#""fullUrl":"https://ehr.example/fhir/Patient/p7","#,
            Some("p7"),
        ),
        (
            r#""request":{"method":"PUT","url":"Patient/p8"},"#,
            Some("p8"),
        ),
        (r#""request":{"method":"POST","url":"Patient"},"#, None),
        (r#""fullUrl":"https://ehr.example/fhir/Group/p7","#, None),
    ] {
        let entry = format!(r#"{{{addresses}"resource":{{"resourceType":"Patient"}}}}"#);
        let entries = document(&bundle("collection", &entry)).unwrap();
        match &entries[0] {
            Ok(resource) => assert_eq!(resource.id(), id, "{addresses}"),
            Err(refused) => {
                assert_eq!(id, None, "{addresses}");
                assert!(refused.why.contains("no id"), "{}", refused.why);
            }
        }
    }
}

#[test]
fn one_bad_entry_is_named_and_does_not_lose_the_others() {
    let entries = bundle(
        "transaction",
        r#"{"resource":{"resourceType":"Patient","id":"a"}},
           {"resource":{"resourceType":"Bot","id":"b"}},
           {"request":{"method":"DELETE","url":"Patient/c"}},
           {"resource":{"resourceType":"Patient","id":"d"}}"#,
    );
    let entries = document(&entries).unwrap();
    let places: Vec<&str> = entries
        .iter()
        .filter_map(|entry| Some(entry.as_ref().err()?.place.as_str()))
        .collect();
    assert_eq!(places, ["entry 2", "entry 3"]);
    assert_eq!(entries.iter().filter(|entry| entry.is_ok()).count(), 2);
}

#[test]
fn the_same_id_twice_is_handed_on_twice_for_the_store_to_judge() {
    let twice = r#"{"resource":{"resourceType":"Patient","id":"a"}},
                   {"resource":{"resourceType":"Patient","id":"a","active":true}}"#;
    let entries = document(&bundle("batch", twice)).unwrap();
    let ids: Vec<_> = entries
        .iter()
        .map(|entry| entry.as_ref().unwrap().id())
        .collect();
    assert_eq!(ids, [Some("a"), Some("a")]);
}

#[test]
fn a_bad_line_is_named_and_the_others_are_read() {
    let lines = b"{\"resourceType\":\"Patient\",\"id\":\"a\"}\r\n\n{\"resourceType\":\n\
        {\"resourceType\":\"Patient\",\"id\":\"b\"}";
    let entries = ndjson(lines).unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[1].as_ref().unwrap_err().place, "line 3");
    assert_eq!(entries[2].as_ref().unwrap().id(), Some("b"));
    assert!(ndjson(b"").unwrap().is_empty());
}

#[test]
fn a_line_that_is_too_long_is_passed_over() {
    let mut lines = vec![b' '; Limits::RESOURCE.bytes_max + 1];
    lines.extend_from_slice(b"\n{\"resourceType\":\"Patient\",\"id\":\"b\"}\n");
    let entries = ndjson(&lines).unwrap();
    assert_eq!(entries[0].as_ref().unwrap_err().place, "line 1");
    assert_eq!(entries[1].as_ref().unwrap().id(), Some("b"));
}

#[test]
fn gzip_is_read_by_its_content_and_a_torn_file_is_an_error() {
    let line = b"{\"resourceType\":\"Patient\",\"id\":\"a\"}\n";
    let zipped = gzip(line);
    assert_eq!(whole(&line[..]).unwrap(), line);
    assert_eq!(whole(&zipped[..]).unwrap(), line);
    assert!(whole(&zipped[..zipped.len() - 6]).is_err());
    // Two members one after the other are one file (RFC 1952 section 2.2).
    let twice: Vec<u8> = [zipped.clone(), zipped].concat();
    let read = Lines::plain_or_gzip(std::io::Cursor::new(twice)).unwrap();
    assert_eq!(
        read.filter(|entry| entry.as_ref().is_ok_and(Result::is_ok))
            .count(),
        2
    );
}

#[test]
fn a_gzip_bomb_is_not_unpacked_beyond_the_limit() {
    let bomb = gzip(&vec![b' '; 10 << 20]);
    assert!(bomb.len() < 20_000);
    assert!(
        matches!(within(&bomb[..], 1 << 20), Err(IntakeError::TooLarge { max }) if max == 1 << 20)
    );
    // As NDJSON it is one line that is too long.
    let mut read = Lines::plain_or_gzip(std::io::Cursor::new(bomb)).unwrap();
    assert!(read.next().unwrap().unwrap().is_err());
    assert!(read.next().is_none());
}

#[test]
fn a_body_of_nothing_but_refusals_is_refused_as_a_whole() {
    let some = "x\n".repeat(REFUSED_MAX);
    assert_eq!(ndjson(some.as_bytes()).unwrap().len(), REFUSED_MAX);
    let many = "x\n".repeat(REFUSED_MAX + 1);
    let refused = ndjson(many.as_bytes()).unwrap_err();
    assert!(matches!(refused, IntakeError::TooManyRefused { .. }));
}
