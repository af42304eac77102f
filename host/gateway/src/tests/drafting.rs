//! Writes that wait for a clinician.

use std::time::Duration;

use super::*;
use crate::{DraftFilter, DraftRefused, DraftStage, Viewer};

const NEW: &str = r#"{"resourceType":"Observation","status":"final","code":{"text":"note"},"subject":{"reference":"Patient/anna"},"valueQuantity":{"value":1.50}}"#;

async fn drafting() -> Door {
    let terms = serde_json::json!({ "writes": "draft" });
    Door::new().await.with("patient/*.cruds").under(&terms)
}

fn clinician() -> Viewer {
    Viewer {
        tenant: main_tenant(),
        user: okafor(),
    }
}

fn stranger() -> Viewer {
    Viewer {
        tenant: main_tenant(),
        user: "dr.nobody".parse().unwrap(),
    }
}

async fn drafted(door: &Door, interaction: Interaction) -> crate::Drafted {
    match door.call(interaction).await.unwrap() {
        Answer::Drafted(drafted) => drafted,
        other => panic!("{other:?}"),
    }
}

async fn commit(door: &Door, id: &str) -> Result<crate::DraftCommitted, DraftRefused> {
    let fhir_user = Some("Practitioner/okafor");
    door.gateway.commit_draft(&clinician(), fhir_user, id).await
}

async fn version_of(door: &Door, reference: &str) -> Option<String> {
    match door.call(read(reference)).await {
        Ok(Answer::Resource(released)) => Some(released.version_id),
        _ => None,
    }
}

#[tokio::test]
async fn nothing_is_in_the_record_until_a_clinician_commits() {
    let door = drafting().await;
    let draft = drafted(&door, Interaction::create(resource(NEW))).await;
    let reference = format!("Observation/{}", draft.id);
    assert_eq!(version_of(&door, &reference).await, None);
    assert_eq!(door.page_of("Observation?").await.total, Some(4));

    let committed = commit(&door, &draft.draft).await.unwrap();
    assert_eq!(committed.written, [(reference.clone(), "1".to_owned())]);
    assert_eq!(version_of(&door, &reference).await.as_deref(), Some("1"));
    let kinds: Vec<String> = door.entries().into_iter().map(|entry| entry.kind).collect();
    for kind in [
        "draft.created",
        "fhir.intent",
        "fhir.outcome",
        "draft.committed",
    ] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}");
    }
}

