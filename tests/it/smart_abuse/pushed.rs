//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use glovebox_tests::oauth::{code, parameters};
use glovebox_tests::proof::ProofKey;
use reqwest::Method;

use super::*;

/// Pushes a good request of a client with a secret, with these in place of its own.
async fn push(host: &TestHost, changes: &[(&str, &str)]) -> Answer {
    let secret = host.client("demo-confidential")["client_secret"].as_str();
    let mut all = vec![
        ("client_id", "demo-confidential"),
        ("client_secret", secret.unwrap()),
    ];
    all.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    all.extend(changes);
    let program = host.program(None);
    let fields = parameters(host, &all);
    let request = program.request(Method::POST, "/oauth/main/par");
    program.send(request.form(&fields)).await
}

async fn pushed(host: &TestHost, changes: &[(&str, &str)]) -> String {
    let answer = push(host, changes).await.expect(201);
    assert_eq!(answer.json["expires_in"], 60);
    assert_eq!(answer.header("cache-control"), "no-store");
    text(&answer, "request_uri").to_owned()
}

fn address(client: &str, request_uri: &str, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![("client_id", client), ("request_uri", request_uri)];
    pairs.extend(more);
    let url = reqwest::Url::parse_with_params("http://x/oauth/main/authorize", pairs).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap())
}

/// Where a browser is led: to a page of ours (`true`), or that it is refused here.
async fn is_taken(host: &TestHost, address: &str) -> bool {
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser.open_until_away(address).await;
    match page.status.as_u16() {
        200 => true,
        400 => false,
        other => panic!("{other}: {}", page.text()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az26_a_pushed_request_is_good_once_for_its_client_and_for_a_minute() {
    let host = TestHost::fresh().await;
    let host = &host;
    let own = "demo-confidential";
    let uri = pushed(host, &[]).await;
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    for (client, uri) in [
        ("demo-public", uri.as_str()),
        ("demo-asymmetric", &uri),
        ("nobody", &uri),
        (own, &uri.to_uppercase()),
        (own, &format!("{uri}x")),
        (own, "urn:ietf:params:oauth:request_uri:"),
        (own, "urn:ietf:params:oauth:request_uri:abc"),
    ] {
        assert!(
            !is_taken(host, &address(client, uri, &[])).await,
            "{client} {uri}"
        );
    }
    let elsewhere = address(own, &uri, &[]).replace("/main/", "/sandbox/");
    assert!(!is_taken(host, &elsewhere).await);
    for repeated in [("client_id", own), ("request_uri", uri.as_str())] {
        assert!(!is_taken(host, &address(own, &uri, &[repeated])).await);
    }
    // None of that used it up; its own client does.
    assert!(is_taken(host, &address(own, &uri, &[])).await);
    assert!(!is_taken(host, &address(own, &uri, &[])).await);
    let late = pushed(host, &[]).await;
    host.advance(Duration::from_secs(59));
    let early = pushed(host, &[]).await;
    host.advance(Duration::from_secs(1));
    assert!(!is_taken(host, &address(own, &late, &[])).await);
    assert!(is_taken(host, &address(own, &early, &[])).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az26_what_a_browser_adds_to_a_pushed_request_is_not_read() {
    let host = TestHost::shared().await;
    let uri = pushed(host, &[("scope", "openid patient/Patient.r")]).await;
    let more = [
        ("scope", "openid patient/*.cruds offline_access"),
        ("redirect_uri", "https://evil.test/callback"),
        ("state", "evil"),
        ("code_challenge", "evil"),
    ];
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser
        .open_until_away(&address("demo-confidential", &uri, &more))
        .await;
    let page = allow(&mut browser, &page).await;
    assert!(page.location().unwrap().starts_with(CALLBACK));
    assert_eq!(answered(&page, "state").unwrap(), "s-1");
    let secret = host.client("demo-confidential")["client_secret"].as_str();
    let changes = [
        ("client_id", "demo-confidential"),
        ("client_secret", secret.unwrap()),
    ];
    let code = code(&page);
    let answer = token(host, &exchange_with(&code, &changes))
        .await
        .expect(200);
    assert_eq!(text(&answer, "scope"), "openid patient/Patient.r");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az26_only_the_client_pushes_and_only_what_would_be_taken() {
    let host = TestHost::shared().await;
    for (changes, expected) in [
        (vec![("client_secret", "x")], (401, "invalid_client")),
        (vec![("client_secret", "")], (401, "invalid_client")),
        (vec![("client_id", "nobody")], (401, "invalid_client")),
        (vec![("request_uri", "urn:x")], (400, "invalid_request")),
        (vec![("request", "a.b.c")], (400, "request_not_supported")),
        (
            vec![("redirect_uri", "https://evil.test/")],
            (400, "invalid_request"),
        ),
        (vec![("redirect_uri", "")], (400, "invalid_request")),
        (
            vec![("response_type", "token")],
            (400, "unsupported_response_type"),
        ),
        (vec![("scope", "system/*.rs")], (400, "invalid_scope")),
        (
            vec![("scope", "patient/Nonsense.rs")],
            (400, "invalid_scope"),
        ),
        (vec![("code_challenge", "")], (400, "invalid_request")),
        (
            vec![("aud", "https://evil.test/fhir")],
            (400, "invalid_request"),
        ),
    ] {
        let answer = push(host, &changes).await;
        assert_eq!(refusal(&answer), expected, "{changes:?}");
        assert!(!answer.text.contains("request_uri\":"), "{changes:?}");
    }
    let program = host.program(None);
    let in_address = program.post_form("/oauth/main/par?client_id=x", &[]).await;
    assert_eq!(refusal(&in_address), (400, "invalid_request"));
    assert_eq!(program.get("/oauth/main/par").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_pushes_its_requests_takes_part_in_no_other() {
    let host = TestHost::shared().await;
    let registered = register(host, |registration| {
        registration.rules.require_pushed_authorization_requests = true;
    })
    .await;
    let id = registered.client.id.as_str();
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser
        .open_until_away(&authorize(host, &[("client_id", id)]))
        .await;
    assert_eq!(error(&page), "invalid_request");
    let uri = pushed(host, &[("client_id", id), ("client_secret", "")]).await;
    assert!(is_taken(host, &address(id, &uri, &[])).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_is_pushed_binds_the_code() {
    let host = TestHost::shared().await;
    let (key, stranger) = (ProofKey::new(), ProofKey::new());
    let par = format!("{}/oauth/main/par", host.base_url);
    let program = host.program(None);
    let send = async |proof: &str, more: &[(&str, &str)]| {
        let request = program
            .request(Method::POST, "/oauth/main/par")
            .header("DPoP", proof);
        program.send(request.form(&parameters(host, more))).await
    };
    let wrong = key.proof("POST", &par.replace("par", "token"), None);
    assert_eq!(
        refusal(&send(&wrong, &[]).await),
        (400, "invalid_dpop_proof")
    );
    let other = [("dpop_jkt", stranger.thumbprint())];
    let answer = send(&key.proof("POST", &par, None), &other).await;
    assert_eq!(refusal(&answer), (400, "invalid_request"));
    let scope = [("scope", "openid patient/Patient.r")];
    let answer = send(&key.proof("POST", &par, None), &scope)
        .await
        .expect(201);
    let mut browser = host.signed_in("anna.rossi").await;
    let uri = text(&answer, "request_uri");
    let page = browser
        .open_until_away(&address("demo-public", uri, &[]))
        .await;
    let page = allow(&mut browser, &page).await;
    let refused = exchange(host, &code(&page)).await;
    assert_eq!(refusal(&refused), (400, "invalid_grant"));
}
