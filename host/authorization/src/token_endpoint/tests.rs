use serde_json::json;

use super::*;
use crate::client_assertion::ASSERTION_TYPE;
use crate::clients::ClientKind;
use crate::testing::{authorization, backend, key_pair, noon, public_app, sign, tenant};
use crate::{ClientRegistration, KeyAlgorithm};

mod code;
mod refresh;

const TOKEN_URL: &str = "http://localhost:8080/oauth/main/token";

struct World {
    endpoint: TokenEndpoint,
    secret: SecretText,
}

async fn world() -> World {
    let (authorization, _) = authorization().await;
    let clients = &authorization.clients;
    clients.register(backend("demo-backend")).await.unwrap();
    let narrow = ScopeSet::parse("system/Patient.rs system/Observation.rs").unwrap();
    clients
        .register(ClientRegistration {
            scope: narrow,
            ..backend("narrow-backend")
        })
        .await
        .unwrap();
    clients.register(public_app("demo-public")).await.unwrap();
    let symmetric = ClientRegistration {
        kind: ClientKind::ConfidentialSymmetric,
        ..public_app("demo-confidential")
    };
    let secret = clients.register(symmetric).await.unwrap().secret.unwrap();
    let asymmetric = ClientRegistration {
        kind: ClientKind::ConfidentialAsymmetric,
        keys: backend("x").keys,
        ..public_app("demo-asymmetric")
    };
    clients.register(asymmetric).await.unwrap();
    World {
        endpoint: authorization.token_endpoint,
        secret,
    }
}

fn assertion(client: &str) -> String {
    let key = key_pair(KeyAlgorithm::Es384);
    let jti = crate::secret::random_id().unwrap();
    sign(
        key,
        &json!({"alg": "ES384", "kid": key.public.kid, "typ": "JWT"}),
        &json!({"iss": client, "sub": client, "aud": TOKEN_URL, "exp": noon().seconds() + 300, "jti": jti}),
    )
}

type Pairs = Vec<(String, String)>;

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// A good request of `client`.
fn request(client: &str, scope: &str) -> Pairs {
    pairs(&[
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &assertion(client)),
    ])
}

/// The good request of `demo-backend` with one parameter set, or removed for "".
fn spoiled(name: &str, value: &str) -> Pairs {
    let mut pairs = request("demo-backend", "system/*.rs");
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), value.to_owned()));
    pairs
}

impl World {
    async fn ask(&self, pairs: Pairs) -> Result<TokenResponse, TokenError> {
        let request = TokenRequest::new(pairs, None)?;
        self.endpoint
            .token(&tenant("main"), &request, TOKEN_URL, noon())
            .await
    }

    async fn granted(&self, client: &str, scope: &str) -> Result<String, &'static str> {
        let answer = self.ask(request(client, scope)).await;
        answer
            .map(|response| response.scope.to_string())
            .map_err(|error| error.code())
    }

    async fn refused(&self, pairs: Pairs) -> &'static str {
        self.ask(pairs).await.unwrap_err().code()
    }
}

#[tokio::test]
async fn a_backend_service_gets_a_token_for_five_minutes() {
    let world = world().await;
    let response = world
        .ask(request("demo-backend", "system/*.rs"))
        .await
        .unwrap();
    assert_eq!(
        (response.expires_in, response.scope.to_string().as_str()),
        (300, "system/*.rs")
    );
    let bearer = response.access_token.expose();
    let token = world
        .endpoint
        .parts
        .access_tokens
        .verify(bearer, noon())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(token.id, response.token_id);
    assert_eq!(token.client, response.client.id);
    assert_eq!(
        (token.tenant, token.scope),
        (tenant("main"), response.scope)
    );
    assert_eq!((token.user, token.patient), (None, None));
    assert_eq!(token.expires_at, noon() + BACKEND_TOKEN_TTL);
}

#[tokio::test]
async fn the_grant_is_what_was_asked_for_within_what_is_registered() {
    let world = world().await;
    for (client, asked, granted) in [
        ("demo-backend", "system/Patient.r", Ok("system/Patient.r")),
        ("demo-backend", "system/*.read", Ok("system/*.read")),
        (
            "demo-backend",
            "system/Patient.cruds",
            Ok("system/Patient.rs"),
        ),
        (
            "narrow-backend",
            "system/*.rs",
            Ok("system/Patient.rs system/Observation.rs"),
        ),
        (
            "narrow-backend",
            "system/Patient.rs system/Condition.rs",
            Ok("system/Patient.rs"),
        ),
        (
            "narrow-backend",
            "system/Patient.rs nonsense",
            Ok("system/Patient.rs"),
        ),
        (
            "narrow-backend",
            "system/Condition.rs",
            Err("invalid_scope"),
        ),
        ("demo-backend", "system/Patient.cud", Err("invalid_scope")),
        ("demo-backend", "system/Patient.write", Err("invalid_scope")),
        ("demo-backend", "system/Patient.rsXYZ", Err("invalid_scope")),
        ("demo-backend", "system/Patient.sr", Err("invalid_scope")),
        (
            "demo-backend",
            "system/Patient.read-only",
            Err("invalid_scope"),
        ),
        ("demo-backend", "patient/Patient.rs", Err("invalid_scope")),
        ("demo-backend", "user/Patient.rs", Err("invalid_scope")),
        (
            "demo-backend",
            "system/Patient.rs openid",
            Err("invalid_scope"),
        ),
        ("demo-backend", "offline_access", Err("invalid_scope")),
        ("demo-backend", "launch", Err("invalid_scope")),
        ("demo-backend", " ", Err("invalid_scope")),
        ("demo-backend", "", Err("invalid_scope")),
    ] {
        let result = world.granted(client, asked).await;
        assert_eq!(
            result.as_deref(),
            granted.as_ref().copied(),
            "{client} asks for {asked}"
        );
    }
    let many = "system/Patient.rs ".repeat(201);
    assert_eq!(
        world.granted("demo-backend", &many).await,
        Err("invalid_scope")
    );
}

