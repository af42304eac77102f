//! Discovery (SMART App Launch 2.2, "Conformance"; OpenID Connect Discovery 1.0; RFC 8414):
//! one test for each rule, named after it, asked from outside as a stranger's browser asks.

mod brands;
mod keys;

use std::collections::BTreeSet;

use glovebox_model::scope::ScopeSet;
use glovebox_tests::{Answer, TestHost, assertion};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TENANTS: [&str; 2] = ["main", "sandbox"];
/// The short names that belong to HL7 (SMART App Launch 2.2, "Capabilities").
const CAPABILITIES: [&str; 20] = [
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
    "smart-app-state",
];

fn smart_path(tenant: &str) -> String {
    format!("/fhir/{tenant}/.well-known/smart-configuration")
}

/// Every public document of a tenant, with the type that it has.
fn documents(tenant: &str) -> Vec<(String, &'static str)> {
    let json = "application/json";
    vec![
        (smart_path(tenant), json),
        (
            format!("/fhir/{tenant}/.well-known/openid-configuration"),
            json,
        ),
        (
            format!("/oauth/{tenant}/.well-known/openid-configuration"),
            json,
        ),
        (
            format!("/.well-known/oauth-authorization-server/oauth/{tenant}"),
            json,
        ),
        (format!("/oauth/{tenant}/jwks"), json),
        (format!("/brands/{tenant}.json"), "application/fhir+json"),
    ]
}

async fn get(host: &TestHost, path: &str) -> Answer {
    host.program(None).get(path).await.expect(200)
}

async fn smart(host: &TestHost) -> Map<String, Value> {
    let answer = get(host, &smart_path("main")).await;
    answer.json.as_object().unwrap().clone()
}

fn list<'a>(document: &'a Map<String, Value>, name: &str) -> Vec<&'a str> {
    let values = document.get(name).and_then(Value::as_array);
    let values = values.unwrap_or_else(|| panic!("{name} is no list"));
    values.iter().map(|value| value.as_str().unwrap()).collect()
}

async fn with(host: &TestHost, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let nobody = host.program(None);
    let request = headers
        .iter()
        .fold(nobody.request(method, path), |request, (name, value)| {
            request.header(*name, *value)
        });
    nobody.send(request).await
}

