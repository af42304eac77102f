//! Hostile apps: what they learn, how they end, and that nobody else notices.

use std::time::{Duration, Instant};

use glovebox_tests::html::Element;
use glovebox_tests::{Options, Page, TestHost};

/// Three seconds: what a person is made to wait at most.
const PATIENCE: Duration = Duration::from_secs(3);

/// The facts below a heading of the app's screen.
fn facts_below(page: &Page, heading: &str) -> Vec<(String, String)> {
    let tree = page.tree();
    let sections = tree.all_of_class("doc-section");
    let titled = |section: &&&Element| {
        section
            .all("h2")
            .iter()
            .chain(&section.all("h3"))
            .any(|title| title.text() == heading)
    };
    let section = sections
        .iter()
        .find(titled)
        .unwrap_or_else(|| panic!("no {heading}: {}", page.text()));
    section.facts()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_and_somebody_made_up_are_the_same_to_an_app_but_not_to_the_ledger() {
    let host = TestHost::fresh().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let screen = doctor
        .launch("sandbox", "anna-rossi", "peek-neighbour")
        .await;
    let own = facts_below(&screen, "Its own patient");
    let neighbour = facts_below(&screen, "The neighbour");
    let made_up = facts_below(&screen, "Somebody made up");
    assert!(neighbour.len() >= 5, "{neighbour:?}");
    assert_eq!(neighbour, made_up);
    assert_ne!(own, neighbour, "its own patient still reads");
    assert!(
        own.iter()
            .any(|(probe, answer)| probe.starts_with("read") && answer == "ok"),
        "{own:?}"
    );

    let entries = host.ledger_of(screen.session()).await;
    let reads: Vec<_> = entries
        .iter()
        .filter(|entry| entry.kind == "fhir" && entry.action == "read")
        .collect();
    let outcome = |id: &str| {
        let found = reads
            .iter()
            .find(|entry| entry.raw.contains(id))
            .unwrap_or_else(|| panic!("no read of {id}"));
        found.outcome.as_str()
    };
    assert_eq!(outcome("james-miller"), "denied: compartment");
    assert_eq!(outcome("nobody-by-this-id"), "not-found");
    assert!(reads.iter().any(|entry| entry.outcome == "ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_never_answers_is_stopped_by_its_fuel_and_the_next_one_opens() {
    let host = TestHost::fresh().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let patient = doctor.open_patient("sandbox", "anna-rossi").await;
    let started = Instant::now();
    let stopped = doctor.submit(&patient.launcher("spin-forever")).await;
    let took = started.elapsed();
    assert!(took < PATIENCE, "it took {took:?}");
    let text = stopped.text();
    assert!(
        text.contains("Spin Forever was stopped") && text.contains("computing time"),
        "{text}"
    );
    assert!(
        text.contains("Your patient’s record is unaffected"),
        "{text}"
    );
    for rough in ["panick", "wasm", "backtrace", "RunError", "trap", "0x"] {
        assert!(
            !text.to_lowercase().contains(&rough.to_lowercase()),
            "the page says {rough}: {text}"
        );
    }
    let again = stopped.form(|form| form.get("app") == Some("spin-forever"));
    assert!(again.action.contains("/launch"), "it can be tried again");
    let started = Instant::now();
    let next = doctor.launch("sandbox", "anna-rossi", "lab-viewer").await;
    assert!(next.status.is_success() && !next.session().is_empty());
    assert!(
        started.elapsed() < PATIENCE,
        "the next app took {:?}",
        started.elapsed()
    );
    let calls = host
        .ledger(glovebox_database::ledger::Filter {
            app: Some("spin-forever".to_owned()),
            kind: Some("call".to_owned()),
            ..Default::default()
        })
        .await;
    assert_eq!(
        calls.last().map(|entry| entry.outcome.as_str()),
        Some("failed: cpu-budget-exceeded")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_unlimited_fuel_it_is_stopped_by_the_deadline_while_others_work() {
    let unlimited = Options {
        limits: vec![("call_fuel_max", u64::MAX)],
        ..Options::default()
    };
    let host = TestHost::with(unlimited).await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let patient = doctor.open_patient("sandbox", "anna-rossi").await;
    let (launcher, mut other) = (patient.launcher("spin-forever"), doctor.window());
    let started = Instant::now();
    let spinning = async {
        let stopped = doctor.submit(&launcher).await;
        (stopped, started.elapsed())
    };
    let meanwhile = async {
        host.until_running("spin-forever").await;
        let screen = other.launch("sandbox", "anna-rossi", "lab-viewer").await;
        (screen, started.elapsed())
    };
    let ((stopped, took), (screen, meanwhile)) = tokio::join!(spinning, meanwhile);
    assert!(took < PATIENCE, "it took {took:?}");
    assert!(
        took >= Duration::from_millis(1_500),
        "the deadline is two seconds, it took {took:?}"
    );
    let text = stopped.text();
    assert!(
        text.contains("Spin Forever was stopped")
            && text.contains("took longer to answer than allowed"),
        "{text}"
    );
    assert!(!screen.session().is_empty());
    assert!(
        meanwhile < PATIENCE,
        "another app had to wait {meanwhile:?}"
    );
}
