use glovebox_fhir::InteractionKind;

use super::*;

/// The refusal a caller sees, and the one entry that the ledger gets.
#[tokio::test]
async fn every_refusal_has_its_entry_with_the_true_cause() {
    let lab_only = format!("patient/Observation.rs?category={LABS}");
    let not_granted = |scope: &str| Refusal::NotGranted(scope.to_owned());
    for (scopes, interaction, refusal, outcome) in [
        (
            "patient/Patient.r",
            read("Observation/anna-0"),
            not_granted("patient/Observation.r"),
            "denied: scope",
        ),
        (
            "patient/Observation.s",
            read("Observation/anna-0"),
            not_granted("patient/Observation.r"),
            "denied: scope",
        ),
        (
            "patient/Observation.r",
            search("Observation?"),
            not_granted("patient/Observation.s"),
            "denied: scope",
        ),
        (
            "patient/Observation.rs",
            read("Observation/none"),
            Refusal::NotFound,
            "not-found",
        ),
        (
            "patient/Observation.rs",
            read("Observation/james-0"),
            Refusal::NotFound,
            "denied: compartment",
        ),
        (
            "patient/Observation.rs",
            read("Observation/tom-0"),
            Refusal::NotFound,
            "denied: compartment",
        ),
        (
            &lab_only,
            read("Observation/anna-1"),
            Refusal::NotFound,
            "denied: scope-filter",
        ),
        (
            &lab_only,
            Interaction::vread("Observation", "anna-1", "1").unwrap(),
            Refusal::NotFound,
            "denied: scope-filter",
        ),
        (
            &lab_only,
            Interaction::vread("Observation", "anna-0", "2").unwrap(),
            Refusal::NotFound,
            "not-found",
        ),
        (
            "system/Observation.rs",
            read("Observation/anna-0"),
            Refusal::Relation,
            "denied: relation",
        ),
        (
            "user/Observation.r",
            read("Observation/james-0"),
            Refusal::NotFound,
            "denied: compartment",
        ),
        (
            "patient/Patient.r",
            read("Patient/james"),
            Refusal::NotFound,
            "denied: compartment",
        ),
        (
            "patient/*.rs",
            read("Device/none"),
            Refusal::NotFound,
            "not-found",
        ),
    ] {
        let door = Door::new().await.with(scopes);
        let kind = interaction.kind();
        let (answer, entries) = door.recorded(interaction).await;
        assert_eq!(answer.err(), Some(refusal), "{scopes}");
        assert_eq!(entries, [format!("fhir {kind} {outcome}")], "{scopes}");
    }
}

#[tokio::test]
async fn a_session_without_a_patient_or_without_a_user_gets_nothing_by_a_patient_scope() {
    let door = Door::new().await.without_patient();
    let (answer, entries) = door.recorded(read("Observation/anna-0")).await;
    assert_eq!(
        answer.err(),
        Some(Refusal::NotGranted("launch/patient".to_owned()))
    );
    assert_eq!(entries, ["fhir read denied: no-patient-in-context"]);
    let door = Door::new().await.without_user();
    let (answer, entries) = door.recorded(read("Observation/anna-0")).await;
    assert_eq!(answer.err(), Some(Refusal::Relation));
    assert_eq!(entries, ["fhir read denied: relation"]);
}

#[tokio::test]
async fn what_is_permitted_is_given_out_with_one_entry() {
    let door = Door::new().await.with("patient/*.rs system/Observation.r");
    let (answer, entries) = door.recorded(read("Observation/anna-0")).await;
    let Ok(Answer::Resource(released)) = answer else {
        panic!("{answer:?}")
    };
    assert!(
        std::str::from_utf8(&released.bytes)
            .unwrap()
            .contains("1.50")
    );
    assert_eq!(
        (released.id.as_str(), released.version_id.as_str()),
        ("anna-0", "1")
    );
    assert_eq!(entries, ["fhir read ok"]);
    assert!(door.call(read("Practitioner/dr")).await.is_ok());
    let last = door.entries().pop().unwrap();
    assert_eq!(last.app.as_deref(), Some("lab-viewer"));
    assert_eq!(last.patient.as_deref(), Some("anna"));
    assert_eq!(
        last.detail["authority"],
        serde_json::json!(["patient/*.rs"])
    );
    let service = Door::new()
        .await
        .with("system/Observation.rs")
        .without_patient()
        .without_user();
    assert_eq!(service.page_of("Observation?").await.total, Some(12));
}

