//! The keys of id_tokens: what an outsider verifies with the published set alone, and what
//! an administrator does with them.

use std::collections::BTreeSet;
use std::time::Duration;

use glovebox_authorization::{FhirUserClaim, IdTokenClaims};
use glovebox_database::ledger::Filter;
use glovebox_model::TenantId;
use glovebox_tests::TestHost;
use glovebox_tests::binary::run;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::get;

fn main_tenant() -> TenantId {
    "main".parse().unwrap()
}

/// An id_token as the token endpoint gives it.
async fn id_token(host: &TestHost) -> String {
    let main = main_tenant();
    let settings = &host.services.settings;
    let (issuer, base) = (settings.issuer(&main), settings.fhir_url(&main));
    let now = host.services.clock.now();
    let claims = IdTokenClaims {
        issuer: &issuer,
        subject: "somebody",
        client: &"demo-public".parse().unwrap(),
        auth_time: now,
        nonce: Some("n-1"),
        access_token: Some("gb_access_x.y"),
        session: None,
        fhir_user: Some(FhirUserClaim {
            base: &base,
            reference: &"Practitioner/rivera".parse().unwrap(),
        }),
    };
    let keys = &host.services.authorization.signing_keys;
    keys.sign_id_token(&main, &claims, now).await.unwrap()
}

/// What an app reads: discovery, keys, signature, issuer, audience, expiry.
async fn read(host: &TestHost, token: &str) -> Option<Value> {
    let path = "/oauth/main/.well-known/openid-configuration";
    let configuration = get(host, path).await.json;
    let jwks = get(host, configuration["jwks_uri"].as_str().unwrap()).await;
    let set: JwkSet = serde_json::from_str(&jwks.text).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.alg, Algorithm::RS256);
    let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap())?).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    validation.set_issuer(&[configuration["issuer"].as_str().unwrap()]);
    validation.set_audience(&["demo-public"]);
    let read = jsonwebtoken::decode::<Value>(token, &key, &validation);
    Some(read.unwrap().claims)
}

