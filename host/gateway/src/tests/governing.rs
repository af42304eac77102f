//! What an approval says beyond scopes: labels and projection.

use glovebox_model::Clock as _;

use super::*;

const RESTRICTED: &str = r#"{"resourceType":"Observation","id":"secret","status":"final","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]},"code":{"text":"marker-restricted"},"subject":{"reference":"Patient/anna"}}"#;

async fn with_a_restricted_result() -> Door {
    let door = Door::new().await.with("patient/*.rs");
    assert!(door.import(&[RESTRICTED], false).await.refused.is_empty());
    door
}

#[tokio::test]
async fn rule_18_a_restricted_record_is_neither_given_out_nor_found_nor_counted() {
    let door = with_a_restricted_result().await;
    let (answer, entries) = door.recorded(read("Observation/secret")).await;
    assert_eq!(answer.err(), Some(Refusal::NotFound));
    assert_eq!(entries, ["fhir read denied: label"]);
    let vread = Interaction::vread("Observation", "secret", "1").unwrap();
    assert_eq!(door.call(vread).await.err(), Some(Refusal::NotFound));
    for text in [
        "Observation?",
        "Observation?_id=secret",
        "Observation?_security=R",
        "Observation?_sort=_id",
    ] {
        let page = door.page_of(text).await;
        assert!(
            page.matches.iter().all(|found| found.id != "secret"),
            "{text}"
        );
        assert_eq!(page.total, Some(page.matches.len() as u64), "{text}");
    }
}

#[tokio::test]
async fn an_approval_may_clear_an_app_for_restricted_records() {
    let terms = serde_json::json!({ "labels": { "confidentiality": "R" } });
    let door = with_a_restricted_result().await.under(&terms);
    assert!(door.call(read("Observation/secret")).await.is_ok());
    assert_eq!(door.page_of("Observation?").await.total, Some(5));
}

#[tokio::test]
async fn an_app_writes_no_label_that_it_could_not_read() {
    let direct = serde_json::json!({ "writes": "direct" });
    let door = Door::new().await.with("patient/*.cruds").under(&direct);
    let refused = door.call(Interaction::create(resource(RESTRICTED))).await;
    assert!(matches!(refused, Err(Refusal::Invalid(_))), "{refused:?}");
}

fn hiding() -> serde_json::Value {
    serde_json::json!({
        "projection": {
            "Patient": { "strip": ["telecom"] },
            "Observation": { "only": ["status", "code", "subject", "category"] },
        },
        "writes": "direct",
    })
}

#[tokio::test]
async fn rule_18_hidden_elements_leave_the_gateway_by_no_way() {
    let door = Door::new().await.with("patient/*.cruds").under(&hiding());
    let text = |released: &crate::Released| String::from_utf8(released.bytes.to_vec()).unwrap();
    let Answer::Resource(released) = door.call(read("Observation/anna-0")).await.unwrap() else {
        panic!("a read gives a resource")
    };
    let shown = text(&released);
    assert!(
        shown.contains("SUBSETTED") && shown.contains("718-7"),
        "{shown}"
    );
    assert!(
        !shown.contains("valueQuantity") && !shown.contains("effective"),
        "{shown}"
    );
    let vread = Interaction::vread("Observation", "anna-0", "1").unwrap();
    let Answer::Resource(released) = door.call(vread).await.unwrap() else {
        panic!("a vread gives a resource")
    };
    assert!(!text(&released).contains("valueQuantity"));
    for found in door
        .page_of("Observation?category=laboratory")
        .await
        .matches
    {
        assert!(!text(&found).contains("valueQuantity"));
    }
    for hidden in ["Observation?value-quantity=gt1", "Observation?_sort=date"] {
        let (answer, entries) = door.recorded(search(hidden)).await;
        assert!(
            matches!(answer, Err(Refusal::NotSupported(_))),
            "{answer:?}"
        );
        assert_eq!(entries, ["fhir search-type denied: hidden-element"]);
    }
}

#[tokio::test]
async fn who_sees_a_resource_in_part_does_not_replace_or_delete_it() {
    let door = Door::new().await.with("patient/*.cruds").under(&hiding());
    let json = observation("anna-0", "anna", "laboratory");
    for interaction in [
        update(&json, Some("1")),
        Interaction::delete("Observation", "anna-0", Some("1")).unwrap(),
    ] {
        let (answer, entries) = door.recorded(interaction).await;
        assert!(
            matches!(answer, Err(Refusal::NotSupported(_))),
            "{answer:?}"
        );
        assert!(entries[0].ends_with("denied: partly-shown"), "{entries:?}");
    }
    let Answer::Resource(kept) = door.call(read("Observation/anna-0")).await.unwrap() else {
        panic!("it is still there")
    };
    assert_eq!(kept.version_id, "1");
}

#[tokio::test]
async fn a_withdrawn_relation_ends_what_runs_and_what_comes() {
    let door = Door::new().await;
    let held = door
        .fence
        .generations(&[Mark::Relations(main_tenant(), okafor())]);
    let pass = door.fence.enter(&held).unwrap();
    let session = door.session();
    let answer = door.gateway.execute(&session, &pass, read("Patient/anna"));
    let answer = answer.await.unwrap();
    let right = Right::Patient(patient("anna"));
    let ended = door
        .gateway
        .withdraw_relation(
            &main_tenant(),
            &okafor(),
            &right,
            &Subject::default(),
            "moved ward",
        )
        .await
        .unwrap();
    assert_eq!(ended.ended.calls, 1);
    assert!(answer.release(&pass, |answer| answer).is_err());
    assert_eq!(
        door.call(read("Patient/anna")).await.err(),
        Some(Refusal::Relation)
    );
    let entries = door.entries();
    let entry = entries.iter().find(|entry| entry.kind == "relation.change");
    assert_eq!(entry.map(|entry| entry.action.as_str()), Some("withdraw"));
}

#[tokio::test]
async fn rule_11_a_relation_that_runs_out_ends_with_the_clock() {
    let door = Door::new().await.with("user/Patient.rs patient/Patient.rs");
    let soon = door.clock.now() + std::time::Duration::from_secs(60);
    let (tenant, user, james) = (main_tenant(), okafor(), patient("james"));
    let source = Source::CareTeam;
    let relations = &door.relations;
    let granted = relations.grant(&tenant, &user, &james, source, Some(soon));
    granted.await.unwrap();
    assert!(door.call(read("Patient/james")).await.is_ok());
    door.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(
        door.call(read("Patient/james")).await.err(),
        Some(Refusal::NotFound)
    );
    let found = door.page_of("Patient?").await;
    assert!(found.matches.iter().all(|found| found.id != "james"));
}