#[tokio::test]
async fn a_request_with_one_thing_wrong_is_refused_with_the_code_of_rfc_6749() {
    let world = world().await;
    for (name, value, code) in [
        ("grant_type", "", "invalid_request"),
        ("grant_type", "not_a_grant_type", "unsupported_grant_type"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("scope", "", "invalid_scope"),
        ("client_assertion_type", "", "invalid_client"),
        (
            "client_assertion_type",
            "not_an_assertion_type",
            "invalid_client",
        ),
        ("client_assertion", "", "invalid_client"),
        ("client_assertion", "x.y.z", "invalid_client"),
        ("client_id", "narrow-backend", "invalid_client"),
        ("client_secret", "x", "invalid_request"),
    ] {
        assert_eq!(
            world.refused(spoiled(name, value)).await,
            code,
            "{name}={value}"
        );
    }
    assert!(
        world
            .ask(spoiled("client_id", "demo-backend"))
            .await
            .is_ok()
    );
    assert!(
        world
            .ask(spoiled("resource", "unknown parameters are ignored"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn every_failed_authentication_sounds_alike_and_the_ledger_hears_the_cause() {
    let world = world().await;
    let replayed = request("demo-backend", "system/*.rs");
    world.ask(replayed.clone()).await.unwrap();
    let mut causes = Vec::new();
    for pairs in [
        replayed,
        request("nobody", "system/*.rs"),
        spoiled("client_assertion", "x.y.z"),
    ] {
        let error = world.ask(pairs).await.unwrap_err();
        assert_eq!(
            (error.code(), error.description().as_str()),
            ("invalid_client", "the client could not be authenticated")
        );
        causes.push(error.cause());
    }
    assert_eq!(
        causes,
        [
            "assertion-replayed",
            "assertion-client",
            "assertion-malformed"
        ]
    );
}

#[tokio::test]
async fn a_repeated_parameter_and_a_huge_request_are_refused() {
    let mut twice = request("demo-backend", "system/*.rs");
    twice.push(("scope".to_owned(), "system/*.rs".to_owned()));
    let many: Pairs = (0..100)
        .map(|number| (number.to_string(), String::new()))
        .collect();
    let long = pairs(&[("scope", &"x".repeat(70_000))]);
    for refused in [twice, many, long] {
        assert_eq!(
            TokenRequest::new(refused, None).unwrap_err().code(),
            "invalid_request"
        );
    }
}

#[tokio::test]
async fn two_ways_to_authenticate_in_one_request_are_refused() {
    let world = world().await;
    let request =
        TokenRequest::new(request("demo-backend", "system/*.rs"), Some(b"Basic YTpi")).unwrap();
    let answer = world
        .endpoint
        .token(&tenant("main"), &request, TOKEN_URL, noon())
        .await;
    assert_eq!(answer.unwrap_err().code(), "invalid_request");
}

#[tokio::test]
async fn other_kinds_of_client_may_not_use_this_grant() {
    let world = world().await;
    let secret = world.secret.expose();
    for (parameters, code) in [
        (vec![("client_id", "demo-public")], "unauthorized_client"),
        (
            vec![
                ("client_id", "demo-confidential"),
                ("client_secret", secret),
            ],
            "unauthorized_client",
        ),
        (
            vec![
                ("client_id", "demo-confidential"),
                ("client_secret", "guess"),
            ],
            "invalid_client",
        ),
        (vec![("client_id", "demo-confidential")], "invalid_client"),
        (
            vec![("client_id", "demo-public"), ("client_secret", secret)],
            "invalid_client",
        ),
        (vec![("client_id", "demo-backend")], "invalid_client"),
        (
            vec![("client_id", "demo-backend"), ("client_secret", secret)],
            "invalid_client",
        ),
        (vec![("client_id", "nobody")], "invalid_client"),
        (vec![("client_id", "not a client id")], "invalid_client"),
        (vec![], "invalid_client"),
    ] {
        let mut all = pairs(&[
            ("grant_type", "client_credentials"),
            ("scope", "system/*.rs"),
        ]);
        all.extend(pairs(&parameters));
        assert_eq!(world.refused(all).await, code, "{parameters:?}");
    }
    let asymmetric = request("demo-asymmetric", "system/*.rs");
    assert_eq!(world.refused(asymmetric).await, "unauthorized_client");
}

#[tokio::test]
async fn an_assertion_for_one_tenant_is_worth_nothing_in_another() {
    let world = world().await;
    let request = TokenRequest::new(request("demo-backend", "system/*.rs"), None).unwrap();
    let url = "http://localhost:8080/oauth/sandbox/token";
    let answer = world
        .endpoint
        .token(&tenant("sandbox"), &request, url, noon())
        .await;
    assert_eq!(answer.unwrap_err().code(), "invalid_client");
}
