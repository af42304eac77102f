use glovebox_model::ledger::{Event, Kind, Outcome};

use super::*;

#[tokio::test]
async fn a_write_is_announced_before_and_settled_after() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let create = Interaction::create(resource(&observation("mine", "anna", "laboratory")));
    let (answer, entries) = door.recorded(create).await;
    let Ok(Answer::Written(written)) = answer else {
        panic!("{answer:?}")
    };
    assert!(written.created && written.id.len() == 40 && written.version_id == "1");
    assert_eq!(entries, ["fhir.intent create ok", "fhir.outcome create ok"]);
    let all = door.entries();
    let (intent, outcome) = (&all[all.len() - 2], &all[all.len() - 1]);
    assert_eq!(outcome.detail["intent"], serde_json::json!(intent.seq));
    assert_eq!(intent.detail["id"], serde_json::json!(written.id));
    assert!(intent.detail.contains_key("content"));
    assert!(intent.seq <= door.ledger.durable_seq());
    assert!(
        door.call(read(&format!("Observation/{}", written.id)))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_write_must_stay_with_the_patient_of_the_session() {
    let door = Door::new().await.with("patient/*.cruds");
    let of = |subject: &str, performer: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"anna-0","status":"final","subject":{{"reference":"{subject}"}},"performer":[{{"reference":"{performer}"}}]}}"#
        )
    };
    for (json, why) in [
        (
            observation("anna-0", "james", "laboratory"),
            "moved to a stranger",
        ),
        (
            observation("anna-0", "tom", "laboratory"),
            "moved to another related patient",
        ),
        (
            of("Patient/james", "Patient/anna"),
            "about a stranger, performed by the patient",
        ),
        (
            of("Patient/anna", "Patient/james"),
            "performed by a stranger",
        ),
        (
            of("https://elsewhere.example/Patient/9", "Patient/anna"),
            "about somebody elsewhere",
        ),
        (
            r#"{"resourceType":"Observation","id":"anna-0","status":"final"}"#.to_owned(),
            "about nobody",
        ),
    ] {
        let create = Interaction::create(resource(&json));
        for interaction in [update(&json, Some("1")), create] {
            let kind = interaction.kind();
            let (answer, entries) = door.recorded(interaction).await;
            assert!(
                matches!(answer, Err(Refusal::Invalid(_))),
                "{why}: {answer:?}"
            );
            assert_eq!(
                entries,
                [format!("fhir {kind} denied: compartment")],
                "{why}"
            );
        }
    }
    let linked = r#"{"resourceType":"Patient","id":"anna","link":[{"other":{"reference":"Patient/james"},"type":"seealso"}]}"#;
    assert!(matches!(
        door.call(update(linked, Some("1"))).await,
        Err(Refusal::Invalid(_))
    ));
    let another = Interaction::create(resource(linked));
    assert!(matches!(door.call(another).await, Err(Refusal::Invalid(_))));
    // what all patients share is not changed on behalf of one
    let practitioner = r#"{"resourceType":"Practitioner","id":"dr","active":false}"#;
    assert_eq!(
        door.call(update(practitioner, Some("1"))).await.err(),
        Some(Refusal::NotFound)
    );
    // also a user's own reach does not let a resource wander between patients
    let door = door.with("user/Observation.cruds");
    let moved = observation("anna-0", "tom", "laboratory");
    assert!(matches!(
        door.call(update(&moved, Some("1"))).await,
        Err(Refusal::Invalid(_))
    ));
    assert!(
        door.call(update(
            &observation("anna-0", "anna", "vital-signs"),
            Some("1")
        ))
        .await
        .is_ok()
    );
}

#[tokio::test]
async fn a_write_must_pass_the_scope_filter_before_and_after() {
    let door = Door::new()
        .await
        .with(&format!("patient/Observation.cud?category={LABS}"));
    let (answer, entries) = door
        .recorded(update(
            &observation("anna-0", "anna", "vital-signs"),
            Some("1"),
        ))
        .await;
    assert!(matches!(answer, Err(Refusal::Invalid(_))));
    assert_eq!(entries, ["fhir update denied: scope-filter"]);
    let (answer, entries) = door
        .recorded(update(
            &observation("anna-1", "anna", "laboratory"),
            Some("1"),
        ))
        .await;
    assert_eq!(answer.err(), Some(Refusal::NotFound));
    assert_eq!(entries, ["fhir update denied: scope-filter"]);
}

