//! Codes and what becomes of them.

use glovebox_database::relations::{Relations, Right};

use super::*;
use crate::{Authorization, BrowserSession, Grant};

pub(super) const BASE: &str = "http://localhost:8080/fhir/main";
const CALLBACK: &str = "http://127.0.0.1:9999/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const SCOPE: &str =
    "launch/patient openid fhirUser offline_access patient/Observation.rs";

/// A hospital with a doctor at work, a public app, one with a secret, and another one.
pub(super) struct Clinic {
    pub(super) authorization: Authorization,
    pub(super) relations: Relations,
    pub(super) session: BrowserSession,
    pub(super) secret: SecretText,
}

pub(super) async fn clinic() -> Clinic {
    let (authorization, relations) = authorization().await;
    let scope =
        ScopeSet::parse("openid fhirUser offline_access online_access patient/*.rs user/*.rs");
    let app = |id: &str| ClientRegistration {
        scope: scope.clone().unwrap(),
        ..public_app(id)
    };
    for id in ["app", "other"] {
        authorization.clients.register(app(id)).await.unwrap();
    }
    let confidential = ClientRegistration {
        kind: ClientKind::ConfidentialSymmetric,
        ..app("confidential")
    };
    let registered = authorization.clients.register(confidential).await.unwrap();
    let user = "dr.rivera".parse().unwrap();
    let sessions = &authorization.browser_sessions;
    let cookie = sessions.create(&user, None, noon()).await.unwrap();
    let session = sessions.lookup(cookie.text.expose(), noon()).await.unwrap();
    Clinic {
        session: session.unwrap(),
        secret: registered.secret.unwrap(),
        authorization,
        relations,
    }
}

