//! The FHIR imports over a real gateway and store, without a guest in between.

use wasmtime::component::Resource;

use super::cursor::OpenSearch;
use super::fault::FhirFault;
use crate::bindings::{
    ClockHost, HostCursor, LogHost, ReadHost, WitAnswer, WitEntry, WitFhirError, WitLevel,
    WitOutcome, WitQuery, WitRequest, WriteHost,
};
use crate::house::{House, app_mark};
use crate::state::CallState;
use crate::stop::Stopped;

const READ: &str = "patient/Patient.rs patient/Observation.rs";

fn observations() -> WitQuery {
    let parameters = vec![("patient".to_owned(), "anna-rossi".to_owned())];
    WitQuery {
        resource_type: "Observation".to_owned(),
        parameters,
    }
}

fn ids(entries: &[WitEntry]) -> Vec<String> {
    let id = |entry: &WitEntry| {
        let resource: serde_json::Value = serde_json::from_str(&entry.resource).unwrap();
        resource["id"].as_str().unwrap().to_owned()
    };
    entries.iter().map(id).collect()
}

fn again(cursor: &Resource<OpenSearch>) -> Resource<OpenSearch> {
    Resource::new_borrow(cursor.rep())
}

async fn all(state: &mut CallState, cursor: &Resource<OpenSearch>, bytes_max: u32) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(page) = state.next_page(again(cursor), bytes_max).await.unwrap() {
        assert!(page.iter().map(|entry| entry.resource.len()).sum::<usize>() <= bytes_max as usize);
        found.extend(ids(&page));
    }
    found
}

#[tokio::test]
async fn pages_are_bounded_and_together_complete() {
    let house = House::new().await;
    house.admit(&["anna-rossi", "james-miller"], 120).await;
    let mut state = house.state("s1", READ);
    let whole = state.search(observations()).await.unwrap();
    let whole = all(&mut state, &whole, 1 << 20).await;
    assert_eq!(whole.len(), 120);
    assert!(whole.iter().all(|id| id.starts_with("anna-rossi-")));
    let small = state.search(observations()).await.unwrap();
    assert_eq!(all(&mut state, &small, 2_000).await, whole);
    assert_eq!(state.usage.rows, 240);
}

#[tokio::test]
async fn a_token_goes_on_exactly_where_it_was_taken() {
    let house = House::new().await;
    house.admit(&["anna-rossi"], 120).await;
    let mut state = house.state("s1", READ);
    let cursor = state.search(observations()).await.unwrap();
    let whole = all(&mut state, &cursor, 1 << 20).await;
    for pages in [0, 1, 3, 20, 1_000] {
        let cursor = state.search(observations()).await.unwrap();
        let mut before = Vec::new();
        for _ in 0..pages {
            let Some(page) = state.next_page(again(&cursor), 2_000).await.unwrap() else {
                break;
            };
            before.extend(ids(&page));
        }
        let token = state.token(again(&cursor)).await.unwrap();
        let mut later = house.state("s1", READ);
        let resumed = later.resume(token.clone()).await.unwrap();
        before.extend(all(&mut later, &resumed, 2_000).await);
        assert_eq!(before, whole, "after {pages} pages");
        let mut stranger = house.state("s2", READ);
        let refused = stranger.resume(token).await.unwrap_err();
        assert!(
            matches!(refused, FhirFault::Answer(WitFhirError::Other(text)) if text.starts_with("bad-cursor"))
        );
    }
}

#[tokio::test]
async fn what_is_over_a_limit_names_it() {
    let mut house = House::new().await;
    house.admit(&["anna-rossi"], 20).await;
    let costly = |fault: FhirFault| match fault {
        FhirFault::Answer(WitFhirError::TooCostly(limit)) => limit,
        other => panic!("{other:?}"),
    };
    let mut state = house.state("s1", READ);
    let cursor = state.search(observations()).await.unwrap();
    let refused = state.next_page(again(&cursor), 100).await.unwrap_err();
    assert_eq!(costly(refused), "one resource is larger than bytes-max");
    (house.limits.rows_max, house.limits.cursors_max) = (10, 1);
    let mut state = house.state("s1", READ);
    let cursor = state.search(observations()).await.unwrap();
    assert_eq!(
        costly(state.next_page(again(&cursor), 1 << 20).await.unwrap_err()),
        "rows_max"
    );
    assert_eq!(
        costly(state.search(observations()).await.unwrap_err()),
        "cursors_max"
    );
}

