//! Launches from the chart.

use glovebox_tests::oauth::{code, ehr_launch, parameter, refresh};
use serde_json::json;

use super::*;

const SCOPE: (&str, &str) = ("scope", "launch openid offline_access patient/*.rs");

/// A launch handle for `demo-public`.
async fn handle(host: &TestHost, more: &Value) -> String {
    parameter(&ehr_launch(host, "demo-public", more).await, "launch")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la1_a_made_up_launch_gives_no_code() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("dr.rivera").await;
    let good = handle(host, &json!({})).await;
    // Opaque, and with more than 128 random bits.
    assert!(good.len() >= 32 && !good.contains("anna"), "{good}");
    let (swapped, doubled) = (good.to_lowercase(), format!("{good}{good}"));
    for launch in [
        "1",
        "eyJwYXRpZW50IjoiYW5uYS1yb3NzaSJ9",
        "anna-rossi",
        "../handle",
        &good[1..],
        &swapped,
        &doubled,
        &"x".repeat(200),
        "a\r\nb",
    ] {
        let page = browser
            .open_until_away(&authorize(host, &[("launch", launch), SCOPE]))
            .await;
        let is_code = page.location().is_some() && answered(&page, "code").is_some();
        assert!(!is_code && !page.status.is_server_error(), "{launch:?}");
        assert!(!page.html.contains("asks for access"), "{launch:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la2_a_launch_is_good_once() {
    let host = TestHost::shared().await;
    let handle = handle(host, &json!({})).await;
    let changes = [("launch", handle.as_str()), SCOPE];
    let mut browser = host.signed_in("dr.rivera").await;
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    code(&page);
    for _ in 0..2 {
        let page = browser.open_until_away(&authorize(host, &changes)).await;
        assert!(page.location().is_none() && page.status == 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la4_a_la5_a_launch_is_for_its_app_and_its_user() {
    let host = TestHost::shared().await;
    let handle = handle(host, &json!({})).await;
    let own = ("launch", handle.as_str());
    for (user, client) in [
        ("nurse.okafor", "demo-public"),
        ("dr.rivera", "demo-confidential"),
    ] {
        let mut browser = host.signed_in(user).await;
        let changes = [own, SCOPE, ("client_id", client)];
        let page = browser.open_until_away(&authorize(host, &changes)).await;
        assert!(page.location().is_none(), "{user} {client}");
        // Where no page may be shown, the client is told instead.
        let changes = [own, SCOPE, ("client_id", client), ("prompt", "none")];
        let page = browser.open_until_away(&authorize(host, &changes)).await;
        assert_eq!(error(&page), "access_denied", "{user} {client}");
    }
    let mut browser = host.signed_in("dr.rivera").await;
    let changes = [own, SCOPE, ("prompt", "none")];
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    let answer = exchange(host, &code(&page)).await.expect(200);
    assert_eq!(answer.json["patient"], "anna-rossi");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la5_a_launch_waits_for_its_own_user_to_sign_in() {
    let host = TestHost::shared().await;
    let handle = handle(host, &json!({})).await;
    let mut browser = host.browser();
    let changes = [("launch", handle.as_str()), SCOPE];
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    let form = page
        .form_to("/sign-in")
        .with("username", "nurse.okafor")
        .with("password", host.password("nurse.okafor"));
    let page = browser.submit_until_away(&form).await;
    assert!(
        page.location().is_none() && page.status == 400,
        "{}",
        page.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la6_the_launch_and_its_scope_come_together() {
    let host = TestHost::shared().await;
    let handle = handle(host, &json!({})).await;
    let mut browser = host.signed_in("anna.rossi").await;
    let changes = [
        ("launch", handle.as_str()),
        ("scope", "openid patient/*.rs"),
    ];
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    assert_eq!(error(&page), "invalid_request");
    // The scope by itself gives no context but the one that is chosen here.
    let answer = tokens(host, "anna.rossi", &[SCOPE]).await;
    let granted = text(&answer, "scope");
    assert!(
        !granted.split(' ').any(|scope| scope == "launch"),
        "{granted}"
    );
    assert_eq!(answer.json["patient"], "anna-rossi");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la8_two_launches_of_one_app_keep_their_patients() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("dr.rivera").await;
    let mut answers = Vec::new();
    let handles = [
        handle(host, &json!({})).await,
        handle(host, &json!({ "patient": "james-miller" })).await,
    ];
    for handle in &handles {
        let changes = [("launch", handle.as_str()), SCOPE];
        let page = browser.open_until_away(&authorize(host, &changes)).await;
        answers.push(exchange(host, &code(&page)).await.expect(200));
    }
    for (answer, patient) in answers.iter().zip(["anna-rossi", "james-miller"]) {
        let again = refresh(host, text(answer, "refresh_token"))
            .await
            .expect(200);
        assert_eq!(answer.json["patient"], patient);
        assert_eq!(again.json["patient"], patient);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la9_a_launch_of_one_tenant_opens_nothing_in_another() {
    let host = TestHost::shared().await;
    let registered = register(host, |registration| {
        registration.tenant = "sandbox".parse().unwrap();
        registration.redirect_uris = vec![CALLBACK.to_owned()];
    });
    let id = registered.await.client.id.to_string();
    let base = format!("{}/fhir/sandbox", host.base_url);
    let handle = handle(host, &json!({})).await;
    let changes = [
        ("client_id", id.as_str()),
        ("aud", base.as_str()),
        ("launch", handle.as_str()),
        SCOPE,
    ];
    let mut browser = host.signed_in("dr.rivera").await;
    let address = authorize(host, &changes).replace("/oauth/main/", "/oauth/sandbox/");
    let page = browser.open_until_away(&address).await;
    assert!(
        page.location().is_none() && page.status == 400,
        "{}",
        page.text()
    );
    let changes = [("aud", base.as_str()), ("launch", handle.as_str()), SCOPE];
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    assert_eq!(error(&page), "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la10_the_ehr_opens_registered_pages_only() {
    let host = TestHost::shared().await;
    let without = register(host, |_| {}).await.client.id.to_string();
    for client in ["nobody", "demo-backend", &without] {
        let body = json!({ "client_id": client, "user": "dr.rivera", "patient": "anna-rossi" });
        let answer = host.api("ehr").post("/api/v1/launches", &body).await;
        answer.expect_problem(404, "not-found");
    }
    let body = json!({ "client_id": "demo-public", "user": "dr.rivera", "patient": "anna-rossi",
        "launch_url": "https://evil.test/" });
    let answer = host.api("ehr").post("/api/v1/launches", &body).await;
    assert!(answer.status.is_client_error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la12_only_whom_the_user_may_open_can_be_chosen() {
    let host = TestHost::shared().await;
    for (user, patient) in [
        ("nurse.okafor", "james-miller"),
        ("nurse.okafor", "nobody-at-all"),
    ] {
        let mut browser = host.signed_in(user).await;
        let page = browser.open_until_away(&authorize(host, &[])).await;
        let page = pick(&mut browser, &page, patient).await;
        assert_eq!(page.status, 403, "{patient}");
        assert!(page.location().is_none() && !page.html.contains(patient));
    }
    // The context of a launch is the chart's: nothing is chosen in its place.
    let handle = handle(host, &json!({})).await;
    let changes = [("launch", handle.as_str()), SCOPE, ("prompt", "consent")];
    let mut browser = host.signed_in("dr.rivera").await;
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    let decision = page.form_to("/continue/decision");
    for (step, value) in [("patient", "james-miller"), ("encounter", "")] {
        let mut form = decision.clone().ticking(step, value);
        form.action = form.action.replace("decision", step);
        let page = browser.submit_until_away(&form).await;
        assert_eq!(page.status, 404, "{step}");
    }
    let page = browser.submit_until_away(&decision.pressing("allow")).await;
    let answer = exchange(host, &code(&page)).await.expect(200);
    assert_eq!(answer.json["patient"], "anna-rossi");
}
