//! Stolen tokens and stolen proofs.

use glovebox_tests::proof::ProofKey;
use reqwest::Method;
use serde_json::json;

use super::*;

fn token_url(host: &TestHost) -> String {
    format!("{}/oauth/main/token", host.base_url)
}

/// Asks the token endpoint with these proofs.
async fn ask(host: &TestHost, fields: &[(&str, &str)], proofs: &[&str]) -> Answer {
    let program = host.program(None);
    let mut request = program.request(Method::POST, "/oauth/main/token");
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    program.send(request.form(fields)).await
}

/// Tokens of `demo-public` that are bound to a key.
async fn bound(host: &TestHost, key: &ProofKey) -> Answer {
    let code = standalone_code(host, "anna.rossi", &[]).await;
    let proof = key.proof("POST", &token_url(host), None);
    ask(host, &exchange_with(&code, &[]), &[&proof])
        .await
        .expect(200)
}

/// Reads a patient under this scheme, with these proofs.
async fn read(host: &TestHost, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
    let program = host.program(None);
    let mut request = program
        .request(Method::GET, "/fhir/main/Patient/anna-rossi")
        .header("Authorization", format!("{scheme} {token}"));
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    program.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dp1_a_bound_token_opens_nothing_without_its_key() {
    let host = TestHost::shared().await;
    let key = ProofKey::new();
    let answer = bound(host, &key).await;
    assert_eq!(answer.json["token_type"], "DPoP");
    let token = text(&answer, "access_token");
    let url = format!("{}/fhir/main/Patient/anna-rossi", host.base_url);
    let good = key.proof("GET", &url, Some(token));
    read(host, "DPoP", token, &[&good]).await.expect(200);
    read(
        host,
        "dpop",
        token,
        &[&key.proof("GET", &format!("{url}?x=1"), Some(token))],
    )
    .await
    .expect(200);
    // Stolen, it is worth nothing, with or without a proof that was seen before.
    let as_bearer = read(host, "Bearer", token, &[]).await.expect(401);
    assert!(as_bearer.header("www-authenticate").starts_with("DPoP "));
    let fresh = key.proof("GET", &url, Some(token));
    read(host, "Bearer", token, &[&fresh]).await.expect(401);
    let stranger = ProofKey::new();
    let other = text(&tokens(host, "anna.rossi", &[]).await, "access_token").to_owned();
    let none = |_: &mut Value| {};
    let set = |name: &'static str, value: Value| move |part: &mut Value| part[name] = value;
    let mut private = key.public();
    private["d"] = "AAAA".into();
    let bad = [
        ("used before", good),
        ("another key", stranger.proof("GET", &url, Some(token))),
        ("another method", key.proof("POST", &url, Some(token))),
        (
            "another address",
            key.proof("GET", &token_url(host), Some(token)),
        ),
        ("another token", key.proof("GET", &url, Some(&other))),
        ("no token", key.proof("GET", &url, None)),
        (
            "old",
            key.spoiled("GET", &url, Some(token), none, set("iat", json!(1_000))),
        ),
        (
            "no jti",
            key.spoiled("GET", &url, Some(token), none, set("jti", Value::Null)),
        ),
        (
            "none",
            key.spoiled("GET", &url, Some(token), set("alg", json!("none")), none),
        ),
        (
            "HMAC",
            key.spoiled("GET", &url, Some(token), set("alg", json!("HS256")), none),
        ),
        (
            "typ",
            key.spoiled("GET", &url, Some(token), set("typ", json!("JWT")), none),
        ),
        (
            "private",
            key.spoiled("GET", &url, Some(token), set("jwk", private), none),
        ),
        (
            "foreign jwk",
            key.spoiled(
                "GET",
                &url,
                Some(token),
                set("jwk", stranger.public()),
                none,
            ),
        ),
        ("nonsense", "a.b.c".to_owned()),
    ];
    for (what, proof) in &bad {
        let answer = read(host, "DPoP", token, &[proof]).await;
        assert_eq!(answer.status, 401, "{what}");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("DPoP ")
                && challenge.contains("invalid_dpop_proof")
                && challenge.contains("ES256 ES384 RS256"),
            "{what}: {challenge}"
        );
    }
    read(host, "DPoP", token, &[]).await.expect(401);
    let two = [
        key.proof("GET", &url, Some(token)),
        key.proof("GET", &url, Some(token)),
    ];
    read(host, "DPoP", token, &[&two[0], &two[1]])
        .await
        .expect(401);
    // A token that is not bound does not become so by a proof.
    let proof = key.proof("GET", &url, Some(&other));
    read(host, "DPoP", &other, &[&proof]).await.expect(401);
    read(host, "Bearer", &other, &[]).await.expect(200);
    // Nor does a bound one ask what tokens are worth.
    let fields = [("token", token)];
    let holder = host.program(Some(token));
    let told = holder.post_form("/oauth/main/introspect", &fields).await;
    assert_eq!(told.status, 401);
    let told = introspect(host, token).await;
    assert_eq!(told["token_type"], "DPoP");
    assert_eq!(told["cnf"], json!({ "jkt": key.thumbprint() }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dp1_a_public_clients_refresh_token_is_bound_to_its_key() {
    let host = TestHost::shared().await;
    let (key, stranger) = (ProofKey::new(), ProofKey::new());
    let answer = bound(host, &key).await;
    let url = token_url(host);
    let refresh_token = text(&answer, "refresh_token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    let without = ask(host, &fields, &[]).await;
    assert_eq!(refusal(&without), (400, "invalid_dpop_proof"));
    let foreign = stranger.proof("POST", &url, None);
    let refused = ask(host, &fields, &[&foreign]).await;
    assert_eq!(refusal(&refused), (400, "invalid_grant"));
    let twice = [key.proof("POST", &url, None), key.proof("POST", &url, None)];
    let refused = ask(host, &fields, &[&twice[0], &twice[1]]).await;
    assert_eq!(refusal(&refused), (400, "invalid_dpop_proof"));
    let proof = key.proof("POST", &url, None);
    let answer = ask(host, &fields, &[&proof]).await.expect(200);
    assert_eq!(answer.json["token_type"], "DPoP");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&answer, "refresh_token")),
    ];
    let replayed = ask(host, &fields, &[&proof]).await;
    assert_eq!(refusal(&replayed), (400, "invalid_dpop_proof"));
    // None of that ended the grant of whoever holds the key.
    ask(host, &fields, &[&key.proof("POST", &url, None)])
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dp1_a_code_may_be_bound_to_a_key_and_a_client_to_proofs() {
    let host = TestHost::shared().await;
    let (key, stranger) = (ProofKey::new(), ProofKey::new());
    let url = token_url(host);
    let changes = [("dpop_jkt", key.thumbprint())];
    for (proof, expected) in [
        (None, (400, "invalid_grant")),
        (Some(&stranger), (400, "invalid_grant")),
        (Some(&key), (200, "")),
    ] {
        let code = standalone_code(host, "anna.rossi", &changes).await;
        let proofs: Vec<String> = proof
            .iter()
            .map(|key| key.proof("POST", &url, None))
            .collect();
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let answer = ask(host, &exchange_with(&code, &[]), &proofs).await;
        assert_eq!(refusal(&answer), expected);
    }
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser
        .open_until_away(&authorize(host, &[("dpop_jkt", "x")]))
        .await;
    assert_eq!(error(&page), "invalid_request");
    let registered = register(host, |registration| {
        registration.rules.dpop_bound_access_tokens = true;
    })
    .await;
    let id = registered.client.id.as_str();
    let code = standalone_code(host, "anna.rossi", &[("client_id", id)]).await;
    let fields = exchange_with(&code, &[("client_id", id)]);
    let refused = ask(host, &fields, &[]).await;
    assert_eq!(refusal(&refused), (400, "invalid_dpop_proof"));
    // The code is still good: nothing was shown that is not the client's.
    let answer = ask(host, &fields, &[&key.proof("POST", &url, None)]).await;
    assert_eq!(answer.expect(200).json["token_type"], "DPoP");
}
