use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode_header};
use serde_json::json;

use super::*;
use crate::testing::{keyspace, noon, part as encoded, tenant, user_id, vault};

const ISSUER: &str = "https://glovebox.example/oauth/main";
const BASE: &str = "https://glovebox.example/fhir/main";

struct World {
    keys: SigningKeys,
    main: TenantId,
    client: ClientId,
    reference: FhirUser,
}

impl World {
    async fn new() -> Self {
        let keys = SigningKeys::new(keyspace(), vault());
        let main = tenant("main");
        keys.create_missing(&main, noon()).await.unwrap();
        Self {
            keys,
            main,
            client: "growth-chart".parse().unwrap(),
            reference: "Practitioner/rivera".parse().unwrap(),
        }
    }

    fn claims(&self) -> IdTokenClaims<'_> {
        IdTokenClaims {
            issuer: ISSUER,
            subject: "subject-of-rivera",
            client: &self.client,
            auth_time: Timestamp::from_micros(noon().micros() - 60_000_000),
            nonce: None,
            access_token: None,
            session: None,
            fhir_user: None,
        }
    }

    async fn signed(&self, claims: &IdTokenClaims<'_>) -> String {
        self.keys
            .sign_id_token(&self.main, claims, noon())
            .await
            .unwrap()
    }

    /// What an app reads, with nothing but the JWK Set.
    async fn read(&self, token: &str) -> Value {
        let jwks = self.keys.jwks(&self.main, noon()).await.unwrap();
        let set: JwkSet = serde_json::from_value(jwks).unwrap();
        let header = decode_header(token).unwrap();
        assert_eq!(header.alg, Algorithm::RS256);
        let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&["growth-chart"]);
        validation.set_issuer(&[ISSUER]);
        // The clock of the test stands still.
        validation.validate_exp = false;
        jsonwebtoken::decode::<Value>(token, &key, &validation)
            .unwrap()
            .claims
    }

    async fn hint(&self, text: &str) -> Option<IdTokenHint> {
        let hint = self.keys.verify_id_token_hint(&self.main, text, noon());
        hint.await.unwrap()
    }
}

#[tokio::test]
async fn a_bare_id_token_says_who_for_whom_and_how_long_and_nothing_else() {
    let world = World::new().await;
    let token = world.signed(&world.claims()).await;
    let now = noon().seconds();
    assert_eq!(
        world.read(&token).await,
        json!({
            "iss": ISSUER,
            "sub": "subject-of-rivera",
            "aud": "growth-chart",
            "azp": "growth-chart",
            "iat": now,
            "exp": now + 3_600,
            "auth_time": now - 60,
        })
    );
}

#[tokio::test]
async fn what_was_granted_and_sent_is_in_the_token() {
    let world = World::new().await;
    let claims = IdTokenClaims {
        nonce: Some("a \"nonce\" ü"),
        access_token: Some("gb_access_x.y"),
        session: Some("session-1"),
        fhir_user: Some(FhirUserClaim {
            base: BASE,
            reference: &world.reference,
        }),
        ..world.claims()
    };
    let read = world.read(&world.signed(&claims).await).await;
    let address = format!("{BASE}/Practitioner/rivera");
    for (name, value) in [
        ("nonce", "a \"nonce\" ü"),
        ("sid", "session-1"),
        ("at_hash", &at_hash("gb_access_x.y")),
        ("fhirUser", &address),
        ("profile", &address),
    ] {
        assert_eq!(read[name], value, "{name}");
    }
}

#[test]
fn the_access_token_hash_is_that_of_the_openid_connect_specification() {
    // OpenID Connect Core 1.0 appendix A.3 and A.4.
    assert_eq!(
        at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
        "77QmUPtjPfzWtF2AnpK9RQ"
    );
}

