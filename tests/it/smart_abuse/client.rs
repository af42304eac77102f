//! Clients that are not who they say.

use glovebox_tests::assertion;
use reqwest::Method;
use serde_json::json;

use super::*;

/// Credentials for HTTP Basic, changes to the form, and the refusal.
type Attempt<'a> = (
    Option<(String, String)>,
    Vec<(&'a str, &'a str)>,
    (u16, &'a str),
);

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Asks for a backend token with this assertion.
async fn ask(host: &TestHost, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("scope", "system/Patient.rs"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    fields.retain(|(name, _)| !more.iter().any(|(changed, _)| changed == name));
    fields.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    token(host, &fields).await
}

fn backend(host: &TestHost) -> (&Value, String) {
    let key = &host.client("demo-backend")["jwk"][0];
    (key, format!("{}/oauth/main/token", host.base_url))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk9_a_tk10_a_tk11_a_client_proves_itself_by_its_own_means_and_one_alone() {
    let host = TestHost::shared().await;
    let scope = "openid patient/Patient.r";
    let (_, secret) = confidential_code(host, scope).await;
    let upper = secret.to_uppercase();
    let basic = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
    let own = "demo-confidential";
    let cases: Vec<Attempt<'_>> = vec![
        (None, vec![("client_id", own)], (401, "invalid_client")),
        (
            None,
            vec![("client_id", own), ("client_secret", "x")],
            (401, "invalid_client"),
        ),
        (
            None,
            vec![("client_id", own), ("client_secret", &upper)],
            (401, "invalid_client"),
        ),
        (
            None,
            vec![("client_id", "demo-public"), ("client_secret", secret)],
            (401, "invalid_client"),
        ),
        (
            None,
            vec![("client_id", "demo-asymmetric"), ("client_secret", secret)],
            (401, "invalid_client"),
        ),
        (
            None,
            vec![("client_id", "nobody"), ("client_secret", secret)],
            (401, "invalid_client"),
        ),
        (
            None,
            vec![("client_id", ""), ("client_secret", secret)],
            (401, "invalid_client"),
        ),
        (
            basic(own, "x"),
            vec![("client_id", "")],
            (401, "invalid_client"),
        ),
        (
            basic(own, ""),
            vec![("client_id", "")],
            (401, "invalid_client"),
        ),
        (
            basic("demo-public", ""),
            vec![("client_id", "")],
            (401, "invalid_client"),
        ),
        (
            basic("demo-public", "x"),
            vec![("client_id", "")],
            (401, "invalid_client"),
        ),
        (
            basic(own, secret),
            vec![("client_id", "demo-public")],
            (401, "invalid_client"),
        ),
        (
            basic(own, secret),
            vec![("client_secret", secret), ("client_id", "")],
            (400, "invalid_request"),
        ),
        (
            None,
            vec![
                ("client_id", own),
                ("client_secret", secret),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", "a.b.c"),
            ],
            (400, "invalid_request"),
        ),
    ];
    let program = host.program(None);
    let mut said = std::collections::BTreeSet::new();
    for (basic, changes, expected) in cases {
        // A code is burnt by whoever is another client, so each attempt has its own.
        let mut request = program.request(Method::POST, "/oauth/main/token");
        if let Some((id, secret)) = &basic {
            request = request.basic_auth(id, Some(secret));
        }
        let fields = exchange_with("unknown", &changes);
        let answer = program.send(request.form(&fields)).await;
        assert_eq!(refusal(&answer), expected, "{basic:?} {changes:?}");
        let challenge = answer.header("www-authenticate");
        let is_challenged = basic.is_some() && expected.0 == 401;
        assert_eq!(
            challenge.starts_with("Basic"),
            is_challenged,
            "{basic:?} {changes:?}"
        );
        if expected.0 == 401 {
            said.insert(answer.text);
        }
    }
    // Each of them hears the same words, whatever was wrong.
    assert_eq!(said.len(), 1, "{said:?}");
    // In the address nothing is read.
    let path = format!("/oauth/main/token?client_id={own}&client_secret={secret}");
    let answer = program
        .post_form(&path, &exchange_with("unknown", &[("client_id", "")]))
        .await;
    assert_eq!(refusal(&answer), (400, "invalid_request"));
    assert!(!answer.text.contains(secret));
    // Its own secret, by either means and with an id that says the same once more, is good.
    for by_basic in [true, false] {
        let (code, secret) = confidential_code(host, scope).await;
        let request = program.request(Method::POST, "/oauth/main/token");
        let (request, more) = match by_basic {
            true => (
                request.basic_auth(own, Some(secret)),
                vec![("client_id", own)],
            ),
            false => (request, vec![("client_id", own), ("client_secret", secret)]),
        };
        let answer = program
            .send(request.form(&exchange_with(&code, &more)))
            .await;
        answer.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk14_a_tk15_only_a_backend_service_acts_for_itself_and_within_its_kind() {
    let host = TestHost::shared().await;
    let secret = host.client("demo-confidential")["client_secret"]
        .as_str()
        .unwrap();
    for more in [
        vec![("client_id", "demo-public")],
        vec![
            ("client_id", "demo-confidential"),
            ("client_secret", secret),
        ],
    ] {
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("scope", "system/*.rs"),
        ];
        fields.extend(more);
        let answer = token(host, &fields).await;
        assert_eq!(refusal(&answer), (400, "unauthorized_client"), "{fields:?}");
    }
    let key = &host.client("demo-asymmetric")["jwk"][0];
    let (backend_key, audience) = backend(host);
    let assertion = assertion::sign("demo-asymmetric", &audience, key, |_| {});
    let answer = ask(host, &assertion, &[]).await;
    assert_eq!(refusal(&answer), (400, "unauthorized_client"));
    for scope in [
        "patient/*.rs",
        "user/*.rs",
        "openid",
        "system/Patient.rs openid",
        "system/Patient.rs offline_access",
        "launch",
        "system/*.cruds-x",
        "system/Observation.c",
        "",
    ] {
        let assertion = assertion::sign("demo-backend", &audience, backend_key, |_| {});
        let answer = ask(host, &assertion, &[("scope", scope)]).await;
        assert_eq!(refusal(&answer), (400, "invalid_scope"), "{scope}");
    }
    let assertion = assertion::sign("demo-backend", &audience, backend_key, |_| {});
    let answer = ask(host, &assertion, &[]).await.expect(200);
    for absent in ["refresh_token", "id_token", "patient"] {
        assert_eq!(answer.json[absent], Value::Null, "{absent}");
    }
    assert!(answer.json["expires_in"].as_u64().unwrap() <= 300);
    // Nor does a backend service exchange codes.
    let code = standalone_code(host, "anna.rossi", &[]).await;
    let assertion = assertion::sign("demo-backend", &audience, backend_key, |_| {});
    let more = [
        ("client_id", ""),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    let answer = token(host, &exchange_with(&code, &more)).await;
    assert_eq!(refusal(&answer), (400, "unauthorized_client"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk18_basic_credentials_are_decoded_as_a_form() {
    let host = TestHost::shared().await;
    let secret = host.client("demo-confidential")["client_secret"]
        .as_str()
        .unwrap();
    let encode = |text: &str| -> String { text.bytes().map(|b| format!("%{b:02X}")).collect() };
    let program = host.program(None);
    for (id, secret, status) in [
        (encode("demo-confidential"), encode(secret), 400),
        ("demo-confidential".to_owned(), secret.to_owned(), 400),
        ("demo-confidential".to_owned(), format!("{secret}:"), 401),
        ("demo-confidential".to_owned(), format!("{secret}%"), 401),
        ("demo-confidential".to_owned(), format!("{secret}+"), 401),
        ("demo-confidential:".to_owned(), secret.to_owned(), 401),
    ] {
        let request = program.request(Method::POST, "/oauth/main/token");
        let request = request.basic_auth(&id, Some(&secret));
        let answer = program
            .send(request.form(&exchange_with("unknown", &[("client_id", "")])))
            .await;
        // A code that is none: whoever is known hears of it.
        assert_eq!(answer.status, status, "{id} {secret}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jw1_to_a_jw12_an_assertion_with_one_thing_wrong_is_none() {
    let host = TestHost::shared().await;
    let (key, audience) = backend(host);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap().as_secs();
    let issuer = format!("{}/oauth/main", host.base_url);
    let set = |part: &'static str, name: &'static str, value: Value| (part, name, value);
    for (part, name, value) in [
        set("header", "alg", json!("none")),
        set("header", "alg", json!("nOnE")),
        set("header", "alg", json!("HS256")),
        set("header", "alg", json!("HS384")),
        set("header", "alg", json!("RS384")),
        set("header", "alg", json!("ES256")),
        set("header", "kid", Value::Null),
        set("header", "kid", json!("../../etc/passwd")),
        set("header", "kid", json!("' OR 1=1 --")),
        set("header", "kid", json!("https://evil.test/key")),
        set("header", "jku", json!("https://evil.test/jwks.json")),
        set("header", "typ", json!("at+jwt")),
        set("header", "typ", Value::Null),
        set("header", "crit", json!(["b64"])),
        set("claims", "exp", Value::Null),
        set("claims", "exp", json!(now - 60)),
        set("claims", "exp", json!(now + 400)),
        set("claims", "exp", json!((now + 60).to_string())),
        set("claims", "exp", json!(now as f64 + 60.5)),
        set("claims", "exp", json!(-1)),
        set("claims", "exp", json!(u64::MAX)),
        set("claims", "nbf", json!(now + 120)),
        set("claims", "iat", json!(now + 120)),
        set("claims", "iat", json!(now - 3_600)),
        set("claims", "aud", json!(issuer)),
        set(
            "claims",
            "aud",
            json!([audience.clone(), "https://evil.test"]),
        ),
        set("claims", "aud", json!(format!("{audience}/"))),
        set("claims", "aud", json!(audience.replace("http:", "https:"))),
        set("claims", "aud", json!(audience.replace("main", "sandbox"))),
        set("claims", "aud", Value::Null),
        set("claims", "iss", json!("demo-asymmetric")),
        set("claims", "sub", json!("demo-asymmetric")),
        set("claims", "sub", Value::Null),
        set("claims", "jti", Value::Null),
        set("claims", "jti", json!("")),
    ] {
        let change = |wanted: &str, json: &mut Value| {
            if part == wanted {
                json[name] = value.clone();
            }
        };
        let assertion = assertion::sign_both(
            "demo-backend",
            &audience,
            key,
            |header| change("header", header),
            |claims| change("claims", claims),
        );
        let answer = ask(host, &assertion, &[]).await;
        assert_eq!(
            refusal(&answer),
            (401, "invalid_client"),
            "{part} {name} {value}"
        );
    }
    // A key that the header brings along is not looked at.
    let stranger = &host.client("demo-asymmetric")["jwk"][0];
    let forged = assertion::sign_both(
        "demo-backend",
        &audience,
        stranger,
        |header| {
            header["kid"] = key["kid"].clone();
            header["jwk"] = stranger.clone();
        },
        |_| {},
    );
    assert_eq!(
        refusal(&ask(host, &forged, &[]).await),
        (401, "invalid_client")
    );
    let good = assertion::sign("demo-backend", &audience, key, |_| {});
    let (message, signature) = good.rsplit_once('.').unwrap();
    let zero = "A".repeat(signature.len());
    for assertion in [
        format!("{message}."),
        message.to_owned(),
        format!("{message}.{zero}"),
        format!("{message}.{signature}x"),
        format!("{good}.{signature}"),
        "a".repeat(100_000),
    ] {
        let answer = ask(host, &assertion, &[]).await;
        let expected = match assertion.len() > 64 << 10 {
            true => (400, "invalid_request"),
            false => (401, "invalid_client"),
        };
        assert_eq!(refusal(&answer), expected, "{}", &assertion[..20]);
    }
    for more in [
        ("client_id", "demo-asymmetric"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        ),
        ("client_assertion_type", ""),
    ] {
        let answer = ask(host, &good, &[more]).await;
        assert_eq!(refusal(&answer), (401, "invalid_client"), "{more:?}");
    }
    // An id_token or an access token is none either.
    let answer = tokens(host, "anna.rossi", &[]).await;
    for token in ["id_token", "access_token"] {
        let refused = ask(host, text(&answer, token), &[]).await;
        assert_eq!(refusal(&refused), (401, "invalid_client"), "{token}");
    }
    // After all that, the good one is good, and good once.
    ask(host, &good, &[]).await.expect(200);
    assert_eq!(
        refusal(&ask(host, &good, &[]).await),
        (401, "invalid_client")
    );
}
