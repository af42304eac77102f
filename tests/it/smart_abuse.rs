//! Attacks on the authorization server, from outside: each test is named after the attack
//! that it tries on the real server.

mod authorize;
mod client;
mod dpop;
mod jwks;
mod launch;
mod often;
mod pushed;
mod refresh;
mod registering;
mod token;
mod withdrawn;

use glovebox_authorization::{ClientKind, ClientRegistration, Registered};
use glovebox_model::scope::ScopeSet;
use glovebox_tests::oauth::{
    CALLBACK, VERIFIER, allow, answered, authorize, exchange, pick, standalone_code, token,
};
use glovebox_tests::{Answer, Page, TestHost};
use serde_json::Value;

/// What apps of these tests may ask for.
const SCOPE: &str = "openid fhirUser offline_access online_access patient/*.cruds user/*.cruds";

#[track_caller]
fn text<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.json[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {}", answer.text))
}

/// The status and the error of an answer.
fn refusal(answer: &Answer) -> (u16, &str) {
    let error = answer.json["error"].as_str().unwrap_or_default();
    (answer.status.as_u16(), error)
}

/// The error that a page sent to the client.
#[track_caller]
fn error(page: &Page) -> String {
    assert!(answered(page, "code").is_none(), "{:?}", page.location());
    answered(page, "error").unwrap_or_default()
}

/// The tokens of `demo-public` for `anna-rossi`.
async fn tokens(host: &TestHost, user: &str, changes: &[(&str, &str)]) -> Answer {
    let code = standalone_code(host, user, changes).await;
    exchange(host, &code).await.expect(200)
}

/// The status of a FHIR read with an access token.
async fn fhir(host: &TestHost, token: &str) -> u16 {
    let program = host.program(Some(token));
    let answer = program.get("/fhir/main/Patient/anna-rossi").await;
    answer.status.as_u16()
}

/// What a service that sees all is told of a token.
async fn introspect(host: &TestHost, token: &str) -> Value {
    let fields = [("token", token)];
    let program = glovebox_tests::fhir::system(host, "system/*.rs").await;
    let answer = program.post_form("/oauth/main/introspect", &fields).await;
    answer.expect(200).json
}

/// Registers a client of this test's own under a random id.
async fn register(host: &TestHost, change: impl FnOnce(&mut ClientRegistration)) -> Registered {
    let mut registration = ClientRegistration {
        id: None,
        tenant: "main".parse().unwrap(),
        kind: ClientKind::Public,
        name: "Tried app".to_owned(),
        owner: "The tests".to_owned(),
        security_contact: "mailto:security@app.example".to_owned(),
        keys: Vec::new(),
        jwks_uri: None,
        rules: glovebox_authorization::ClientRules::default(),
        redirect_uris: vec![CALLBACK.to_owned()],
        launch_uri: None,
        justifications: std::collections::BTreeMap::new(),
        terms: glovebox_policy::Terms::default(),
        scope: ScopeSet::parse(SCOPE).unwrap(),
    };
    change(&mut registration);
    let clients = &host.services.authorization.clients;
    clients.register(registration).await.unwrap()
}

/// The parameters of an exchange, with these in place of its own; an empty value takes one
/// out.
fn exchange_with<'a>(code: &'a str, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "demo-public"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    all.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    all.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    all
}

/// A code of a client with a secret, and the secret.
async fn confidential_code<'a>(host: &'a TestHost, scope: &str) -> (String, &'a str) {
    let changes = [("client_id", "demo-confidential"), ("scope", scope)];
    let code = standalone_code(host, "anna.rossi", &changes).await;
    let secret = host.client("demo-confidential")["client_secret"].as_str();
    (code, secret.unwrap())
}
