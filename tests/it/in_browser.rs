//! The main job in a real browser, by clicking, with and without JavaScript.

use glovebox_tests::chrome::Chrome;
use glovebox_tests::{TestHost, machine};
use std::time::Duration;

const SIGN_IN: &str = "//button[normalize-space()='Sign in']";

async fn sign_in(chrome: &Chrome, host: &TestHost, address: &str) {
    chrome.open(&format!("{}{address}", host.base_url)).await;
    chrome
        .type_into("//input[@name='username']", "dr.rivera")
        .await;
    chrome
        .type_into("//input[@name='password']", host.password("dr.rivera"))
        .await;
    chrome.click(SIGN_IN).await;
}

/// The button of an app's card.
fn open(app: &str) -> String {
    format!("//form[input[@name='app' and @value='{app}']]//button")
}

/// Opens tests until one is drawn as a chart.
async fn open_a_chart(chrome: &Chrome) {
    for index in 1..20 {
        chrome
            .click(&format!("(//button[starts-with(@value,'open:')])[{index}]"))
            .await;
        chrome.element("//button[@value='back']").await;
        if chrome.source().await.contains("class=\"plot") {
            return;
        }
        chrome.click("//button[@value='back']").await;
        chrome
            .element("//button[starts-with(@value,'open:')]")
            .await;
    }
    panic!("no test is drawn");
}

async fn main_job(chrome: &Chrome, host: &TestHost, shots: bool) {
    let shot = async |name: &str| {
        if shots {
            chrome.screenshots(name).await;
        }
    };
    chrome.open(&format!("{}/sign-in", host.base_url)).await;
    chrome.element(SIGN_IN).await;
    shot("sign-in").await;
    sign_in(chrome, host, "/sign-in").await;
    chrome.element("//a[normalize-space()='Anna Rossi']").await;
    shot("patient-list").await;
    chrome.type_into("//input[@name='q']", "rossi").await;
    chrome.click("//form[@role='search']//button").await;
    chrome.click("//a[normalize-space()='Anna Rossi']").await;
    chrome.element(&open("lab-viewer")).await;
    shot("patient").await;
    chrome.click(&open("lab-viewer")).await;
    chrome
        .element("//button[starts-with(@value,'open:')]")
        .await;
    assert!(chrome.url().await.contains("/chart/sessions/"));
    shot("lab-viewer").await;
    open_a_chart(chrome).await;
    assert!(
        chrome
            .is_displayed("//*[local-name()='svg' and contains(@class,'plot')]")
            .await,
        "the chart is drawn"
    );
    shot("lab-viewer-chart").await;
    chrome
        .click("//select[@name='v.period']/option[@value='5y']")
        .await;
    chrome.click("//button[@value='period']").await;
    chrome
        .element("//select[@name='v.period']/option[@value='5y' and @selected]")
        .await;
    chrome
        .click("//button[normalize-space()='Close app']")
        .await;
    chrome.element(&open("lab-viewer")).await;
    assert!(chrome.url().await.contains("/chart/patients/anna-rossi"));

    chrome
        .open(&format!(
            "{}/chart/patients/anna-rossi?tenant=sandbox",
            host.base_url
        ))
        .await;
    chrome.click(&open("spin-forever")).await;
    chrome.element("//h1[contains(.,'was stopped')]").await;
    shot("stopped-app").await;
}

async fn in_chrome(name: &str, has_javascript: bool) {
    if let Some(why) = Chrome::missing() {
        machine::skip(name, why);
        return;
    }
    let host = TestHost::fresh().await;
    let chrome = Chrome::start(has_javascript).await;
    main_job(&chrome, &host, has_javascript).await;
    let console = chrome.console().await;
    let serious: Vec<&String> = console
        .iter()
        .filter(|line| line.contains("SEVERE") || line.contains("Content Security"))
        .collect();
    assert!(serious.is_empty(), "the console says: {serious:#?}");
    if !has_javascript {
        chrome.open("data:text/html,<p id=a>off</p><script>document.getElementById('a').textContent='on'</script>").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(
            chrome.source().await.contains(">off</p>"),
            "JavaScript was not off"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_works_by_clicking_and_the_console_stays_silent() {
    in_chrome("the_main_job_works_by_clicking", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_works_with_javascript_off() {
    in_chrome("the_main_job_works_with_javascript_off", false).await;
}

/// An app on another origin asks; somebody signs in, chooses, allows; the app gets its code.
async fn app_asks(chrome: &Chrome, host: &TestHost, shots: bool) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("http://{}/callback", listener.local_addr().unwrap());
    let page = axum::Router::new().route(
        "/callback",
        axum::routing::get(|| async {
            axum::response::Html("<h1 id=\"back\">Back at the app</h1>")
        }),
    );
    tokio::spawn(async move { axum::serve(listener, page).await });
    let shot = async |name: &str| {
        if shots {
            chrome.screenshots(name).await;
        }
    };
    let scope = "launch/patient launch/encounter openid fhirUser offline_access \
        patient/Patient.r patient/Observation.rs patient/MedicationRequest.rs patient/Condition.r";
    let address =
        glovebox_tests::oauth::authorize(host, &[("redirect_uri", own.as_str()), ("scope", scope)]);
    sign_in(chrome, host, &address).await;
    chrome
        .element("//h1[normalize-space()='Choose a patient']")
        .await;
    shot("patient-picker").await;
    chrome.type_into("//input[@name='q']", "rossi").await;
    chrome.click("//form[@role='search']//button").await;
    chrome
        .click("//label[normalize-space()='Anna Rossi']")
        .await;
    chrome
        .click("//button[normalize-space()='Open for this patient']")
        .await;
    chrome
        .element("//h1[normalize-space()='Choose a visit']")
        .await;
    shot("encounter-picker").await;
    chrome.click("//input[@id='encounter-1']").await;
    chrome.click("//button[normalize-space()='Go on']").await;
    chrome.element("//h1[contains(.,'asks for access')]").await;
    chrome
        .click("(//summary[normalize-space()='Allow only a part'])[1]")
        .await;
    shot("consent").await;
    chrome.click("//button[@value='allow']").await;
    chrome.element("//h1[@id='back']").await;
    let url = chrome.url().await;
    let (at, query) = url.split_once('?').unwrap();
    assert!(at == own && query.contains("code=gb_code_"), "{url}");
    let (_, code) = query.split_once("code=").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "demo-public"),
        ("code", code.split('&').next().unwrap()),
        ("redirect_uri", own.as_str()),
        ("code_verifier", glovebox_tests::oauth::VERIFIER),
    ];
    glovebox_tests::oauth::token(host, &fields)
        .await
        .expect(200);
    chrome
        .open(&format!("{}/account/apps", host.base_url))
        .await;
    chrome
        .element("//h2[normalize-space()='Demo public app']")
        .await;
    shot("connected-apps").await;
    chrome
        .click("(//button[normalize-space()='Stop access'])[1]")
        .await;
    chrome
        .element("//*[contains(.,'It sees nothing any more')]")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_asks_is_answered_by_clicking_with_and_without_javascript() {
    let name = "an_app_that_asks_is_answered_by_clicking_with_and_without_javascript";
    if let Some(why) = Chrome::missing() {
        return machine::skip(name, why);
    }
    let host = TestHost::shared().await;
    for has_javascript in [true, false] {
        let chrome = Chrome::start(has_javascript).await;
        app_asks(&chrome, host, has_javascript).await;
        let console = chrome.console().await;
        let blocked = console
            .iter()
            .find(|line| line.contains("Content Security"));
        assert_eq!(blocked, None);
    }
}
