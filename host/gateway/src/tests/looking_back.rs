//! Histories, `$everything` and Binaries.

use super::*;
use crate::{Everything, HistoryPage, Version};

fn history(id: &str, count: u32) -> Interaction {
    Interaction::history("Observation", id, None, Some(count)).unwrap()
}

fn numbers(page: &HistoryPage) -> Vec<String> {
    let number = |version: &Version| match version {
        Version::Released(released) => released.version_id.clone(),
        Version::Deleted { version_id, .. } => format!("{version_id} deleted"),
    };
    page.versions.iter().map(number).collect()
}

impl Door {
    /// Whether a resource is there, whoever asks.
    pub(super) async fn gateway_head(&self, resource_type: &str, id: &str) -> bool {
        let permitted = glovebox_policy::permit_system(
            glovebox_policy::SystemReason::Chart,
            glovebox_policy::Reach::Everyone,
            Interaction::read(resource_type, id).unwrap(),
        );
        let store = &self.gateway.stores[&main_tenant()];
        let head = store.head(&permitted).await.unwrap();
        head.is_some_and(|head| !head.deleted)
    }

    async fn versions(&self, interaction: Interaction) -> Result<HistoryPage, Refusal> {
        match self.call(interaction).await? {
            Answer::History(page) => Ok(page),
            other => panic!("{other:?}"),
        }
    }

    async fn everything_of(&self, patient: &str, asked: &Everything) -> Result<Page, Refusal> {
        let pass = self.pass();
        let session = self.session();
        let page = self.gateway.everything(&session, &pass, patient, asked);
        Ok(page.await?.release(&pass, |page| page)?)
    }
}

#[tokio::test]
async fn a_history_shows_the_versions_that_pass_newest_first_and_in_pages() {
    let door = Door::new().await.with("patient/Observation.cruds");
    for version in ["1", "2", "3"] {
        let json = observation("anna-0", "anna", "laboratory");
        door.clock.advance(std::time::Duration::from_secs(60));
        door.call(update(&json, Some(version))).await.unwrap();
    }
    let delete = Interaction::delete("Observation", "anna-0", Some("4")).unwrap();
    door.call(delete).await.unwrap();
    let first = door.versions(history("anna-0", 2)).await.unwrap();
    assert_eq!(numbers(&first), ["5 deleted", "4"]);
    let pass = door.pass();
    let next = async |page: &HistoryPage| {
        let cursor = page.next.as_ref().unwrap();
        let page = door
            .gateway
            .history_page(&door.session(), &pass, cursor)
            .await
            .unwrap();
        page.release(&pass, |page| page).unwrap()
    };
    let second = next(&first).await;
    assert_eq!(numbers(&second), ["3", "2"]);
    let third = next(&second).await;
    assert_eq!(numbers(&third), ["1"]);
    assert!(third.next.is_none());
    let since = Timestamp::parse("2026-11-23T20:02:00Z");
    let recent = Interaction::history("Observation", "anna-0", since, None).unwrap();
    assert_eq!(
        numbers(&door.versions(recent).await.unwrap()),
        ["5 deleted", "4", "3"]
    );
    // a cursor of a search is none of a history
    let wrong = crate::Cursor::start("Observation", Vec::new());
    let refused = door
        .gateway
        .history_page(&door.session(), &pass, &wrong)
        .await;
    assert_eq!(refused.err(), Some(Refusal::BadCursor));
}

#[tokio::test]
async fn each_version_is_filtered_by_its_own_facts_and_the_current_one_opens_the_rest() {
    let door = Door::new().await;
    for (id, categories) in [
        ("in", ["vital-signs", "laboratory", "laboratory"]),
        ("out", ["laboratory", "laboratory", "vital-signs"]),
    ] {
        for category in categories {
            let json = observation(id, "anna", category);
            // one version more even where nothing changes
            let json = json.replace("1.50", &format!("{}.5", door.entries().len()));
            door.import(&[&json], true).await;
        }
    }
    let door = door.with(&format!("patient/Observation.r?category={LABS}"));
    let page = door.versions(history("in", 10)).await.unwrap();
    assert_eq!(numbers(&page), ["3", "2"]);
    for id in ["out", "tom-0", "james-0", "made-up"] {
        let refused = door.versions(history(id, 10)).await;
        assert_eq!(refused.err(), Some(Refusal::NotFound), "{id}");
    }
    let door = door.with("patient/Observation.s");
    assert_eq!(
        door.versions(history("in", 10)).await.err(),
        Some(Refusal::NotGranted("patient/Observation.r".to_owned()))
    );
}

