//! The JSON API: who may call what, and what an upload is refused for.

use std::io::{BufRead as _, BufReader, Write as _};
use std::time::Duration;

use glovebox_authorization::{Holder, ServiceAccount, SpeaksFor};
use glovebox_model::Role;
use glovebox_tests::{Answer, Api, TestHost, components};
use serde_json::{Value, json};

async fn upload(api: &Api, app: &str, bytes: Vec<u8>) -> Answer {
    api.post_bytes(
        &format!("/api/v1/apps/{app}/versions?tenant=main"),
        "application/wasm",
        bytes,
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_needs_a_token_of_the_right_role_in_a_tenant_that_there_is() {
    let host = TestHost::shared().await;
    let open = json!({ "app": "lab-viewer", "patient": "anna-rossi" });
    for token in [
        None,
        Some(""),
        Some("nonsense"),
        Some("gba_nonsense.nonsense"),
    ] {
        let nobody = host.program(token);
        for path in [
            "/api/v1/apps",
            "/api/v1/sessions",
            "/api/v1/audit",
            "/api/v1/no-such-call-either",
        ] {
            let answer = nobody.get(path).await;
            if !path.contains("no-such") {
                let answer = answer.expect_problem(401, "unauthorized");
                assert!(answer.header("www-authenticate").starts_with("Bearer"));
            }
        }
        nobody
            .post("/api/v1/sessions", &open)
            .await
            .expect_problem(401, "unauthorized");
    }
    for (name, path) in [
        ("vendor", "/api/v1/sessions"),
        ("vendor", "/api/v1/audit"),
        ("dr.rivera", "/api/v1/apps"),
        ("dr.rivera", "/api/v1/audit"),
        ("ehr", "/api/v1/apps"),
    ] {
        host.api(name)
            .get(path)
            .await
            .expect_problem(403, "forbidden");
    }
    host.api("admin")
        .post("/api/v1/sessions", &open)
        .await
        .expect_problem(403, "forbidden");
    host.api("vendor")
        .post(
            "/api/v1/apps/lab-viewer/quarantine",
            &json!({ "reason": "x" }),
        )
        .await
        .expect_problem(403, "forbidden");
    let admin = host.api("admin");
    for tenant in ["nowhere", "Main", "../main", ""] {
        admin
            .get(&format!("/api/v1/apps?tenant={tenant}"))
            .await
            .expect_problem(404, "not-found");
    }
    admin
        .get("/api/v1/no-such-call")
        .await
        .expect_problem(404, "not-found");
    admin
        .get("/api/v1/apps/lab-viewer/versions/9.9.9")
        .await
        .expect_problem(404, "not-found");
    let page = admin.get("/api/v1/apps").await.expect(200).json;
    assert!(page["items"].as_array().is_some_and(|items| {
        items
            .iter()
            .any(|app| app["app"] == "lab-viewer" && app["state"] == "live")
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_cannot_run_here_is_refused_with_its_rule() {
    let host = TestHost::fresh().await;
    let vendor = host.api("vendor");
    let cases: [(&str, Vec<u8>, u16, &str); 7] = [
        ("lab-viewer", b"not a component".to_vec(), 422, "package"),
        ("lab-viewer", Vec::new(), 422, "package"),
        ("lab-viewer", components::core_module(), 422, "package"),
        (
            "lab-viewer",
            components::with_sockets("lab-viewer"),
            422,
            "component",
        ),
        (
            "lab-viewer",
            components::with_manifest("lab-viewer", |manifest| {
                manifest["purpose"] = "Something else".into()
            }),
            409,
            "version-exists",
        ),
        (
            "other",
            components::with_manifest("lab-viewer", |manifest| {
                manifest["id"] = "other".into();
                manifest["publisher"] = "somebody-else".into();
            }),
            403,
            "other-publisher",
        ),
        (
            "lab-viewer",
            components::renamed("lab-viewer", "med-check", "9.0.0"),
            400,
            "bad-request",
        ),
    ];
    for (app, bytes, status, code) in cases {
        let answer = upload(&vendor, app, bytes).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.json["code"].as_str().unwrap_or_default()
            ),
            (status, code),
            "{}",
            answer.text
        );
        answer.expect_problem(status, code);
    }
    let sockets = upload(
        &vendor,
        "lab-viewer",
        components::with_sockets("lab-viewer"),
    )
    .await;
    assert!(
        sockets.json["detail"]
            .as_str()
            .unwrap()
            .contains("wasi:sockets/tcp"),
        "it names the import: {}",
        sockets.text
    );
    let unscoped = components::with_manifest("lab-viewer", |manifest| {
        manifest["id"] = "unscoped".into();
        manifest["scopes"] = json!([]);
    });
    let answer = upload(&vendor, "unscoped", unscoped).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
    let large = vec![0; glovebox_package::COMPONENT_BYTES_MAX + 1];
    upload(&vendor, "lab-viewer", large)
        .await
        .expect_problem(422, "package");
    assert_eq!(announced(&host, 65 << 20), "HTTP/1.1 413 Payload Too Large");
    let typed = vendor
        .post_bytes("/api/v1/apps/lab-viewer/versions", "text/plain", vec![0])
        .await;
    typed.expect_problem(415, "media-type");
    upload(
        &host.api("dr.rivera"),
        "lab-viewer",
        components::core_module(),
    )
    .await
    .expect_problem(403, "forbidden");

    // Nothing half written: the list is what it was.
    let apps = host.api("admin").get("/api/v1/apps").await.expect(200).json;
    let ids: Vec<&str> = apps["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|app| app["app"].as_str())
        .collect();
    assert_eq!(ids, ["lab-viewer", "med-check"]);
}

/// The status line for an upload that announces this many bytes: it is refused before any
/// of them is sent.
fn announced(host: &TestHost, bytes: usize) -> String {
    let address = host.base_url.strip_prefix("http://").unwrap();
    let token = host.demo["api_tokens"]["vendor"].as_str().unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/apps/lab-viewer/versions HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/wasm\r\nContent-Length: {bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_app_goes_from_upload_to_live_by_decisions_and_a_newer_version_takes_its_place() {
    let host = TestHost::fresh().await;
    let (vendor, admin, rivera) = (host.api("vendor"), host.api("admin"), host.api("dr.rivera"));
    let open = json!({ "app": "trend-watch", "patient": "anna-rossi" });
    let answer = upload(
        &vendor,
        "trend-watch",
        components::renamed("lab-viewer", "trend-watch", "1.0.0"),
    )
    .await
    .expect(202)
    .json;
    assert_eq!(answer["app"], "trend-watch");
    assert!(
        answer["imports"].to_string().contains("glovebox:fhir"),
        "{answer}"
    );
    rivera
        .post("/api/v1/sessions", &open)
        .await
        .expect_problem(409, "not-live");
    let version =
        |version: &str, act: &str| format!("/api/v1/apps/trend-watch/versions/{version}/{act}");
    let reason = json!({ "reason": "reviewed" });
    vendor
        .post(&version("1.0.0", "submit"), &json!({}))
        .await
        .expect(200);
    vendor
        .post(&version("1.0.0", "approve"), &reason)
        .await
        .expect_problem(403, "forbidden");
    admin
        .post(&version("1.0.0", "approve"), &json!({}))
        .await
        .expect_problem(422, "no-reason");
    let beyond = json!({ "reason": "more", "scopes": "patient/*.cruds" });
    admin
        .post(&version("1.0.0", "approve"), &beyond)
        .await
        .expect_problem(422, "beyond-manifest");
    assert_eq!(
        admin
            .post(&version("1.0.0", "approve"), &reason)
            .await
            .expect(200)
            .json["state"],
        "live"
    );
    rivera.post("/api/v1/sessions", &open).await.expect(201);
    upload(
        &vendor,
        "trend-watch",
        components::renamed("lab-viewer", "trend-watch", "1.1.0"),
    )
    .await
    .expect(202);
    admin
        .post(&version("1.1.0", "approve"), &reason)
        .await
        .expect(200);
    let older = admin
        .get("/api/v1/apps/trend-watch/versions/1.0.0")
        .await
        .expect(200)
        .json;
    assert_eq!(older["state"], "superseded");
    let session = rivera
        .post("/api/v1/sessions", &open)
        .await
        .expect(201)
        .json;
    let entries = host.ledger_of(session["session"].as_str().unwrap()).await;
    assert!(
        entries
            .iter()
            .all(|entry| entry.version.as_deref() == Some("1.1.0"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_looks_but_does_not_decide_and_an_expired_token_is_none() {
    let host = TestHost::fresh().await;
    let now = host.services.clock.now();
    let account = Holder::Service(ServiceAccount {
        name: "robot".parse().unwrap(),
        roles: vec![Role::Administrator],
        tenants: vec!["main".parse().unwrap()],
        speaks_for: SpeaksFor::Nobody,
    });
    let tokens = &host.services.authorization.api_tokens;
    let issued = tokens
        .create(
            &account,
            "monitoring",
            Some(now + Duration::from_secs(600)),
            now,
        )
        .await
        .unwrap();
    let robot = host.program(Some(issued.text.expose()));
    robot.get("/api/v1/sessions").await.expect(200);
    robot
        .get("/api/v1/sessions?tenant=sandbox")
        .await
        .expect_problem(404, "not-found");
    let reason: Value = json!({ "reason": "by itself" });
    for act in ["quarantine", "revoke", "release"] {
        robot
            .post(&format!("/api/v1/apps/lab-viewer/{act}"), &reason)
            .await
            .expect_problem(403, "forbidden");
    }
    host.advance(Duration::from_secs(601));
    robot
        .get("/api/v1/sessions")
        .await
        .expect_problem(401, "unauthorized");

    // A person who was disabled has no tokens either.
    let vendor = host.api("vendor");
    vendor.get("/api/v1/apps").await.expect(200);
    host.services
        .authorization
        .users
        .disable(&"vendor".parse().unwrap())
        .await
        .unwrap();
    vendor
        .get("/api/v1/apps")
        .await
        .expect_problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_searched_by_app_and_patient_and_reading_it_is_recorded() {
    let host = TestHost::shared().await;
    let admin = host.api("admin");
    let open = json!({ "app": "lab-viewer", "patient": "anna-rossi" });
    let session = host
        .api("dr.rivera")
        .post("/api/v1/sessions", &open)
        .await
        .expect(201)
        .json;
    let session = session["session"].as_str().unwrap();
    let found = admin
        .get(&format!(
            "/api/v1/audit?app=lab-viewer&patient=anna-rossi&session={session}"
        ))
        .await
        .expect(200)
        .json;
    let items = found["items"].as_array().unwrap();
    assert!(
        items.iter().any(|entry| entry["kind"] == "fhir")
            && items.iter().all(|entry| entry["session"] == session)
    );
    let lines = admin
        .request(
            reqwest::Method::GET,
            &format!("/api/v1/audit?session={session}"),
        )
        .header("accept", "application/x-ndjson");
    let lines = admin.send(lines).await.expect(200);
    assert_eq!(lines.text.lines().count(), items.len());
    for line in lines.text.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert!(
            entry["hash"].is_string() && entry["prev"].is_string(),
            "{line}"
        );
    }
    admin
        .get("/api/v1/audit?from=yesterday")
        .await
        .expect_problem(400, "bad-request");
    let calls = admin
        .get(&format!("/api/v1/sessions/{session}/calls"))
        .await
        .expect(200)
        .json;
    assert!(!calls["items"].as_array().unwrap().is_empty());
    let reads = admin
        .get("/api/v1/audit?kind=audit.read&user=admin")
        .await
        .expect(200)
        .json;
    assert!(!reads["items"].as_array().unwrap().is_empty());
}
