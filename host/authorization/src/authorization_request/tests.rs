use super::*;
use crate::testing::{authorization, noon, public_app, tenant};
use crate::{Authorization, ClientRegistration};

const BASE: &str = "https://ehr.example/fhir/main";
const ISSUER: &str = "https://ehr.example/oauth/main";
const CALLBACK: &str = "https://app.example.org/callback?keep=1";
/// RFC 7636 appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn house() -> Authorization {
    let (authorization, _) = authorization().await;
    let app = ClientRegistration {
        redirect_uris: vec![
            CALLBACK.to_owned(),
            "http://127.0.0.1:9999/callback".to_owned(),
        ],
        scope: ScopeSet::parse("openid fhirUser offline_access patient/*.rs user/Patient.rs")
            .unwrap(),
        ..public_app("app")
    };
    authorization.clients.register(app).await.unwrap();
    authorization
}

/// A good request with these parameters in place of its own; an empty value takes one out.
fn asking(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("scope", "launch/patient openid patient/Observation.rs"),
        ("state", "opaque 1"),
        ("aud", BASE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn begin(
    house: &Authorization,
    pairs: &[(String, String)],
) -> Result<PendingRequest, AuthorizeRefused> {
    let main = tenant("main");
    let answer = house.requests.begin(&main, BASE, pairs, noon()).await;
    answer.unwrap()
}

async fn refused(changes: &[(&str, &str)]) -> String {
    match begin(&house().await, &asking(changes)).await {
        Ok(_) => "taken".to_owned(),
        Err(AuthorizeRefused::Here(why)) => format!("here: {}", why.code()),
        Err(AuthorizeRefused::There { error, .. }) => error.as_str().to_owned(),
    }
}

#[tokio::test]
async fn a_good_request_waits_unchanged_until_it_is_answered() {
    let house = house().await;
    let begun = begin(&house, &asking(&[("unknown", "is ignored")]))
        .await
        .unwrap();
    let main = tenant("main");
    let found = house.requests.get(&main, &begun.id, noon()).await.unwrap();
    let found = found.unwrap();
    assert_eq!(
        (found.scope.to_string().as_str(), found.redirect_uri()),
        ("launch/patient openid patient/Observation.rs", CALLBACK)
    );
    assert_eq!(found.step(None, noon()), Step::SignIn);
    for (tenant, at) in [
        (tenant("sandbox"), noon()),
        (main.clone(), noon() + REQUEST_TTL),
    ] {
        let gone = house.requests.get(&tenant, &begun.id, at).await.unwrap();
        assert!(gone.is_none(), "{tenant}");
    }
    let redirect = house
        .requests
        .refuse(found, RedirectError::AccessDenied, "no")
        .await
        .unwrap();
    assert_eq!(
        redirect.address(ISSUER),
        "https://app.example.org/callback?keep=1&error=access_denied&error_description=no\
         &state=opaque+1&iss=https%3A%2F%2Fehr.example%2Foauth%2Fmain"
    );
    let after = house.requests.get(&main, &begun.id, noon()).await.unwrap();
    assert!(after.is_none(), "answered once");
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_the_clients() {
    for (changes, why) in [
        (&[("client_id", "")][..], "here: client-unknown"),
        (&[("client_id", "nobody")], "here: client-unknown"),
        (&[("client_id", "no id\r\n")], "here: client-unknown"),
        (&[("redirect_uri", "")], "here: redirect-uri"),
        (
            &[("redirect_uri", "https://evil.test/")],
            "here: redirect-uri",
        ),
        // Also when something else is wrong as well.
        (
            &[
                ("redirect_uri", "https://evil.test/"),
                ("response_type", "token"),
            ],
            "here: redirect-uri",
        ),
        (
            &[("redirect_uri", "https://evil.test/"), ("scope", "")],
            "here: redirect-uri",
        ),
    ] {
        assert_eq!(refused(changes).await, why, "{changes:?}");
    }
    for name in ["client_id", "redirect_uri"] {
        let mut twice = asking(&[]);
        let first = twice
            .iter()
            .find(|(known, _)| known == name)
            .unwrap()
            .clone();
        twice.push(first);
        let answer = begin(&house().await, &twice).await;
        assert!(matches!(answer, Err(AuthorizeRefused::Here(_))), "{name}");
    }
}

#[tokio::test]
async fn each_wrong_parameter_is_said_to_the_client() {
    let long = "x".repeat(5_000);
    for (changes, error) in [
        (&[("response_type", "")][..], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (
            &[("response_type", "code token")],
            "unsupported_response_type",
        ),
        (
            &[("response_type", "code id_token")],
            "unsupported_response_type",
        ),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("response_mode", "form_post.jwt")], "invalid_request"),
        (&[("response_mode", "query")], "taken"),
        (&[("state", "")], "invalid_request"),
        (&[("state", &long)], "invalid_request"),
        (&[("state", "\u{fffd}")], "invalid_request"),
        (&[("state", "\"><script>\r\n\0;")], "taken"),
        (&[("request", "x.y.z")], "request_not_supported"),
        (
            &[("request_uri", "http://169.254.169.254/")],
            "request_uri_not_supported",
        ),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge", &CHALLENGE[1..])], "invalid_request"),
        (
            &[("code_challenge", &format!("{CHALLENGE}="))],
            "invalid_request",
        ),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "create")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("max_age", "soon")], "invalid_request"),
        (&[("nonce", &long)], "invalid_request"),
        (&[("login_hint", "a\nb")], "invalid_request"),
        (&[("launch", "gb_launch_x")], "invalid_request"),
        (
            &[("launch", &long), ("scope", "launch openid")],
            "invalid_request",
        ),
        (&[("scope", "")], "invalid_scope"),
        (&[("scope", "nonsense")], "invalid_scope"),
        (&[("scope", "system/*.rs")], "invalid_scope"),
        (&[("scope", "patient/Observation.c")], "invalid_scope"),
        (&[("scope", "launch/patient")], "invalid_scope"),
        (&[("scope", &"x ".repeat(300))], "invalid_scope"),
    ] {
        assert_eq!(refused(changes).await, error, "{changes:?}");
    }
    let mut twice = asking(&[]);
    twice.push(("scope".to_owned(), "openid".to_owned()));
    let Err(AuthorizeRefused::There {
        error, redirect, ..
    }) = begin(&house().await, &twice).await
    else {
        panic!("it was taken")
    };
    assert_eq!(error, RedirectError::InvalidRequest);
    assert!(redirect.address(ISSUER).contains("&state=opaque+1&"));
}

