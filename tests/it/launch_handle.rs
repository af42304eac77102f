//! A launch handle is good once, for one user in one browser session, for a minute.

use std::time::Duration;

use glovebox_database::ledger::Filter;
use glovebox_tests::{Browser, TestHost};
use serde_json::json;

/// The address with the handle, as a launch from the chart gives it.
async fn handle(browser: &mut Browser) -> String {
    let page = browser.open_patient("main", "anna-rossi").await;
    let answer = browser.send_form(&page.launcher("lab-viewer")).await;
    assert_eq!(answer.status, 303);
    answer.location().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_opens_the_app_once() {
    let host = TestHost::shared().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let address = handle(&mut doctor).await;
    assert!(!doctor.open(&address).await.session().is_empty());
    let again = doctor.open(&address).await;
    assert_eq!(again.status, 400);
    assert!(
        again
            .text()
            .contains("Open the app from the patient's chart again"),
        "{}",
        again.text()
    );
    let refused = host
        .ledger(Filter {
            kind: Some("launch".to_owned()),
            ..Filter::default()
        })
        .await;
    assert!(
        refused
            .iter()
            .any(|entry| entry.outcome == "denied: launch-used")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_is_of_no_use_in_another_session_of_the_same_user() {
    let host = TestHost::shared().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let mut elsewhere = host.signed_in("dr.rivera").await;
    let address = handle(&mut doctor).await;
    assert_eq!(elsewhere.open(&address).await.status, 400);
    let mut nobody = host.browser();
    assert!(nobody.open(&address).await.path.starts_with("/sign-in"));
    assert_eq!(
        doctor
            .open(&address.replace("tenant=main", "tenant=sandbox"))
            .await
            .status,
        400
    );
    assert!(
        !doctor.open(&address).await.session().is_empty(),
        "the attempts of others did not use it up"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_runs_out_after_a_minute() {
    let host = TestHost::fresh().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let (early, late) = (handle(&mut doctor).await, handle(&mut doctor).await);
    host.advance(Duration::from_secs(55));
    assert!(!doctor.open(&early).await.session().is_empty());
    host.advance(Duration::from_secs(6));
    assert_eq!(doctor.open(&late).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_browsers_windows_that_present_a_handle_at_once_one_wins() {
    let host = TestHost::shared().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    for _ in 0..5 {
        let address = handle(&mut doctor).await;
        let mut windows: Vec<Browser> = (0..4).map(|_| doctor.window()).collect();
        let opened = windows.iter_mut().map(|window| window.open(&address));
        let pages = futures(opened).await;
        let won = pages
            .iter()
            .filter(|page| page.path.starts_with("/chart/sessions/"))
            .count();
        assert_eq!(
            won,
            1,
            "{:?}",
            pages.iter().map(|page| page.status).collect::<Vec<_>>()
        );
    }
}

/// Waits for all, started together.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (one, slot) in all.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(output) = one.as_mut().poll(context)
            {
                *slot = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ehrs_handle_is_bound_to_the_named_user() {
    let host = TestHost::shared().await;
    let body = json!({ "app": "lab-viewer", "user": "dr.rivera", "patient": "anna-rossi" });
    let launch = host
        .api("ehr")
        .post("/api/v1/launches", &body)
        .await
        .expect(201)
        .json;
    let address = launch["launch_url"]
        .as_str()
        .unwrap()
        .strip_prefix(&host.base_url)
        .unwrap()
        .to_owned();
    assert!(launch["expires_at"].as_str().unwrap().ends_with('Z'));
    let mut nurse = host.signed_in("nurse.okafor").await;
    assert_eq!(nurse.open(&address).await.status, 400);
    // The doctor is asked to sign in first, and then goes on to the app.
    let mut doctor = host.browser();
    let asked = doctor.open(&address).await;
    assert!(asked.path.starts_with("/sign-in"), "{}", asked.path);
    let form = asked
        .form_to("/sign-in")
        .with("username", "dr.rivera")
        .with("password", host.password("dr.rivera"));
    let screen = doctor.submit(&form).await;
    let entries = host.ledger_of(screen.session()).await;
    assert!(
        entries
            .iter()
            .all(|entry| entry.asserted_by.as_deref() == Some("ehr")),
        "the EHR is named"
    );
    host.api("admin")
        .post("/api/v1/launches", &body)
        .await
        .expect_problem(403, "forbidden");
    let unknown = json!({ "app": "no-such-app", "user": "dr.rivera", "patient": "anna-rossi" });
    host.api("ehr")
        .post("/api/v1/launches", &unknown)
        .await
        .expect_problem(404, "not-found");
}
