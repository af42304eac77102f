use super::*;

#[tokio::test]
async fn every_resource_is_counted_once() {
    let door = Door::new().await;
    let tom = observation("tom-0", "tom", "laboratory");
    let new = observation("new", "tom", "laboratory");
    let other = new.replace("1.50", "1.5");
    let nameless = r#"{"resourceType":"Patient"}"#;
    // `new` comes three times: as new, as itself, and with another spelling of its value
    let given = [tom.as_str(), &new, nameless, &new, &other];
    let report = door.import(&given, false).await;
    let counts = (
        report.created,
        report.updated,
        report.unchanged,
        report.refused.len(),
    );
    assert_eq!(counts, (1, 0, 2, 2));
    let last = door.entries().pop().unwrap();
    assert_eq!(
        (last.action.as_str(), last.outcome.as_str()),
        ("import", "denied: not-importable")
    );
    let report = door.import(&given, true).await;
    let counts = (
        report.created,
        report.updated,
        report.unchanged,
        report.refused.len(),
    );
    assert_eq!(counts, (0, 1, 3, 1));
}

#[tokio::test]
async fn large_imports_are_cut_into_commits_that_the_records_take() {
    let door = Door::new().await;
    let mut given = Vec::new();
    // each writes a hundred index entries: the records of one commit run out first
    let performers: Vec<String> = (0..100)
        .map(|n| format!(r#"{{"reference":"Patient/p{n}"}}"#))
        .collect();
    let performers = performers.join(",");
    given.extend((0..60).map(|n| {
        format!(r#"{{"resourceType":"Observation","id":"many-{n}","status":"final","performer":[{performers}]}}"#)
    }));
    // these have bytes
    let data = "A".repeat(4_190_000);
    given.extend((0..4).map(|n| {
        format!(r#"{{"resourceType":"Binary","id":"big-{n}","contentType":"text/plain","data":"{data}"}}"#)
    }));
    // these are many
    given.extend((0..450).map(|n| observation(&format!("small-{n}"), "tom", "laboratory")));
    let before = door.entries().len();
    let refs: Vec<&str> = given.iter().map(String::as_str).collect();
    let report = door.import(&refs, false).await;
    assert_eq!((report.created, report.refused.len()), (514, 0));
    let intents = door.entries()[before..]
        .iter()
        .filter(|entry| entry.kind == "import.intent")
        .count();
    assert!(intents >= 6, "{intents}");
    let report = door.import(&refs, false).await;
    assert_eq!((report.created, report.unchanged), (0, 514));
}

#[tokio::test]
async fn two_imports_of_the_same_resources_at_once_write_each_once() {
    let door = Arc::new(Door::new().await);
    let imports = (0..3).map(|_| {
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            let given: Vec<String> = (0..150)
                .map(|n| observation(&format!("same-{n}"), "tom", "laboratory"))
                .collect();
            let refs: Vec<&str> = given.iter().map(String::as_str).collect();
            door.import(&refs, false).await
        })
    });
    let mut created = 0;
    let mut unchanged = 0;
    for import in imports.collect::<Vec<_>>() {
        let report = import.await.unwrap();
        assert!(report.refused.is_empty());
        created += report.created;
        unchanged += report.unchanged;
    }
    assert_eq!((created, unchanged), (150, 300));
}

#[tokio::test]
async fn an_import_into_an_unknown_tenant_is_unavailable() {
    let door = Door::new().await;
    let tenant = "elsewhere".parse().unwrap();
    let import = door
        .gateway
        .import(
            &tenant,
            &Subject::default(),
            Vec::new(),
            ImportOptions::default(),
        )
        .await;
    assert_eq!(import.err(), Some(Refusal::Unavailable));
}
