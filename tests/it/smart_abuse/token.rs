//! The token endpoint: codes, clients, forms.

use glovebox_database::ledger::Filter;
use glovebox_tests::oauth::CHALLENGE;
use reqwest::Method;
use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_tk1_a_code_presented_again_ends_what_it_gave() {
    let host = TestHost::shared().await;
    let code = standalone_code(host, "anna.rossi", &[]).await;
    let first = exchange(host, &code).await.expect(200);
    assert_eq!(fhir(host, text(&first, "access_token")).await, 200);
    assert_eq!(
        refusal(&exchange(host, &code).await),
        (400, "invalid_grant")
    );
    let access = text(&first, "access_token");
    assert_eq!(fhir(host, access).await, 401);
    assert_eq!(introspect(host, access).await, json!({ "active": false }));
    let refreshed = glovebox_tests::oauth::refresh(host, text(&first, "refresh_token")).await;
    assert!(refreshed.status.is_client_error(), "{}", refreshed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk2_of_many_who_exchange_one_code_at_once_one_gets_tokens_and_they_end() {
    let host = TestHost::shared().await;
    let code = standalone_code(host, "anna.rossi", &[]).await;
    let sent: Vec<_> = (0..12)
        .map(|_| {
            let code = code.clone();
            tokio::spawn(async move { exchange(host, &code).await })
        })
        .collect();
    let mut won = Vec::new();
    for answer in sent {
        let answer = answer.await.unwrap();
        match answer.status.as_u16() {
            200 => won.push(answer),
            _ => assert_eq!(refusal(&answer), (400, "invalid_grant")),
        }
    }
    assert_eq!(won.len(), 1);
    // Whoever came late had a copy: the winner's tokens are not worth more than theirs.
    assert_eq!(fhir(host, text(&won[0], "access_token")).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk5_the_address_of_the_request_is_named_again() {
    let host = TestHost::shared().await;
    for (uri, error) in [
        ("", "invalid_request"),
        ("http://127.0.0.1:9999/callback/", "invalid_grant"),
        ("http://127.0.0.1:9998/callback", "invalid_grant"),
        ("http://127.0.0.1:9999/%63allback", "invalid_grant"),
        ("HTTP://127.0.0.1:9999/callback", "invalid_grant"),
        ("https://evil.test/", "invalid_grant"),
    ] {
        let code = standalone_code(host, "anna.rossi", &[]).await;
        let fields = exchange_with(&code, &[("redirect_uri", uri)]);
        assert_eq!(refusal(&token(host, &fields).await), (400, error), "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk6_a_tk8_without_the_verifier_a_code_is_worth_nothing_and_burns() {
    let host = TestHost::shared().await;
    let long = "a".repeat(129);
    for (verifier, error, burns) in [
        ("", "invalid_request", false),
        (" ", "invalid_grant", true),
        (&VERIFIER[1..], "invalid_grant", true),
        (long.as_str(), "invalid_grant", true),
        (CHALLENGE, "invalid_grant", true),
        (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl",
            "invalid_grant",
            true,
        ),
        (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEj\u{0}k",
            "invalid_grant",
            true,
        ),
    ] {
        let code = standalone_code(host, "anna.rossi", &[]).await;
        let fields = exchange_with(&code, &[("code_verifier", verifier)]);
        assert_eq!(
            refusal(&token(host, &fields).await),
            (400, error),
            "{verifier:?}"
        );
        let after = exchange(host, &code).await;
        assert_eq!(after.status == 400, burns, "{verifier:?}: {}", after.text);
    }
    // As does the code of one client in the hands of another.
    let code = standalone_code(host, "anna.rossi", &[]).await;
    let secret = host.client("demo-confidential")["client_secret"]
        .as_str()
        .unwrap();
    let changes = [
        ("client_id", "demo-confidential"),
        ("client_secret", secret),
    ];
    let stolen = token(host, &exchange_with(&code, &changes)).await;
    assert_eq!(refusal(&stolen), (400, "invalid_grant"));
    assert_eq!(
        refusal(&exchange(host, &code).await),
        (400, "invalid_grant")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk12_only_a_form_is_read() {
    let host = TestHost::shared().await;
    let program = host.program(None);
    for path in [
        "/oauth/main/token",
        "/oauth/main/introspect",
        "/oauth/main/revoke",
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = program.send(program.request(method.clone(), path)).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(
                answer.header("cache-control"),
                "no-store",
                "{method} {path}"
            );
        }
        for (content_type, body) in [
            ("application/json", "{}".as_bytes()),
            ("multipart/form-data; boundary=x", b"--x--"),
            ("text/plain", b"grant_type=client_credentials"),
            ("", b""),
            ("application/x-www-form-urlencoded", b""),
            ("application/x-www-form-urlencoded", b"%zz=%&&&=;"),
            ("application/x-www-form-urlencoded", b"grant_type=\xff\xfe"),
            ("application/x-www-form-urlencoded", b"a=1&a=2"),
            (
                "application/x-www-form-urlencoded",
                b"client_id=%ff&client_id=x",
            ),
        ] {
            let answer = program.post_bytes(path, content_type, body.to_vec()).await;
            let (status, error) = refusal(&answer);
            let is_told = matches!(
                (status, error),
                (400, "invalid_request" | "unsupported_grant_type") | (401, "invalid_client")
            );
            assert!(
                is_told,
                "{path} {content_type} {body:?}: {status} {}",
                answer.text
            );
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        // On a line of its own: it is closed, and nothing else is to be sent on it.
        let request = host.program(None).request(Method::POST, path);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        // Refused by its announced length; whoever still writes may find the line closed.
        if let Ok(answer) = request.body(vec![b'a'; 600 << 10]).send().await {
            assert_eq!(answer.status(), 413, "{path}");
        }
    }
    let code = standalone_code(host, "anna.rossi", &[]).await;
    let form = reqwest::Url::parse_with_params("http://x/", exchange_with(&code, &[])).unwrap();
    let content_type = "Application/X-WWW-Form-URLEncoded; charset=UTF-8";
    let body = form.query().unwrap().to_owned();
    let answer = program
        .post_bytes("/oauth/main/token", content_type, body)
        .await;
    answer.expect(200);
    let fields = [("grant_type", "password"), ("client_id", "demo-public")];
    let answer = token(host, &fields).await;
    assert_eq!(refusal(&answer), (400, "unsupported_grant_type"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk16_a_scope_beside_the_code_adds_nothing() {
    let host = TestHost::shared().await;
    let scope = "openid launch/patient patient/Patient.r";
    let code = standalone_code(host, "anna.rossi", &[("scope", scope)]).await;
    let more = [
        ("scope", "patient/*.cruds offline_access"),
        ("patient", "james-miller"),
        ("audience", "https://evil.test"),
    ];
    let answer = token(host, &exchange_with(&code, &more)).await.expect(200);
    assert_eq!(text(&answer, "scope"), scope);
    assert_eq!(answer.json["patient"], "anna-rossi");
    assert_eq!(answer.json["refresh_token"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk19_only_pages_of_registered_apps_read_the_answers() {
    let host = TestHost::shared().await;
    // An app with an address of its own scheme has no origin that a browser could name.
    register(host, |registration| {
        registration.redirect_uris = vec!["org.example.app:/callback".to_owned()];
    })
    .await;
    let program = host.program(None);
    for path in ["/oauth/main/token", "/oauth/main/revoke"] {
        for (origin, may_read) in [
            ("http://127.0.0.1:9999", true),
            ("http://127.0.0.1:9998", false),
            ("https://127.0.0.1:9999", false),
            ("http://127.0.0.1:9999.evil.test", false),
            ("https://evil.test", false),
            ("null", false),
            ("org.example.app://", false),
            ("", false),
        ] {
            for method in [Method::POST, Method::OPTIONS] {
                let request = program
                    .request(method.clone(), path)
                    .header("origin", origin);
                let answer = program
                    .send(request.form(&[("client_id", "demo-public")]))
                    .await;
                let expected = if may_read { origin } else { "" };
                let allowed = answer.header("access-control-allow-origin");
                assert_eq!(allowed, expected, "{method} {path} {origin}");
                let credentials = answer.header("access-control-allow-credentials");
                assert_eq!(credentials == "true", may_read, "{method} {path} {origin}");
                assert!(
                    answer.header("vary").contains("Origin"),
                    "{method} {path} {origin}"
                );
            }
        }
    }
    // An address of one tenant opens nothing at another.
    register(host, |registration| {
        registration.redirect_uris = vec!["https://only.main.example/callback".to_owned()];
    })
    .await;
    let origin = "https://only.main.example";
    for (tenant, expected) in [("main", origin), ("sandbox", "")] {
        let path = format!("/oauth/{tenant}/token");
        let request = program
            .request(Method::POST, &path)
            .header("origin", origin);
        let answer = program.send(request.form(&[("x", "y")])).await;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, expected, "{tenant}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk20_no_answer_is_kept() {
    let host = TestHost::shared().await;
    let code = standalone_code(host, "anna.rossi", &[]).await;
    let good = exchange(host, &code).await.expect(200);
    let bad = exchange(host, "unknown").await;
    let stranger = token(host, &[("grant_type", "refresh_token"), ("client_id", "x")]).await;
    for answer in [good, bad, stranger] {
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("pragma"), "no-cache");
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_flow_stands_in_the_ledger() {
    let host = TestHost::shared().await;
    let changes = [
        ("state", "state-of-this-test"),
        ("nonce", "nonce-of-this-test"),
    ];
    let code = standalone_code(host, "anna.rossi", &changes).await;
    let wrong = exchange_with(
        &code,
        &[
            ("client_id", "demo-confidential"),
            ("client_secret", "guessed-secret-1"),
        ],
    );
    token(host, &wrong).await;
    let answer = exchange(host, &code).await.expect(200);
    let again = glovebox_tests::oauth::refresh(host, text(&answer, "refresh_token")).await;
    let made_up = standalone_code(host, "anna.rossi", &[]).await;
    token(
        host,
        &exchange_with(&made_up, &[("code_verifier", CHALLENGE)]),
    )
    .await;
    let fields = [
        ("token", text(&again, "access_token")),
        ("client_id", "demo-public"),
    ];
    host.program(None)
        .post_form("/oauth/main/revoke", &fields)
        .await;
    let secrets = [
        "state-of-this-test",
        "nonce-of-this-test",
        "guessed-secret-1",
        code.as_str(),
        made_up.as_str(),
        VERIFIER,
        text(&answer, "access_token"),
        text(&answer, "refresh_token"),
        text(&answer, "id_token"),
        text(&again, "access_token"),
        text(&again, "refresh_token"),
        host.client("demo-confidential")["client_secret"]
            .as_str()
            .unwrap(),
    ];
    let entries = host.ledger(Filter::default()).await;
    assert!(entries.len() > 8);
    for entry in &entries {
        for secret in secrets {
            assert!(!entry.raw.contains(secret), "{}", entry.raw);
        }
    }
}
