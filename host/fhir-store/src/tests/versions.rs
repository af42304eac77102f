use glovebox_database::{Batch, Durability, Expect};

use super::*;
use crate::StoreError;

const GLUCOSE: &str = r#"{ "resourceType" : "Observation","id":"o1",
  "_unknown":[1.50,{"x":1e2}], "status":"final","code":{"text":"Glucose"},
  "subject":{"reference":"Patient/anna"},"valueQuantity":{"value":5.10,"unit":"mmol/L"}}"#;

#[tokio::test]
async fn bytes_are_kept_but_for_id_and_meta() {
    let kit = Kit::new();
    kit.put(GLUCOSE).await;
    let head = kit.head("Observation", "o1").await.unwrap();
    let bytes = kit.store.load(&head).await.unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(
        text.contains(r#""_unknown":[1.50,{"x":1e2}], "status":"final""#),
        "{text}"
    );
    assert!(text.contains(r#""value":5.10,"#), "{text}");
    assert!(text.contains(r#""versionId":"1""#), "{text}");
}

#[tokio::test]
async fn every_version_can_be_read_again_and_a_deletion_is_one() {
    let kit = Kit::new();
    let create = Interaction::create(resource(GLUCOSE));
    assert_eq!(kit.write(create, "o1", None, 1).await.unwrap().version, 1);
    let first = kit.head("Observation", "o1").await.unwrap();
    let changed = resource(&GLUCOSE.replace("5.10", "6.0"));
    let update = Interaction::update(changed, None).unwrap();
    assert_eq!(
        kit.write(update.clone(), "o1", Some(&first), 2)
            .await
            .unwrap()
            .version,
        2
    );
    let second = kit.head("Observation", "o1").await.unwrap();
    // whoever still holds the first version is told so
    assert_eq!(
        kit.write(update, "o1", Some(&first), 3).await,
        Err(WriteRefused::Changed)
    );
    let delete = Interaction::delete("Observation", "o1", None).unwrap();
    assert_eq!(
        kit.write(delete, "o1", Some(&second), 4)
            .await
            .unwrap()
            .version,
        3
    );

    let mut seen = Vec::new();
    for version in [
        "1",
        "2",
        "3",
        "4",
        "0",
        "01",
        "+1",
        "x",
        "99999999999999999999",
    ] {
        let Ok(vread) = Interaction::vread("Observation", "o1", version) else {
            continue;
        };
        let (asked, current) = kit.store.version(&everyone(vread)).await.unwrap();
        let current = current.unwrap();
        assert!(current.deleted && current.version == 3);
        seen.push((version, asked.map(|head| (head.version, head.deleted))));
    }
    assert_eq!(
        seen,
        [
            ("1", Some((1, false))),
            ("2", Some((2, false))),
            ("3", Some((3, true))),
            ("4", None),
            ("0", None),
            ("01", None),
            ("x", None),
            ("99999999999999999999", None),
        ]
    );
    for (head, value) in [(&first, "5.10"), (&second, "6.0")] {
        let bytes = kit.store.load(head).await.unwrap();
        assert!(std::str::from_utf8(&bytes).unwrap().contains(value));
    }
    assert!(kit.search("Observation?patient=anna").await.is_empty());
    assert!(kit.search("Observation?_id=o1").await.is_empty());
    assert!(kit.search("Observation?").await.is_empty());
}

#[tokio::test]
async fn a_write_leaves_the_mark_of_its_intent_and_a_refused_one_leaves_none() {
    let kit = Kit::new();
    let create = || Interaction::create(resource(GLUCOSE));
    kit.write(create(), "o1", None, 1).await.unwrap();
    assert_eq!(
        kit.write(create(), "o1", None, 1).await,
        Err(WriteRefused::Changed)
    );
    assert!(kit.store.intent_was_committed(1).await.unwrap());
    assert!(!kit.store.intent_was_committed(2).await.unwrap());
}

#[tokio::test]
async fn a_write_whose_expectation_fails_says_revoked() {
    let kit = Kit::new();
    let fence = kit.sled.keyspace("fence");
    let permitted = everyone(Interaction::create(resource(GLUCOSE)));
    let commit = Commit {
        changes: vec![Change {
            permitted: &permitted,
            id: "o1",
            old: None,
        }],
        now: at(1),
        intent: 1,
        expectations: vec![(fence.absolute(b"session/x"), Expect::Version(7))],
        request: None,
    };
    let refused = kit.store.commit(commit).await.unwrap();
    assert_eq!(refused, Err(WriteRefused::Revoked));
    assert!(kit.head("Observation", "o1").await.is_none());
}

#[tokio::test]
async fn an_update_moves_the_index_entries_along() {
    let kit = Kit::new();
    kit.put(GLUCOSE).await;
    kit.put(&GLUCOSE.replace("Patient/anna", "Patient/tom"))
        .await;
    assert_eq!(kit.search("Observation?patient=tom").await, ["o1"]);
    assert!(kit.search("Observation?patient=anna").await.is_empty());
}

#[tokio::test]
async fn resources_of_any_size_come_back_whole() {
    let kit = Kit::new();
    // around one piece, several pieces, the largest that is accepted
    for bytes in [
        (60 << 10) - 200,
        60 << 10,
        64 << 10,
        200 << 10,
        (4 << 20) - 200,
    ] {
        let data = "A".repeat(bytes);
        let json = format!(
            r#"{{"resourceType":"DocumentReference","id":"d{bytes}","status":"current","subject":{{"reference":"Patient/anna"}},"content":[{{"attachment":{{"data":"{data}"}}}}]}}"#
        );
        kit.put(&json).await;
        let head = kit
            .head("DocumentReference", &format!("d{bytes}"))
            .await
            .unwrap();
        let loaded = kit.store.load(&head).await.unwrap();
        assert!(std::str::from_utf8(&loaded).unwrap().contains(&data));
    }
    // the same through a search, small ones and large ones side by side
    kit.put(r#"{"resourceType":"DocumentReference","id":"small","status":"current","subject":{"reference":"Patient/anna"},"content":[]}"#).await;
    let all = everyone(query("DocumentReference?patient=anna"));
    let found = kit.store.search(&all, None, 50).await.unwrap();
    assert_eq!(found.total, Some(6));
    let loaded = kit.store.load_many(&found.hits).await.unwrap();
    for (hit, bytes) in found.hits.iter().zip(loaded) {
        assert!(
            std::str::from_utf8(&bytes)
                .unwrap()
                .contains(&format!("\"{}\"", hit.id))
        );
    }
}

#[tokio::test]
async fn damaged_bytes_and_missing_pieces_are_noticed() {
    let kit = Kit::new();
    let records = kit.sled.keyspace(NAMESPACE);
    for (id, damage) in [("o1", Some(&b"{}"[..])), ("o2", None)] {
        kit.put(&GLUCOSE.replace("o1", id)).await;
        let key = crate::key::piece("Observation", id, 1, 0);
        let batch = match damage {
            Some(bytes) => Batch::new().put(key, bytes, Expect::Any),
            None => Batch::new().delete(key, Expect::Any),
        };
        records
            .commit(batch, Durability::Sync)
            .await
            .unwrap()
            .unwrap();
        let head = kit.head("Observation", id).await.unwrap();
        let error = kit.store.load(&head).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    }
    let found = kit
        .store
        .search(&everyone(query("Observation?_id=o1")), None, 5)
        .await
        .unwrap();
    assert!(kit.store.load_many(&found.hits).await.is_err());
}

#[tokio::test]
async fn a_damaged_head_is_noticed() {
    let kit = Kit::new();
    kit.put(GLUCOSE).await;
    let records = kit.sled.keyspace(NAMESPACE);
    let whole = records
        .get(b"h/Observation/o1")
        .await
        .unwrap()
        .unwrap()
        .value;
    let other = String::from_utf8_lossy(&whole).contains("o1");
    assert!(other);
    for damage in [&whole[..whole.len() - 3], &whole[..20], &b""[..]] {
        let batch = Batch::new().put("h/Observation/o1", damage.to_vec(), Expect::Any);
        records
            .commit(batch, Durability::Sync)
            .await
            .unwrap()
            .unwrap();
        let error = kit
            .store
            .head(&read("Observation", "o1"))
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_not_cut() {
    let kit = Kit::new();
    let members: Vec<String> = (0..1_001)
        .map(|n| format!(r#"{{"entity":{{"reference":"Patient/p{n}"}}}}"#))
        .collect();
    let group = format!(
        r#"{{"resourceType":"Group","id":"g1","type":"person","actual":true,"member":[{}]}}"#,
        members.join(",")
    );
    let targets: Vec<String> = (0..3_001)
        .map(|n| format!(r#"{{"reference":"Observation/o{n}"}}"#))
        .collect();
    let panel = format!(
        r#"{{"resourceType":"Observation","id":"o1","status":"final","code":{{"text":"x"}},"hasMember":[{}]}}"#,
        targets.join(",")
    );
    for (json, what) in [(panel, "references"), (group, "patients")] {
        let update = everyone(Interaction::update(resource(&json), None).unwrap());
        match kit.store.consider(&update, false, at(0)).await.unwrap() {
            Put::TooLarge(too_large) => assert_eq!(too_large.what, what),
            other => panic!("{other:?}"),
        }
        let create = Interaction::create(resource(&json));
        assert!(matches!(
            kit.write(create, "x1", None, 1).await,
            Err(WriteRefused::TooLarge(_))
        ));
    }
    // a long text is no reason to refuse: its beginning can be searched for
    let long = "Glucose ".repeat(10_000);
    kit.put(&format!(
        r#"{{"resourceType":"Observation","id":"o2","status":"final","valueString":"{long}"}}"#
    ))
    .await;
    assert_eq!(
        kit.search("Observation?value-string=glucose glu").await,
        ["o2"]
    );
}

#[tokio::test]
async fn several_writes_happen_together_or_not_at_all() {
    let kit = Kit::new();
    let create = everyone(Interaction::create(resource(GLUCOSE)));
    let change = |id, old| Change {
        permitted: &create,
        id,
        old,
    };
    let done = kit.commit(vec![change("a", None), change("b", None)], 1, None);
    assert_eq!(done.await.unwrap().len(), 2);
    let again = kit.commit(vec![change("c", None), change("b", None)], 2, None);
    assert_eq!(again.await, Err(WriteRefused::Changed));
    assert!(kit.head("Observation", "c").await.is_none());
}

#[tokio::test]
async fn a_request_is_carried_out_once_and_its_outcome_is_kept() {
    let kit = Kit::new();
    let create = everyone(Interaction::create(resource(GLUCOSE)));
    let mark = |outcome: &[u8]| {
        Some(RequestMark {
            name: "session-1".to_owned(),
            outcome: outcome.to_vec(),
        })
    };
    let change = |id| {
        vec![Change {
            permitted: &create,
            id,
            old: None,
        }]
    };
    assert_eq!(kit.store.request_outcome("session-1").await.unwrap(), None);
    kit.commit(change("a"), 1, mark(b"one")).await.unwrap();
    let repeated = kit.commit(change("b"), 2, mark(b"two")).await;
    assert_eq!(repeated, Err(WriteRefused::Repeated));
    assert!(kit.head("Observation", "b").await.is_none());
    let kept = kit.store.request_outcome("session-1").await.unwrap();
    assert_eq!(kept.as_deref(), Some(&b"one"[..]));
}

#[tokio::test]
async fn a_history_is_read_from_the_newest_version_down() {
    let kit = Kit::new();
    for second in 1..=5 {
        let old = kit.head("Observation", "o1").await;
        let update = Interaction::update(resource(GLUCOSE), None).unwrap();
        kit.write(update, "o1", old.as_ref(), second).await.unwrap();
    }
    let history = everyone(Interaction::history("Observation", "o1", None, None).unwrap());
    let versions = async |before, count| {
        let found = kit.store.versions(&history, before, count).await.unwrap();
        found.iter().map(|head| head.version).collect::<Vec<_>>()
    };
    assert_eq!(versions(6, 3).await, [5, 4, 3]);
    assert_eq!(versions(3, 3).await, [2, 1]);
    assert_eq!(versions(1, 3).await, [0_u64; 0]);
}

#[tokio::test]
async fn who_shows_a_binary_is_known_by_patient() {
    let kit = Kit::new();
    let document = r#"{"resourceType":"DocumentReference","id":"d","status":"current","subject":{"reference":"Patient/anna"},
        "content":[{"attachment":{"url":"Binary/scan"}},{"attachment":{"url":"https://elsewhere.example/Binary/other"}}]}"#;
    kit.put(document).await;
    kit.put(r#"{"resourceType":"Binary","id":"scan","contentType":"text/plain"}"#)
        .await;
    kit.put(r#"{"resourceType":"Binary","id":"own","contentType":"text/plain","securityContext":{"reference":"Patient/anna"}}"#)
        .await;
    let shown = async |id| kit.store.shown(&read("Binary", id)).await.unwrap();
    let by = |patient: &str| {
        let text = str::to_owned;
        (Some(text(patient)), text("DocumentReference"), text("d"))
    };
    assert_eq!(shown("scan").await.by, [by("anna")]);
    assert_eq!(
        shown("own").await.security_context,
        Some(("Patient".to_owned(), "anna".to_owned()))
    );
    assert_eq!(shown("other").await, crate::Shown::default());
}

#[tokio::test]
async fn what_is_larger_than_a_record_is_kept_found_and_changed_like_the_rest() {
    let kit = Kit::new();
    let codings: Vec<String> = (0..5_000)
        .map(|n| format!(r#"{{"system":"http://example.org/codes","code":"code-{n:020}"}}"#))
        .collect();
    let panel = format!(
        r#"{{"resourceType":"Observation","id":"big","status":"final","subject":{{"reference":"Patient/anna"}},"code":{{"coding":[{}]}}}}"#,
        codings.join(",")
    );
    // small facts, but a copy of them for each of many patients
    let members: Vec<String> = (0..900)
        .map(|n| format!(r#"{{"entity":{{"reference":"Patient/p{n}"}}}}"#))
        .collect();
    let group = format!(
        r#"{{"resourceType":"Group","id":"big","type":"person","actual":true,"member":[{}]}}"#,
        members.join(",")
    );
    let targets: Vec<String> = (0..2_500)
        .map(|n| format!(r#"{{"reference":"Observation/{n:036}"}}"#))
        .collect();
    let provenance = format!(
        r#"{{"resourceType":"Provenance","id":"big","recorded":"2026-01-01T00:00:00Z","target":[{}]}}"#,
        targets.join(",")
    );
    for json in [&panel, &group, &provenance] {
        kit.put(json).await;
        let given = resource(json);
        let head = kit.head(given.resource_type(), "big").await.unwrap();
        let bytes = kit.store.load(&head).await.unwrap();
        let stored = Resource::parse(&bytes, Limits::RESOURCE).unwrap();
        assert!(glovebox_fhir::equal_content(&stored, &given));
    }
    let last = format!("Observation?patient=anna&code=code-{:020}", 4_999);
    for text in [
        last.as_str(),
        "Group?member=Patient/p899",
        "Observation?subject=Patient/anna",
    ] {
        assert_eq!(kit.search(text).await, ["big"], "{text}");
    }
    let target = format!("Provenance?target=Observation/{:036}", 2_499);
    assert_eq!(kit.search(&target).await, ["big"]);
    let first = kit.head("Observation", "big").await.unwrap();
    let small = resource(&GLUCOSE.replace("\"o1\"", "\"big\""));
    let update = Interaction::update(small, None).unwrap();
    assert_eq!(
        kit.write(update, "big", Some(&first), 2)
            .await
            .unwrap()
            .version,
        2
    );
    assert_eq!(kit.search(&last).await, [""; 0]);
    let vread = everyone(Interaction::vread("Observation", "big", "1").unwrap());
    let (old, _) = kit.store.version(&vread).await.unwrap();
    assert_eq!(old.unwrap().facts, first.facts);
}
