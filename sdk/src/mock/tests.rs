use serde_json::json;

use super::*;
use crate::fhir::{self, Cursor, Search};
use crate::view::{Action, Node};
use crate::{View, launch, log, now, storage};

struct Idle;

impl App for Idle {
    fn open() -> Result<Screen, AppError> {
        Ok(View::new("Idle").into())
    }
}

fn observation(id: &str, patient: &str, date: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "effectiveDateTime": date,
           "subject": {"reference": format!("Patient/{patient}")}})
}

fn install(host: Host) {
    let _ = host.run::<Idle>();
}

fn ids(found: &[Value]) -> Vec<&str> {
    found.iter().filter_map(|r| r["id"].as_str()).collect()
}

#[test]
fn another_patient_looks_absent() {
    install(Host::new("anna").with_resources([
        json!({"resourceType": "Patient", "id": "anna"}),
        json!({"resourceType": "Patient", "id": "james"}),
        observation("1", "anna", "2025"),
        observation("2", "james", "2025"),
    ]));
    assert!(fhir::read("Patient", "anna").is_ok());
    for id in ["james", "nobody"] {
        assert_eq!(fhir::read("Patient", id).unwrap_err(), FhirError::NotFound);
        let found = Search::new("Observation")
            .with("patient", id)
            .all(9)
            .unwrap();
        assert!(found.matches.is_empty());
    }
    let found = Search::new("Observation").all(9).unwrap();
    assert_eq!(ids(&found.matches), ["1"]);
}

#[test]
fn pages_come_in_order_and_go_on_from_a_token() {
    install(Host::new("anna").with_resources(
        (1..=5).map(|i| observation(&i.to_string(), "anna", &format!("2025-01-0{i}"))),
    ));
    let search = || Search::new("Observation").newest_first().count(2);
    let all = search().all(9).unwrap();
    assert_eq!(ids(&all.matches), ["5", "4", "3", "2", "1"]);
    assert!(all.complete && all.total == Some(5));
    let some = search().all(3).unwrap();
    assert_eq!(ids(&some.matches), ["5", "4", "3"]);
    assert!(!some.complete);

    let mut cursor = search().start().unwrap();
    assert_eq!(cursor.next_page().unwrap().unwrap().len(), 2);
    let mut resumed = Cursor::resume(&cursor.token()).unwrap();
    let page = resumed.next_page().unwrap().unwrap();
    assert_eq!(page[0].resource["id"], "3");
    let mut small = search().page_bytes(1).start().unwrap();
    assert_eq!(small.next_page().unwrap().unwrap().len(), 1);
}

#[test]
fn a_parameter_that_the_mock_does_not_know_is_an_error() {
    install(Host::new("anna").with_resource(observation("1", "anna", "2025")));
    let search = Search::new("Observation").with("date", "ge2025");
    assert!(matches!(search.start(), Err(FhirError::Other(_))));
}

#[test]
fn time_storage_log_and_writes_stay_in_this_host() {
    install(Host::new("anna").with_now("2030-01-01T00:00:00Z"));
    assert_eq!(now(), "2030-01-01T00:00:00Z");
    assert_eq!(launch().patient.as_deref(), Some("anna"));
    storage::set("a/1", b"x").unwrap();
    assert_eq!(storage::get("a/1").unwrap().as_deref(), Some(&b"x"[..]));
    assert_eq!(storage::keys("a/", 9).unwrap(), ["a/1"]);
    storage::delete("a/1").unwrap();
    assert_eq!(storage::get("a/1").unwrap(), None);
    log(Level::Info, "hello");
    assert_eq!(current(|host| host.log[0].message.clone()), "hello");
    let note = json!({"resourceType": "Observation"});
    let first = fhir::write::create("r1", &note).unwrap();
    assert_eq!(fhir::write::create("r1", &note).unwrap(), first);
    assert_eq!(current(|host| host.written.len()), 1);
}

/// An app that answers with the screen that its log asks for.
struct Faulty;

impl App for Faulty {
    fn open() -> Result<Screen, AppError> {
        let mut view = View::new("t");
        match launch().intent.as_deref() {
            Some("actions") => {
                view.actions([Action::new("a", "A"), Action::new("a", "B")]);
            }
            Some("tree") => {
                view.push(Node::Columns(vec![0]));
            }
            Some("title") => view = View::new(" "),
            Some("state") => {
                return Screen::new(view).remember(&"x".repeat(70_000));
            }
            _ => {}
        }
        Ok(view.into())
    }
}

#[test]
fn a_screen_that_the_host_would_refuse_is_an_error() {
    for fault in ["actions", "tree", "title", "state"] {
        let mut app = Host::new("anna")
            .with_launch(|launch| launch.intent = Some(fault.to_owned()))
            .run::<Faulty>();
        assert!(matches!(app.open(), Err(AppError::Other(_))), "{fault}");
    }
    let mut app = Host::new("anna").run::<Faulty>();
    assert!(app.press("a", &[]).is_err());
    app.open().unwrap();
    assert!(app.press("not-there", &[]).is_err());
    assert!(app.refresh().is_ok());
}