#[test]
fn a_subject_is_stable_short_differs_by_tenant_and_hides_the_login_name() {
    let (main, sandbox) = (tenant("main"), tenant("sandbox"));
    let (rivera, okafor) = (user_id("dr.rivera"), user_id("nurse.okafor"));
    let of = |tenant, user| subject(tenant, user);
    // As it stands in what apps have stored: it must never change.
    assert_eq!(
        of(&main, &rivera),
        "-f2SRUPdasoXFtFBRtDt7M92prZ7UySdgUAQpWiHREA"
    );
    assert_ne!(of(&main, &rivera), of(&sandbox, &rivera));
    assert_ne!(of(&main, &rivera), of(&main, &okafor));
    assert!(!of(&main, &rivera).contains("rivera"));
}

#[tokio::test]
async fn a_hint_is_read_after_it_expired_and_after_its_key_was_withdrawn() {
    let world = World::new().await;
    let claims = IdTokenClaims {
        session: Some("session-1"),
        ..world.claims()
    };
    let token = world.signed(&claims).await;
    world.keys.rotate(&world.main, noon()).await.unwrap();
    let later = noon() + Duration::from_secs(100_000);
    let hint = world
        .keys
        .verify_id_token_hint(&world.main, &token, later)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (hint.issuer.as_str(), hint.subject.as_str()),
        (ISSUER, "subject-of-rivera")
    );
    assert_eq!(hint.client, "growth-chart");
    assert_eq!(hint.session.as_deref(), Some("session-1"));
    assert!(hint.is_expired(later) && !hint.is_expired(noon()));
}

#[tokio::test]
async fn what_this_tenant_did_not_sign_is_no_hint() {
    let world = World::new().await;
    let token = world.signed(&world.claims()).await;
    assert!(world.hint(&token).await.is_some());
    let parts: Vec<&str> = token.split('.').collect();
    let kid = decode_header(&token).unwrap().kid.unwrap();
    let header = |alg: &str, kid: &str| encoded(&json!({ "alg": alg, "kid": kid, "typ": "JWT" }));
    let forged = encoded(&json!({ "iss": ISSUER, "sub": "admin", "aud": "x", "iat": 1, "exp": 2 }));
    let other = tenant("sandbox");
    world.keys.create_missing(&other, noon()).await.unwrap();
    let claims = world.claims();
    let foreign = world.keys.sign_id_token(&other, &claims, noon()).await;
    let foreign = foreign.unwrap();
    let from_the_future = world
        .keys
        .sign_id_token(
            &world.main,
            &world.claims(),
            noon() + Duration::from_secs(61),
        )
        .await
        .unwrap();
    // Signed by the right key, and no id_token.
    let logout = json!({ "iss": ISSUER, "sub": "x", "aud": "x", "iat": 1, "exp": 2 });
    let logout = world.keys.sign(&world.main, "logout+jwt", &logout).await;
    let no_subject = json!({ "iss": ISSUER, "aud": "x", "iat": 1, "exp": 2 });
    let no_subject = world.keys.sign(&world.main, "JWT", &no_subject).await;
    let nonce = "n".repeat(HINT_BYTES_MAX);
    let endless = IdTokenClaims {
        nonce: Some(&nonce),
        ..world.claims()
    };
    for (why, text) in [
        ("empty", String::new()),
        ("no token", "hello".to_owned()),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        (
            "other claims",
            format!("{}.{forged}.{}", parts[0], parts[2]),
        ),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("alg none", format!("{}.{forged}.", header("none", &kid))),
        (
            "a symmetric algorithm",
            format!("{}.{forged}.{}", header("HS256", &kid), parts[2]),
        ),
        (
            "an unknown key",
            format!("{}.{}.{}", header("RS256", "none"), parts[1], parts[2]),
        ),
        ("another kind of token", logout.unwrap()),
        ("a token without a subject", no_subject.unwrap()),
        ("another tenant's", foreign),
        ("not issued yet", from_the_future),
        ("too long", world.signed(&endless).await),
    ] {
        assert_eq!(world.hint(&text).await, None, "{why}");
    }
}
