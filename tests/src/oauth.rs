//! A SMART app as its vendor would write one: the addresses that it builds, the codes that
//! come back to it, the tokens that it asks for.

use serde_json::{Value, json};

use crate::{Answer, Browser, Page, TestHost};

/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its challenge.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The demo apps' redirect URI.
pub const CALLBACK: &str = "http://127.0.0.1:9999/callback";
/// What an app that is opened by itself asks for.
pub const STANDALONE: &str = "launch/patient openid fhirUser offline_access patient/*.rs";

/// Pairs as text.
pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The parameters of a good authorization request of `demo-public`, with these in place of
/// its own; an empty value takes one out.
pub fn parameters(host: &TestHost, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let base = format!("{}/fhir/main", host.base_url);
    let mut all = vec![
        ("response_type", "code"),
        ("client_id", "demo-public"),
        ("redirect_uri", CALLBACK),
        ("scope", STANDALONE),
        ("state", "s-1"),
        ("aud", base.as_str()),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    all.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    all.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    pairs(&all)
}

/// The address to which the app sends a browser.
pub fn authorize(host: &TestHost, changes: &[(&str, &str)]) -> String {
    let query = serde_urlencoded(&parameters(host, changes));
    format!("/oauth/main/authorize?{query}")
}

fn serde_urlencoded(pairs: &[(String, String)]) -> String {
    let url = reqwest::Url::parse_with_params("http://x/", pairs).unwrap();
    url.query().unwrap_or_default().to_owned()
}

/// A parameter of the address to which a page sent the browser.
pub fn answered(page: &Page, name: &str) -> Option<String> {
    let location = page
        .location()
        .unwrap_or_else(|| panic!("{} led nowhere: {}", page.path, page.text()));
    let url = reqwest::Url::parse(location).unwrap();
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned())
}

/// The code with which a page sent the browser back to the app.
pub fn code(page: &Page) -> String {
    answered(page, "code").unwrap_or_else(|| panic!("no code: {:?}", page.location()))
}

/// Chooses a patient on the picker.
pub async fn pick(browser: &mut Browser, page: &Page, patient: &str) -> Page {
    let form = page
        .form_to("/continue/patient")
        .ticking("patient", patient);
    browser.submit_until_away(&form).await
}

/// Allows what the consent page offers as it stands.
pub async fn allow(browser: &mut Browser, page: &Page) -> Page {
    let form = page.form_to("/continue/decision").pressing("allow");
    browser.submit_until_away(&form).await
}

/// The whole way of an app that is opened by itself, up to its code, for `anna-rossi`.
pub async fn standalone_code(host: &TestHost, user: &str, changes: &[(&str, &str)]) -> String {
    let mut browser = host.signed_in(user).await;
    let mut page = browser.open_until_away(&authorize(host, changes)).await;
    if page.path.contains("/continue") && page.text().contains("Choose a patient") {
        page = pick(&mut browser, &page, "anna-rossi").await;
    }
    let page = allow(&mut browser, &page).await;
    code(&page)
}

/// Asks the token endpoint of `main`.
pub async fn token(host: &TestHost, fields: &[(&str, &str)]) -> Answer {
    host.program(None)
        .post_form("/oauth/main/token", fields)
        .await
}

/// Exchanges a code of `demo-public`.
pub async fn exchange(host: &TestHost, code: &str) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "demo-public"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    token(host, &fields).await
}

/// Refreshes as a public client does.
pub async fn refresh(host: &TestHost, refresh_token: &str) -> Answer {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    token(host, &fields).await
}

/// A launch handle of the hospital's EHR, for `dr.rivera` and `anna-rossi`: the address of
/// the app to which the EHR sends the browser.
pub async fn ehr_launch(host: &TestHost, client: &str, more: &Value) -> reqwest::Url {
    let mut body = json!({ "client_id": client, "user": "dr.rivera", "patient": "anna-rossi" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let answer = host.api("ehr").post("/api/v1/launches", &body).await;
    let launch_url = answer.expect(201).json["launch_url"]
        .as_str()
        .unwrap()
        .to_owned();
    reqwest::Url::parse(&launch_url).unwrap()
}

/// A parameter of an address.
pub fn parameter(url: &reqwest::Url, name: &str) -> String {
    let found = url.query_pairs().find(|(known, _)| known == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {url}"))
        .1
        .into_owned()
}