/// The neighbour, a made-up id and a deleted neighbour cannot be told apart: the same
/// answer for the same work. The ledger tells them apart.
#[tokio::test]
async fn peeking_at_a_neighbour_teaches_nothing() {
    let door = Door::new().await.with("patient/*.cruds");
    // tom-1 of the neighbour is deleted before
    let other = Door {
        patient: Some(patient("tom")),
        ..door
    };
    let delete = |id: &str| Interaction::delete("Observation", id, Some("1")).unwrap();
    other.call(delete("tom-1")).await.unwrap();
    let door = Door {
        patient: Some(patient("anna")),
        ..other
    };
    let vread = |id: &str| Interaction::vread("Observation", id, "1").unwrap();
    let change = |id: &str| update(&observation(id, "anna", "laboratory"), Some("1"));
    type Make<'a> = &'a dyn Fn(&str) -> Interaction;
    let by_id = |id: &str| search(&format!("Observation?_id={id}"));
    let reads: [(Make<'_>, bool); 5] = [
        (&|id| read(&format!("Observation/{id}")), true),
        (&vread, true),
        (&change, true),
        (&delete, true),
        (&by_id, false),
    ];
    for (make, refused) in reads {
        let mut seen = Vec::new();
        let mut causes = Vec::new();
        for id in ["tom-0", "tom-1", "james-0", "made-up"] {
            door.records.take();
            let (answer, entries) = door.recorded(make(id)).await;
            let answer = answer.map(|answer| match answer {
                Answer::Page(page) => (page.matches.len(), page.total, page.next),
                other => panic!("{other:?}"),
            });
            // anchoring the ledger happens beside, by time: only reads are compared
            seen.push((answer, door.records.take()));
            causes.push(entries.join(","));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
        assert_eq!(seen[0].0.is_err(), refused);
        if refused {
            let cause = |n: usize| {
                causes[n]
                    .split_once(' ')
                    .unwrap()
                    .1
                    .split_once(' ')
                    .unwrap()
                    .1
            };
            assert_eq!([cause(0), cause(1), cause(2)], ["denied: compartment"; 3]);
            assert_eq!(cause(3), "not-found");
        }
    }
    assert!(door.call(read("Observation/anna-0")).await.is_ok());
}

#[tokio::test]
async fn gone_is_told_only_to_whom_could_read_the_last_version() {
    let door = Door::new().await.with("patient/Observation.cruds");
    let delete = Interaction::delete("Observation", "anna-0", Some("1")).unwrap();
    door.call(delete).await.unwrap();
    let (answer, entries) = door.recorded(read("Observation/anna-0")).await;
    assert_eq!(answer.err(), Some(Refusal::Gone));
    assert_eq!(entries, ["fhir read failed: gone"]);
    let old = Interaction::vread("Observation", "anna-0", "1").unwrap();
    assert!(door.call(old).await.is_ok());
    let door = Door {
        patient: Some(patient("tom")),
        ..door
    };
    assert_eq!(
        door.call(read("Observation/anna-0")).await.err(),
        Some(Refusal::NotFound)
    );
    assert_eq!(
        door.page_of("Observation?patient=anna").await.total,
        Some(0)
    );
}

#[tokio::test]
async fn an_old_version_is_hidden_once_the_current_one_is() {
    let door = Door::new().await;
    let moved = observation("anna-0", "james", "laboratory");
    assert_eq!(door.import(&[&moved], true).await.updated, 1);
    let vread = Interaction::vread("Observation", "anna-0", "1").unwrap();
    let (answer, entries) = door.recorded(vread).await;
    assert_eq!(answer.err(), Some(Refusal::NotFound));
    assert_eq!(entries, ["fhir vread denied: compartment"]);
}

#[tokio::test]
async fn a_scope_filter_holds_for_read_search_and_page() {
    let door = Door::new()
        .await
        .with(&format!("patient/Observation.rs?category={LABS}"));
    let page = door.page_of("Observation?_count=1&_total=accurate").await;
    assert_eq!(page.total, Some(2));
    assert!(door.call(read("Observation/anna-2")).await.is_ok());
    assert!(door.call(read("Observation/anna-3")).await.is_err());
    assert_eq!(
        door.page_of("Observation?category=vital-signs").await.total,
        Some(0)
    );
    let next = door
        .gateway
        .page(&door.session(), &door.pass(), &page.next.unwrap(), 9)
        .await;
    let next = next.unwrap().release(&door.pass(), |page| page).unwrap();
    assert_eq!(next.matches.len(), 1);
    assert_eq!(next.matches[0].id, "anna-2");
}

#[tokio::test]
async fn a_relation_that_is_taken_away_counts_from_the_next_call() {
    for scopes in ["patient/Observation.rs", "user/Observation.rs"] {
        let door = Door::new().await.with(scopes);
        let page = door.page_of("Observation?patient=anna&_count=2").await;
        let next = page.next.unwrap();
        door.may_no_more("anna").await;
        assert!(door.call(read("Observation/anna-0")).await.is_err());
        let pass = door.pass();
        let page = door.gateway.page(&door.session(), &pass, &next, 9).await;
        let given = match page {
            Ok(page) => page.release(&pass, |page| page).unwrap().matches.len(),
            Err(refusal) => {
                assert_eq!(refusal, Refusal::Relation);
                0
            }
        };
        assert_eq!(given, 0, "{scopes}");
    }
}

#[tokio::test]
async fn a_user_with_many_patients_names_one_in_a_search() {
    let door = Door::new()
        .await
        .with("user/Observation.rs user/Practitioner.rs patient/Patient.r");
    for n in 0..201 {
        door.may(&format!("other-{n}")).await;
    }
    let (answer, entries) = door.recorded(search("Observation?")).await;
    assert!(matches!(answer, Err(Refusal::TooCostly(_))), "{answer:?}");
    assert_eq!(entries, ["fhir search-type denied: too-many-patients"]);
    assert_eq!(door.page_of("Observation?patient=tom").await.total, Some(4));
    assert_eq!(
        door.page_of("Observation?patient=james").await.total,
        Some(0)
    );
    assert_eq!(door.page_of("Practitioner?").await.total, Some(1));
    assert!(door.call(read("Observation/tom-0")).await.is_ok());
    assert!(door.call(read("Patient/anna")).await.is_ok());
    assert_eq!(
        door.call(read("Observation/james-0")).await.err(),
        Some(Refusal::NotFound)
    );
}

#[tokio::test]
async fn a_store_that_fails_is_unavailable_and_recorded() {
    let door = Door::new().await.with("patient/*.cruds");
    door.records.break_store();
    for interaction in [
        read("Observation/anna-0"),
        Interaction::vread("Observation", "anna-0", "1").unwrap(),
        search("Observation?"),
        update(&observation("anna-0", "anna", "laboratory"), Some("1")),
    ] {
        let kind = interaction.kind();
        let (answer, entries) = door.recorded(interaction).await;
        assert_eq!(answer.err(), Some(Refusal::Unavailable));
        assert_eq!(entries, [format!("fhir {kind} failed: unavailable")]);
    }
}

#[tokio::test]
async fn nothing_is_served_once_the_ledger_is_closed() {
    let door = Door::new().await;
    door.ledger.shutdown().await.unwrap();
    for interaction in [
        read("Observation/anna-0"),
        read("Observation/made-up"),
        search("Observation?"),
    ] {
        assert_eq!(
            door.call(interaction).await.err(),
            Some(Refusal::Unavailable)
        );
    }
}

#[tokio::test]
async fn a_tenant_without_a_store_is_unavailable() {
    let door = Door::new().await;
    let session = Session {
        tenant: "sandbox".parse().unwrap(),
        ..door.session()
    };
    let granted = door
        .relations
        .grant(
            &session.tenant,
            &okafor(),
            &patient("anna"),
            Source::Api,
            None,
        )
        .await;
    granted.unwrap();
    let answer = door
        .gateway
        .execute(&session, &door.pass(), read("Observation/anna-0"))
        .await;
    assert_eq!(answer.err(), Some(Refusal::Unavailable));
}

#[tokio::test]
async fn a_request_that_is_none_is_recorded_within_bounds() {
    let door = Door::new().await;
    let long = "x".repeat(1 << 20);
    let session = door.session();
    let refusal = door
        .gateway
        .invalid(&session, InteractionKind::Read, &long, &long);
    assert_eq!(refusal, Refusal::Invalid(long.clone()));
    let entry = door.entries().pop().unwrap();
    assert_eq!(entry.outcome, "failed: invalid");
    assert!(entry.raw.len() < 8_000);
    let value = "a".repeat(8_000);
    let pairs: Vec<String> = (0..60).map(|_| format!("status={value}")).collect();
    door.call(search(&format!("Observation?{}", pairs.join("&"))))
        .await
        .unwrap();
    assert!(door.entries().pop().unwrap().raw.len() < 8_000);
}

#[tokio::test]
async fn a_search_by_a_neighbour_costs_what_a_search_by_nobody_costs() {
    let door = Door::new().await;
    let mut seen = Vec::new();
    for id in ["tom", "james", "made-up"] {
        door.records.take();
        let page = door.page_of(&format!("Observation?patient={id}")).await;
        seen.push((page.matches.len(), page.total, door.records.take()));
        let entry = door.entries().pop().unwrap();
        assert_eq!(entry.detail["narrowed"], serde_json::json!("compartment"));
    }
    assert_eq!((seen[0].0, seen[0].1), (0, Some(0)));
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}
