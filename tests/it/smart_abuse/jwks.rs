//! Clients that publish their keys, and those who would make this server fetch things.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use glovebox_authorization::{GeneratedKey, KeyAlgorithm, keys};
use glovebox_tests::{Options, assertion};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A vendor's server.
struct Site {
    origin: String,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            answer: Arc::default(),
            asked: Arc::default(),
        };
        let (told, asked) = (Arc::clone(&site.answer), Arc::clone(&site.asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::SeqCst);
                let answer = told.lock().unwrap().clone();
                let mut request = [0; 4_096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).to_lowercase();
                assert!(request.contains("accept: application/json"), "{request}");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        site
    }

    fn uri(&self) -> String {
        format!("{}/jwks.json", self.origin)
    }

    fn publishes(&self, cache_control: &str, keys: &[&GeneratedKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public.to_jwk()).collect();
        let body = json!({ "keys": keys }).to_string();
        self.answers(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: {cache_control}\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    fn answers(&self, text: String) {
        *self.answer.lock().unwrap() = text;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn host(site: &Site) -> TestHost {
    let options = Options {
        allowed_origins: vec![site.origin.clone()],
        ..Options::default()
    };
    TestHost::with(options).await
}

fn key() -> GeneratedKey {
    keys::generate(KeyAlgorithm::Es384).unwrap()
}

/// A backend service as an administrator registers it.
fn metadata(jwks_uri: &str) -> Value {
    json!({
        "client_name": "Night export", "owner": "Growth Ltd",
        "security_contact": "mailto:security@growth.example",
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"],
        "scope": "system/Patient.rs", "jwks_uri": jwks_uri,
        "justifications": { "system/Patient.rs": "Exports the patients at night" },
    })
}

async fn registered(host: &TestHost, site: &Site) -> String {
    let admin = host.api("admin");
    let answer = admin.post("/api/v1/clients", &metadata(&site.uri())).await;
    text(&answer.expect(201), "client_id").to_owned()
}

/// Asks for a token with an assertion under this key.
async fn ask(host: &TestHost, id: &str, key: &GeneratedKey, jku: Option<&str>) -> Answer {
    let audience = format!("{}/oauth/main/token", host.base_url);
    let assertion = assertion::sign_both(
        id,
        &audience,
        key.expose_private_jwk(),
        |header| {
            if let Some(jku) = jku {
                header["jku"] = jku.into();
            }
        },
        |_| {},
    );
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "system/Patient.rs"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &assertion),
    ];
    token(host, &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rg3_b6_b7_b8_a_client_may_publish_its_keys_and_change_them() {
    let site = Site::start().await;
    let host = host(&site).await;
    let id = registered(&host, &site).await;
    let (old, new) = (key(), key());
    site.publishes("max-age=60", &[&old]);
    ask(&host, &id, &old, None).await.expect(200);
    ask(&host, &id, &old, Some(&site.uri())).await.expect(200);
    assert_eq!(site.asked(), 1, "kept as long as the client says");
    // A new key is found at once; one that was taken out ends when the client said.
    site.publishes("max-age=60", &[&new]);
    ask(&host, &id, &new, None).await.expect(200);
    assert_eq!(site.asked(), 2);
    assert_eq!(
        refusal(&ask(&host, &id, &old, None).await),
        (401, "invalid_client")
    );
    site.publishes("max-age=60", &[]);
    ask(&host, &id, &new, None).await.expect(200);
    host.advance(std::time::Duration::from_secs(60));
    // The clock of the client moves too.
    let audience = format!("{}/oauth/main/token", host.base_url);
    let later = assertion::sign(&id, &audience, new.expose_private_jwk(), |claims| {
        claims["exp"] = json!(claims["exp"].as_u64().unwrap() + 60);
    });
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "system/Patient.rs"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &later),
    ];
    assert_eq!(
        refusal(&token(&host, &fields).await),
        (401, "invalid_client")
    );
    let entries = host
        .ledger(glovebox_database::ledger::Filter::default())
        .await;
    let calls = entries
        .iter()
        .filter(|entry| entry.kind == "outbound")
        .count();
    assert!(calls >= 3, "{calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jw6_a_jku_that_is_not_the_registered_one_causes_no_request() {
    let site = Site::start().await;
    let host = host(&site).await;
    let id = registered(&host, &site).await;
    let own = key();
    site.publishes("no-store", &[&own]);
    let uri = site.uri();
    for jku in [
        format!("{uri}#"),
        format!("{uri}?"),
        format!("{uri}/"),
        uri.to_uppercase(),
        uri.replace("http://", "http://x@"),
        uri.replace("http:", "https:"),
        uri.replace("127.0.0.1", "127.0.0.1.evil.test"),
        uri.replace("127.0.0.1", "localhost"),
        uri.replace("/jwks.json", "/other.json"),
        "https://evil.test/jwks.json".to_owned(),
        String::new(),
    ] {
        let answer = ask(&host, &id, &own, Some(&jku)).await;
        assert_eq!(refusal(&answer), (401, "invalid_client"), "{jku}");
    }
    assert_eq!(site.asked(), 0);
    ask(&host, &id, &own, Some(&uri)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jw14_no_address_inside_is_registered_or_called() {
    let site = Site::start().await;
    let host = host(&site).await;
    let admin = host.api("admin");
    let port = site.origin.rsplit(':').next().unwrap().to_owned();
    for uri in [
        "http://127.0.0.1/jwks".to_owned(),
        "https://127.0.0.1/jwks".to_owned(),
        format!("https://127.0.0.1:{port}/jwks"),
        format!("http://localhost:{port}/jwks"),
        format!("http://[::1]:{port}/jwks"),
        format!("http://[::ffff:127.0.0.1]:{port}/jwks"),
        format!("http://x@127.0.0.1:{port}/jwks"),
        "https://169.254.169.254/latest".to_owned(),
        "https://10.0.0.1/jwks".to_owned(),
        "https://192.168.1.1/jwks".to_owned(),
        "https://0x7f000001/jwks".to_owned(),
        "https://[fd00:ec2::254]/jwks".to_owned(),
        "http://growth.example/jwks".to_owned(),
        "file:///etc/passwd".to_owned(),
        "data:application/json,{}".to_owned(),
        "gopher://growth.example/".to_owned(),
    ] {
        let answer = admin.post("/api/v1/clients", &metadata(&uri)).await;
        answer.expect_problem(422, "invalid-client");
    }
    // One or the other, and only for who signs.
    let mut both = metadata(&site.uri());
    both["jwks"] = json!({ "keys": [key().public.to_jwk()] });
    let answer = admin.post("/api/v1/clients", &both).await;
    answer.expect_problem(422, "invalid-client");
    // A name that stands for this machine can be registered, but is not called.
    let inside = metadata(&format!("https://localhost:{port}/jwks"));
    let answer = admin.post("/api/v1/clients", &inside).await.expect(201);
    let own = key();
    let refused = ask(&host, text(&answer, "client_id"), &own, None).await;
    assert_eq!(refusal(&refused), (401, "invalid_client"));
    assert_eq!(site.asked(), 0);
    // Nor is a redirect followed.
    let id = registered(&host, &site).await;
    site.answers(format!(
        "HTTP/1.1 302 Found\r\nLocation: {}/elsewhere\r\nConnection: close\r\n\r\n",
        site.origin
    ));
    let refused = ask(&host, &id, &own, None).await;
    assert_eq!(refusal(&refused), (401, "invalid_client"));
    assert_eq!(site.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jw15_a_jw16_a_key_server_that_misbehaves_lets_nobody_in_and_is_not_flooded() {
    let site = Site::start().await;
    let host = host(&site).await;
    let own = key();
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    for answer in [
        "HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\n".to_owned(),
        format!("{json}\r\n{{\"keys\":[{}]}}", "{},".repeat(30_000)),
        format!("{json}Content-Length: 10485760\r\n\r\n"),
        format!("{json}Content-Encoding: gzip\r\n\r\n\u{1f}"),
        format!("{json}\r\nnot json"),
        format!("{json}\r\n{}", own.expose_private_jwk()),
        format!(
            "{json}\r\n{}",
            json!({ "keys": [own.expose_private_jwk()] })
        ),
        format!("{}\r\n{{}}", json.replace("application/json", "text/html")),
    ] {
        let id = registered(&host, &site).await;
        site.answers(answer.clone());
        let before = site.asked();
        for _ in 0..3 {
            let refused = ask(&host, &id, &own, None).await;
            assert_eq!(refusal(&refused), (401, "invalid_client"), "{answer:.80}");
        }
        assert_eq!(site.asked() - before, 1, "{answer:.80}");
    }
    let id = registered(&host, &site).await;
    site.publishes("max-age=31536000", &[&own]);
    ask(&host, &id, &own, None).await.expect(200);
    let before = site.asked();
    for _ in 0..30 {
        let stranger = key();
        let refused = ask(&host, &id, &stranger, None).await;
        assert_eq!(refusal(&refused), (401, "invalid_client"));
    }
    assert!(site.asked() - before <= 6, "{}", site.asked() - before);
    ask(&host, &id, &own, None).await.expect(200);
}
