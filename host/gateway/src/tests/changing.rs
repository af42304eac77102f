//! Patches, conditional writes, transactions, batches, request ids and `$validate`.

use glovebox_fhir::{EntryProblem, Patch, Submission, SubmissionError, ValidateMode};

use super::*;
use crate::Unreleased;
use crate::{EntryAnswer, RequestId, Written};

const BASE: &str = "https://here.example/fhir/main";

fn patch(id: &str, operations: &str, version: Option<&str>) -> Interaction {
    let patch = Patch::json(operations.as_bytes()).unwrap();
    Interaction::patch("Observation", id, patch, version).unwrap()
}

fn written(answer: Result<Answer, Refusal>) -> Written {
    match answer {
        Ok(Answer::Written(written)) => written,
        other => panic!("{other:?}"),
    }
}

fn entry(method: &str, url: &str, more: &str) -> String {
    format!(r#"{{"request":{{"method":"{method}","url":"{url}"}}{more}}}"#)
}

fn bundle(kind: &str, entries: &[String]) -> Submission {
    let entries = entries.join(",");
    let json = format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}"#);
    Submission::split(json.as_bytes(), BASE).unwrap()
}

impl Door {
    async fn transact(&self, entries: &[String]) -> Result<Vec<EntryAnswer>, Refusal> {
        let pass = self.pass();
        let submission = bundle("transaction", entries);
        let answers = self
            .gateway
            .transaction(&self.session(), &pass, None, submission)
            .await?;
        Ok(answers.release(&pass, |answers| answers)?)
    }