#[tokio::test]
async fn a_batch_answers_each_request_by_itself() {
    let house = House::new().await;
    house.admit(&["anna-rossi", "james-miller"], 2).await;
    let mut state = house.state("s1", READ);
    let read = |kind: &str, id: &str| WitRequest::Read((kind.to_owned(), id.to_owned()));
    let requests = vec![
        read("Patient", "anna-rossi"),
        read("Patient", "james-miller"),
        read("Patient", "nobody"),
        read("Condition", "x"),
        WitRequest::Search(observations()),
        WitRequest::Other("later".to_owned()),
    ];
    let answers = state.batch(requests).await.unwrap();
    assert!(matches!(&answers[0], Ok(WitAnswer::Resource(json)) if json.contains("anna-rossi")));
    assert!(matches!(&answers[1], Err(WitFhirError::NotFound)));
    assert!(matches!(&answers[2], Err(WitFhirError::NotFound)));
    assert!(
        matches!(&answers[3], Err(WitFhirError::NotGranted(scope)) if scope.contains("Condition"))
    );
    assert!(matches!(&answers[4], Ok(WitAnswer::Results(_))));
    assert!(matches!(&answers[5], Err(WitFhirError::Other(_))));
    assert_eq!(house.entries("fhir").len(), 5);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_recorded() {
    let house = House::new().await;
    house.admit(&["anna-rossi"], 1).await;
    let mut state = house.state("s1", "patient/Observation.cruds");
    let is_invalid = |fault: FhirFault| {
        assert!(
            matches!(&fault, FhirFault::Answer(WitFhirError::Invalid(outcome)) if outcome.contains("OperationOutcome")),
            "{fault:?}"
        );
    };
    let text = str::to_owned;
    is_invalid(state.read(text("Bot"), text("1")).await.unwrap_err());
    is_invalid(state.read(text("Patient"), text("../x")).await.unwrap_err());
    is_invalid(
        state
            .vread(text("Patient"), text("1"), text(""))
            .await
            .unwrap_err(),
    );
    let query = WitQuery {
        resource_type: text("Observation"),
        parameters: vec![(text("favourite"), text("yes"))],
    };
    is_invalid(state.search(query).await.unwrap_err());
    is_invalid(state.create(text("a"), text("{")).await.unwrap_err());
    is_invalid(
        state
            .delete(text("b"), text("Observation"), text(" "), text("1"))
            .await
            .unwrap_err(),
    );
    assert_eq!(
        house.entries("fhir"),
        ["read", "read", "vread", "search-type", "create", "delete"]
            .map(|action| format!("{action} failed: invalid"))
    );
}

#[tokio::test]
async fn a_write_with_the_same_request_id_is_carried_out_once() {
    let house = House::new().await;
    house.admit(&["anna-rossi"], 0).await;
    let mut state = house.state("s1", "patient/Observation.cruds");
    let note = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},
        "subject":{"reference":"Patient/anna-rossi"}}"#;
    let mut write = async |request: &str| match state
        .create(request.to_owned(), note.to_owned())
        .await
        .unwrap()
    {
        WitOutcome::Committed((id, _)) => id,
        other => panic!("{other:?}"),
    };
    let first = write("a").await;
    assert_eq!(write("a").await, first);
    assert_ne!(write("b").await, first);
    assert_eq!(house.entries("fhir.intent").len(), 2);
    let mut reader = house.state("s1", READ);
    let refused = reader
        .create("c".to_owned(), note.to_owned())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, FhirFault::Answer(WitFhirError::NotGranted(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_transaction_of_a_guest_is_carried_out_once_and_a_patch_follows() {
    let house = House::new().await;
    house.admit(&["anna-rossi"], 0).await;
    let mut state = house.state("s1", "patient/Observation.cruds");
    let entry = |url: &str| {
        format!(
            r#"{{"fullUrl":"{url}","request":{{"method":"POST","url":"Observation"}},"resource":{{"resourceType":"Observation",
            "status":"final","code":{{"text":"x"}},"subject":{{"reference":"Patient/anna-rossi"}}}}}}"#
        )
    };
    let bundle = |kind: &str, entries: &[String]| {
        let entries = entries.join(",");
        format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}"#)
    };
    let two = bundle("transaction", &[entry("urn:uuid:a"), entry("urn:uuid:b")]);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let done = state
            .transaction("t".to_owned(), two.clone())
            .await
            .unwrap();
        let id = |outcome| match outcome {
            WitOutcome::Committed((id, _)) => id,
            other => panic!("{other:?}"),
        };
        ids.push(done.into_iter().map(id).collect::<Vec<_>>());
    }
    assert_eq!((ids[0].len(), &ids[0]), (2, &ids[1]));
    assert_eq!(house.entries("fhir.intent").len(), 1);
    let get = r#"{"request":{"method":"GET","url":"Observation"}}"#.to_owned();
    for bad in [
        bundle("transaction", &[get]),
        bundle("batch", &[entry("urn:uuid:a")]),
    ] {
        let refused = state.transaction("u".to_owned(), bad).await.unwrap_err();
        let invalid = matches!(refused, FhirFault::Answer(WitFhirError::Invalid(_)));
        assert!(invalid, "{refused:?}");
    }
    let mut patch = async |version: &str, operations: &str| {
        let of = |text: &str| text.to_owned();
        let (id, version) = (ids[0][0].clone(), of(version));
        state
            .patch(
                of(operations),
                of("Observation"),
                id,
                version,
                of(operations),
            )
            .await
    };
    let amended = r#"[{"op":"replace","path":"/status","value":"amended"}]"#;
    let done = patch("1", amended).await.unwrap();
    assert!(matches!(done, WitOutcome::Committed((_, version)) if version == "2"));
    let stale = patch("1", r#"[{"op":"remove","path":"/status"}]"#).await;
    assert!(
        matches!(stale, Err(FhirFault::Answer(WitFhirError::Conflict(current))) if current == "2")
    );
}

