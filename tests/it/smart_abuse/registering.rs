//! Dynamic registration (RFC 7591) under policy.

use glovebox_server::config::OAuthSection;
use glovebox_tests::Options;
use serde_json::json;

use super::*;

const PATH: &str = "/oauth/main/register";

async fn host() -> TestHost {
    let oauth = OAuthSection {
        dynamic_registration: vec!["main".to_owned()],
        ..OAuthSection::default()
    };
    let options = Options {
        oauth,
        ..Options::default()
    };
    TestHost::with(options).await
}

fn metadata() -> Value {
    json!({
        "client_name": "Growth chart",
        "owner": "Growth Ltd",
        "contacts": ["mailto:security@growth.example"],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": [CALLBACK],
        "scope": "openid patient/Observation.rs",
        "justifications": { "patient/Observation.rs": "Draws the growth chart that is opened" },
        "logo_uri": "https://growth.example/logo.png",
    })
}

async fn token_for(host: &TestHost) -> String {
    let path = "/api/v1/clients/registration-tokens";
    let answer = host.api("admin").post(path, &json!({})).await.expect(201);
    text(&answer, "initial_access_token").to_owned()
}

async fn propose(host: &TestHost, token: &str, body: &Value) -> Answer {
    host.program(Some(token)).post(PATH, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_registers_with_a_token_and_an_administrator_decides() {
    let host = host().await;
    let document = "/fhir/main/.well-known/smart-configuration";
    let told = host.program(None).get(document).await.expect(200);
    let endpoint = format!("{}{PATH}", host.base_url);
    assert_eq!(told.json["registration_endpoint"], endpoint);
    let sandbox = document.replace("main", "sandbox");
    let told = host.program(None).get(&sandbox).await.expect(200);
    assert_eq!(told.json["registration_endpoint"], Value::Null);
    let initial = token_for(&host).await;
    let answer = propose(&host, &initial, &metadata()).await.expect(201);
    assert_eq!(answer.json["status"], "pending");
    assert_eq!(answer.header("cache-control"), "no-store");
    let (id, secret) = (text(&answer, "client_id"), text(&answer, "client_secret"));
    // Until somebody looked at it, it is no client at all.
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("client_secret", secret),
        ("code", "x"),
    ];
    assert_eq!(
        refusal(&token(&host, &fields).await),
        (401, "invalid_client")
    );
    let page = host
        .program(None)
        .get(&authorize(&host, &[("client_id", id)]))
        .await;
    assert_eq!(page.status, 400);
    let admin = host.api("admin");
    let list = admin.get("/api/v1/clients").await.expect(200);
    let items = list.json["items"].as_array().unwrap();
    let own = items.iter().find(|item| item["client_id"] == id).unwrap();
    assert_eq!(own["status"], "pending");
    let approve = format!("/api/v1/clients/{id}/approve");
    for nobody in ["vendor", "ehr"] {
        let answer = host.api(nobody).post(&approve, &json!({})).await;
        assert_eq!(answer.status, 403, "{nobody}");
    }
    admin.post(&approve, &json!({})).await.expect(200);
    admin.post(&approve, &json!({})).await.expect(404);
    let answer = token(&host, &fields).await;
    assert_eq!(
        refusal(&answer),
        (400, "invalid_request"),
        "known from now on"
    );
    // The token was for one registration.
    let again = propose(&host, &initial, &metadata()).await;
    assert_eq!(refusal(&again), (401, "invalid_token"));
    // What is not wanted is removed.
    let initial = token_for(&host).await;
    let answer = propose(&host, &initial, &metadata()).await.expect(201);
    let id = text(&answer, "client_id");
    admin
        .delete(&format!("/api/v1/clients/{id}"))
        .await
        .expect(204);
    let approve = format!("/api/v1/clients/{id}/approve");
    admin.post(&approve, &json!({})).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_could_not_register_a_vendor_cannot_either() {
    let host = host().await;
    let initial = token_for(&host).await;
    for (member, value, expected) in [
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        (
            "redirect_uris",
            json!(["javascript:alert(1)"]),
            "invalid_redirect_uri",
        ),
        (
            "redirect_uris",
            json!(["https://*.growth.example/"]),
            "invalid_redirect_uri",
        ),
        (
            "redirect_uris",
            json!(["http://growth.example/"]),
            "invalid_redirect_uri",
        ),
        ("redirect_uris", json!("x"), "invalid_client_metadata"),
        (
            "token_endpoint_auth_method",
            json!("tls_client_auth"),
            "invalid_client_metadata",
        ),
        (
            "token_endpoint_auth_method",
            json!("private_key_jwt"),
            "invalid_client_metadata",
        ),
        ("scope", json!("system/*.rs"), "invalid_client_metadata"),
        (
            "scope",
            json!("patient/Nonsense.rs"),
            "invalid_client_metadata",
        ),
        ("scope", json!(""), "invalid_client_metadata"),
        ("justifications", json!({}), "invalid_client_metadata"),
        ("owner", Value::Null, "invalid_client_metadata"),
        ("contacts", json!([]), "invalid_client_metadata"),
        ("client_name", json!(""), "invalid_client_metadata"),
        (
            "jwks_uri",
            json!("https://growth.example/jwks"),
            "invalid_client_metadata",
        ),
    ] {
        let mut body = metadata();
        body[member] = value.clone();
        // None of these uses the token up.
        let answer = propose(&host, &initial, &body).await;
        assert_eq!(
            refusal(&answer),
            (400, expected),
            "{member} {value}: {}",
            answer.text
        );
    }
    for token in [
        "".to_owned(),
        "unknown".to_owned(),
        host.demo["api_tokens"]["admin"]
            .as_str()
            .unwrap()
            .to_owned(),
    ] {
        let answer = propose(&host, &token, &metadata()).await;
        assert_eq!(refusal(&answer), (401, "invalid_token"), "{token}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    // An id of one's own choice, and terms, are not the vendor's to set.
    let mut body = metadata();
    body["client_id"] = "demo-public".into();
    body["terms"] = json!({ "direct_writes": true });
    let answer = propose(&host, &initial, &body).await.expect(201);
    assert_ne!(answer.json["client_id"], "demo-public");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_operator_did_not_turn_it_on_nobody_registers() {
    let host = TestHost::shared().await;
    let answer = propose(host, "x", &metadata()).await;
    assert_eq!(answer.status, 404);
    let path = "/api/v1/clients/registration-tokens";
    let answer = host.api("admin").post(path, &json!({})).await;
    answer.expect_problem(409, "registration-off");
}