    async fn body(&self, reference: &str) -> String {
        match self.call(read(reference)).await.unwrap() {
            Answer::Resource(released) => String::from_utf8(released.bytes.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn count(&self) -> usize {
        self.page_of("Observation?_count=1000").await.matches.len()
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_is_recorded_as_one() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let operations = r#"[{"op":"replace","path":"/status","value":"amended"}]"#;
    let (answer, entries) = door.recorded(patch("anna-0", operations, Some("1"))).await;
    assert_eq!(written(answer).version_id, "2");
    assert_eq!(entries, ["fhir.intent patch ok", "fhir.outcome patch ok"]);
    let body = door.body("Observation/anna-0").await;
    assert!(body.contains(r#""status":"amended""#) && body.contains(r#""value":1.50"#));
}

#[tokio::test]
async fn each_patch_that_must_not_be_is_refused() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let subject = |of: &str| {
        format!(r#"[{{"op":"replace","path":"/subject/reference","value":"Patient/{of}"}}]"#)
    };
    let status = r#"[{"op":"replace","path":"/status","value":"amended"}]"#;
    let is_invalid = |refusal: &Refusal| matches!(refusal, Refusal::Invalid(_));
    let refused = async |interaction| door.call(interaction).await.unwrap_err();
    let moved = refused(patch("anna-0", &subject("tom"), Some("1"))).await;
    assert!(is_invalid(&moved), "{moved:?}");
    let nobody = r#"[{"op":"remove","path":"/subject"}]"#;
    assert!(is_invalid(
        &refused(patch("anna-0", nobody, Some("1"))).await
    ));
    let unknown = r#"[{"op":"add","path":"/colour","value":"red"}]"#;
    let unknown = refused(patch("anna-0", unknown, Some("1"))).await;
    assert!(matches!(unknown, Refusal::NotValid(_)), "{unknown:?}");
    let identity = r#"[{"op":"replace","path":"/id","value":"tom-0"}]"#;
    assert!(is_invalid(
        &refused(patch("anna-0", identity, Some("1"))).await
    ));
    assert_eq!(
        refused(patch("anna-0", status, None)).await,
        Refusal::IfMatchRequired
    );
    let stale = refused(patch("anna-0", status, Some("9"))).await;
    assert_eq!(stale, Refusal::Conflict("1".to_owned()));
    for id in ["tom-0", "made-up"] {
        assert_eq!(
            refused(patch(id, &subject("anna"), Some("1"))).await,
            Refusal::NotFound
        );
    }
    // `test` would tell a token that may write and not read what is there
    let door = Door::new().await.with("patient/Observation.u");
    let probe = r#"[{"op":"test","path":"/status","value":"final"}]"#;
    let refused = door.call(patch("anna-0", probe, Some("1"))).await;
    assert_eq!(
        refused.unwrap_err(),
        Refusal::NotGranted("patient/Observation.r".to_owned())
    );
}

#[tokio::test]
async fn a_change_names_the_version_that_it_was_made_for() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let json = observation("anna-0", "anna", "laboratory");
    let unsaid = |json: &str| Interaction::update(resource(json), None).unwrap();
    for interaction in [
        unsaid(&json),
        unsaid(&observation("made-up", "anna", "laboratory")),
        unsaid(&observation("tom-0", "anna", "laboratory")),
        Interaction::delete("Observation", "anna-0", None).unwrap(),
    ] {
        let (answer, entries) = door.recorded(interaction).await;
        assert_eq!(answer.err(), Some(Refusal::IfMatchRequired));
        assert!(
            entries[0].ends_with("failed: precondition-required"),
            "{entries:?}"
        );
    }
}

#[tokio::test]
async fn conditional_writes_see_only_what_the_session_may_search() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let json = observation("x", "anna", "laboratory").replace(r#""id":"x","#, "");
    let create =
        |text: &str| Interaction::conditional_create(resource(&json), query(text)).unwrap();
    let update =
        |text: &str| Interaction::conditional_update(resource(&json), query(text)).unwrap();
    let delete = |text: &str| Interaction::conditional_delete(query(text)).unwrap();
    // one match: nothing is created, and it is told which
    let found = written(door.call(create("Observation?_id=anna-0")).await);
    assert!(!found.created && !found.changed && found.id == "anna-0");
    // a stranger's resource is no match: it is created as if there were none
    for text in ["Observation?_id=james-0", "Observation?_id=made-up"] {
        let made = written(door.call(create(text)).await);
        assert!(made.created && made.changed, "{text}");
        let made = written(door.call(update(text)).await);
        assert!(made.created, "{text}");
        assert_eq!(door.call(delete(text)).await.err(), Some(Refusal::NotFound));
    }
    assert!(door.gateway_head("Observation", "james-0").await);
    // several: nothing happens
    for interaction in [
        create("Observation?code=718-7"),
        update("Observation?code=718-7"),
        delete("Observation?patient=anna"),
    ] {
        let (answer, entries) = door.recorded(interaction).await;
        assert_eq!(answer.err(), Some(Refusal::SeveralMatches));
        assert!(entries.last().unwrap().ends_with("failed: several-matches"));
    }
    let updated = written(door.call(update("Observation?_id=anna-1")).await);
    assert_eq!(
        (updated.id.as_str(), updated.version_id.as_str()),
        ("anna-1", "2")
    );
    let other = resource(&observation("anna-2", "anna", "laboratory"));
    let other = Interaction::conditional_update(other, query("Observation?_id=anna-1")).unwrap();
    assert!(matches!(door.call(other).await, Err(Refusal::Invalid(_))));
    let named = resource(&observation("mine", "anna", "laboratory"));
    let named = Interaction::conditional_update(named, query("Observation?_id=mine")).unwrap();
    assert!(matches!(door.call(named).await, Err(Refusal::Invalid(_))));
    assert!(written(door.call(delete("Observation?_id=anna-1")).await).changed);
    assert_eq!(
        door.call(read("Observation/anna-1")).await.err(),
        Some(Refusal::Gone)
    );
}

#[tokio::test]
async fn each_letter_of_a_conditional_write_is_needed() {
    let json = observation("x", "anna", "laboratory").replace(r#""id":"x","#, "");
    let none = || query("Observation?_id=made-up");
    let create = || Interaction::conditional_create(resource(&json), none()).unwrap();
    let update = || Interaction::conditional_update(resource(&json), none()).unwrap();
    for (scopes, interaction, missing) in [
        ("patient/Observation.c", create(), "s"),
        ("patient/Observation.us", create(), "c"),
        ("patient/Observation.rus", update(), "c"),
        ("patient/Observation.cs", update(), "u"),
        ("patient/Observation.cu", update(), "s"),
    ] {
        let door = Door::new().await.with(scopes);
        let refused = door.call(interaction).await.err();
        let missing = format!("patient/Observation.{missing}");
        assert_eq!(refused, Some(Refusal::NotGranted(missing)), "{scopes}");
    }
}

#[tokio::test]
async fn a_transaction_writes_everything_together_and_resolves_its_links() {
    let door = Door::new().await.with("patient/*.cruds");
    let before = door.entries().len();
    let report = r#","fullUrl":"urn:uuid:r","resource":{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},
        "subject":{"reference":"Patient?_id=anna"},"result":[{"reference":"urn:uuid:o"}]}"#;
    let lab = observation("x", "anna", "laboratory").replace(r#""id":"x","#, "");
    let replaced = observation("anna-1", "anna", "laboratory");
    let answers = door
        .transact(&[
            entry("GET", "Observation/anna-0", ""),
            entry("POST", "DiagnosticReport", report),
            entry("POST", "Observation", &format!(r#","fullUrl":"urn:uuid:o","resource":{lab}"#)),
            format!(r#"{{"request":{{"method":"PUT","url":"Observation/anna-1","ifMatch":"W/\"1\""}},"resource":{replaced}}}"#),
            r#"{"request":{"method":"DELETE","url":"Observation/anna-2","ifMatch":"W/\"1\""}}"#.to_owned(),
        ])
        .await
        .unwrap();
    let indices: Vec<usize> = answers.iter().map(|answer| answer.index).collect();
    assert_eq!(indices, [0, 1, 2, 3, 4]);
    let mut answers = answers.into_iter().map(|answer| answer.result);
    assert!(matches!(answers.next(), Some(Ok(Answer::Resource(_)))));
    let report = written(answers.next().unwrap());
    let made = written(answers.next().unwrap());
    assert_eq!(written(answers.next().unwrap()).version_id, "2");
    assert_eq!(written(answers.next().unwrap()).id, "anna-2");
    let body = door.body(&format!("DiagnosticReport/{}", report.id)).await;
    assert!(
        body.contains(&format!(r#""reference":"Observation/{}""#, made.id)),
        "{body}"
    );
    assert!(body.contains(r#""reference":"Patient/anna""#), "{body}");
    let entries = &door.entries()[before..];
    let intents: Vec<_> = entries.iter().filter(|e| e.kind == "fhir.intent").collect();
    assert_eq!(intents.len(), 1);
    assert_eq!(intents[0].detail["content"].as_array().unwrap().len(), 4);
    assert!(
        intents[0].detail["content"][0]
            .as_str()
            .unwrap()
            .starts_with("delete Observation/anna-2 1 ")
    );
}

#[tokio::test]
async fn a_transaction_with_one_bad_entry_does_nothing_and_names_it() {
    let door = Door::new().await.with("patient/*.cruds");
    let lab = |of: &str| observation("x", of, "laboratory").replace(r#""id":"x","#, "");
    let good = || {
        entry(
            "POST",
            "Observation",
            &format!(r#","resource":{}"#, lab("anna")),
        )
    };
    let count = door.count().await;
    let post = |resource: &str| entry("POST", "Observation", &format!(r#","resource":{resource}"#));
    let referring = |reference: &str| post(&lab("anna").replace("Patient/anna", reference));
    for (why, bad) in [
        ("another patient", post(&lab("tom"))),
        ("no version", entry("DELETE", "Observation/anna-0", "")),
        (
            "absent",
            r#"{"request":{"method":"DELETE","url":"Observation/none","ifMatch":"1"}}"#.to_owned(),
        ),
        (
            "forbidden",
            r#"{"request":{"method":"DELETE","url":"Observation/james-0","ifMatch":"1"}}"#
                .to_owned(),
        ),
        ("dangling", referring("urn:uuid:nobody")),
        ("conditional, absent", referring("Patient?_id=made-up")),
        ("conditional, forbidden", referring("Patient?_id=james")),
        ("several", entry("DELETE", "Observation?patient=anna", "")),
        (
            "structure",
            post(r#"{"resourceType":"Observation","subject":{"reference":"Patient/anna"}}"#),
        ),
    ] {
        let refused = door.transact(&[good(), bad]).await.unwrap_err();
        let Refusal::InEntry { index, refusal } = refused else {
            panic!("{why}: {refused:?}")
        };
        assert_eq!(index, 1, "{why}: {refusal:?}");
        let last = door.entries().pop().unwrap();
        assert_eq!(
            (last.action.as_str(), last.outcome.as_str()),
            ("transaction", "denied: entry"),
            "{why}"
        );
    }
    assert_eq!(door.count().await, count);
    // what a conditional reference leads to is told by nothing
    let absent = door
        .transact(&[referring("Patient?_id=made-up")])
        .await
        .unwrap_err();
    let forbidden = door
        .transact(&[referring("Patient?_id=james")])
        .await
        .unwrap_err();
    assert_eq!(absent, forbidden);
    // the same resource by id and by condition
    let twice = [
        r#"{"request":{"method":"DELETE","url":"Observation/anna-0","ifMatch":"1"}}"#.to_owned(),
        entry("DELETE", "Observation?_id=anna-0", ""),
    ];
    assert!(matches!(
        door.transact(&twice).await,
        Err(Refusal::InEntry { .. })
    ));
    assert_eq!(door.count().await, count);
}

#[tokio::test]
async fn a_transaction_that_is_sent_again_is_carried_out_once() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let session = door.session();
    let request = RequestId::new(&session, "retry").unwrap();
    let lab = observation("x", "anna", "laboratory").replace(r#""id":"x","#, "");
    let pass = door.pass();
    let send = async || {
        let submission = bundle(
            "transaction",
            &[
                entry("POST", "Observation", &format!(r#","resource":{lab}"#)),
                entry("DELETE", "Observation?_id=anna-0", ""),
                entry("GET", "Observation/anna-1", ""),
            ],
        );
        let done = door
            .gateway
            .transaction(&session, &pass, Some(&request), submission);
        let answers = done
            .await
            .unwrap()
            .release(&pass, |answers| answers)
            .unwrap();
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.result).collect();
        assert!(matches!(answers[2], Ok(Answer::Resource(_))));
        answers.into_iter().take(2).map(written).collect::<Vec<_>>()
    };
    let first = send().await;
    let count = door.count().await;
    // the condition of the second entry has no match any more: it is not asked again
    assert_eq!(send().await, first);
    assert_eq!(door.count().await, count);
}

#[tokio::test]
async fn a_batch_answers_each_entry_for_itself() {
    let door = Door::new().await.with("patient/Observation.rs");
    let pass = door.pass();
    let submission = bundle(
        "batch",
        &[
            entry("GET", "Observation/anna-0", ""),
            entry("GET", "Observation/james-0", ""),
            entry("GET", "../Observation/anna-0", ""),
            entry("GET", "Condition?patient=anna", ""),
            entry("DELETE", "Observation/anna-0", ""),
            entry("GET", "Observation?patient=anna", ""),
        ],
    );
    let before = door.entries().len();
    let answers = door
        .gateway
        .batch(&door.session(), &pass, None, submission)
        .await;
    let answers = answers.release(&pass, |answers| answers).unwrap();
    let told: Vec<String> = answers
        .into_iter()
        .map(|answer| match answer.result {
            Ok(Answer::Page(page)) => format!("{} matches", page.matches.len()),
            Ok(_) => "ok".to_owned(),
            Err(Refusal::NotGranted(scope)) => scope,
            Err(Refusal::Invalid(_)) => "invalid".to_owned(),
            Err(refusal) => format!("{refusal:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "ok",
            "NotFound",
            "invalid",
            "patient/Condition.s",
            "patient/Observation.d",
            "4 matches"
        ]
    );
    assert_eq!(door.entries().len() - before, 6);
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_carried_out_once() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let session = door.session();
    let request = RequestId::new(&session, "retry-1").unwrap();
    let create = || {
        let json = observation("x", "anna", "laboratory").replace(r#""id":"x","#, "");
        Interaction::create(resource(&json))
    };
    let pass = door.pass();
    let send = async |request: &RequestId| {
        let answer = door
            .gateway
            .execute_once(&session, &pass, Some(request), create());
        written(Ok(answer
            .await
            .unwrap()
            .release(&pass, |answer| answer)
            .unwrap()))
    };
    let count = door.count().await;
    let first = send(&request).await;
    assert_eq!(send(&request).await, first);
    assert_eq!(door.entries().pop().unwrap().detail["repeated"], "request");
    assert_eq!(door.count().await, count + 1);
    let another = send(&RequestId::new(&session, "retry-2").unwrap()).await;
    assert_ne!(another.id, first.id);
    for text in [String::new(), "x".repeat(65)] {
        assert!(RequestId::new(&session, &text).is_err());
    }
    let mut stranger = session.clone();
    stranger.subject.app = Some("another".parse().unwrap());
    assert_ne!(RequestId::new(&stranger, "retry-1"), Ok(request));
}

#[tokio::test]
async fn a_resource_is_judged_without_being_stored() {
    let door = Door::new().await.with("patient/Observation.cd");
    let count = || door.records.take();
    let _ = count();
    let wrong = resource(r#"{"resourceType":"Observation","status":"done"}"#);
    let judge =
        |mode| Interaction::validate("Observation", None, Some(wrong.clone()), mode).unwrap();
    let (answer, entries) = door.recorded(judge(ValidateMode::Create)).await;
    let Ok(Answer::Validated(issues)) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(issues.len(), 2);
    assert_eq!(entries, ["fhir validate ok"]);
    assert_eq!(
        door.call(judge(ValidateMode::Update)).await.err(),
        Some(Refusal::NotGranted("patient/Observation.u".to_owned()))
    );
    let none = Interaction::validate("Observation", Some("x"), None, ValidateMode::Delete).unwrap();
    assert!(matches!(door.call(none).await, Ok(Answer::Validated(issues)) if issues.is_empty()));
}

#[tokio::test]
async fn an_app_links_no_patients_and_makes_none() {
    let door = Door::new().await.with("patient/*.cruds");
    let linked = |to: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"anna","link":[{{"other":{{"reference":"{to}"}},"type":"seealso"}}]}}"#
        )
    };
    for to in [
        "Patient/james",
        "Patient/anna",
        "RelatedPerson/r",
        "https://elsewhere.example/Patient/1",
    ] {
        let refused = door.call(update(&linked(to), Some("1"))).await;
        assert!(
            matches!(refused, Err(Refusal::Invalid(_))),
            "{to}: {refused:?}"
        );
    }
    for id in ["james", "new"] {
        let made = format!(r#"{{"resourceType":"Patient","id":"{id}"}}"#);
        let refused = door.call(Interaction::create(resource(&made))).await;
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
    }
    // whom somebody else linked keeps the link
    door.import(&[&linked("Patient/james")], true).await;
    let unlinked = r#"{"resourceType":"Patient","id":"anna","active":true}"#;
    assert!(door.call(update(unlinked, Some("2"))).await.is_err());
    let kept = linked("Patient/james").replace(r#""id":"anna","#, r#""id":"anna","active":true,"#);
    assert_eq!(
        written(door.call(update(&kept, Some("2"))).await).version_id,
        "3"
    );
}

#[test]
fn an_entry_that_leads_elsewhere_never_reaches_the_gateway() {
    let json = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
        entry("GET", "$export", "")
    );
    let refused = Submission::split(json.as_bytes(), BASE);
    assert!(matches!(
        refused,
        Err(SubmissionError::Entry {
            problem: EntryProblem(_),
            ..
        })
    ));
}

#[tokio::test]
async fn a_request_id_stands_for_what_was_sent_with_it_first() {
    for writes in ["direct", "draft"] {
        let terms = serde_json::json!({ "writes": writes });
        let door = Door::new().await.with("patient/Observation.cruds");
        let door = door.under(&terms);
        let session = door.session();
        let request = RequestId::new(&session, "retry").unwrap();
        let pass = door.pass();
        let lab = observation("x", "anna", "laboratory").replace(r#""id":"x","#, "");
        let other = lab.replace("laboratory", "vital-signs");
        let create = |json: &str| Interaction::create(resource(json));
        let send = async |interaction| {
            let gateway = &door.gateway;
            let sent = gateway.execute_once(&session, &pass, Some(&request), interaction);
            sent.await.map(Unreleased::into_inner)
        };
        let refused = |result: Result<Answer, Refusal>| {
            assert_eq!(result.map(|_| ()), Err(Refusal::OtherRequest), "{writes}");
            let last = door.entries().pop().unwrap();
            assert_eq!(last.outcome, "failed: other-request", "{writes}");
        };
        assert!(send(create(&lab)).await.is_ok());
        refused(send(create(&other)).await);
        refused(
            send(patch(
                "anna-0",
                r#"[{"op":"remove","path":"/status"}]"#,
                Some("1"),
            ))
            .await,
        );
        refused(send(Interaction::delete("Observation", "anna-0", Some("1")).unwrap()).await);
        let before = door.entries().len();
        assert!(send(create(&lab)).await.is_ok());
        assert_eq!(door.entries().len() - before, 1, "a repetition is recorded");

        let request = RequestId::new(&session, "transaction").unwrap();
        let send = async |json: &str| {
            let entry = entry("POST", "Observation", &format!(r#","resource":{json}"#));
            let submission = bundle("transaction", &[entry]);
            let gateway = &door.gateway;
            let sent = gateway.transaction(&session, &pass, Some(&request), submission);
            sent.await.map(|_| ())
        };
        assert_eq!(send(&lab).await, Ok(()));
        assert_eq!(send(&lab).await, Ok(()));
        let Err(Refusal::InEntry { refusal, .. }) = send(&other).await else {
            panic!("{writes}")
        };
        assert_eq!(*refusal, Refusal::OtherRequest, "{writes}");
    }
}

#[tokio::test]
async fn a_repetition_needs_the_scope_and_counts_as_a_request() {
    let mut door = Door::new().await.with("patient/Observation.cruds");
    let lab = observation("x", "anna", "laboratory").replace(r#""id":"x","#, "");
    let send = async |door: &Door| {
        let session = door.session();
        let request = RequestId::new(&session, "retry").unwrap();
        let pass = door.pass();
        let create = Interaction::create(resource(&lab));
        let sent = door
            .gateway
            .execute_once(&session, &pass, Some(&request), create);
        sent.await.map(|_| ())
    };
    assert_eq!(send(&door).await, Ok(()));
    door = door.with("patient/Observation.rs");
    assert!(matches!(send(&door).await, Err(Refusal::NotGranted(_))));
    door = door.with("patient/Observation.cruds");
    door = door.under(&serde_json::json!({
        "writes": "direct", "budget": { "requests_per_minute": 1 }
    }));
    assert_eq!(send(&door).await, Ok(()));
    assert!(matches!(send(&door).await, Err(Refusal::Throttled { .. })));
}

#[tokio::test]
async fn a_repeated_transaction_answers_all_of_its_entries() {
    for writes in ["direct", "draft"] {
        let terms = serde_json::json!({ "writes": writes });
        let door = Door::new().await.with("patient/Observation.cruds");
        let door = door.under(&terms);
        let session = door.session();
        let request = RequestId::new(&session, "retry").unwrap();
        let pass = door.pass();
        let lab = observation("x", "anna", "laboratory").replace(r#""id":"x","#, "");
        let send = async || {
            let there = r#"{"request":{"method":"POST","url":"Observation","ifNoneExist":"_id=anna-0"},"resource":"#;
            let entries = [
                format!("{there}{lab}}}"),
                entry("POST", "Observation", &format!(r#","resource":{lab}"#)),
            ];
            let submission = bundle("transaction", &entries);
            let gateway = &door.gateway;
            let sent = gateway.transaction(&session, &pass, Some(&request), submission);
            let answers = sent.await.unwrap().into_inner().into_iter();
            let answers = answers.map(|one| format!("{} {:?}", one.index, one.result));
            answers.collect::<Vec<_>>()
        };
        let first = send().await;
        assert_eq!(first.len(), 2, "{writes}");
        assert_eq!(send().await, first, "{writes}");
    }
}

#[tokio::test]
async fn a_request_counts_once_however_many_steps_it_takes() {
    let terms = serde_json::json!({ "writes": "direct", "budget": { "requests_per_minute": 1 } });
    for interaction in [
        patch(
            "anna-0",
            r#"[{"op":"replace","path":"/status","value":"amended"}]"#,
            Some("1"),
        ),
        Interaction::conditional_delete(query("Observation?_id=anna-0")).unwrap(),
    ] {
        let door = Door::new().await.with("patient/Observation.cruds");
        let door = door.under(&terms);
        assert!(
            door.call(interaction.clone()).await.is_ok(),
            "{interaction:?}"
        );
        assert!(matches!(
            door.call(read("Observation/anna-1")).await,
            Err(Refusal::Throttled { .. })
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_create_at_once_under_one_condition_is_there_once() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let door = Arc::new(door);
    let lab = observation("x", "anna", "laboratory").replace(r#""id":"x","#, "");
    let lab = lab.replacen('{', r#"{"identifier":[{"value":"once"}],"#, 1);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let (door, lab) = (Arc::clone(&door), lab.clone());
        tasks.spawn(async move {
            let sought = query("Observation?identifier=once");
            let create = Interaction::conditional_create(resource(&lab), sought).unwrap();
            if number % 2 == 0 {
                return door.call(create).await.map(|_| ());
            }
            let entry = format!(
                r#"{{"request":{{"method":"POST","url":"Observation","ifNoneExist":"identifier=once"}},"resource":{lab}}}"#
            );
            door.transact(&[entry]).await.map(|_| ())
        });
    }
    while let Some(done) = tasks.join_next().await {
        assert_eq!(done.unwrap(), Ok(()));
    }
    let found = door.page_of("Observation?identifier=once").await;
    assert_eq!(found.matches.len(), 1);
}

#[tokio::test]
async fn a_condition_finds_the_provenance_that_a_search_finds() {
    let door = Door::new().await.with("patient/*.cruds");
    let provenance = |id: &str, of: &str| {
        format!(
            r#"{{"resourceType":"Provenance","id":"{id}","recorded":"2024-01-01T00:00:00Z",
                "target":[{{"reference":"Patient/{of}"}}],"agent":[{{"who":{{"display":"x"}}}}]}}"#
        )
    };
    let both = [provenance("own", "anna"), provenance("hers", "james")];
    let both: Vec<&str> = both.iter().map(String::as_str).collect();
    assert!(door.import(&both, false).await.refused.is_empty());
    let delete =
        |id: &str| Interaction::conditional_delete(query(&format!("Provenance?_id={id}"))).unwrap();
    assert!(written(door.call(delete("own")).await).changed);
    let hidden = door.call(delete("hers")).await;
    assert_eq!(hidden.unwrap_err(), Refusal::NotFound);
    let absent = door.call(delete("nobody")).await;
    assert_eq!(absent.unwrap_err(), Refusal::NotFound);
}