#[tokio::test]
async fn after_a_revocation_no_host_call_answers() {
    let house = House::new().await;
    house.admit(&["anna-rossi"], 1).await;
    let mut state = house.state("s1", READ);
    let cursor = state.search(observations()).await.unwrap();
    house.fence.revoke(app_mark(), "revoked").await.unwrap();
    let ended = state.next_page(cursor, 1 << 20).await.unwrap_err();
    assert!(matches!(ended, FhirFault::Stop(Stopped::Killed(reason)) if reason == "revoked"));
    let ended = state
        .read("Patient".to_owned(), "anna-rossi".to_owned())
        .await
        .unwrap_err();
    assert!(matches!(ended, FhirFault::Stop(Stopped::Killed(_))));
    assert!(state.now().is_err());
}

#[tokio::test]
async fn the_clock_shows_no_fraction_and_the_log_is_bounded() {
    let mut house = House::new().await;
    (house.limits.log_lines_max, house.limits.log_line_bytes_max) = (2, 10);
    let mut state = house.state("s1", READ);
    assert_eq!(state.now().unwrap(), "2026-11-23T20:00:00Z");
    for _ in 0..5 {
        let fields = vec![("name".to_owned(), "\u{1b}[2J".to_owned())];
        state
            .write(WitLevel::Info, "a line longer than ten".to_owned(), fields)
            .unwrap();
    }
    assert_eq!((state.usage.log_lines, state.usage.log_dropped), (2, 3));
    assert_eq!(state.log[0].message, "a line lon… (cut)");
    assert!(!format!("{:?}", state.log).contains('\u{1b}'));
}