/// Sends bytes as they are, for what a client library would put right.
async fn raw(host: &TestHost, request: &str) -> String {
    let address = host.base_url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_the_well_known_suffix_is_answered_below_each_fhir_base() {
    let host = TestHost::shared().await;
    for tenant in TENANTS {
        let answer = get(host, &smart_path(tenant)).await;
        let issuer = format!("{}/oauth/{tenant}", host.base_url);
        assert_eq!(answer.json["issuer"], issuer);
    }
    // HEAD says the same without a body.
    let head = with(host, Method::HEAD, &smart_path("main"), &[]).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_the_answer_is_json_whatever_the_request_accepts() {
    let host = TestHost::shared().await;
    for (path, content_type) in documents("main") {
        for accepted in [
            "text/html",
            "application/fhir+xml",
            "application/fhir+json",
            "*/*;q=0",
            "nonsense",
        ] {
            let answer = with(host, Method::GET, &path, &[("accept", accepted)]).await;
            let answer = answer.expect(200);
            assert_eq!(answer.header("content-type"), content_type, "{path}");
            assert!(answer.json.is_object(), "{path}: {accepted}");
        }
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = raw(host, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(
            answer.contains(&format!("content-type: {content_type}")),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_every_address_is_absolute_and_below_the_configured_base() {
    let host = TestHost::shared().await;
    for (path, _) in documents("main") {
        let answer = get(host, &path).await;
        for (name, value) in answer.json.as_object().unwrap() {
            let is_address = ["_endpoint", "_uri", "_bundle"]
                .iter()
                .any(|end| name.ends_with(end));
            if is_address || name == "issuer" {
                let address = value.as_str().unwrap();
                assert!(
                    address.starts_with(&host.base_url),
                    "{path}: {name}: {address}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_launches_come_with_an_authorization_endpoint_that_has_no_query() {
    let host = TestHost::shared().await;
    let document = smart(host).await;
    let capabilities = list(&document, "capabilities");
    assert!(capabilities.contains(&"launch-ehr") && capabilities.contains(&"launch-standalone"));
    assert_eq!(
        document["authorization_endpoint"],
        format!("{}/oauth/main/authorize", host.base_url)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_the_token_endpoint_is_told_and_answers() {
    let host = TestHost::shared().await;
    let document = smart(host).await;
    let address = document["token_endpoint"].as_str().unwrap();
    let refused = host.program(None).post_form(address, &[]).await.expect(400);
    assert_eq!(refused.json["error"], "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_the_grants_are_those_of_apps_and_of_backend_services() {
    let document = smart(TestHost::shared().await).await;
    assert_eq!(
        list(&document, "grant_types_supported"),
        ["authorization_code", "refresh_token", "client_credentials"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_capabilities_are_a_list_of_texts() {
    let document = smart(TestHost::shared().await).await;
    let capabilities = document["capabilities"].as_array().unwrap();
    assert!(!capabilities.is_empty());
    assert!(
        capabilities
            .iter()
            .all(|one| one.as_str().is_some_and(|one| !one.is_empty()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_s256_is_offered_and_plain_is_not() {
    let host = TestHost::shared().await;
    for (path, _) in documents("main").into_iter().take(4) {
        let answer = get(host, &path).await;
        assert_eq!(
            answer.json["code_challenge_methods_supported"],
            json!(["S256"]),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_with_id_tokens_there_are_an_issuer_and_its_keys() {
    let host = TestHost::shared().await;
    let document = smart(host).await;
    assert!(list(&document, "capabilities").contains(&"sso-openid-connect"));
    let issuer = document["issuer"].as_str().unwrap();
    let jwks = document["jwks_uri"].as_str().unwrap();
    assert_eq!(jwks, format!("{issuer}/jwks"));
    get(host, jwks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d10_asymmetric_clients_learn_how_to_prove_themselves() {
    let document = smart(TestHost::shared().await).await;
    assert!(list(&document, "capabilities").contains(&"client-confidential-asymmetric"));
    assert!(document["token_endpoint"].is_string());
    assert!(!list(&document, "scopes_supported").is_empty());
    let methods = list(&document, "token_endpoint_auth_methods_supported");
    assert!(methods.contains(&"private_key_jwt"), "{methods:?}");
    let algorithms = list(
        &document,
        "token_endpoint_auth_signing_alg_values_supported",
    );
    assert_eq!(algorithms, ["RS384", "ES384"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_no_other_means_of_client_authentication_is_told() {
    let document = smart(TestHost::shared().await).await;
    let known = [
        "client_secret_post",
        "client_secret_basic",
        "private_key_jwt",
        "none",
    ];
    for method in list(&document, "token_endpoint_auth_methods_supported") {
        assert!(known.contains(&method), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_each_means_of_client_authentication_told_is_taken() {
    let host = TestHost::shared().await;
    let path = "/.well-known/oauth-authorization-server/oauth/main";
    let document = get(host, path).await.json;
    let methods = list(
        document.as_object().unwrap(),
        "introspection_endpoint_auth_methods_supported",
    );
    let address = document["introspection_endpoint"].as_str().unwrap();
    let secret = host.client("demo-confidential")["client_secret"]
        .as_str()
        .unwrap();
    let backend = &host.client("demo-backend")["jwk"][0];
    let audience = document["token_endpoint"].as_str().unwrap();
    let assertion = assertion::sign("demo-backend", audience, backend, |_| {});
    let bearer = token(host, "system/*.rs").await;
    for method in methods {
        let nobody = host.program(None);
        let request = nobody.request(Method::POST, address);
        let (request, mut fields) = match method {
            "client_secret_basic" => (
                request.basic_auth("demo-confidential", Some(secret)),
                vec![],
            ),
            "client_secret_post" => (
                request,
                vec![
                    ("client_id", "demo-confidential"),
                    ("client_secret", secret),
                ],
            ),
            "private_key_jwt" => (
                request,
                vec![
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", assertion.as_str()),
                ],
            ),
            "none" => (request, vec![("client_id", "demo-public")]),
            "Bearer" => (request.bearer_auth(&bearer), vec![]),
            other => panic!("{other} is told and was not tried"),
        };
        fields.push(("token", "unknown"));
        let answer = nobody.send(request.form(&fields)).await.expect(200);
        assert_eq!(answer.json, json!({ "active": false }), "{method}");
    }
}

/// An access token of `demo-backend`.
async fn token(host: &TestHost, scope: &str) -> String {
    let audience = format!("{}/oauth/main/token", host.base_url);
    let key = &host.client("demo-backend")["jwk"][0];
    let assertion = assertion::sign("demo-backend", &audience, key, |_| {});
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
    ];
    let answer = host.program(None).post_form(&audience, &fields).await;
    answer.expect(200).json["access_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn d12_each_scope_told_can_be_granted_to_a_client_that_is_registered_for_it() {
    let host = TestHost::shared().await;
    let registered: Vec<ScopeSet> = host.demo["clients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|client| ScopeSet::parse(client["scope"].as_str().unwrap()).unwrap())
        .collect();
    let document = smart(host).await;
    let scopes = list(&document, "scopes_supported");
    for scope in &scopes {
        let scope = scope.parse().unwrap();
        assert!(registered.iter().any(|set| set.covers(&scope)), "{scope}");
    }
    let distinct: BTreeSet<&&str> = scopes.iter().collect();
    assert_eq!(distinct.len(), scopes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn d13_the_other_endpoints_are_told_and_nothing_that_is_not_there() {
    let host = TestHost::shared().await;
    let document = smart(host).await;
    assert_eq!(list(&document, "response_types_supported"), ["code"]);
    for (name, step) in [
        ("introspection_endpoint", "introspect"),
        ("revocation_endpoint", "revoke"),
    ] {
        let expected = format!("{}/oauth/main/{step}", host.base_url);
        assert_eq!(document[name], expected, "{name}");
    }
    for (name, address) in &document {
        if name.ends_with("_endpoint") {
            let answer = host.program(None).get(address.as_str().unwrap()).await;
            assert_ne!(answer.status, 404, "{name} is told and not there");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_the_brand_bundle_and_its_identifier_are_told() {
    let host = TestHost::shared().await;
    let document = smart(host).await;
    let bundle = document["user_access_brand_bundle"].as_str().unwrap();
    assert_eq!(bundle, format!("{}/brands/main.json", host.base_url));
    get(host, bundle).await;
    let identifier = &document["user_access_brand_identifier"];
    assert_eq!(identifier["system"], "urn:ietf:rfc:3986");
    assert!(
        identifier["value"]
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn d15_the_deprecated_app_state_endpoint_is_not_told() {
    let document = smart(TestHost::shared().await).await;
    assert!(!document.contains_key("smart_app_state_endpoint"));
    let associated = document
        .get("associated_endpoints")
        .and_then(Value::as_array);
    for endpoint in associated.into_iter().flatten() {
        assert!(endpoint["url"].is_string() && endpoint["capabilities"].is_array());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_each_capability_told_has_what_it_needs() {
    let document = smart(TestHost::shared().await).await;
    let capabilities = list(&document, "capabilities");
    let scopes = list(&document, "scopes_supported");
    let methods = list(&document, "token_endpoint_auth_methods_supported");
    for (capability, scope) in [
        ("launch-ehr", "launch"),
        ("sso-openid-connect", "openid"),
        ("sso-openid-connect", "fhirUser"),
        ("context-standalone-patient", "launch/patient"),
        ("context-standalone-encounter", "launch/encounter"),
        ("permission-offline", "offline_access"),
        ("permission-online", "online_access"),
        ("permission-patient", "patient/*.rs"),
        ("permission-user", "user/*.rs"),
        ("permission-v1", "patient/*.read"),
        ("permission-v2", "patient/*.cruds"),
    ] {
        let is_told = capabilities.contains(&capability);
        assert_eq!(is_told, scopes.contains(&scope), "{capability} and {scope}");
    }
    for (capability, method) in [
        ("client-public", "none"),
        ("client-confidential-symmetric", "client_secret_basic"),
        ("client-confidential-asymmetric", "private_key_jwt"),
    ] {
        let is_told = capabilities.contains(&capability);
        assert_eq!(
            is_told,
            methods.contains(&method),
            "{capability} and {method}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d17_short_capability_names_are_those_of_the_specification() {
    let document = smart(TestHost::shared().await).await;
    for capability in list(&document, "capabilities") {
        let is_uri = url::Url::parse(capability).is_ok();
        assert!(is_uri || CAPABILITIES.contains(&capability), "{capability}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_all_four_capability_sets_are_complete() {
    let document = smart(TestHost::shared().await).await;
    let capabilities = list(&document, "capabilities");
    let sets: [(&str, &[&str]); 4] = [
        (
            "PatientStandalone",
            &[
                "launch-standalone",
                "context-standalone-patient",
                "permission-patient",
            ],
        ),
        (
            "PatientEHR",
            &["launch-ehr", "context-ehr-patient", "permission-patient"],
        ),
        (
            "ClinicianStandalone",
            &["launch-standalone", "permission-user", "permission-patient"],
        ),
        (
            "ClinicianEHR",
            &[
                "launch-ehr",
                "context-ehr-patient",
                "context-ehr-encounter",
                "permission-user",
                "permission-patient",
            ],
        ),
    ];
    for (name, set) in sets {
        let has_client = ["client-public", "client-confidential-symmetric"]
            .iter()
            .any(|client| capabilities.contains(client));
        assert!(
            has_client && set.iter().all(|one| capabilities.contains(one)),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d19_a_browser_of_any_origin_may_read_every_document_and_every_error() {
    let host = TestHost::shared().await;
    let mut cases: Vec<(Method, String, u16)> = documents("main")
        .into_iter()
        .map(|(path, _)| (Method::GET, path, 200))
        .collect();
    let preflight = with(host, Method::OPTIONS, &smart_path("main"), &[]).await;
    assert_eq!(preflight.header("allow"), "GET, HEAD, OPTIONS");
    cases.push((Method::GET, "/fhir/main/metadata".to_owned(), 200));
    for path in [
        "/fhir/main/.well-known/nothing",
        "/fhir/nowhere/.well-known/smart-configuration",
        "/oauth/nowhere/.well-known/openid-configuration",
        "/oauth/No%20Tenant/jwks",
        "/.well-known/oauth-authorization-server/oauth/nowhere",
        "/brands/nowhere.json",
        "/brands/main.xml",
        "/smart-style/0000000000000000.json",
    ] {
        cases.push((Method::GET, path.to_owned(), 404));
    }
    for (path, _) in documents("main") {
        cases.push((Method::POST, path.clone(), 405));
        cases.push((Method::OPTIONS, path, 204));
    }
    let origin = [("origin", "https://app.example")];
    for (method, path, status) in cases {
        let answer = with(host, method.clone(), &path, &origin).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path}: {}",
            answer.text
        );
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), value, "{method} {path}: {name}");
        }
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            "",
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d20_the_capabilities_that_certification_asks_for_are_told() {
    let document = smart(TestHost::shared().await).await;
    let capabilities: BTreeSet<&str> = list(&document, "capabilities").into_iter().collect();
    let of_both = [
        "client-confidential-symmetric",
        "client-confidential-asymmetric",
        "sso-openid-connect",
        "permission-offline",
        "authorize-post",
        "permission-v2",
        "permission-v1",
    ];
    let standalone = [
        "launch-standalone",
        "client-public",
        "context-standalone-patient",
        "permission-patient",
    ];
    let ehr = [
        "launch-ehr",
        "context-banner",
        "context-style",
        "context-ehr-patient",
        "context-ehr-encounter",
        "permission-user",
    ];
    for name in of_both.iter().chain(&standalone).chain(&ehr) {
        assert!(capabilities.contains(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d21_the_capability_statement_says_the_same_addresses() {
    let host = TestHost::shared().await;
    for tenant in TENANTS {
        let document = get(host, &smart_path(tenant)).await.json;
        let statement = get(host, &format!("/fhir/{tenant}/metadata")).await.json;
        let security = &statement["rest"][0]["security"];
        assert_eq!(security["service"][0]["coding"][0]["code"], "SMART-on-FHIR");
        let extension = &security["extension"][0];
        assert_eq!(
            extension["url"],
            "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
        );
        let told = |name: &str| {
            let uris = extension["extension"].as_array().unwrap();
            let found = uris.iter().find(|uri| uri["url"] == name);
            found.map(|uri| uri["valueUri"].clone())
        };
        for (name, member) in [
            ("authorize", "authorization_endpoint"),
            ("token", "token_endpoint"),
            ("introspect", "introspection_endpoint"),
            ("manage", "management_endpoint"),
            ("register", "registration_endpoint"),
            ("revoke", "revocation_endpoint"),
        ] {
            assert_eq!(
                told(name).as_ref(),
                document.get(member),
                "{tenant}: {name}"
            );
        }
        assert!(told("authorize").is_some() && told("token").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d22_the_issuer_describes_itself_and_so_does_the_fhir_base() {
    let host = TestHost::shared().await;
    for tenant in TENANTS {
        let issuer = format!("{}/oauth/{tenant}", host.base_url);
        let document = get(host, &format!("{issuer}/.well-known/openid-configuration")).await;
        assert_eq!(document.json["issuer"], issuer);
        for (name, expected) in [
            ("jwks_uri", json!(format!("{issuer}/jwks"))),
            (
                "authorization_endpoint",
                json!(format!("{issuer}/authorize")),
            ),
            ("token_endpoint", json!(format!("{issuer}/token"))),
            ("response_types_supported", json!(["code"])),
            ("subject_types_supported", json!(["public"])),
            ("id_token_signing_alg_values_supported", json!(["RS256"])),
            ("request_uri_parameter_supported", json!(false)),
        ] {
            assert_eq!(document.json[name], expected, "{name}");
        }
        let path = format!("/fhir/{tenant}/.well-known/openid-configuration");
        assert_eq!(get(host, &path).await.text, document.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d23_the_oauth_metadata_stands_where_rfc_8414_puts_it_and_says_the_same() {
    let host = TestHost::shared().await;
    let path = "/.well-known/oauth-authorization-server/oauth/main";
    let document = get(host, path).await.json;
    // RFC 8414 section 3.3: the issuer is the one that the address was made of.
    assert_eq!(document["issuer"], format!("{}/oauth/main", host.base_url));
    assert_eq!(
        document["authorization_response_iss_parameter_supported"],
        true
    );
    let methods = &document["introspection_endpoint_auth_methods_supported"];
    let told = get(host, &smart_path("main")).await.json;
    let mut expected = told["token_endpoint_auth_methods_supported"].clone();
    // A public client proves nothing by its id, so it comes with its access token instead.
    let expected_methods = expected.as_array_mut().unwrap();
    expected_methods.retain(|method| method != "none");
    expected_methods.push(json!("Bearer"));
    assert_eq!(*methods, expected);
    let others = [
        smart_path("main"),
        "/oauth/main/.well-known/openid-configuration".to_owned(),
    ];
    for other in others {
        let other = get(host, &other).await.json;
        for (name, value) in other.as_object().unwrap() {
            let same = document.get(name);
            assert!(same.is_none_or(|same| same == value), "{name}");
        }
    }
    let par = format!("{}/oauth/main/par", host.base_url);
    assert_eq!(document["pushed_authorization_request_endpoint"], par);
    assert_eq!(document["require_pushed_authorization_requests"], false);
    assert_eq!(
        document["dpop_signing_alg_values_supported"],
        json!(["ES256", "ES384", "RS256"])
    );
    // Clients register themselves only where the operator says so.
    assert!(document.get("registration_endpoint").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn k9_a_slash_too_many_before_the_suffix_is_no_trap() {
    let host = TestHost::shared().await;
    for name in ["smart-configuration", "openid-configuration"] {
        let one = get(host, &format!("/fhir/main/.well-known/{name}")).await;
        let two = get(host, &format!("/fhir/main//.well-known/{name}")).await;
        assert_eq!(one.text, two.text);
    }
    host.program(None)
        .get("/oauth/main//.well-known/openid-configuration")
        .await
        .expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_can_make_a_document_name_another_host() {
    let host = TestHost::shared().await;
    for (path, _) in documents("main") {
        let expected = get(host, &path).await.text;
        for headers in [
            [("host", "evil.example"), ("accept", "*/*")],
            [
                ("x-forwarded-host", "evil.example"),
                ("x-forwarded-proto", "https"),
            ],
            [
                ("forwarded", "host=evil.example;proto=https"),
                ("x-forwarded-prefix", "/evil"),
            ],
            [("x-original-url", "/evil"), ("x-rewrite-url", "/evil")],
        ] {
            let answer = with(host, Method::GET, &path, &headers).await.expect(200);
            assert_eq!(answer.text, expected, "{path}: {headers:?}");
        }
        let request = format!(
            "GET http://evil.example{path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(host, &request).await;
        assert!(!answer.contains("evil.example"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l7_the_style_document_is_json_at_an_address_that_changes_with_its_content() {
    let host = TestHost::shared().await;
    let address = host.services.settings.smart_style_url();
    assert!(address.starts_with(&host.base_url));
    let answer = get(host, &address).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.header("cache-control").contains("immutable"));
    for name in [
        "color_background",
        "color_error",
        "color_highlight",
        "color_modal_backdrop",
        "color_success",
        "color_text",
        "dim_border_radius",
        "dim_font_size",
        "dim_spacing_size",
        "font_family_body",
        "font_family_heading",
    ] {
        assert!(
            answer.json[name]
                .as_str()
                .is_some_and(|value| !value.is_empty()),
            "{name}"
        );
    }
    let other = address.replace("/smart-style/", "/smart-style/0");
    host.program(None).get(&other).await.expect(404);
}