#[tokio::test]
async fn a_commit_writes_a_provenance_that_names_app_and_clinician() {
    let door = drafting().await;
    let draft = drafted(&door, Interaction::create(resource(NEW))).await;
    let committed = commit(&door, &draft.draft).await.unwrap();
    let door = door.with("user/Provenance.rs user/Observation.rs");
    let Answer::Resource(released) = door.call(read(&committed.provenance)).await.unwrap() else {
        panic!("a read gives a resource")
    };
    let text = String::from_utf8(released.bytes.to_vec()).unwrap();
    for part in [
        "lab-viewer",
        "Practitioner/okafor",
        &draft.id,
        "author",
        "verifier",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn updates_and_deletes_wait_too_and_keep_the_version_that_the_app_saw() {
    let door = drafting().await;
    let json = observation("anna-0", "anna", "vital-signs");
    let change = drafted(&door, update(&json, Some("1"))).await;
    let delete = Interaction::delete("Observation", "anna-0", Some("1")).unwrap();
    let delete = drafted(&door, delete).await;
    assert_eq!(
        version_of(&door, "Observation/anna-0").await.as_deref(),
        Some("1")
    );
    assert!(commit(&door, &change.draft).await.is_ok());
    assert_eq!(
        version_of(&door, "Observation/anna-0").await.as_deref(),
        Some("2")
    );
    assert_eq!(
        commit(&door, &delete.draft).await,
        Err(DraftRefused::Stale("Observation/anna-0".to_owned()))
    );
    assert_eq!(
        version_of(&door, "Observation/anna-0").await.as_deref(),
        Some("2")
    );
}

#[tokio::test]
async fn a_draft_is_checked_like_any_write_when_it_is_sent() {
    let door = drafting().await;
    let others = NEW.replace("Patient/anna", "Patient/tom");
    assert!(
        door.call(Interaction::create(resource(&others)))
            .await
            .is_err()
    );
    let json = observation("tom-0", "tom", "laboratory");
    assert_eq!(
        door.call(update(&json, Some("1"))).await.err(),
        Some(Refusal::NotFound)
    );
    let door = door.with("patient/*.rs");
    let refused = door.call(Interaction::create(resource(NEW))).await;
    assert!(
        matches!(refused, Err(Refusal::NotGranted(_))),
        "{refused:?}"
    );
    let (found, _) = door
        .gateway
        .drafts(&clinician(), &DraftFilter::default(), None, 10)
        .await
        .unwrap();
    assert!(found.is_empty());
}

#[tokio::test]
async fn absent_and_forbidden_drafts_are_one_and_the_same() {
    let door = drafting().await;
    let draft = drafted(&door, Interaction::create(resource(NEW))).await;
    let gateway = &door.gateway;
    let (nobody, all) = (stranger(), DraftFilter::default());
    let listed = gateway.drafts(&nobody, &all, None, 10).await;
    assert!(listed.unwrap().0.is_empty());
    for id in [draft.draft.as_str(), "0011", "../x", ""] {
        let refused = Err(DraftRefused::NotFound);
        assert_eq!(gateway.draft_of(&stranger(), id).await.map(drop), refused);
        let committed = gateway.commit_draft(&stranger(), None, id).await;
        assert_eq!(committed.map(drop), refused);
        assert_eq!(gateway.reject_draft(&stranger(), id, "no").await, refused);
    }
}

#[tokio::test]
async fn a_decided_draft_stays_decided() {
    let door = drafting().await;
    let draft = drafted(&door, Interaction::create(resource(NEW))).await;
    let gateway = &door.gateway;
    let silent = gateway.reject_draft(&clinician(), &draft.draft, " ").await;
    assert!(matches!(silent, Err(DraftRefused::Invalid(_))));
    gateway
        .reject_draft(&clinician(), &draft.draft, "wrong patient")
        .await
        .unwrap();
    assert!(matches!(
        commit(&door, &draft.draft).await,
        Err(DraftRefused::Settled(DraftStage::Rejected { .. }))
    ));
    assert!(matches!(
        gateway
            .reject_draft(&clinician(), &draft.draft, "again")
            .await,
        Err(DraftRefused::Settled(_))
    ));
    let seen = gateway.draft_of(&clinician(), &draft.draft).await.unwrap();
    assert_eq!(seen.writes[0].content, NEW.as_bytes());
}

#[tokio::test]
async fn a_draft_of_a_withdrawn_app_is_frozen() {
    let door = drafting().await;
    let draft = drafted(&door, Interaction::create(resource(NEW))).await;
    let app = Mark::App(main_tenant(), "lab-viewer".parse().unwrap());
    door.fence.revoke(app, "suspected breach").await.unwrap();
    assert_eq!(
        commit(&door, &draft.draft).await,
        Err(DraftRefused::Frozen("suspected breach".to_owned()))
    );
    // it can still be rejected
    let who = clinician();
    let rejected = door.gateway.reject_draft(&who, &draft.draft, "withdrawn");
    assert_eq!(rejected.await, Ok(()));
}

#[tokio::test]
async fn a_clinician_who_may_not_open_the_patient_any_more_commits_nothing() {
    let door = drafting().await;
    let draft = drafted(&door, Interaction::create(resource(NEW))).await;
    door.may_no_more("anna").await;
    assert_eq!(
        commit(&door, &draft.draft).await,
        Err(DraftRefused::NotFound)
    );
}

#[tokio::test]
async fn a_draft_that_waited_too_long_can_only_be_rejected() {
    let door = drafting().await;
    let draft = drafted(&door, Interaction::create(resource(NEW))).await;
    door.clock.advance(Duration::from_secs(31 * 24 * 3_600));
    assert_eq!(
        commit(&door, &draft.draft).await,
        Err(DraftRefused::Expired)
    );
}

#[tokio::test]
async fn a_draft_is_committed_once_however_many_ask() {
    let door = Arc::new(drafting().await);
    let draft = drafted(&door, Interaction::create(resource(NEW))).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (door, id) = (Arc::clone(&door), draft.draft.clone());
            tokio::spawn(async move { commit(&door, &id).await.is_ok() })
        })
        .collect();
    let mut committed = 0;
    for task in tasks {
        committed += usize::from(task.await.unwrap());
    }
    assert_eq!(committed, 1);
    let door = Arc::into_inner(door)
        .unwrap()
        .with("user/Provenance.rs user/Observation.rs");
    let page = door.page_of("Observation?").await;
    assert_eq!(
        page.matches
            .iter()
            .filter(|found| found.id == draft.id)
            .count(),
        1
    );
}

