use super::super::line::{read_line, write_line};
use super::*;

#[test]
fn a_line_has_one_canonical_form() {
    let event = read_of("lab-viewer", "anna-rossi")
        .with("note", "say \"no\"\n\\ é")
        .with("count", 3)
        .with("ids", vec!["a".to_owned(), "b".to_owned()]);
    let at = Timestamp::parse("2026-11-23T08:00:00.25Z").unwrap();
    let mut line = Vec::new();
    let hash = write_line(&mut line, 7, at, Digest::ZERO, &event).unwrap();
    let zeros = "0".repeat(64);
    let expected = [
        "{\"seq\":7,\"at\":\"2026-11-23T08:00:00.25Z\",\"prev\":\"",
        &zeros,
        "\",\"kind\":\"fhir\",\"action\":\"read\",\"outcome\":\"ok\",\"tenant\":\"main\",",
        "\"app\":\"lab-viewer\",\"user\":\"dr.rivera\",\"patient\":\"anna-rossi\",",
        "\"detail\":{\"type\":\"Observation\",\"note\":\"say \\\"no\\\"\\u000a\\\\ é\",",
        "\"count\":3,\"ids\":[\"a\",\"b\"]},\"hash\":\"",
        &hash.to_string(),
        "\"}\n",
    ]
    .concat();
    assert_eq!(String::from_utf8(line.clone()).unwrap(), expected);

    let entry = read_line(line.strip_suffix(b"\n").unwrap()).unwrap();
    assert_eq!((entry.seq, entry.at, entry.hash), (7, at, hash));
    assert_eq!(entry.app.as_deref(), Some("lab-viewer"));
    assert_eq!(entry.detail["note"], "say \"no\"\n\\ é");
    assert_eq!(entry.raw, expected.trim_end());
}

#[test]
fn the_hash_is_sha_256_of_the_line_without_the_hash_member() {
    let mut line = Vec::new();
    let at = Timestamp::from_micros(0);
    let hash = write_line(&mut line, 1, at, Digest::ZERO, &write_intent()).unwrap();
    let text = String::from_utf8(line).unwrap();
    let without = text
        .trim_end()
        .replace(&format!(",\"hash\":\"{hash}\""), "");
    assert_eq!(super::super::line::sha256(without.as_bytes()), hash);
}

#[tokio::test]
async fn every_line_continues_the_one_before() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    ledger.append(read_of("lab-viewer", "tom-rossi")).unwrap();
    let entries: Vec<_> = lines(&place.segment(1))
        .iter()
        .map(|line| read_line(line.as_bytes()).unwrap())
        .collect();
    assert_eq!(entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(entries[0].kind, "ledger.start");
    assert_eq!(entries[0].prev, Digest::ZERO);
    assert_eq!(entries[1].prev, entries[0].hash);
    assert_eq!(entries[2].prev, entries[1].hash);
    assert_eq!(ledger.head(), (3, entries[2].hash));
}