#[tokio::test(flavor = "multi_thread")]
async fn o3_the_key_set_holds_bare_rsa_keys_with_ids_and_verifies_an_id_token() {
    let host = TestHost::shared().await;
    let jwks = get(host, "/oauth/main/jwks").await;
    assert_eq!(jwks.header("content-type"), "application/json");
    assert_eq!(jwks.header("cache-control"), "public, max-age=300");
    for key in jwks.json["keys"].as_array().unwrap() {
        for (name, value) in [("kty", "RSA"), ("alg", "RS256"), ("use", "sig")] {
            assert_eq!(key[name], value);
        }
        for name in ["n", "e", "kid"] {
            assert!(
                key[name].as_str().is_some_and(|text| !text.is_empty()),
                "{name}"
            );
        }
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5c", "x5u"] {
            assert!(key.get(name).is_none(), "{name}");
        }
    }
    let claims = read(host, &id_token(host).await).await.unwrap();
    assert_eq!(
        claims["fhirUser"],
        format!("{}/fhir/main/Practitioner/rivera", host.base_url)
    );
    assert_eq!(claims["profile"], claims["fhirUser"]);
    assert_eq!(
        (&claims["nonce"], &claims["azp"]),
        (&json!("n-1"), &json!("demo-public"))
    );
    // Another tenant's keys are others.
    assert_ne!(get(host, "/oauth/sandbox/jwks").await.text, jwks.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_rotates_and_apps_keep_reading_what_was_signed_before() {
    let host = TestHost::fresh().await;
    let admin = host.api("admin");
    let before = id_token(&host).await;
    let body = json!({ "tenant": "main" });
    let rotated = admin
        .post("/api/v1/keys/rotate", &body)
        .await
        .expect(200)
        .json;
    let after = id_token(&host).await;
    let kid = jsonwebtoken::decode_header(&after).unwrap().kid.unwrap();
    assert_eq!(rotated["active"]["kid"], kid);
    assert_eq!(rotated["retired"]["status"], "retired");
    for token in [&before, &after] {
        assert!(read(&host, token).await.is_some());
    }
    let listed = admin.get("/api/v1/keys").await.expect(200).json;
    let states = |listed: &Value| {
        let items = listed["items"].as_array().unwrap();
        let states = items
            .iter()
            .map(|key| key["status"].as_str().unwrap().to_owned());
        states.collect::<Vec<_>>()
    };
    assert_eq!(states(&listed), ["active", "retired"]);
    assert!(!listed.to_string().contains("\"n\""));

    // The last token of the old key has expired, and ten minutes more have passed.
    host.advance(Duration::from_secs(3_600 + 600));
    let jwks = get(&host, "/oauth/main/jwks").await.json;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
    assert_eq!(jwks["keys"][0]["kid"], kid);
    let listed = admin.get("/api/v1/keys").await.expect(200).json;
    assert_eq!(states(&listed), ["active", "withdrawn"]);

    let filter = Filter {
        kind: Some("key.change".to_owned()),
        ..Filter::default()
    };
    let entries = host.ledger(filter).await;
    let said = |action: &str| {
        let entries = entries.iter().filter(move |entry| entry.action == action);
        entries.collect::<Vec<_>>()
    };
    // The first key of each tenant, made at the first start.
    let tenants: BTreeSet<_> = said("create")
        .iter()
        .map(|entry| entry.tenant.clone())
        .collect();
    assert_eq!((said("create").len(), tenants.len()), (2, 2));
    let [entry] = said("rotate")[..] else {
        panic!("{entries:?}");
    };
    assert_eq!(
        (entry.user.as_deref(), entry.outcome.as_str()),
        (Some("admin"), "ok")
    );
    assert_eq!(entry.detail["active"], kid);
    assert_eq!(entry.detail["by"], "api");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_administrator_sees_or_rotates_keys() {
    let host = TestHost::shared().await;
    for name in ["vendor", "dr.rivera", "ehr"] {
        let api = host.api(name);
        api.get("/api/v1/keys")
            .await
            .expect_problem(403, "forbidden");
        api.post("/api/v1/keys/rotate", &json!({}))
            .await
            .expect_problem(403, "forbidden");
    }
    let nobody = host.program(None);
    nobody
        .get("/api/v1/keys")
        .await
        .expect_problem(401, "unauthorized");
    let admin = host.api("admin");
    admin
        .post("/api/v1/keys/rotate", &json!({ "tenant": "nowhere" }))
        .await
        .expect_problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_again_and_again_is_refused_before_the_key_set_grows_without_end() {
    let host = TestHost::fresh().await;
    let admin = host.api("admin");
    for _ in 0..7 {
        admin
            .post("/api/v1/keys/rotate", &json!({}))
            .await
            .expect(200);
    }
    admin
        .post("/api/v1/keys/rotate", &json!({}))
        .await
        .expect_problem(409, "too-often");
    let jwks = get(&host, "/oauth/main/jwks").await.json;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_on_the_command_line_with_and_without_a_server() {
    let host = TestHost::fresh().await;
    let token = host.demo["api_tokens"]["admin"]
        .as_str()
        .unwrap()
        .to_owned();
    let server = ["--server", &host.base_url, "--token", &token].map(str::to_owned);
    let data = ["--data".to_owned(), host.dir().display().to_string()];
    let keys = async |act: &str, place: &[String]| {
        let mut arguments = vec!["keys".to_owned(), act.to_owned()];
        arguments.extend_from_slice(place);
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            run(&arguments)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let rotated = keys("rotate", &server).await;
    assert_eq!(rotated.code, Some(0), "{}", rotated.stderr);
    assert!(
        rotated.stdout.contains("signs from now on"),
        "{}",
        rotated.stdout
    );
    let jwks = get(&host, "/oauth/main/jwks").await.json;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);

    // The server holds its directory: the message says what to do instead.
    let locked = keys("rotate", &data).await;
    assert_eq!(locked.code, Some(2));
    assert!(locked.stderr.contains("--server URL"), "{}", locked.stderr);

    let left = host.leave().await;
    let rotated = keys(
        "rotate",
        &[data.as_slice(), &["--json".to_owned()]].concat(),
    )
    .await;
    assert_eq!(rotated.code, Some(0), "{}", rotated.stderr);
    let rotated: Value = serde_json::from_str(&rotated.stdout).unwrap();
    let listed = keys("list", &data).await;
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", listed.stdout);
    let active = rotated["active"]["kid"].as_str().unwrap();
    assert!(
        lines[1].starts_with(active) && lines[1].contains("active"),
        "{}",
        lines[1]
    );
    let unknown = keys(
        "list",
        &[data.as_slice(), &["--tenant".into(), "x".into()]].concat(),
    )
    .await;
    assert_eq!(unknown.code, Some(2));
    drop(left);
}
