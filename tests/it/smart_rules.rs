//! What SMART App Launch 2.2 and OpenID Connect ask of a server, rule by rule, from outside.
//! Each test is named after the rule; those that other tests prove are not repeated.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_tests::oauth::{
    CALLBACK, STANDALONE, VERIFIER, allow, answered, authorize, code, ehr_launch, exchange,
    parameter, pick, refresh, standalone_code, token,
};
use glovebox_tests::{Answer, TestHost, assertion};
use reqwest::Method;
use serde_json::{Value, json};

#[track_caller]
fn text<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.json[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {}", answer.text))
}

/// A part of a JWT: 0 is the header, 1 the claims.
fn part(jwt: &str, index: usize) -> Value {
    let part = jwt.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn tokens(host: &TestHost, user: &str, changes: &[(&str, &str)]) -> Answer {
    let code = standalone_code(host, user, changes).await;
    exchange(host, &code).await.expect(200)
}

/// The token response of a launch from the chart.
async fn launched(host: &TestHost, scope: &str, more: &Value) -> Answer {
    let launch = ehr_launch(host, "demo-public", more).await;
    let handle = parameter(&launch, "launch");
    let mut browser = host.signed_in("dr.rivera").await;
    let changes = [("launch", handle.as_str()), ("scope", scope)];
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    exchange(host, &code(&page)).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_the_ehr_opens_the_registered_page_with_iss_and_launch_only() {
    let host = TestHost::shared().await;
    let url = ehr_launch(host, "demo-public", &json!({})).await;
    assert!(url.as_str().starts_with("http://127.0.0.1:9999/launch?"));
    let names: Vec<_> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(names, ["iss", "launch"]);
    assert_eq!(
        parameter(&url, "iss"),
        format!("{}/fhir/main", host.base_url)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_e6_l1_l2_l5_l6_l8_a_launch_gives_its_context_whatever_hint_was_asked_for() {
    let host = TestHost::shared().await;
    let more = json!({ "encounter": "visit-1", "intent": "reconcile-medications" });
    for scope in [
        "launch patient/Patient.rs",
        "launch launch/patient patient/Patient.rs",
    ] {
        let answer = launched(host, scope, &more).await;
        assert_eq!(answer.json["patient"], "anna-rossi", "{scope}");
        assert_eq!(answer.json["encounter"], "visit-1", "{scope}");
        assert_eq!(answer.json["intent"], "reconcile-medications", "{scope}");
        assert!(answer.json["need_patient_banner"].is_boolean(), "{scope}");
        assert!(answer.json["tenant"].is_string(), "{scope}");
        assert_eq!(answer.json["scope"], scope);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e7_f10_the_patient_of_a_token_never_changes() {
    let host = TestHost::shared().await;
    let scope = "launch offline_access openid fhirUser patient/Patient.rs";
    let mut answer = launched(host, scope, &json!({ "encounter": "visit-1" })).await;
    launched(host, scope, &json!({ "patient": "james-miller" })).await;
    let who = part(text(&answer, "id_token"), 1)["fhirUser"].clone();
    for _ in 0..3 {
        answer = refresh(host, text(&answer, "refresh_token"))
            .await
            .expect(200);
        assert_eq!(answer.json["patient"], "anna-rossi");
        assert_eq!(answer.json["encounter"], "visit-1");
        assert_eq!(part(text(&answer, "id_token"), 1)["fhirUser"], who);
        let program = host.program(Some(text(&answer, "access_token")));
        program
            .get("/fhir/main/Patient/anna-rossi")
            .await
            .expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l3_l4_fhir_context_holds_objects_and_no_patient_in_a_role_of_launch() {
    let host = TestHost::shared().await;
    let item = json!({ "reference": "Observation/abc" });
    let more = json!({ "fhir_context": [item] });
    let answer = launched(host, "launch patient/Patient.rs", &more).await;
    assert_eq!(answer.json["fhirContext"], json!([item]));
    for wrong in [
        json!([{ "reference": "Patient/anna-rossi" }]),
        json!([{ "reference": "Encounter/visit-1" }]),
        json!([{ "reference": "Patient/anna-rossi", "role": "launch" }]),
        json!([{ "reference": "Observation/abc", "role": "" }]),
        json!([{ "reference": "Observation/abc", "role": "mine" }]),
        json!([{ "role": "https://app.example/role" }]),
        json!(["Observation/abc"]),
    ] {
        let body = json!({ "client_id": "demo-public", "user": "dr.rivera",
            "patient": "anna-rossi", "fhir_context": wrong });
        let answer = host.api("ehr").post("/api/v1/launches", &body).await;
        assert!(answer.status.is_client_error(), "{wrong}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_a_patient_scope_alone_means_that_a_patient_is_chosen() {
    let host = TestHost::shared().await;
    for scope in [
        "patient/Patient.rs",
        "launch/patient openid",
        "user/*.rs patient/Patient.r",
    ] {
        let mut browser = host.signed_in("dr.rivera").await;
        let page = browser
            .open_until_away(&authorize(host, &[("scope", scope)]))
            .await;
        assert!(
            page.text().contains("Choose a patient"),
            "{scope}: {}",
            page.text()
        );
        let page = pick(&mut browser, &page, "anna-rossi").await;
        let page = allow(&mut browser, &page).await;
        let answer = exchange(host, &code(&page)).await.expect(200);
        assert_eq!(answer.json["patient"], "anna-rossi", "{scope}");
    }
    // Without one, none is chosen and none is told.
    let answer = tokens(host, "dr.rivera", &[("scope", "openid user/Patient.rs")]).await;
    assert_eq!(answer.json["patient"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_an_encounter_is_offered_and_need_not_be_chosen() {
    let host = TestHost::shared().await;
    let scope = "launch/patient launch/encounter patient/Patient.rs";
    let mut browser = host.signed_in("dr.rivera").await;
    let page = browser
        .open_until_away(&authorize(host, &[("scope", scope)]))
        .await;
    let page = pick(&mut browser, &page, "anna-rossi").await;
    let mut form = page.form_to("/continue/encounter");
    form.fields.retain(|(name, _)| name != "encounter");
    // One that is not the patient's is none.
    let foreign = form.clone().ticking("encounter", "not-of-anna");
    assert_eq!(browser.submit_until_away(&foreign).await.status, 403);
    let page = browser
        .submit_until_away(&form.ticking("encounter", ""))
        .await;
    let page = allow(&mut browser, &page).await;
    let answer = exchange(host, &code(&page)).await.expect(200);
    assert_eq!(answer.json["patient"], "anna-rossi");
    assert_eq!(answer.json["encounter"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_each_required_parameter_is_required() {
    let host = TestHost::shared().await;
    for (name, expected) in [
        ("response_type", "invalid_request"),
        ("scope", "invalid_scope"),
        ("state", "invalid_request"),
        ("aud", "invalid_request"),
        ("code_challenge", "invalid_request"),
        ("code_challenge_method", "invalid_request"),
    ] {
        for method in [Method::GET, Method::POST] {
            let mut browser = host.browser();
            let fields = glovebox_tests::oauth::parameters(host, &[(name, "")]);
            let path = "/oauth/main/authorize";
            let page = browser.send(method.clone(), path, &fields, &[]).await;
            assert_eq!(page.status, 303, "{method} {name}");
            assert_eq!(
                answered(&page, "error").as_deref(),
                Some(expected),
                "{method} {name}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_the_query_of_the_registered_address_survives() {
    let host = TestHost::shared().await;
    let registration = glovebox_authorization::ClientRegistration {
        id: None,
        tenant: "main".parse().unwrap(),
        kind: glovebox_authorization::ClientKind::Public,
        name: "App with a query".to_owned(),
        owner: "The tests".to_owned(),
        security_contact: "mailto:security@app.example".to_owned(),
        keys: Vec::new(),
        jwks_uri: None,
        rules: glovebox_authorization::ClientRules::default(),
        redirect_uris: vec!["https://app.example/cb?tenant=a%20b".to_owned()],
        launch_uri: None,
        justifications: std::collections::BTreeMap::new(),
        terms: glovebox_policy::Terms::default(),
        scope: glovebox_model::scope::ScopeSet::parse("openid patient/*.rs").unwrap(),
    };
    let clients = &host.services.authorization.clients;
    let id = clients
        .register(registration)
        .await
        .unwrap()
        .client
        .id
        .to_string();
    let mut browser = host.signed_in("anna.rossi").await;
    let changes = [
        ("client_id", id.as_str()),
        ("redirect_uri", "https://app.example/cb?tenant=a%20b"),
    ];
    let page = browser.open_until_away(&authorize(host, &changes)).await;
    let page = allow(&mut browser, &page).await;
    let location = page.location().unwrap();
    assert!(
        location.starts_with("https://app.example/cb?tenant=a%20b&code="),
        "{location}"
    );
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    assert!(code(&page).chars().all(unreserved));
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_unknown_parameters_change_nothing_and_repeated_ones_are_refused() {
    let host = TestHost::shared().await;
    let changes = [
        ("foo", "1"),
        ("foo", "2"),
        ("claims", "{}"),
        ("display", "popup"),
    ];
    tokens(host, "anna.rossi", &changes).await;
    for name in ["state", "scope", "nonce", "launch", "prompt", "max_age"] {
        let mut browser = host.browser();
        let page = browser
            .open_until_away(&authorize(host, &[(name, "a"), (name, "a")]))
            .await;
        assert_eq!(
            answered(&page, "error").as_deref(),
            Some("invalid_request"),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t1_t2_t3_the_token_response_has_what_it_must_and_is_not_kept() {
    let host = TestHost::shared().await;
    let first = tokens(host, "anna.rossi", &[]).await;
    let second = refresh(host, text(&first, "refresh_token"))
        .await
        .expect(200);
    for answer in [&first, &second] {
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json")
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("pragma"), "no-cache");
        assert_eq!(text(answer, "token_type"), "Bearer");
        assert_eq!(text(answer, "scope"), STANDALONE);
        assert!((1..=3_600).contains(&answer.json["expires_in"].as_u64().unwrap()));
        // T9: headers that carry it stay small.
        assert!((20..200).contains(&text(answer, "access_token").len()));
        assert!(text(answer, "refresh_token").len() < 200);
    }
    assert_ne!(text(&first, "access_token"), text(&second, "access_token"));
    assert_ne!(
        text(&first, "refresh_token"),
        text(&second, "refresh_token")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t6_the_scope_of_the_answer_is_what_was_granted() {
    let host = TestHost::shared().await;
    let asked = "openid patient/Patient.rs system/*.rs nonsense patient/Observation.read";
    let answer = tokens(host, "anna.rossi", &[("scope", asked)]).await;
    assert_eq!(
        text(&answer, "scope"),
        "openid patient/Patient.rs patient/Observation.read"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t11_a_bad_code_is_400_and_a_bad_client_401() {
    let host = TestHost::shared().await;
    let bad_code = exchange(host, "BAD_CODE").await;
    assert_eq!(
        (bad_code.status.as_u16(), text(&bad_code, "error")),
        (400, "invalid_grant")
    );
    let code = standalone_code(host, "anna.rossi", &[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "BAD_CLIENT_ID"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let bad_client = token(host, &fields).await;
    assert_eq!(
        (bad_client.status.as_u16(), text(&bad_client, "error")),
        (401, "invalid_client")
    );
    for answer in [bad_code, bad_client] {
        assert!(!text(&answer, "error_description").is_empty());
        assert_eq!(answer.json.as_object().unwrap().len(), 2, "{}", answer.text);
    }
    // Who was refused as a client used nothing up.
    exchange(host, &code).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn f1_f2_f3_a_refresh_gives_the_same_scope_or_the_part_that_is_asked_for() {
    let host = TestHost::shared().await;
    let first = tokens(host, "anna.rossi", &[]).await;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&first, "refresh_token")),
        ("scope", "patient/Patient.r"),
    ];
    let narrow = token(host, &fields).await.expect(200);
    assert_eq!(text(&narrow, "scope"), "patient/Patient.r");
    let program = host.program(Some(text(&narrow, "access_token")));
    program
        .get("/fhir/main/Patient/anna-rossi")
        .await
        .expect(200);
    program
        .get("/fhir/main/Observation?patient=anna-rossi")
        .await
        .expect(403);
    assert!(
        narrow.json["id_token"].is_null(),
        "openid was not asked for"
    );
    let whole = refresh(host, text(&narrow, "refresh_token"))
        .await
        .expect(200);
    assert_eq!(text(&whole, "scope"), STANDALONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn o1_o2_o3_o4_o7_the_id_token_says_who_for_whom_and_since_when() {
    let host = TestHost::shared().await;
    let issuer = format!("{}/oauth/main", host.base_url);
    for (user, fhir_user) in [
        ("dr.rivera", "Practitioner/rivera"),
        ("anna.rossi", "Patient/anna-rossi"),
    ] {
        let answer = tokens(host, user, &[("nonce", "n-\u{fc}\"<")]).await;
        let (header, claims) = (
            part(text(&answer, "id_token"), 0),
            part(text(&answer, "id_token"), 1),
        );
        assert_eq!(header["alg"], "RS256");
        let jwks = host
            .program(None)
            .get("/oauth/main/jwks")
            .await
            .expect(200)
            .json;
        let keys = jwks["keys"].as_array().unwrap();
        assert!(
            keys.iter()
                .any(|key| key["kid"] == header["kid"] && key["kty"] == "RSA")
        );
        let address = format!("{}/fhir/main/{fhir_user}", host.base_url);
        assert_eq!(claims["iss"], issuer.as_str());
        assert_eq!(
            (&claims["aud"], &claims["azp"]),
            (&json!("demo-public"), &json!("demo-public"))
        );
        assert_eq!(claims["nonce"], "n-\u{fc}\"<");
        assert_eq!(
            (&claims["fhirUser"], &claims["profile"]),
            (&json!(address), &json!(address))
        );
        assert!((1..=255).contains(&claims["sub"].as_str().unwrap().len()));
        let number = |name: &str| claims[name].as_i64().unwrap();
        assert!(number("auth_time") <= number("iat") && number("iat") < number("exp"));
        let hash = glovebox_authorization::id_token::at_hash(text(&answer, "access_token"));
        assert_eq!(claims["at_hash"], hash.as_str());
        // The person can be read with the token.
        let program = host.program(Some(text(&answer, "access_token")));
        let person = program.get(&format!("/fhir/main/{fhir_user}")).await;
        assert_eq!(person.status, 200, "{}", person.text);
        // A refresh is about the same person, and repeats no nonce.
        let again = refresh(host, text(&answer, "refresh_token"))
            .await
            .expect(200);
        let later = part(text(&again, "id_token"), 1);
        for name in ["iss", "sub", "aud", "auth_time", "fhirUser"] {
            assert_eq!(later[name], claims[name], "{name}");
        }
        assert_eq!(later["nonce"], Value::Null);
    }
    let bare = tokens(host, "anna.rossi", &[("scope", "openid patient/Patient.r")]).await;
    assert_eq!(part(text(&bare, "id_token"), 1)["fhirUser"], Value::Null);
    let none = tokens(host, "anna.rossi", &[("scope", "patient/Patient.r")]).await;
    assert_eq!(none.json["id_token"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_to_n4_introspection_says_what_the_token_response_said() {
    let host = TestHost::shared().await;
    let more = json!({ "encounter": "visit-1", "intent": "review",
        "fhir_context": [{ "reference": "Observation/abc" }] });
    let scope = "launch openid fhirUser patient/Patient.rs";
    let answer = launched(host, scope, &more).await;
    let claims = part(text(&answer, "id_token"), 1);
    let fields = [("token", text(&answer, "access_token"))];
    let program = host.program(Some(text(&answer, "access_token")));
    let told = program
        .post_form("/oauth/main/introspect", &fields)
        .await
        .expect(200);
    assert_eq!(told.header("cache-control"), "no-store");
    let told = told.json;
    assert_eq!(
        (&told["active"], &told["client_id"]),
        (&json!(true), &json!("demo-public"))
    );
    for name in [
        "scope",
        "patient",
        "encounter",
        "intent",
        "fhirContext",
        "need_patient_banner",
        "smart_style_url",
        "tenant",
    ] {
        assert!(!answer.json[name].is_null(), "{name}");
        assert_eq!(told[name], answer.json[name], "{name}");
    }
    for name in ["iss", "sub", "fhirUser"] {
        assert_eq!(told[name], claims[name], "{name}");
    }
    let left = told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap();
    // Both are cut to whole seconds, each by itself.
    assert!(
        left - answer.json["expires_in"].as_i64().unwrap() <= 1,
        "{left}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_who_may_read_everything_learns_about_every_token() {
    let host = TestHost::shared().await;
    let answer = tokens(host, "anna.rossi", &[]).await;
    let key = &host.client("demo-backend")["jwk"][0];
    let audience = format!("{}/oauth/main/token", host.base_url);
    for (scope, learns) in [("system/*.rs", true), ("system/Patient.rs", false)] {
        let assertion = assertion::sign("demo-backend", &audience, key, |_| {});
        let fields = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion.as_str()),
        ];
        let bearer = token(host, &fields).await.expect(200);
        // B12, B13, B14.
        assert_eq!(text(&bearer, "scope"), scope);
        assert_eq!(bearer.json["expires_in"], 300);
        assert_eq!(bearer.json["refresh_token"], Value::Null);
        let program = host.program(Some(text(&bearer, "access_token")));
        let fields = [("token", text(&answer, "access_token"))];
        let told = program
            .post_form("/oauth/main/introspect", &fields)
            .await
            .expect(200);
        assert_eq!(told.json["active"], learns, "{scope}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_b16_a_refused_service_reads_why_in_the_words_of_the_protocol() {
    let host = TestHost::shared().await;
    let backend = ("client_id", "demo-backend");
    for (fields, status, error) in [
        (
            vec![("grant_type", "not_a_grant_type"), backend],
            400,
            "unsupported_grant_type",
        ),
        (vec![backend], 400, "invalid_request"),
        (
            vec![("grant_type", "client_credentials"), backend],
            401,
            "invalid_client",
        ),
        (
            vec![
                ("grant_type", "client_credentials"),
                ("client_assertion_type", "not_an_assertion_type"),
                ("client_assertion", "a.b.c"),
            ],
            401,
            "invalid_client",
        ),
    ] {
        let answer = token(host, &fields).await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer, "error")),
            (status, error),
            "{fields:?}"
        );
        assert!(!text(&answer, "error_description").is_empty());
    }
}