#[tokio::test]
async fn a_version_that_is_not_the_current_one_is_a_conflict() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let json = observation("anna-0", "anna", "vital-signs");
    let (answer, entries) = door.recorded(update(&json, Some("7"))).await;
    assert_eq!(answer.err(), Some(Refusal::Conflict("1".to_owned())));
    assert_eq!(entries, ["fhir update failed: conflict"]);
    assert!(door.call(update(&json, Some("1"))).await.is_ok());
    let delete = |version| Interaction::delete("Observation", "anna-0", Some(version)).unwrap();
    assert_eq!(
        door.call(delete("1")).await.err(),
        Some(Refusal::Conflict("2".to_owned()))
    );
    assert!(door.call(delete("2")).await.is_ok());
    assert_eq!(
        door.call(update(&json, Some("1"))).await.err(),
        Some(Refusal::Gone)
    );
    let absent = update(&observation("none", "anna", "laboratory"), Some("1"));
    assert_eq!(door.call(absent).await.err(), Some(Refusal::NotFound));
}

#[tokio::test]
async fn of_many_writers_at_once_each_version_has_one() {
    let door = Arc::new(Door::new().await.with("patient/Observation.cruds"));
    let json = observation("anna-0", "anna", "vital-signs");
    let writers = (0..8).map(|_| {
        let (door, json) = (Arc::clone(&door), json.clone());
        tokio::spawn(async move { door.call(update(&json, Some("1"))).await })
    });
    let mut done = 0;
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.unwrap() {
            Ok(_) => done += 1,
            Err(refusal) => assert_eq!(refusal, Refusal::Conflict("2".to_owned())),
        }
    }
    assert_eq!(done, 1);
    let open = door
        .entries()
        .iter()
        .filter(|entry| entry.kind == "fhir.intent")
        .count();
    let settled = door
        .entries()
        .iter()
        .filter(|entry| entry.kind == "fhir.outcome")
        .count();
    assert_eq!(open, settled);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_size() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let members: Vec<String> = (0..3_001)
        .map(|n| format!(r#"{{"reference":"Observation/o{n}"}}"#))
        .collect();
    let json = format!(
        r#"{{"resourceType":"Observation","status":"final","subject":{{"reference":"Patient/anna"}},"code":{{"text":"x"}},"hasMember":[{}]}}"#,
        members.join(",")
    );
    let (answer, entries) = door.recorded(Interaction::create(resource(&json))).await;
    assert!(matches!(answer, Err(Refusal::Invalid(_))), "{answer:?}");
    assert_eq!(
        entries,
        [
            "fhir.intent create ok",
            "fhir.outcome create failed: too-large"
        ]
    );
}

#[tokio::test]
async fn an_answer_that_was_lost_leaves_the_intent_to_the_next_start() {
    let door = Door::new().await.with("patient/Observation.cruds");
    door.records.lose_answers(true);
    let json = observation("anna-0", "anna", "vital-signs");
    let (answer, entries) = door.recorded(update(&json, Some("1"))).await;
    assert_eq!(answer.err(), Some(Refusal::Unavailable));
    assert_eq!(entries, ["fhir.intent update ok"]);
    door.records.lose_answers(false);
    // a second intent whose commit never came
    let subject = door.session().subject;
    let lost = Event::new(Kind::WriteIntent, "create", subject, Outcome::Ok);
    door.ledger.intent(lost).await.unwrap();
    let Door {
        ledger,
        gateway,
        records,
        clock,
        _dir,
        _sled,
        ..
    } = door;
    ledger.shutdown().await.unwrap();
    drop((ledger, gateway));
    let store: Arc<dyn Records> = records.clone();
    let keyspace = |name| Keyspace::new(Arc::clone(&store), name);
    let ledger = open_ledger(_dir.path(), keyspace("ledger"), &clock).await;
    let gateway = Gateway::new(GatewayParts {
        stores: HashMap::from([(main_tenant(), keyspace("fhir/main"))]),
        ledger: ledger.clone(),
        fence: Fence::open(keyspace("fence")).await.unwrap(),
        relations: Relations::new(keyspace("relations")),
        clock: Arc::new(clock),
        cursor_key: Zeroizing::new(vec![7; 32]),
        drafts: keyspace("drafts"),
        budgets: keyspace("budgets"),
        tenant_budgets: HashMap::new(),
    });
    assert_eq!(gateway.settle_intents().await, Ok(2));
    let settled = ledger.search(&Filter {
        kind: Some("fhir.outcome".to_owned()),
        limit: 2,
        ..Filter::default()
    });
    let settled = settled.unwrap();
    let outcomes: Vec<&str> = settled.iter().map(|entry| entry.outcome.as_str()).collect();
    assert_eq!(outcomes, ["failed: not-committed", "ok"]);
    assert!(
        settled
            .iter()
            .all(|entry| entry.app.as_deref() == Some("lab-viewer"))
    );
    assert!(
        settled
            .iter()
            .all(|entry| entry.patient.as_deref() == Some("anna"))
    );
}
