use super::*;

fn app() -> Mark {
    Mark::App(main_tenant(), "lab-viewer".parse().unwrap())
}

#[tokio::test]
async fn under_a_revoked_pass_nothing_is_decided_or_released() {
    let door = Door::new().await.with("patient/*.cruds");
    let pass = door.pass();
    let session = door.session();
    let answer = door
        .gateway
        .execute(&session, &pass, read("Observation/anna-0"))
        .await
        .unwrap();
    door.fence.revoke(app(), "suspected breach").await.unwrap();
    assert!(answer.release(&pass, |answer| answer).is_err());
    let before = door.entries().len();
    for interaction in [
        read("Observation/anna-0"),
        search("Observation?"),
        update(&observation("anna-0", "anna", "vital-signs"), Some("1")),
    ] {
        let answer = door.gateway.execute(&session, &pass, interaction).await;
        assert_eq!(
            answer.err(),
            Some(Refusal::Terminated("suspected breach".to_owned()))
        );
    }
    let entries = door.entries();
    assert_eq!(entries.len(), before + 3);
    assert!(
        entries[before..]
            .iter()
            .all(|entry| entry.outcome == "denied: revoked")
    );
}

/// The fence moves in the records, as another node would move it, after the call was let
/// in: the commit itself notices.
#[tokio::test]
async fn a_write_is_bound_to_the_generations_of_its_pass() {
    let door = Door::new().await.with("patient/*.cruds");
    let pass = door.pass();
    let session = door.session();
    let permitted = door
        .gateway
        .permit(
            &session,
            &pass,
            update(&observation("anna-0", "anna", "vital-signs"), Some("1")),
        )
        .await
        .unwrap();
    door.fence.revoke(app(), "suspected breach").await.unwrap();
    let before = door.entries().len();
    let refused = door.gateway.change(&session, &pass, permitted, None).await;
    assert!(
        matches!(refused, Err(Refusal::Terminated(_))),
        "{refused:?}"
    );
    let outcomes: Vec<String> = door.entries()[before..]
        .iter()
        .map(|entry| entry.outcome.clone())
        .collect();
    assert_eq!(outcomes, ["ok", "denied: revoked"]);
    let Answer::Resource(released) = door.call(read("Observation/anna-0")).await.unwrap() else {
        panic!("a read gives a resource")
    };
    assert_eq!(released.version_id, "1");
}

#[tokio::test]
async fn a_pass_that_names_a_mark_twice_can_write() {
    let door = Door::new().await.with("patient/*.cruds");
    let held = door.fence.generations(&[app(), app()]);
    let pass = door.fence.enter(&held).unwrap();
    let json = observation("anna-0", "anna", "vital-signs");
    let answer = door
        .gateway
        .execute(&door.session(), &pass, update(&json, Some("1")))
        .await;
    assert!(answer.is_ok(), "{answer:?}");
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_no_write_without_its_outcome() {
    let door = Door::new().await.with("patient/*.cruds");
    for n in 0..20 {
        let json = observation("anna-0", "anna", ["vital-signs", "laboratory"][n % 2]);
        let pass = door.pass();
        let session = door.session();
        let work = door
            .gateway
            .execute(&session, &pass, update(&json, Some("1")));
        let patience = std::time::Duration::from_micros(300 * n as u64);
        let _ = tokio::time::timeout(patience, work).await;
    }
    let count = |kind: &str| {
        door.entries()
            .iter()
            .filter(|entry| entry.kind == kind)
            .count()
    };
    for _ in 0..200 {
        if count("fhir.intent") == count("fhir.outcome") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!(
        "{} intents, {} outcomes",
        count("fhir.intent"),
        count("fhir.outcome")
    );
}