#[tokio::test]
async fn everything_of_a_patient_is_what_the_granted_searches_find() {
    for scopes in [
        "patient/Patient.rs patient/Observation.rs",
        "user/Patient.rs user/Observation.rs",
    ] {
        let door = Door::new().await.with(scopes);
        door.import(
            &[r#"{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/anna"}}"#],
            false,
        )
        .await;
        let all = Everything::default();
        let page = door.everything_of("anna", &all).await.unwrap();
        let ids: Vec<&str> = page.matches.iter().map(|found| found.id.as_str()).collect();
        assert_eq!(
            ids,
            ["anna", "anna-0", "anna-1", "anna-2", "anna-3"],
            "{scopes}"
        );
        let mut seen = Vec::new();
        let asked = Everything {
            count: Some(2),
            ..Everything::default()
        };
        let mut page = door.everything_of("anna", &asked).await.unwrap();
        let pass = door.pass();
        loop {
            assert!(page.matches.len() <= 2);
            seen.extend(page.matches.iter().map(|found| found.id.clone()));
            let Some(cursor) = page.next else { break };
            let next = door
                .gateway
                .everything_page(&door.session(), &pass, &cursor)
                .await;
            page = next.unwrap().release(&pass, |page| page).unwrap();
        }
        assert_eq!(seen, ids, "{scopes}");
        let typed = Everything {
            types: vec!["Observation".to_owned()],
            ..Everything::default()
        };
        assert_eq!(
            door.everything_of("anna", &typed)
                .await
                .unwrap()
                .matches
                .len(),
            4
        );
        let typed = Everything {
            types: vec!["Condition".to_owned()],
            ..Everything::default()
        };
        assert!(
            door.everything_of("anna", &typed)
                .await
                .unwrap()
                .matches
                .is_empty()
        );
        for patient in ["james", "made-up"] {
            let refused = door.everything_of(patient, &all).await.err();
            assert_eq!(refused, Some(Refusal::NotFound), "{scopes}: {patient}");
        }
        let unknown = Everything {
            types: vec!["Bot".to_owned()],
            ..Everything::default()
        };
        assert!(matches!(
            door.everything_of("anna", &unknown).await,
            Err(Refusal::Invalid(_))
        ));
    }
    let door = Door::new().await.with("patient/Observation.rs");
    assert_eq!(
        door.everything_of("anna", &Everything::default())
            .await
            .err(),
        Some(Refusal::NotGranted("patient/Patient.r".to_owned()))
    );
}

#[tokio::test]
async fn a_service_gets_everything_of_one_patient_and_nothing_of_others() {
    let door = Door::new().await.with("system/*.rs");
    let door = door.without_patient().without_user();
    let provenance = |of: &str| {
        format!(
            r#"{{"resourceType":"Provenance","id":"about-{of}","recorded":"2024-01-01T00:00:00Z",
                "target":[{{"reference":"Patient/{of}"}}],"agent":[{{"who":{{"display":"x"}}}}]}}"#
        )
    };
    let both = [provenance("anna"), provenance("james")];
    let both: Vec<&str> = both.iter().map(String::as_str).collect();
    assert!(door.import(&both, false).await.refused.is_empty());
    let page = door.everything_of("anna", &Everything::default()).await;
    let found = page.unwrap().matches;
    let ids: Vec<&str> = found.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(
        ids,
        ["anna", "anna-0", "anna-1", "anna-2", "anna-3", "about-anna"]
    );
    let absent = door.everything_of("made-up", &Everything::default()).await;
    assert_eq!(absent.err(), Some(Refusal::NotFound));
}

fn document(id: &str, of: &str, binary: &str) -> String {
    format!(
        r#"{{"resourceType":"DocumentReference","id":"{id}","status":"current","subject":{{"reference":"Patient/{of}"}},"content":[{{"attachment":{{"url":"Binary/{binary}"}}}}]}}"#
    )
}

