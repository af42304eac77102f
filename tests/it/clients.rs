//! OAuth clients by the API: what an administrator registers, and what its terms do to the
//! tokens of an ordinary app over HTTP.

use glovebox_tests::oauth::{CALLBACK, VERIFIER, standalone_code, token};
use glovebox_tests::{Answer, TestHost};
use serde_json::{Value, json};

const SCOPE: &str = "openid offline_access patient/*.cruds";

fn body(id: &str, changes: &Value) -> Value {
    let why = "the clinician writes a note and sees it in the chart";
    let mut body = json!({
        "client_id": id, "client_name": "Note writer", "owner": "Northlake Health",
        "security_contact": "mailto:security@northlake.example",
        "token_endpoint_auth_method": "client_secret_post",
        "redirect_uris": [CALLBACK], "scope": SCOPE,
        "justifications": { "patient/*.cruds": why, "offline_access": why },
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// A token of a registered client, for `dr.rivera` and `anna-rossi`.
async fn bearer(host: &TestHost, registered: &Answer) -> String {
    let id = registered.json["client_id"].as_str().unwrap();
    let secret = registered.json["client_secret"].as_str().unwrap();
    let scope = format!("launch/patient {SCOPE}");
    let changes = [("client_id", id), ("scope", scope.as_str())];
    let code = standalone_code(host, "dr.rivera", &changes).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("client_secret", secret),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let answer = token(host, &fields).await.expect(200);
    answer.json["access_token"].as_str().unwrap().to_owned()
}

fn observation() -> Value {
    json!({
        "resourceType": "Observation", "status": "final", "code": { "text": "Note" },
        "subject": { "reference": "Patient/anna-rossi" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_ordinary_app_writes_waits_for_a_clinician_unless_its_terms_say_otherwise() {
    let host = TestHost::shared().await;
    let admin = host.api("admin");
    let registered = admin
        .post("/api/v1/clients", &body("draft-writer", &json!({})))
        .await;
    let registered = registered.expect(201);
    let program = host.program(Some(&bearer(host, &registered).await));
    let created = program.post("/fhir/main/Observation", &observation()).await;
    let created = created.expect(202);
    let location = created.header("location").to_owned();
    assert!(location.contains("/drafts/"), "{location}");
    let draft = location.rsplit('/').next().unwrap();
    let rivera = host.api("dr.rivera");
    let seen = rivera
        .get(&format!("/api/v1/drafts/{draft}"))
        .await
        .expect(200);
    assert!(seen.json.to_string().contains("Note"), "{}", seen.json);
    let commit = format!("/api/v1/drafts/{draft}/commit");
    rivera.post(&commit, &json!({})).await.expect(200);
    let found =
        program.get("/fhir/main/Observation?patient=anna-rossi&_sort=-_lastUpdated&_count=1");
    let found = found.await.expect(200);
    assert_eq!(found.json["entry"][0]["resource"]["code"]["text"], "Note");

    let terms = json!({ "terms": { "writes": "direct", "projection": { "Patient": { "strip": ["telecom"] } } } });
    let registered = admin
        .post("/api/v1/clients", &body("direct-writer", &terms))
        .await;
    let program = host.program(Some(&bearer(host, &registered.expect(201)).await));
    program
        .post("/fhir/main/Observation", &observation())
        .await
        .expect(201);
    let patient = program
        .get("/fhir/main/Patient/anna-rossi")
        .await
        .expect(200);
    assert_eq!(patient.json["telecom"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_removed_opens_nothing_any_more() {
    let host = TestHost::shared().await;
    let admin = host.api("admin");
    let registered = admin
        .post("/api/v1/clients", &body("short-lived", &json!({})))
        .await;
    let program = host.program(Some(&bearer(host, &registered.expect(201)).await));
    program
        .get("/fhir/main/Patient/anna-rossi")
        .await
        .expect(200);
    let address = "/api/v1/clients/short-lived";
    let shown = admin.get(address).await.expect(200).json;
    assert_eq!(shown["client_secret"], Value::Null);
    assert_eq!(shown["terms"]["writes"], "draft");
    assert_eq!(admin.delete(address).await.status, 204);
    program
        .get("/fhir/main/Patient/anna-rossi")
        .await
        .expect(401);
    admin.get(address).await.expect(404);
    // The name can be given again; nothing that belonged to it comes back.
    admin
        .post("/api/v1/clients", &body("short-lived", &json!({})))
        .await
        .expect(201);
    program
        .get("/fhir/main/Patient/anna-rossi")
        .await
        .expect(401);
    let listed = admin
        .get("/api/v1/clients")
        .await
        .expect(200)
        .json
        .to_string();
    assert!(listed.contains("short-lived") && !listed.contains("gb_client_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_nobody_could_answer_for_is_refused() {
    let host = TestHost::shared().await;
    let admin = host.api("admin");
    for (changes, says) in [
        (json!({ "justifications": {} }), "justifications"),
        (
            json!({ "justifications": { "patient/*.cruds": "because", "offline_access": "we need it" } }),
            "patient/*.cruds",
        ),
        (json!({ "redirect_uris": [] }), "redirect_uris"),
        (
            json!({ "redirect_uris": ["http://app.example/callback"] }),
            "https",
        ),
        (
            json!({ "redirect_uris": ["JavaScript:alert(1)"] }),
            "redirect_uris",
        ),
        (json!({ "owner": " " }), "owner"),
        (json!({ "security_contact": "" }), "security_contact"),
        (
            json!({ "scope": "system/*.rs", "justifications": { "system/*.rs": "reads everything" } }),
            "scope",
        ),
        (json!({ "scope": "nonsense" }), "nonsense"),
        (
            json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
            "token_endpoint_auth_method",
        ),
        (
            json!({ "grant_types": ["client_credentials"] }),
            "private_key_jwt",
        ),
        (
            json!({ "grant_types": ["client_credentials", "authorization_code"] }),
            "two clients",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt" }),
            "jwks",
        ),
        (json!({ "client_id": "no id" }), "client id"),
        (json!({ "terms": { "writes": "sometimes" } }), "writes"),
    ] {
        let answer = admin
            .post("/api/v1/clients", &body("refused", &changes))
            .await;
        let problem = answer.expect_problem(422, "invalid-client");
        assert!(
            problem.json["detail"].to_string().contains(says),
            "{changes}: {}",
            problem.json
        );
    }
    let twice = admin
        .post("/api/v1/clients", &body("demo-public", &json!({})))
        .await;
    twice.expect_problem(409, "exists");
    for who in ["vendor", "dr.rivera", "ehr"] {
        let answer = host
            .api(who)
            .post("/api/v1/clients", &body("refused", &json!({})))
            .await;
        answer.expect_problem(403, "forbidden");
        host.api(who)
            .get("/api/v1/clients")
            .await
            .expect_problem(403, "forbidden");
    }
    admin.get("/api/v1/clients/refused").await.expect(404);
}
