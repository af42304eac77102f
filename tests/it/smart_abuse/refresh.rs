//! Refresh, revocation, introspection.

use glovebox_database::ledger::Filter;
use glovebox_tests::oauth::refresh;
use serde_json::json;

use super::*;

/// A refresh token, what else is in the form, and the refusal.
type Attempt<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str);

async fn refresh_with(host: &TestHost, refresh_token: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    fields.extend(more);
    token(host, &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rf1_a_rf2_a_refresh_token_used_before_ends_its_family() {
    let host = TestHost::shared().await;
    let first = tokens(host, "anna.rossi", &[]).await;
    let second = refresh(host, text(&first, "refresh_token"))
        .await
        .expect(200);
    let third = refresh(host, text(&second, "refresh_token"))
        .await
        .expect(200);
    assert_eq!(fhir(host, text(&third, "access_token")).await, 200);
    // All within a second: what counts is the place in the family.
    let reused = refresh(host, text(&first, "refresh_token")).await;
    assert_eq!(refusal(&reused), (400, "invalid_grant"));
    for answer in [&first, &second, &third] {
        assert_eq!(fhir(host, text(answer, "access_token")).await, 401);
        let after = refresh(host, text(answer, "refresh_token")).await;
        assert!(after.status.is_client_error(), "{}", after.text);
    }
    let entries = host.ledger(Filter::default()).await;
    let is_incident =
        |raw: &str| raw.contains("\"incident\"") && raw.contains("refresh-token-reused");
    assert!(entries.iter().any(|entry| is_incident(&entry.raw)));
    // What was agreed to stays written down.
    let consents = &host.services.authorization.consents;
    let (main, user) = ("main".parse().unwrap(), "anna.rossi".parse().unwrap());
    assert!(!consents.of(&main, &user).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rf4_two_tabs_at_once_get_the_same_successor_and_one_good_access_token() {
    let host = TestHost::shared().await;
    let first = tokens(host, "anna.rossi", &[]).await;
    let sent: Vec<_> = (0..6)
        .map(|_| {
            let refresh_token = text(&first, "refresh_token").to_owned();
            tokio::spawn(async move { refresh(host, &refresh_token).await.expect(200) })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap());
    }
    let mut good = 0;
    for answer in &answers {
        assert_eq!(
            text(answer, "refresh_token"),
            text(&answers[0], "refresh_token")
        );
        good += usize::from(fhir(host, text(answer, "access_token")).await == 200);
    }
    assert_eq!(good, 1, "a repeated answer replaces the one before");
    refresh(host, text(&answers[0], "refresh_token"))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rf5_a_refresh_token_is_worth_nothing_to_another_client() {
    let host = TestHost::shared().await;
    let scope = "openid offline_access patient/Patient.r";
    let (code, secret) = confidential_code(host, scope).await;
    let own = [
        ("client_id", "demo-confidential"),
        ("client_secret", secret),
    ];
    let answer = token(host, &exchange_with(&code, &own)).await.expect(200);
    let public = tokens(host, "anna.rossi", &[]).await;
    let (confidential, public) = (
        text(&answer, "refresh_token"),
        text(&public, "refresh_token"),
    );
    let cases: [Attempt<'_>; 7] = [
        (confidential, &[], 401, "invalid_client"),
        (
            confidential,
            &[("client_id", "demo-confidential")],
            401,
            "invalid_client",
        ),
        (
            confidential,
            &[("client_id", "demo-public")],
            400,
            "invalid_grant",
        ),
        (public, &own, 400, "invalid_grant"),
        (
            public,
            &[("client_id", "demo-confidential")],
            401,
            "invalid_client",
        ),
        (public, &[("client_id", "nobody")], 401, "invalid_client"),
        (
            public,
            &[("client_id", "demo-public"), ("client_secret", secret)],
            401,
            "invalid_client",
        ),
    ];
    for (refresh_token, more, status, error) in cases {
        let answer = refresh_with(host, refresh_token, more).await;
        assert_eq!(refusal(&answer), (status, error), "{more:?}");
    }
    // None of it did any harm.
    refresh_with(host, confidential, &own).await.expect(200);
    refresh_with(host, public, &[("client_id", "demo-public")])
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rf6_a_refresh_gives_no_more_than_was_granted() {
    let host = TestHost::shared().await;
    let category = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory";
    let granular = format!("patient/Observation.rs?category={category}");
    let scope = format!("launch/patient offline_access patient/Condition.rs {granular}");
    let answer = tokens(host, "anna.rossi", &[("scope", &scope)]).await;
    let mut newest = text(&answer, "refresh_token").to_owned();
    assert_eq!(text(&answer, "scope"), scope);
    for more in [
        "patient/Patient.rs",
        "patient/Condition.cruds",
        "patient/Condition.read patient/Condition.write",
        "patient/Condition.*",
        "patient/*.rs",
        "patient/Observation.rs",
        "patient/Observation.rs?category=vital-signs",
        "user/Condition.rs",
        "system/Condition.rs",
        "openid",
        "fhirUser",
        "online_access",
        "patient/Condition.rs nonsense",
        "patient/Condition.rs\npatient/*.cruds",
    ] {
        let refused = refresh_with(host, &newest, &[("scope", more)]).await;
        assert_eq!(refusal(&refused), (400, "invalid_scope"), "{more}");
    }
    for less in ["patient/Condition.r", &granular, &scope] {
        let answer = refresh_with(host, &newest, &[("scope", less)])
            .await
            .expect(200);
        assert_eq!(text(&answer, "scope"), less);
        newest = text(&answer, "refresh_token").to_owned();
    }
    // Asking for less once takes nothing away for good.
    let answer = refresh(host, &newest).await.expect(200);
    assert_eq!(text(&answer, "scope"), scope);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rf7_f7_what_is_no_refresh_token_is_refused() {
    let host = TestHost::shared().await;
    let answer = tokens(host, "anna.rossi", &[]).await;
    let good = text(&answer, "refresh_token");
    let spoiled = format!("{}x", &good[..good.len() - 1]);
    let (long, access) = ("x".repeat(10_000), text(&answer, "access_token"));
    for wrong in [
        "x",
        "",
        &spoiled,
        &long,
        access,
        text(&answer, "id_token"),
        "\u{0}",
    ] {
        for more in [&[][..], &[("client_id", "demo-public")]] {
            let answer = refresh_with(host, wrong, more).await;
            assert!(
                matches!(answer.status.as_u16(), 400 | 401),
                "{}",
                answer.text
            );
        }
    }
    refresh(host, good).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rf11_a_rf12_nothing_else_in_the_form_changes_the_grant() {
    let host = TestHost::shared().await;
    let answer = tokens(host, "anna.rossi", &[]).await;
    let more = [
        ("patient", "james-miller"),
        ("launch", "x"),
        ("encounter", "x"),
        ("client_session_host", "http://169.254.169.254/"),
        ("redirect_uri", "https://evil.test/"),
        ("aud", "https://evil.test/"),
        ("state", "x"),
    ];
    let again = refresh_with(host, text(&answer, "refresh_token"), &more)
        .await
        .expect(200);
    assert_eq!(again.json["patient"], "anna-rossi");
    assert_eq!(again.json["encounter"], Value::Null);
    assert_eq!(again.json["scope"], answer.json["scope"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rv1_a_rv2_a_client_ends_its_own_tokens_and_no_others() {
    let host = TestHost::shared().await;
    let program = host.program(None);
    let secret = host.client("demo-confidential")["client_secret"]
        .as_str()
        .unwrap();
    let stranger = [
        ("client_id", "demo-confidential"),
        ("client_secret", secret),
    ];
    for (which, refreshes) in [("access_token", true), ("refresh_token", false)] {
        let answer = tokens(host, "anna.rossi", &[]).await;
        let presented = text(&answer, which);
        let mut fields = vec![("token", presented)];
        fields.extend(stranger);
        program
            .post_form("/oauth/main/revoke", &fields)
            .await
            .expect(200);
        assert_eq!(
            fhir(host, text(&answer, "access_token")).await,
            200,
            "{which}"
        );
        for hint in ["access_token", "refresh_token", "nonsense"] {
            let fields = [
                ("token", presented),
                ("client_id", "demo-public"),
                ("token_type_hint", hint),
            ];
            let given = program
                .post_form("/oauth/main/revoke", &fields)
                .await
                .expect(200);
            assert_eq!(given.text, "");
        }
        assert_eq!(
            fhir(host, text(&answer, "access_token")).await,
            401,
            "{which}"
        );
        let after = refresh(host, text(&answer, "refresh_token")).await;
        assert_eq!(after.status == 200, refreshes, "{which}: {}", after.text);
    }
    let unknown = [("token", "unknown"), ("client_id", "demo-public")];
    program
        .post_form("/oauth/main/revoke", &unknown)
        .await
        .expect(200);
    let nobody = [("token", "unknown")];
    let answer = program.post_form("/oauth/main/revoke", &nobody).await;
    assert_eq!(refusal(&answer), (401, "invalid_client"));
    // A request without a token is none.
    let answer = program
        .post_form("/oauth/main/revoke", &[("client_id", "demo-public")])
        .await;
    assert_eq!(refusal(&answer), (400, "invalid_request"));
    let service = glovebox_tests::fhir::system(host, "system/*.rs").await;
    let answer = service
        .post_form("/oauth/main/introspect", &[("unused", "x")])
        .await;
    assert_eq!(refusal(&answer), (400, "invalid_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_in1_a_in2_whoever_asks_says_who_they_are_and_learns_about_their_own() {
    let host = TestHost::shared().await;
    let program = host.program(None);
    let answer = tokens(host, "anna.rossi", &[]).await;
    let access = text(&answer, "access_token");
    let secret = host.client("demo-confidential")["client_secret"]
        .as_str()
        .unwrap();
    let ask = async |fields: &[(&str, &str)]| {
        let mut all = vec![("token", access)];
        all.extend(fields);
        program.post_form("/oauth/main/introspect", &all).await
    };
    assert_eq!(refusal(&ask(&[]).await), (401, "invalid_client"));
    assert_eq!(
        refusal(&ask(&[("client_id", "nobody")]).await),
        (401, "invalid_client")
    );
    // Everybody knows the id of a public client: it proves nothing.
    assert_eq!(
        refusal(&ask(&[("client_id", "demo-public")]).await),
        (401, "invalid_client")
    );
    let unproven = ask(&[("client_id", "demo-confidential")]).await;
    assert_eq!(refusal(&unproven), (401, "invalid_client"));
    // Another client reads as much of it as of a token that never was.
    let foreign = [
        ("client_id", "demo-confidential"),
        ("client_secret", secret),
    ];
    assert_eq!(
        ask(&foreign).await.expect(200).json,
        json!({ "active": false })
    );
    let other = tokens(host, "anna.rossi", &[]).await;
    let revoked = tokens(host, "anna.rossi", &[]).await;
    let fields = [
        ("token", text(&revoked, "access_token")),
        ("client_id", "demo-public"),
    ];
    program
        .post_form("/oauth/main/revoke", &fields)
        .await
        .expect(200);
    for (bearer, status) in [
        (text(&revoked, "access_token"), 401),
        (text(&answer, "refresh_token"), 401),
        (text(&answer, "id_token"), 401),
        ("unknown", 401),
        (text(&other, "access_token"), 200),
    ] {
        let holder = host.program(Some(bearer));
        let told = holder
            .post_form("/oauth/main/introspect", &[("token", access)])
            .await;
        assert_eq!(told.status, status, "{}", told.text);
        match status {
            200 => assert_eq!(told.json, json!({ "active": false })),
            _ => assert!(
                told.header("www-authenticate").starts_with("Bearer"),
                "{status}"
            ),
        }
    }
    // A token of another tenant says nothing here.
    let own = host.program(Some(access));
    let told = own
        .post_form("/oauth/main/introspect", &[("token", access)])
        .await;
    assert_eq!(told.expect(200).json["active"], true);
    let told = own
        .post_form("/oauth/sandbox/introspect", &[("token", access)])
        .await;
    assert_eq!(told.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_in4_a_in5_what_is_no_access_token_in_force_is_inactive_and_nothing_more() {
    let host = TestHost::shared().await;
    let answer = tokens(host, "anna.rossi", &[]).await;
    let access = text(&answer, "access_token");
    let spoiled = format!("{}x", &access[..access.len() - 1]);
    let long = "x".repeat(60_000);
    for wrong in [
        text(&answer, "refresh_token"),
        text(&answer, "id_token"),
        &spoiled,
        &long,
        "\u{0}",
        "ü",
        "../../token",
    ] {
        assert_eq!(
            introspect(host, wrong).await,
            json!({ "active": false }),
            "{wrong:.30}"
        );
    }
    let fields = [("token", "x".repeat(1 << 20))];
    let program = host.program(None);
    let request = program.request(reqwest::Method::POST, "/oauth/main/introspect");
    if let Ok(answer) = request.form(&fields).send().await {
        assert_eq!(answer.status(), 413);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_in6_a_token_in_an_address_or_a_form_opens_nothing() {
    let host = TestHost::shared().await;
    let answer = tokens(host, "anna.rossi", &[]).await;
    let access = text(&answer, "access_token");
    let program = host.program(None);
    let path = format!("/fhir/main/Patient/anna-rossi?access_token={access}");
    let read = program.get(&path).await;
    assert!(matches!(read.status.as_u16(), 400 | 401), "{}", read.text);
    let fields = [("access_token", access), ("patient", "anna-rossi")];
    let read = program
        .post_form("/fhir/main/Observation/_search", &fields)
        .await;
    assert!(matches!(read.status.as_u16(), 400 | 401), "{}", read.text);
    for entry in host.ledger(Filter::default()).await {
        assert!(!entry.raw.contains(access), "{}", entry.raw);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_tenant_is_none_of_another() {
    let host = TestHost::shared().await;
    // The same id in both tenants: two clients.
    let registered = register(host, |registration| {
        registration.id = Some("demo-public".parse().unwrap());
        registration.tenant = "sandbox".parse().unwrap();
    });
    registered.await;
    let base = format!("{}/fhir/sandbox", host.base_url);
    let mut browser = host.signed_in("dr.rivera").await;
    let address = authorize(host, &[("aud", &base)]).replace("/oauth/main/", "/oauth/sandbox/");
    let code = async |browser: &mut glovebox_tests::Browser| {
        let page = browser.open_until_away(&address).await;
        let page = pick(browser, &page, "anna-rossi").await;
        let page = allow(browser, &page).await;
        let issuer = format!("{}/oauth/sandbox", host.base_url);
        assert_eq!(answered(&page, "iss"), Some(issuer));
        answered(&page, "code").unwrap()
    };
    let stray = code(&mut browser).await;
    assert_eq!(
        refusal(&exchange(host, &stray).await),
        (400, "invalid_grant")
    );
    let program = host.program(None);
    let good = code(&mut browser).await;
    let fields = exchange_with(&good, &[]);
    let answer = program
        .post_form("/oauth/sandbox/token", &fields)
        .await
        .expect(200);
    let (access, first) = (
        text(&answer, "access_token"),
        text(&answer, "refresh_token"),
    );
    let lives = async || {
        let holder = host.program(Some(access));
        let read = holder.get("/fhir/sandbox/Patient/anna-rossi").await;
        read.status == 200
    };
    assert!(lives().await);
    assert_eq!(fhir(host, access).await, 401);
    assert_eq!(introspect(host, access).await, json!({ "active": false }));
    let again = refresh_with(host, first, &[]).await;
    assert_eq!(refusal(&again), (400, "invalid_grant"));
    for token in [access, first] {
        let fields = [("token", token), ("client_id", "demo-public")];
        program
            .post_form("/oauth/main/revoke", &fields)
            .await
            .expect(200);
    }
    assert!(lives().await);
    // A stale copy shown at the wrong tenant ends nothing there either.
    let mut newest = first.to_owned();
    for _ in 0..2 {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", newest.as_str()),
        ];
        let answer = program
            .post_form("/oauth/sandbox/token", &fields)
            .await
            .expect(200);
        newest = text(&answer, "refresh_token").to_owned();
    }
    for more in [&[][..], &[("client_id", "demo-public")]] {
        let stale = refresh_with(host, first, more).await;
        assert_eq!(refusal(&stale), (400, "invalid_grant"));
    }
    assert!(lives().await);
}