fn binary(id: &str, context: Option<&str>) -> String {
    let context = context.map_or(String::new(), |context| {
        format!(r#","securityContext":{{"reference":"{context}"}}"#)
    });
    format!(
        r#"{{"resourceType":"Binary","id":"{id}","contentType":"text/plain","data":"aGk="{context}}}"#
    )
}

async fn with_documents() -> Door {
    let door = Door::new().await;
    let all = [
        document("annas", "anna", "annas-scan"),
        document("james", "james", "james-scan"),
        // anna's document names what has a context of its own
        document("sly", "anna", "james-own"),
        binary("annas-scan", None),
        binary("james-scan", None),
        binary("annas-own", Some("Patient/anna")),
        binary("james-own", Some("Patient/james")),
        binary("by-document", Some("DocumentReference/annas")),
        binary("nobodys", None),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert!(door.import(&all, false).await.refused.is_empty());
    door
}

#[tokio::test]
async fn a_binary_is_read_through_its_context_or_a_document_that_may_be_read() {
    let door = with_documents()
        .await
        .with("patient/Binary.r patient/DocumentReference.r patient/Patient.r");
    for id in ["annas-scan", "annas-own", "by-document"] {
        assert!(
            door.call(read(&format!("Binary/{id}"))).await.is_ok(),
            "{id}"
        );
    }
    let mut work = Vec::new();
    for id in ["james-scan", "nobodys", "made-up"] {
        door.records.take();
        let (answer, entries) = door.recorded(read(&format!("Binary/{id}"))).await;
        assert_eq!(answer.err(), Some(Refusal::NotFound), "{id}");
        assert_eq!(entries.len(), 1, "{id}");
        work.push(door.records.take());
    }
    assert!(work.windows(2).all(|pair| pair[0] == pair[1]), "{work:?}");
    assert_eq!(
        door.call(read("Binary/james-own")).await.err(),
        Some(Refusal::NotFound)
    );
    // a scope's own parameters hold for Binaries too
    let door =
        door.with("patient/Binary.r?_security=open patient/DocumentReference.r patient/Patient.r");
    for id in ["annas-scan", "annas-own"] {
        let refused = door.call(read(&format!("Binary/{id}"))).await;
        assert_eq!(refused.err(), Some(Refusal::NotFound), "{id}");
    }
    // without the document's scope its Binary is nobody's
    let door = door.with("patient/Binary.r");
    assert_eq!(
        door.call(read("Binary/annas-scan")).await.err(),
        Some(Refusal::NotFound)
    );
    let door = door.with("patient/DocumentReference.r");
    assert!(matches!(
        door.call(read("Binary/annas-scan")).await,
        Err(Refusal::NotGranted(_))
    ));
}

#[tokio::test]
async fn a_document_that_no_longer_names_a_binary_does_not_open_it() {
    let door = with_documents()
        .await
        .with("patient/Binary.r patient/DocumentReference.r");
    door.import(&[&document("annas", "anna", "another")], true)
        .await;
    assert_eq!(
        door.call(read("Binary/annas-scan")).await.err(),
        Some(Refusal::NotFound)
    );
}

#[tokio::test]
async fn nobody_opens_a_strangers_binary_by_writing_a_document_about_it() {
    let door = with_documents()
        .await
        .with("patient/Binary.cruds patient/DocumentReference.cruds patient/Patient.r");
    let about = |id: &str| Interaction::create(resource(&document("x", "anna", id)));
    let mut told = Vec::new();
    for id in ["james-scan", "made-up", "nobodys"] {
        let (answer, entries) = door.recorded(about(id)).await;
        let Err(Refusal::Invalid(why)) = answer else {
            panic!("{id}: {answer:?}")
        };
        told.push((why.replace(id, "?"), entries));
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    assert!(door.call(about("annas-own")).await.is_ok());
    assert!(door.call(about("annas-scan")).await.is_ok());
    // an app's own Binary says whose it is
    for (context, fits) in [
        (None, false),
        (Some("Patient/james"), false),
        (Some("Patient/anna"), true),
    ] {
        let made = door
            .call(Interaction::create(resource(&binary("x", context))))
            .await;
        assert_eq!(made.is_ok(), fits, "{context:?}: {made:?}");
    }
    let change = |id: &str, context| update(&binary(id, context), Some("1"));
    assert!(
        door.call(change("annas-own", Some("Patient/anna")))
            .await
            .is_ok()
    );
    for id in ["james-own", "annas-scan", "nobodys", "made-up"] {
        let refused = door.call(change(id, Some("Patient/anna"))).await;
        assert_eq!(refused.err(), Some(Refusal::NotFound), "{id}");
    }
}
