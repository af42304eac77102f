//! SMART App Launch from outside: browsers, pages, codes and tokens of the real server.

use glovebox_database::ledger::Filter;
use glovebox_tests::oauth::{
    CALLBACK, STANDALONE, VERIFIER, allow, answered, authorize, code, ehr_launch, exchange,
    parameter, pick, refresh, standalone_code, token,
};
use glovebox_tests::{Answer, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

fn text<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.json[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {}", answer.json))
}

async fn reads(host: &TestHost, answer: &Answer, path: &str) -> u16 {
    let program = host.program(Some(text(answer, "access_token")));
    program
        .get(&format!("/fhir/main/{path}"))
        .await
        .status
        .as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_opened_by_itself_for_the_patient_who_is_chosen() {
    let host = TestHost::shared().await;
    let mut browser = host.browser();
    // Nobody is signed in: the sign-in page leads back to the request.
    let page = browser.open_until_away(&authorize(host, &[])).await;
    let form = page
        .form_to("/sign-in")
        .with("username", "dr.rivera")
        .with("password", host.password("dr.rivera"));
    let page = browser.submit_until_away(&form).await;
    assert!(page.text().contains("Choose a patient"), "{}", page.text());
    let page = pick(&mut browser, &page, "anna-rossi").await;
    for line in [
        "Demo public app asks for access",
        "the record of Anna Rossi",
        "Can see everything in the record of this patient only.",
        "Keeps its access when you are not using it",
        "ends after a year at the latest",
        "127.0.0.1",
    ] {
        assert!(page.text().contains(line), "{line}: {}", page.text());
    }
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:9999"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let page = allow(&mut browser, &page).await;
    assert_eq!(page.status, 303);
    assert!(page.location().unwrap().starts_with(CALLBACK));
    assert_eq!(answered(&page, "state").as_deref(), Some("s-1"));
    let issuer = format!("{}/oauth/main", host.base_url);
    assert_eq!(answered(&page, "iss"), Some(issuer.clone()));

    let answer = exchange(host, &code(&page)).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    for (name, value) in [
        ("token_type", json!("Bearer")),
        ("expires_in", json!(3600)),
        ("scope", json!(STANDALONE)),
        ("patient", json!("anna-rossi")),
        ("need_patient_banner", json!(true)),
        ("tenant", json!("main")),
    ] {
        assert_eq!(answer.json[name], value, "{name}");
    }
    let style = text(&answer, "smart_style_url").replace(&host.base_url, "");
    host.program(None).get(&style).await.expect(200);
    assert_eq!(text(&answer, "id_token").split('.').count(), 3);
    assert_eq!(reads(host, &answer, "Patient/anna-rossi").await, 200);
    assert_eq!(reads(host, &answer, "Patient/james-miller").await, 404);
    assert_eq!(
        reads(host, &answer, "Observation?patient=anna-rossi").await,
        200
    );

    let refreshed = refresh(host, text(&answer, "refresh_token"))
        .await
        .expect(200);
    assert_eq!(refreshed.json["patient"], "anna-rossi");
    assert_eq!(refreshed.json["scope"], STANDALONE);
    assert_eq!(reads(host, &refreshed, "Patient/anna-rossi").await, 200);

    let entries = host.ledger(Filter::default()).await;
    let has = |kind: &str| entries.iter().any(|entry| entry.raw.contains(kind));
    assert!(has("\"authorize\"") && has("\"consent\"") && has("\"token\""));
    let secrets = ["access_token", "refresh_token", "id_token"].map(|name| text(&answer, name));
    for entry in &entries {
        assert!(
            !secrets.iter().any(|secret| entry.raw.contains(secret)),
            "{}",
            entry.raw
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_launched_from_the_chart_without_another_question() {
    let host = TestHost::shared().await;
    let more = json!({
        "encounter": null, "intent": "reconcile",
        "fhir_context": [{ "reference": "Observation/abc", "role": "http://x.example/role" }],
    });
    let launch = ehr_launch(host, "demo-confidential", &more).await;
    assert!(
        launch.as_str().starts_with("http://127.0.0.1:9999/launch?"),
        "{launch}"
    );
    let iss = parameter(&launch, "iss");
    assert_eq!(iss, format!("{}/fhir/main", host.base_url));
    let handle = parameter(&launch, "launch");
    let changes = [
        ("client_id", "demo-confidential"),
        ("launch", handle.as_str()),
        (
            "scope",
            "launch openid fhirUser online_access patient/Observation.rs user/Patient.rs",
        ),
    ];
    let mut browser = host.signed_in("dr.rivera").await;
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    let secret = host.client("demo-confidential")["client_secret"]
        .as_str()
        .unwrap();
    let code = code(&page);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", "demo-confidential"),
        ("client_secret", secret),
    ];
    let answer = token(host, &fields).await.expect(200);
    assert_eq!(answer.json["patient"], "anna-rossi");
    assert_eq!(answer.json["intent"], "reconcile");
    assert_eq!(
        answer.json["fhirContext"],
        json!([{ "reference": "Observation/abc", "role": "http://x.example/role" }])
    );
    assert_eq!(
        reads(host, &answer, "Observation?patient=anna-rossi").await,
        200
    );
    // A handle is good once.
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    assert_eq!(page.status, 400, "{}", page.text());
    assert!(page.location().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_is_worth_nothing_to_anybody_else() {
    let host = TestHost::shared().await;
    let launch = ehr_launch(host, "demo-public", &json!({})).await;
    let handle = parameter(&launch, "launch");
    let scope = ("scope", "launch openid patient/*.rs");
    let own = [("launch", handle.as_str()), scope];
    let forged = format!("{}x", &handle[..handle.len() - 1]);
    for (user, changes) in [
        ("nurse.okafor", &own[..]),
        ("dr.rivera", &[("launch", forged.as_str()), scope]),
        (
            "dr.rivera",
            &[
                ("client_id", "demo-confidential"),
                ("launch", &handle),
                scope,
            ],
        ),
    ] {
        let mut browser = host.signed_in(user).await;
        let page = browser.open_until_away(&authorize(host, changes)).await;
        assert!(page.location().is_none(), "{user}: {:?}", page.location());
        assert!(
            page.text().contains("does not work any more"),
            "{}",
            page.text()
        );
    }
    // All that spoiled nothing for the one it was made for.
    let mut browser = host.signed_in("dr.rivera").await;
    let page = browser.open_until_away(&authorize(host, &own)).await;
    let answer = exchange(host, &code(&page)).await.expect(200);
    assert_eq!(answer.json["patient"], "anna-rossi");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_grants_a_part_and_the_app_gets_no_more() {
    let host = TestHost::shared().await;
    let scope = "launch/patient openid fhirUser offline_access patient/Patient.rs \
        patient/Condition.rs patient/Observation.rs";
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser
        .open_until_away(&authorize(host, &[("scope", scope)]))
        .await;
    // Who has one record only is not asked which.
    assert!(
        page.text().contains("It concerns your own record."),
        "{}",
        page.text()
    );
    let form = page
        .form_to("/continue/decision")
        .unticking("item", "1")
        .unticking("item", "2")
        .unticking("item", "lasting")
        .ticking("item", "2.0")
        .pressing("allow");
    let page = browser.submit_until_away(&form).await;
    let answer = exchange(host, &code(&page)).await.expect(200);
    assert_eq!(
        text(&answer, "scope"),
        "launch/patient openid fhirUser patient/Patient.rs patient/Observation.rs?category=\
         http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
    );
    assert_eq!(answer.json["refresh_token"], Value::Null);
    assert_eq!(
        reads(host, &answer, "Condition?patient=anna-rossi").await,
        403
    );
    let program = host.program(Some(text(&answer, "access_token")));
    let found = program
        .get("/fhir/main/Observation?patient=anna-rossi")
        .await
        .expect(200);
    let entries = found.json["entry"].as_array().unwrap();
    let is_laboratory = |entry: &Value| {
        entry["resource"]["category"]
            .to_string()
            .contains("laboratory")
    };
    assert!(!entries.is_empty() && entries.iter().all(is_laboratory));
}

#[tokio::test(flavor = "multi_thread")]
async fn saying_no_is_as_easy_as_saying_yes_and_nothing_ticked_is_no_yes() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser.open_until_away(&authorize(host, &[])).await;
    let form = page.form_to("/continue/decision");
    let nothing = form.clone().unticking("item", "0").pressing("allow");
    let again = browser.submit_until_away(&nothing).await;
    assert!(
        again.text().contains("Tick what the app may see, or deny."),
        "{}",
        again.text()
    );
    let page = browser
        .submit_until_away(&form.clone().pressing("deny"))
        .await;
    assert_eq!(answered(&page, "error").as_deref(), Some("access_denied"));
    assert_eq!(answered(&page, "state").as_deref(), Some("s-1"));
    assert!(answered(&page, "code").is_none());
    // Decided once: the form is worth nothing any more.
    let late = browser.submit_until_away(&form.pressing("allow")).await;
    assert!(late.location().is_none() && late.status.is_client_error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_decides_on_its_own_request_in_its_own_browser_only() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("anna.rossi").await;
    let wide = browser.open_until_away(&authorize(host, &[])).await;
    let narrow = [("scope", "launch/patient patient/Patient.r")];
    let narrow = browser.open_until_away(&authorize(host, &narrow)).await;
    let (wide, narrow) = (
        wide.form_to("/continue/decision").pressing("allow"),
        narrow.form_to("/continue/decision").pressing("allow"),
    );
    // The token of one request does not decide on the other.
    let swapped = narrow.clone().with("request", wide.get("request").unwrap());
    let page = browser.submit_until_away(&swapped).await;
    assert_eq!(page.status, 403, "{}", page.text());
    // Nor does somebody else's browser.
    let mut other = host.signed_in("maria.rossi").await;
    let page = other.submit_until_away(&wide).await;
    assert_eq!(page.status, 404);
    let next = format!(
        "/oauth/main/continue?request={}",
        wide.get("request").unwrap()
    );
    let page = other.open_until_away(&next).await;
    assert_eq!(page.status, 404);
    // Not even to end it: an administrator uses no apps, and this is not theirs to refuse.
    let mut admin = host.signed_in("admin").await;
    let page = admin.open_until_away(&next).await;
    assert_eq!(page.status, 404);
    let still = browser.open_until_away(&next).await;
    assert!(still.text().contains("asks for access"), "{}", still.text());
    // What a form adds is not read: what was asked for is what is stored.
    let more = narrow
        .ticking("scope", "patient/*.cruds")
        .ticking("redirect_uri", "https://evil.test/")
        .ticking("item", "9");
    let page = browser.submit_until_away(&more).await;
    let answer = exchange(host, &code(&page)).await.expect(200);
    assert_eq!(text(&answer, "scope"), "launch/patient patient/Patient.r");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_picked_who_may_not_be_opened() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("nurse.okafor").await;
    let page = browser.open_until_away(&authorize(host, &[])).await;
    assert!(!page.html.contains("james-miller"));
    let page = pick(&mut browser, &page, "james-miller").await;
    assert_eq!(page.status, 403);
    assert!(page.location().is_none());
    // Administrators use no apps.
    let mut admin = host.signed_in("admin").await;
    let page = admin.open_until_away(&authorize(host, &[])).await;
    assert_eq!(answered(&page, "error").as_deref(), Some("access_denied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_and_max_age_decide_whether_a_page_may_or_must_be_shown() {
    let host = TestHost::shared().await;
    let none = authorize(host, &[("prompt", "none")]);
    let page = host.browser().open_until_away(&none).await;
    assert_eq!(answered(&page, "error").as_deref(), Some("login_required"));
    let mut browser = host.signed_in("dr.rivera").await;
    let page = browser.open_until_away(&none).await;
    assert_eq!(
        answered(&page, "error").as_deref(),
        Some("interaction_required")
    );
    let identity = authorize(host, &[("prompt", "none"), ("scope", "openid fhirUser")]);
    let page = browser.open_until_away(&identity).await;
    assert_eq!(
        answered(&page, "error").as_deref(),
        Some("consent_required")
    );
    for change in [("prompt", "login"), ("max_age", "0")] {
        let page = browser.open_until_away(&authorize(host, &[change])).await;
        let form = page.form_to("/sign-in");
        let form = form
            .with("username", "dr.rivera")
            .with("password", host.password("dr.rivera"));
        let page = browser.submit_until_away(&form).await;
        assert!(
            page.text().contains("Choose a patient"),
            "{change:?}: {}",
            page.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_by_form_means_the_same_as_one_by_address() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("anna.rossi").await;
    let fields = glovebox_tests::oauth::parameters(host, &[]);
    // Any page may post here: it is the app's own that does.
    let from_elsewhere = [
        ("origin", "https://app.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let page = browser
        .send(
            Method::POST,
            "/oauth/main/authorize",
            &fields,
            &from_elsewhere,
        )
        .await;
    assert_eq!(page.status, 303);
    assert_eq!(page.header("access-control-allow-origin"), "");
    let page = browser.open_until_away(page.location().unwrap()).await;
    let page = allow(&mut browser, &page).await;
    exchange(host, &code(&page)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_revoked_opens_nothing() {
    let host = TestHost::shared().await;
    let program = host.program(None);
    for which in ["access_token", "refresh_token"] {
        let code = standalone_code(host, "anna.rossi", &[]).await;
        let answer = exchange(host, &code).await.expect(200);
        // A public app proves nothing, so a service that sees all asks for it.
        let service = glovebox_tests::fhir::system(host, "system/*.rs").await;
        let introspect = async || {
            let fields = [("token", text(&answer, "access_token"))];
            service
                .post_form("/oauth/main/introspect", &fields)
                .await
                .expect(200)
                .json
        };
        let active = introspect().await;
        assert_eq!(active["active"], true);
        assert_eq!(active["scope"], answer.json["scope"]);
        assert_eq!(active["patient"], "anna-rossi");
        assert_eq!(active["client_id"], "demo-public");
        // Nobody reads more of an unknown token than that it is not active.
        let unknown = [("token", "invalid_token_value")];
        let unknown = service.post_form("/oauth/main/introspect", &unknown).await;
        assert_eq!(unknown.expect(200).json, json!({ "active": false }));
        let fields = [
            ("token", text(&answer, which)),
            ("client_id", "demo-public"),
        ];
        program
            .post_form("/oauth/main/revoke", &fields)
            .await
            .expect(200);
        program
            .post_form("/oauth/main/revoke", &fields)
            .await
            .expect(200);
        assert_eq!(introspect().await, json!({ "active": false }));
        assert_eq!(reads(host, &answer, "Patient/anna-rossi").await, 401);
        let refreshed = refresh(host, text(&answer, "refresh_token")).await;
        let expected = if which == "access_token" { 200 } else { 400 };
        assert_eq!(refreshed.status, expected, "{which}: {}", refreshed.json);
    }
    let nobody = [("token", "x")];
    let answer = program.post_form("/oauth/main/introspect", &nobody).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_used_twice_is_an_incident_and_ends_its_tokens() {
    let host = TestHost::shared().await;
    let code = standalone_code(host, "anna.rossi", &[]).await;
    let answer = exchange(host, &code).await.expect(200);
    let again = exchange(host, &code).await;
    assert_eq!(
        (again.status.as_u16(), text(&again, "error")),
        (400, "invalid_grant")
    );
    assert_eq!(reads(host, &answer, "Patient/anna-rossi").await, 401);
    let entries = host.ledger(Filter::default()).await;
    let is_incident = |raw: &str| raw.contains("\"incident\"") && raw.contains("code-used");
    assert!(entries.iter().any(|entry| is_incident(&entry.raw)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_takes_forms_from_registered_origins_and_nothing_in_its_address() {
    let host = TestHost::shared().await;
    let program = host.program(None);
    let post = |path: &str, origin: &str| {
        let request = program.request(Method::POST, path);
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "demo-public"),
        ];
        program.send(request.header("origin", origin).form(&fields))
    };
    let own = post("/oauth/main/token", "http://127.0.0.1:9999").await;
    assert_eq!(own.status, 400);
    assert_eq!(
        own.header("access-control-allow-origin"),
        "http://127.0.0.1:9999"
    );
    assert!(own.header("vary").contains("Origin"));
    let other = post("/oauth/main/token", "https://evil.test").await;
    assert_eq!(other.header("access-control-allow-origin"), "");
    let in_address = post("/oauth/main/token?client_secret=x", "https://evil.test").await;
    assert_eq!(
        (in_address.status.as_u16(), text(&in_address, "error")),
        (400, "invalid_request")
    );
    let get = program.get("/oauth/main/token").await;
    assert_eq!(get.status, 405);
    let json = program.post("/oauth/main/token", &json!({})).await;
    assert_eq!(json.status, 400);
    let preflight = program
        .request(Method::OPTIONS, "/oauth/main/token")
        .header("origin", "http://127.0.0.1:9999")
        .header("access-control-request-method", "POST");
    let preflight = program.send(preflight).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-methods"), "POST");
    let basic = program
        .request(Method::POST, "/oauth/main/token")
        .basic_auth("demo-confidential", Some("guess"))
        .form(&[("grant_type", "refresh_token"), ("refresh_token", "x")]);
    let basic = program.send(basic).await;
    assert_eq!(
        (basic.status.as_u16(), text(&basic, "error")),
        (401, "invalid_client")
    );
    assert!(basic.header("www-authenticate").starts_with("Basic"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_names_no_known_address_stays_here() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("dr.rivera").await;
    for changes in [
        [("client_id", "nobody")],
        [("redirect_uri", "https://evil.test/callback")],
        [("redirect_uri", "http://127.0.0.1:9999/callback/..;/")],
    ] {
        let page = browser.open_until_away(&authorize(host, &changes)).await;
        assert_eq!(page.status, 400, "{changes:?}");
        assert!(page.location().is_none(), "{changes:?}");
        assert!(page.text().contains("This app cannot be opened"));
    }
    // A known address is told what is wrong, byte for byte with its state.
    let state = "a b&\"><script>";
    let changes = [("aud", "https://evil.test/fhir"), ("state", state)];
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    assert_eq!(answered(&page, "error").as_deref(), Some("invalid_request"));
    assert_eq!(answered(&page, "state").as_deref(), Some(state));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_sees_which_apps_act_for_them_and_stops_one() {
    let host = TestHost::shared().await;
    let code = standalone_code(host, "maria.rossi", &[]).await;
    let answer = exchange(host, &code).await.expect(200);
    let patient = text(&answer, "patient").to_owned();
    let path = format!("Patient/{patient}");
    assert_eq!(reads(host, &answer, &path).await, 200);
    // Signing in leads there.
    let mut browser = host.signed_in("maria.rossi").await;
    let page = browser.open("/account").await;
    for line in [
        "Connected apps",
        "Demo public app",
        "Tom Rossi",
        "Can see everything in the record of this patient only.",
    ] {
        assert!(page.text().contains(line), "{line}: {}", page.text());
    }
    let stop = page.form_to("/stop");
    // Nobody else stops it, nor without the form's token.
    let mut other = host.signed_in("anna.rossi").await;
    let own = other.open("/account/apps").await;
    assert!(!own.html.contains(&stop.action));
    let token = stop.clone().with("csrf", "guess");
    assert_eq!(browser.submit(&token).await.status, 403);
    assert_eq!(reads(host, &answer, &path).await, 200);
    let page = browser.submit(&stop).await;
    assert!(
        page.text().contains("The app is stopped."),
        "{}",
        page.text()
    );
    assert_eq!(reads(host, &answer, &path).await, 401);
    let refreshed = refresh(host, text(&answer, "refresh_token")).await;
    assert!(refreshed.status.is_client_error());
}