impl Clinic {
    /// The code that a client gets for a scope.
    pub(super) async fn code(&self, client: &str, scope: &str) -> String {
        let pairs = pairs(&[
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("scope", scope),
            ("state", "s"),
            ("aud", BASE),
            ("nonce", "n-1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let requests = &self.authorization.requests;
        let main = tenant("main");
        let request = requests.begin(&main, BASE, &pairs, noon()).await.unwrap();
        let request = requests.bind(request.unwrap(), &self.session, noon()).await;
        let request = request.unwrap().unwrap().unwrap();
        let patient = "anna-rossi".parse().unwrap();
        let request = requests.choose_patient(request, &patient).await.unwrap();
        let granted = request.scope.clone();
        let shown = Some(vec!["It asks.".to_owned()]);
        let answer = requests
            .grant(request, &self.session, granted, shown, noon())
            .await;
        let address = answer
            .unwrap()
            .0
            .address("http://localhost:8080/oauth/main");
        let query = address.split_once("code=").unwrap().1;
        query.split('&').next().unwrap().to_owned()
    }

    pub(super) async fn ask(
        &self,
        parameters: &[(&str, &str)],
        at: Timestamp,
    ) -> Result<TokenResponse, &'static str> {
        let request = TokenRequest::new(pairs(parameters), None).unwrap();
        let endpoint = &self.authorization.token_endpoint;
        let answer = endpoint
            .token(&tenant("main"), &request, TOKEN_URL, at)
            .await;
        answer.map_err(|error| error.cause())
    }

    /// Exchanges a code; `changes` replace what a right client sends.
    pub(super) async fn exchange(
        &self,
        code: &str,
        changes: &[(&str, &str)],
        at: Timestamp,
    ) -> Result<TokenResponse, &'static str> {
        let mut parameters = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        parameters.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        self.ask(&parameters, at).await
    }

    pub(super) async fn tokens(&self, scope: &str) -> TokenResponse {
        let code = self.code("app", scope).await;
        self.exchange(&code, &[], noon()).await.unwrap()
    }

    pub(super) async fn is_good(&self, response: &TokenResponse) -> bool {
        let tokens = &self.authorization.access_tokens;
        let bearer = response.access_token.expose();
        tokens.verify(bearer, noon()).await.unwrap().is_some()
    }

    pub(super) async fn grant_of(&self, response: &TokenResponse) -> Option<Grant> {
        let grant = response.grant.as_ref().unwrap();
        self.authorization
            .grants
            .get(&grant.id, noon())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_code_gives_tokens_for_what_was_granted() {
    let clinic = clinic().await;
    let answer = clinic.tokens(SCOPE).await;
    assert_eq!(
        (answer.scope.to_string().as_str(), answer.expires_in),
        (SCOPE, 3_600)
    );
    let open_id = answer.open_id.clone().unwrap();
    assert_eq!(open_id.nonce.as_deref(), Some("n-1"));
    assert_eq!(
        open_id.fhir_user.unwrap().to_string(),
        "Practitioner/rivera"
    );
    assert!(answer.refresh_token.is_some());
    let context = &answer.grant.as_ref().unwrap().context;
    assert_eq!(context.patient.as_ref().unwrap().as_str(), "anna-rossi");
    assert!(clinic.is_good(&answer).await);
    let main = tenant("main");
    let user = "dr.rivera".parse().unwrap();
    let consents = clinic
        .authorization
        .consents
        .of(&main, &user)
        .await
        .unwrap();
    assert_eq!(consents[0].shown, ["It asks."]);

    let once = clinic.tokens("launch/patient patient/Observation.rs").await;
    assert!(once.refresh_token.is_none() && once.open_id.is_none());
}

#[tokio::test]
async fn a_code_that_is_presented_again_ends_what_it_gave() {
    let clinic = clinic().await;
    let code = clinic.code("app", SCOPE).await;
    let first = clinic.exchange(&code, &[], noon()).await.unwrap();
    assert!(clinic.is_good(&first).await);
    let again = clinic.exchange(&code, &[], noon()).await;
    assert_eq!(again.unwrap_err(), "code-used");
    assert!(!clinic.is_good(&first).await);
    assert!(clinic.grant_of(&first).await.is_none());
    let refresh = first.refresh_token.unwrap();
    let parameters = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.expose()),
    ];
    let refreshed = clinic.ask(&parameters, noon()).await;
    assert_eq!(refreshed.unwrap_err(), "grant-unknown");
}

#[tokio::test]
async fn of_many_who_exchange_one_code_at_once_one_gets_tokens() {
    let clinic = std::sync::Arc::new(clinic().await);
    let code = clinic.code("app", SCOPE).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (clinic, code) = (clinic.clone(), code.clone());
        tasks.spawn(async move { clinic.exchange(&code, &[], noon()).await.map(drop) });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
}

#[tokio::test]
async fn whoever_cannot_show_that_a_code_is_theirs_burns_it() {
    let long = "a".repeat(129);
    for (changes, cause) in [
        (&[("client_id", "other")][..], "grant-other-client"),
        (
            &[("redirect_uri", "http://127.0.0.1:9998/callback")],
            "redirect-uri",
        ),
        (&[("code_verifier", CHALLENGE)], "code-verifier"),
        (&[("code_verifier", &VERIFIER[1..])], "code-verifier"),
        (&[("code_verifier", &long)], "code-verifier"),
    ] {
        let clinic = clinic().await;
        let code = clinic.code("app", SCOPE).await;
        let wrong = clinic.exchange(&code, changes, noon()).await;
        assert_eq!(wrong.unwrap_err(), cause, "{changes:?}");
        assert!(
            clinic.exchange(&code, &[], noon()).await.is_err(),
            "{changes:?}"
        );
    }
}

#[tokio::test]
async fn a_code_needs_everything_that_belongs_to_it() {
    let clinic = clinic().await;
    let code = clinic.code("app", SCOPE).await;
    for name in ["redirect_uri", "code_verifier", "code"] {
        let answer = clinic.exchange(&code, &[(name, "")], noon()).await;
        assert_eq!(answer.unwrap_err(), "invalid_request", "{name}");
    }
    let nobody = clinic.exchange(&code, &[("client_id", "")], noon()).await;
    assert_eq!(nobody.unwrap_err(), "client-authentication-missing");
    for wrong in ["BAD_CODE", "gb_code_00112233445566778899aabb.x"] {
        let answer = clinic.exchange(wrong, &[], noon()).await;
        assert_eq!(answer.unwrap_err(), "grant-unknown");
    }
    // What was missing did no harm: nobody else learnt the code by it.
    assert!(clinic.exchange(&code, &[], noon()).await.is_ok());
}

#[tokio::test]
async fn a_code_is_good_for_a_minute() {
    let clinic = clinic().await;
    let code = clinic.code("app", SCOPE).await;
    let late = clinic.exchange(&code, &[], noon() + crate::CODE_TTL).await;
    assert_eq!(late.unwrap_err(), "code-expired");
}

#[tokio::test]
async fn a_client_with_a_secret_has_to_show_it() {
    let clinic = clinic().await;
    for (secret, cause) in [
        ("", "client-authentication-missing"),
        ("guess", "client-secret"),
    ] {
        let code = clinic.code("confidential", SCOPE).await;
        let changes = [("client_id", "confidential"), ("client_secret", secret)];
        let answer = clinic.exchange(&code, &changes, noon()).await;
        assert_eq!(answer.unwrap_err(), cause);
    }
    let code = clinic.code("confidential", SCOPE).await;
    let secret = clinic.secret.expose();
    let changes = [("client_id", "confidential"), ("client_secret", secret)];
    assert!(clinic.exchange(&code, &changes, noon()).await.is_ok());
    let changes = [("client_id", "app"), ("client_secret", secret)];
    let code = clinic.code("app", SCOPE).await;
    let answer = clinic.exchange(&code, &changes, noon()).await;
    assert_eq!(answer.unwrap_err(), "client-authentication-method");
}

#[tokio::test]
async fn nothing_is_issued_once_the_user_may_no_longer_open_the_patient() {
    let clinic = clinic().await;
    let code = clinic.code("app", SCOPE).await;
    let user = "dr.rivera".parse().unwrap();
    let right = Right::Patient("anna-rossi".parse().unwrap());
    clinic
        .relations
        .revoke(&tenant("main"), &user, &right)
        .await
        .unwrap();
    let answer = clinic.exchange(&code, &[], noon()).await;
    assert_eq!(answer.unwrap_err(), "user-right-withdrawn");
}

#[tokio::test]
async fn a_client_learns_about_its_own_tokens_and_ends_them() {
    let clinic = clinic().await;
    let care = &clinic.authorization.token_care;
    let main = tenant("main");
    let client = async |id: &str| {
        let id = id.parse().unwrap();
        clinic
            .authorization
            .clients
            .get(&main, &id)
            .await
            .unwrap()
            .unwrap()
    };
    let (own, other) = (client("app").await, client("other").await);
    let answer = clinic.tokens(SCOPE).await;
    let text = answer.access_token.expose();
    let asks = async |client: &Client| {
        let asker = crate::Asker::Client(Box::new(client.clone()));
        care.introspect(&asker, text, noon())
            .await
            .unwrap()
            .is_some()
    };
    assert!(asks(&own).await && !asks(&other).await);
    let revoked = care.revoke(&other, text, noon()).await.unwrap();
    assert_eq!(revoked, crate::Revoked::Nothing);
    assert!(asks(&own).await);
    care.revoke(&own, text, noon()).await.unwrap();
    assert!(!asks(&own).await && !clinic.is_good(&answer).await);

    // The refresh token ends everything.
    let answer = clinic.tokens(SCOPE).await;
    let refresh = answer.refresh_token.clone().unwrap();
    let stranger = care.revoke(&other, refresh.expose(), noon()).await.unwrap();
    assert_eq!(stranger, crate::Revoked::Nothing);
    assert!(clinic.is_good(&answer).await);
    care.revoke(&own, refresh.expose(), noon()).await.unwrap();
    assert!(!clinic.is_good(&answer).await && clinic.grant_of(&answer).await.is_none());
}
