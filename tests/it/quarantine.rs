//! Taking an app out of service while it runs, and the way back.

use std::time::{Duration, Instant};

use glovebox_tests::{Options, TestHost};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn quarantine_ends_a_running_call_within_a_second_and_the_way_back_needs_two_people() {
    let patient = Options {
        limits: vec![("call_fuel_max", u64::MAX), ("wall_ms_max", 60_000)],
        ..Options::default()
    };
    let host = TestHost::with(patient).await;
    let (admin, reviewer) = (host.api("admin"), host.api("reviewer"));
    let because = |reason: &str| json!({ "tenant": "sandbox", "reason": reason });
    let mut doctor = host.signed_in("dr.rivera").await;
    let page = doctor.open_patient("sandbox", "anna-rossi").await;
    let (launcher, mut other) = (page.launcher("spin-forever"), doctor.window());

    let spinning = async {
        let stopped = doctor.submit(&launcher).await;
        (stopped, Instant::now())
    };
    let quarantining = async {
        host.until_running("spin-forever").await;
        let asked = Instant::now();
        let answer = admin
            .post(
                "/api/v1/apps/spin-forever/quarantine",
                &because("it never answers"),
            )
            .await;
        let answered = asked.elapsed();
        let refused = other.submit(&launcher).await;
        (asked, answer.expect(200).json, answered, refused)
    };
    let ((stopped, ended), (asked, answer, answered, refused)) =
        tokio::join!(spinning, quarantining);
    assert!(answer["took_ms"].as_u64().unwrap() < 1_000, "{answer}");
    assert!(answered < PATIENCE, "the answer took {answered:?}");
    assert!(
        ended.saturating_duration_since(asked) < PATIENCE,
        "the call went on after the quarantine"
    );
    assert_eq!(answer["calls_ended"], 1, "{answer}");
    assert!(
        stopped.text().contains("is not available"),
        "{}",
        stopped.text()
    );
    assert!(stopped.text().contains("quarantine"), "{}", stopped.text());
    assert!(
        refused.text().contains("is not available"),
        "{}",
        refused.text()
    );
    let chart = other.open_patient("sandbox", "anna-rossi").await;
    assert!(
        !chart
            .tree()
            .forms()
            .iter()
            .any(|form| form.get("app") == Some("spin-forever")),
        "it is not offered any more"
    );
    let open = json!({ "tenant": "sandbox", "app": "spin-forever", "patient": "anna-rossi" });
    host.api("dr.rivera")
        .post("/api/v1/sessions", &open)
        .await
        .expect_problem(409, "not-live");

    // Back: two different people, then a review, then an approval.
    let release = "/api/v1/apps/spin-forever/release";
    admin
        .post(release, &because(""))
        .await
        .expect_problem(422, "no-reason");
    assert_eq!(
        admin
            .post(release, &because("looked into"))
            .await
            .expect(202)
            .json["state"],
        "pending"
    );
    admin
        .post(release, &because("looked into"))
        .await
        .expect_problem(403, "same-person");
    host.api("vendor")
        .post(release, &because("please"))
        .await
        .expect_problem(403, "forbidden");
    let approve = "/api/v1/apps/spin-forever/versions/1.0.0/approve";
    admin
        .post(approve, &because("too soon"))
        .await
        .expect_problem(409, "wrong-stage");
    assert_eq!(
        reviewer
            .post(release, &because("seen too"))
            .await
            .expect(200)
            .json["state"],
        "in-review"
    );
    host.api("dr.rivera")
        .post("/api/v1/sessions", &open)
        .await
        .expect_problem(409, "not-live");
    let limits = json!({ "tenant": "sandbox", "reason": "with less time", "limits": { "wall_ms_max": 300 } });
    assert_eq!(
        admin.post(approve, &limits).await.expect(200).json["state"],
        "live"
    );
    let started = Instant::now();
    host.api("dr.rivera")
        .post("/api/v1/sessions", &open)
        .await
        .expect_problem(422, "deadline-exceeded");
    assert!(
        started.elapsed() < PATIENCE,
        "the approval's own limit of 300 ms is in force"
    );

    // Revoked is for good.
    let revoke = "/api/v1/apps/spin-forever/revoke";
    admin.post(revoke, &because("enough")).await.expect(200);
    admin
        .post(approve, &because("once more"))
        .await
        .expect_problem(409, "wrong-stage");
    admin
        .post(release, &because("once more"))
        .await
        .expect_problem(409, "wrong-stage");
    let page = doctor.submit(&launcher).await;
    assert!(page.text().contains("no longer offered"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_screen_of_a_quarantined_app_is_closed_and_its_session_counted() {
    let host = TestHost::fresh().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let screen = doctor.launch("main", "anna-rossi", "lab-viewer").await;
    let quarantine = json!({ "reason": "a report from the ward" });
    let answer = host
        .api("admin")
        .post("/api/v1/apps/lab-viewer/quarantine", &quarantine)
        .await
        .expect(200)
        .json;
    assert_eq!(answer["sessions_ended"], 1, "{answer}");
    let after = doctor.press(&screen, "period", &[("period", "1y")]).await;
    assert!(
        after.text().contains("Lab Viewer is not available"),
        "{}",
        after.text()
    );
    let entries = host.ledger_of(screen.session()).await;
    assert_eq!(
        entries.last().map(|entry| entry.kind.as_str()),
        Some("session.close")
    );
    // The same app in another tenant was not meant.
    let elsewhere = doctor.launch("sandbox", "anna-rossi", "lab-viewer").await;
    assert!(!elsewhere.session().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_acts_work_as_forms_of_the_administrators_page() {
    let host = TestHost::fresh().await;
    let mut admin = host.signed_in("admin").await;
    let mut reviewer = host.signed_in("reviewer").await;
    let mut doctor = host.signed_in("dr.rivera").await;
    assert_eq!(doctor.open("/admin/apps").await.status, 403);
    let apps = admin.open("/admin/apps?tenant=main").await;
    let act = |page: &glovebox_tests::Page, act: &str| {
        page.form_to(&format!("/admin/apps/lab-viewer/1.0.0/{act}"))
            .with("reason", "a report from the ward")
    };
    let empty = apps.form_to("/admin/apps/lab-viewer/1.0.0/quarantine");
    assert_eq!(admin.submit(&empty).await.status, 400, "a reason is needed");
    let apps = admin.submit(&act(&apps, "quarantine")).await;
    assert!(apps.text().contains("Quarantined"), "{}", apps.text());
    assert!(
        !doctor
            .open_patient("main", "anna-rossi")
            .await
            .offers("lab-viewer")
    );
    let apps = admin.submit(&act(&apps, "release")).await;
    assert!(
        apps.text().contains("a second person must agree"),
        "{}",
        apps.text()
    );
    assert_eq!(
        admin.submit(&act(&apps, "release")).await.status,
        400,
        "the same person again"
    );
    let apps = reviewer.open("/admin/apps?tenant=main").await;
    let apps = reviewer.submit(&act(&apps, "release")).await;
    let apps = reviewer.submit(&act(&apps, "approve")).await;
    assert!(apps.status.is_success());
    assert!(
        !doctor
            .launch("main", "anna-rossi", "lab-viewer")
            .await
            .session()
            .is_empty()
    );
}
