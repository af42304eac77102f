use std::time::Duration;

use super::*;
use crate::{Cursor, CursorBinding, Viewer};

#[tokio::test]
async fn the_pages_together_are_the_whole_and_each_is_recorded() {
    let door = Door::new().await;
    let page = door.page_of("Observation?_count=3&_sort=-_id").await;
    assert_eq!(page.total, Some(4));
    let mut ids: Vec<String> = page.matches.iter().map(|found| found.id.clone()).collect();
    let binding = CursorBinding("session".to_owned());
    let sealed = door
        .gateway
        .seal_cursor(&binding, &page.next.unwrap())
        .unwrap();
    let opened = door.gateway.open_cursor(&binding, &sealed).unwrap();
    let pass = door.pass();
    let before = door.entries().len();
    let page = door
        .gateway
        .page(&door.session(), &pass, &opened, 3)
        .await
        .unwrap();
    let page = page.release(&pass, |page| page).unwrap();
    assert_eq!(door.entries().len(), before + 1);
    assert!(page.next.is_none() && page.total.is_none());
    ids.extend(page.matches.iter().map(|found| found.id.clone()));
    assert_eq!(ids, ["anna-3", "anna-2", "anna-1", "anna-0"]);
}

#[tokio::test]
async fn a_cursor_opens_for_its_binding_only_unchanged_and_within_an_hour() {
    let door = Door::new().await;
    let next = door.page_of("Observation?_count=1").await.next.unwrap();
    let mine = CursorBinding("mine".to_owned());
    let sealed = door.gateway.seal_cursor(&mine, &next).unwrap();
    assert_ne!(sealed, door.gateway.seal_cursor(&mine, &next).unwrap());
    let open = |binding: &str, sealed: &str| {
        let binding = CursorBinding(binding.to_owned());
        door.gateway.open_cursor(&binding, sealed)
    };
    assert_eq!(open("mine", &sealed), Ok(next));
    let mut changed = sealed.clone().into_bytes();
    changed[30] ^= 1;
    let changed = String::from_utf8(changed).unwrap();
    let long = "A".repeat(1 << 20);
    for (binding, text) in [
        ("yours", sealed.as_str()),
        ("", &sealed),
        ("mine", &changed),
        ("mine", &sealed[1..]),
        ("mine", &long),
        ("mine", "AAAA"),
        ("mine", "%%%"),
        ("mine", ""),
    ] {
        assert_eq!(
            open(binding, text),
            Err(Refusal::BadCursor),
            "{binding} {text:.20}"
        );
    }
    door.clock.advance(Duration::from_secs(3_599));
    assert!(open("mine", &sealed).is_ok());
    door.clock.advance(Duration::from_secs(1));
    assert_eq!(open("mine", &sealed), Err(Refusal::BadCursor));
}

#[tokio::test]
async fn a_cursor_too_long_to_come_back_is_not_made() {
    let door = Door::new().await;
    let pairs = (0..4)
        .map(|_| ("status".to_owned(), "a".repeat(8_000)))
        .collect();
    let start = Cursor::start("Observation", pairs);
    let sealed = door
        .gateway
        .seal_cursor(&CursorBinding(String::new()), &start);
    assert!(matches!(sealed, Err(Refusal::TooCostly(_))));
}

#[tokio::test]
async fn a_start_that_cannot_be_understood_is_refused_and_recorded() {
    let door = Door::new().await;
    let start = Cursor::start("Observation", vec![("nonsense".to_owned(), "1".to_owned())]);
    let page = door
        .gateway
        .page(&door.session(), &door.pass(), &start, 5)
        .await;
    assert!(matches!(page.err(), Some(Refusal::Invalid(_))));
    assert_eq!(door.entries().pop().unwrap().outcome, "failed: invalid");
    let start = Cursor::start("Observation", Vec::new());
    let page = door
        .gateway
        .page(&door.session(), &door.pass(), &start, usize::MAX)
        .await;
    let page = page.unwrap().release(&door.pass(), |page| page).unwrap();
    assert_eq!((page.matches.len(), page.total), (4, Some(4)));
}

#[tokio::test]
async fn a_viewer_sees_whom_they_may_open_and_the_ledger_sees_the_viewer() {
    let door = Door::new().await;
    let viewer = Viewer {
        tenant: main_tenant(),
        user: okafor(),
    };
    let page = door
        .gateway
        .patients(&viewer, query("Patient?_sort=_id"), None, 50)
        .await
        .unwrap();
    let ids: Vec<&str> = page.matches.iter().map(|found| found.id.as_str()).collect();
    assert_eq!((ids, page.total), (vec!["anna", "tom"], Some(2)));
    let anna = patient("anna");
    assert!(door.gateway.chart_patient(&viewer, &anna).await.is_ok());
    let found = door
        .gateway
        .chart_search(&viewer, &anna, query("Observation?"), 50)
        .await
        .unwrap();
    assert_eq!(found.matches.len(), 4);
    let other = door
        .gateway
        .chart_search(&viewer, &anna, query("Observation?patient=tom"), 50)
        .await;
    assert_eq!(other.unwrap().matches.len(), 0);
    for stranger in ["james", "made-up"] {
        let before = door.entries().len();
        let stranger = patient(stranger);
        assert_eq!(
            door.gateway.chart_patient(&viewer, &stranger).await.err(),
            Some(Refusal::NotFound)
        );
        let found = door
            .gateway
            .chart_search(&viewer, &stranger, query("Observation?"), 50)
            .await;
        assert_eq!(found.err(), Some(Refusal::NotFound));
        let entries = door.entries();
        assert_eq!(entries.len(), before + 2);
        assert!(
            entries[before..]
                .iter()
                .all(|entry| entry.outcome == "denied: relation")
        );
    }
    let nobody = Viewer {
        tenant: main_tenant(),
        user: "nobody".parse().unwrap(),
    };
    let page = door
        .gateway
        .patients(&nobody, query("Patient?"), None, 50)
        .await
        .unwrap();
    assert_eq!(page.total, Some(0));
    let granted = door
        .relations
        .grant_everyone(&main_tenant(), &nobody.user, Source::Api, None)
        .await;
    granted.unwrap();
    let page = door
        .gateway
        .patients(&nobody, query("Patient?"), None, 50)
        .await
        .unwrap();
    assert_eq!(page.total, Some(3));
}