#[tokio::test]
async fn only_this_fhir_base_is_an_audience() {
    for aud in [
        "https://ehr.example/fhir/main",
        "https://ehr.example/fhir/main/",
        "HTTPS://EHR.example/fhir/main",
    ] {
        assert_eq!(refused(&[("aud", aud)]).await, "taken", "{aud}");
        let as_resource = [("aud", ""), ("resource", aud)];
        assert_eq!(refused(&as_resource).await, "taken", "{aud}");
    }
    for aud in [
        "",
        "https://evil.test/fhir/main",
        "https://ehr.example/fhir/sandbox",
        "https://ehr.example/fhir/main.evil",
        "https://ehr.example/fhir/main?x",
        "https://ehr.example/fhir/main//",
        "https://ehr.example/fhir/MAIN",
        "https://ehr.example:443/fhir/main",
        "http://ehr.example/fhir/main",
        "/fhir/main",
        "https://inferno.healthit.gov/invalid_aud",
    ] {
        assert_eq!(refused(&[("aud", aud)]).await, "invalid_request", "{aud}");
    }
    let other = "https://evil.test/fhir/main";
    assert_eq!(refused(&[("resource", other)]).await, "invalid_target");
}

#[tokio::test]
async fn the_scope_is_what_the_client_may_ask_for_in_its_own_spelling() {
    let house = house().await;
    for (asked, granted, dropped) in [
        (
            "openid patient/Observation.read",
            "openid patient/Observation.read",
            "",
        ),
        (
            "patient/*.cruds openid",
            "patient/*.rs openid",
            "patient/*.cruds",
        ),
        (
            "patient/Observation.rs patient/Observation.rsXYZ system/*.rs user/Condition.r launch",
            "patient/Observation.rs",
            "patient/Observation.rsXYZ system/*.rs user/Condition.r launch",
        ),
    ] {
        let request = begin(&house, &asking(&[("scope", asked)])).await.unwrap();
        assert_eq!(
            (
                request.scope.to_string().as_str(),
                request.dropped.join(" ").as_str()
            ),
            (granted, dropped),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn a_flood_is_told_to_come_back_and_keeps_nothing() {
    let house = house().await;
    while house.requests.recent.admits(noon()) {}
    let refused = begin(&house, &asking(&[])).await;
    let Err(AuthorizeRefused::There { error, .. }) = refused else {
        panic!("it was taken")
    };
    assert_eq!(error.as_str(), "temporarily_unavailable");
    let kept = house.requests.table.list::<StoredRequest>(REQUESTS).await;
    assert!(kept.unwrap().is_empty());
}
