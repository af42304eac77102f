//! Who may open whom: the nurse reaches the patients of her ward and nobody else, by any
//! path, and what she may not open answers like somebody made up.

use glovebox_database::Right;
use glovebox_tests::html::Form;
use glovebox_tests::{Page, TestHost};
use reqwest::Method;
use serde_json::json;

const STRANGER: &str = "james-miller";
const MADE_UP: &str = "nobody-by-this-id";

/// What a person could notice, with ids and tokens that differ by nature taken out.
fn noticed(page: &Page, patient: &str) -> (u16, String) {
    let mut body = page.html.replace(patient, "(id)");
    while let Some(at) = body.find("name=\"csrf\" value=\"") {
        let end = body[at + 19..]
            .find('"')
            .map_or(body.len(), |end| at + 19 + end);
        body.replace_range(at..end, "(csrf)");
    }
    (page.status.as_u16(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_and_the_search_box_show_her_own_patients_only() {
    let host = TestHost::shared().await;
    let mut nurse = host.signed_in("nurse.okafor").await;
    let mut doctor = host.signed_in("dr.rivera").await;
    assert!(
        doctor.open("/chart").await.text().contains("James Miller"),
        "the doctor sees everybody"
    );
    for address in [
        "/chart",
        "/chart?q=miller",
        "/chart?q=james",
        "/chart?q=james-miller",
        "/chart?tenant=sandbox&q=miller",
    ] {
        let page = nurse.open(address).await;
        assert_eq!(page.status, 200, "{address}");
        let is_there = page
            .tree()
            .links()
            .iter()
            .any(|(to, label)| to.contains(STRANGER) || label.contains("James"));
        assert!(
            !is_there && !page.text().contains("James Miller"),
            "{address}: {}",
            page.text()
        );
    }
    let (one, other) = (
        nurse.open("/chart?q=miller").await,
        nurse.open("/chart?q=nonsense").await,
    );
    assert_eq!(
        one.html.replace("miller", "(q)"),
        other.html.replace("nonsense", "(q)")
    );
    assert!(
        nurse
            .open("/chart?q=rossi")
            .await
            .text()
            .contains("Anna Rossi")
    );
    assert_eq!(nurse.open_patient("main", "anna-rossi").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_page_and_a_launch_answer_like_somebody_made_up() {
    let host = TestHost::shared().await;
    let mut nurse = host.signed_in("nurse.okafor").await;
    for tenant in ["main", "sandbox"] {
        let stranger = nurse.open_patient(tenant, STRANGER).await;
        let made_up = nurse.open_patient(tenant, MADE_UP).await;
        assert_eq!(stranger.status, 404);
        assert_eq!(
            noticed(&stranger, STRANGER),
            noticed(&made_up, MADE_UP),
            "{tenant}"
        );
    }
    // The form of a patient whom she may open, bent towards another.
    let anna = nurse.open_patient("main", "anna-rossi").await;
    let launcher = anna.launcher("lab-viewer");
    let bent = |patient: &str| Form {
        action: launcher.action.replace("anna-rossi", patient),
        ..launcher.clone()
    };
    let stranger = nurse.submit(&bent(STRANGER)).await;
    let made_up = nurse.submit(&bent(MADE_UP)).await;
    assert_eq!(stranger.status, 404, "{}", stranger.text());
    assert_eq!(noticed(&stranger, STRANGER), noticed(&made_up, MADE_UP));
    assert_eq!(stranger.redirects, made_up.redirects);
    let screen = nurse.submit(&launcher).await;
    assert!(screen.text().contains("Anna Rossi") && screen.path.starts_with("/chart/sessions/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_handle_and_somebody_elses_session_open_nothing() {
    let host = TestHost::shared().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let mut nurse = host.signed_in("nurse.okafor").await;

    let page = doctor.open_patient("main", STRANGER).await;
    let handed = doctor.send_form(&page.launcher("lab-viewer")).await;
    let handle = handed.location().unwrap().to_owned();
    let stolen = nurse.open(&handle).await;
    let invented = nurse
        .open("/launch/app?tenant=main&launch=gbl_nonsense")
        .await;
    assert_eq!(stolen.status.as_u16(), invented.status.as_u16());
    assert_eq!(stolen.html, invented.html);
    assert!(!stolen.text().contains("James"));
    // The theft did not spoil it for whom it was made.
    let screen = doctor.open(&handle).await;
    let session = screen.session().to_owned();
    assert!(screen.text().contains("James Miller"));

    let made_up = "/chart/sessions/s-nonsense";
    let theirs = format!("/chart/sessions/{session}");
    let (peeked, nothing) = (nurse.open(&theirs).await, nurse.open(made_up).await);
    assert_eq!(peeked.status, 404);
    assert_eq!(noticed(&peeked, &session), noticed(&nothing, "s-nonsense"));
    let own = nurse.open_patient("main", "anna-rossi").await;
    let csrf = own.launcher("lab-viewer").get("csrf").unwrap().to_owned();
    let fields = vec![
        ("csrf".to_owned(), csrf),
        ("seq".to_owned(), "1".to_owned()),
    ];
    for act in ["events", "close"] {
        let bent = nurse
            .send(Method::POST, &format!("{theirs}/{act}"), &fields, &[])
            .await;
        let nothing = nurse
            .send(Method::POST, &format!("{made_up}/{act}"), &fields, &[])
            .await;
        assert_eq!(bent.status, 404, "{act}: {}", bent.text());
        assert_eq!(
            noticed(&bent, &session),
            noticed(&nothing, "s-nonsense"),
            "{act}"
        );
    }
    assert!(
        doctor.open(&theirs).await.text().contains("James Miller"),
        "the session goes on for its own user"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_opens_no_app_on_a_patient_whom_the_named_user_may_not_open() {
    let host = TestHost::shared().await;
    let ehr = host.api("ehr");
    let open =
        |patient: &str| json!({ "app": "lab-viewer", "patient": patient, "user": "nurse.okafor" });
    let stranger = ehr
        .post("/api/v1/sessions", &open(STRANGER))
        .await
        .expect_problem(404, "not-found");
    let made_up = ehr
        .post("/api/v1/sessions", &open(MADE_UP))
        .await
        .expect_problem(404, "not-found");
    assert_eq!(
        stranger.text.replace(STRANGER, "(id)"),
        made_up.text.replace(MADE_UP, "(id)")
    );
    let opened = ehr
        .post("/api/v1/sessions", &open("anna-rossi"))
        .await
        .expect(201)
        .json;
    let session = opened["session"].as_str().unwrap();
    let entries = host.ledger_of(session).await;
    assert!(!entries.is_empty());
    for entry in entries {
        assert_eq!(entry.user.as_deref(), Some("nurse.okafor"), "{}", entry.raw);
        assert_eq!(entry.asserted_by.as_deref(), Some("ehr"), "{}", entry.raw);
    }
    // A person's token speaks for that person only; somebody else's session is not there.
    let rivera = host.api("dr.rivera");
    rivera
        .post("/api/v1/sessions", &open("anna-rossi"))
        .await
        .expect_problem(403, "forbidden");
    let events = format!("/api/v1/sessions/{session}/events");
    let theirs = rivera
        .post(&events, &json!({ "seq": 1, "refresh": true }))
        .await
        .expect_problem(404, "not-found");
    let nothing = rivera
        .post(
            "/api/v1/sessions/nonsense/events",
            &json!({ "seq": 1, "refresh": true }),
        )
        .await;
    assert_eq!(theirs.text, nothing.expect_problem(404, "not-found").text);
    // An EHR launch sends her browser to a page that is not there.
    let body = json!({ "app": "lab-viewer", "user": "nurse.okafor", "patient": STRANGER });
    let launch = ehr.post("/api/v1/launches", &body).await.expect(201).json;
    let address = launch["launch_url"]
        .as_str()
        .unwrap()
        .strip_prefix(&host.base_url)
        .unwrap()
        .to_owned();
    let mut nurse = host.signed_in("nurse.okafor").await;
    assert_eq!(nurse.open(&address).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_ends_the_open_app() {
    let host = TestHost::fresh().await;
    let mut nurse = host.signed_in("nurse.okafor").await;
    let screen = nurse.launch("main", "anna-rossi", "lab-viewer").await;
    let right = Right::Patient("anna-rossi".parse().unwrap());
    let (tenant, user) = ("main".parse().unwrap(), "nurse.okafor".parse().unwrap());
    host.services
        .relations
        .revoke(&tenant, &user, &right)
        .await
        .unwrap();
    let after = nurse.press(&screen, "period", &[("period", "1y")]).await;
    assert!(!after.html.contains("Anna Rossi"), "{}", after.text());
    assert_eq!(nurse.open_patient("main", "anna-rossi").await.status, 404);
}