#[tokio::test]
async fn a_listing_goes_on_where_it_stopped() {
    let door = drafting().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(
            drafted(&door, Interaction::create(resource(NEW)))
                .await
                .draft,
        );
        door.clock.advance(Duration::from_secs(1));
    }
    let filter = DraftFilter {
        waiting: true,
        app: Some("lab-viewer".parse().unwrap()),
        patient: Some(patient("anna")),
    };
    let (who, mut found) = (clinician(), Vec::new());
    let mut after = None;
    loop {
        let page = door.gateway.drafts(&who, &filter, after.as_deref(), 2);
        let (drafts, next) = page.await.unwrap();
        found.extend(drafts.into_iter().map(|draft| draft.id));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, ids);
}

async fn submitted(door: &Door, request: Option<&str>, bundle: &str) -> Vec<crate::Drafted> {
    let session = door.session();
    let request = request.map(|text| crate::RequestId::new(&session, text).unwrap());
    let submission =
        glovebox_fhir::Submission::split(bundle.as_bytes(), "http://localhost/fhir/main").unwrap();
    let pass = door.pass();
    let answers = door
        .gateway
        .transaction(&session, &pass, request.as_ref(), submission)
        .await
        .unwrap();
    let answers = answers.release(&pass, |answers| answers).unwrap();
    let drafted = answers.into_iter().map(|answer| match answer.result {
        Ok(Answer::Drafted(drafted)) => drafted,
        other => panic!("{other:?}"),
    });
    drafted.collect()
}

const REPORT: &str = r#"{"resourceType":"Bundle","type":"transaction","entry":[
    {"fullUrl":"urn:uuid:9f6c1c5e-0000-4000-8000-000000000001","request":{"method":"POST","url":"Observation"},
     "resource":{"resourceType":"Observation","status":"final","code":{"text":"note"},"subject":{"reference":"Patient/anna"}}},
    {"fullUrl":"urn:uuid:9f6c1c5e-0000-4000-8000-000000000002","request":{"method":"POST","url":"DiagnosticReport"},
     "resource":{"resourceType":"DiagnosticReport","status":"final","code":{"text":"report"},"subject":{"reference":"Patient/anna"},
                 "result":[{"reference":"urn:uuid:9f6c1c5e-0000-4000-8000-000000000001"}]}}]}"#;

#[tokio::test]
async fn a_transaction_is_one_draft_whose_references_hold() {
    let door = drafting().await;
    let drafted = submitted(&door, None, REPORT).await;
    let [observation, report] = drafted.as_slice() else {
        panic!("{drafted:?}")
    };
    assert_eq!(observation.draft, report.draft);
    assert_eq!(door.page_of("DiagnosticReport?").await.total, Some(0));
    let committed = commit(&door, &report.draft).await.unwrap();
    assert_eq!(committed.written.len(), 2);
    let found = door
        .page_of(&format!(
            "DiagnosticReport?result=Observation/{}",
            observation.id
        ))
        .await;
    assert_eq!(found.matches.len(), 1);
    assert!(
        door.call(read(&format!("Observation/{}", observation.id)))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_set_is_committed_whole_or_not_at_all() {
    let door = drafting().await;
    let both = REPORT.replace(
        r#""request":{"method":"POST","url":"Observation"}"#,
        r#""request":{"method":"PUT","url":"Observation/anna-0","ifMatch":"W/\"1\""}"#,
    );
    let both = both.replace(
        r#"{"resourceType":"Observation","status""#,
        r#"{"resourceType":"Observation","id":"anna-0","status""#,
    );
    let drafted = submitted(&door, None, &both).await;
    assert!(
        door.import(&[&observation("anna-0", "anna", "vital-signs")], true)
            .await
            .refused
            .is_empty()
    );
    assert_eq!(
        commit(&door, &drafted[0].draft).await,
        Err(DraftRefused::Stale("Observation/anna-0".to_owned()))
    );
    assert_eq!(door.page_of("DiagnosticReport?").await.total, Some(0));
}

#[tokio::test]
async fn a_repeated_request_is_one_draft() {
    let door = drafting().await;
    let first = submitted(&door, Some("r1"), REPORT).await;
    assert_eq!(submitted(&door, Some("r1"), REPORT).await, first);
    let session = door.session();
    let request = crate::RequestId::new(&session, "r2").unwrap();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let pass = door.pass();
        let create = Interaction::create(resource(NEW));
        let answer = door
            .gateway
            .execute_once(&session, &pass, Some(&request), create);
        match answer
            .await
            .unwrap()
            .release(&pass, |answer| answer)
            .unwrap()
        {
            Answer::Drafted(drafted) => ids.push(drafted.draft),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ids[0], ids[1]);
    let (all, _) = door
        .gateway
        .drafts(&clinician(), &DraftFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
}
