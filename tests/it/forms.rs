//! What protects forms, cookies and pages.

use glovebox_tests::html::Form;
use glovebox_tests::{Browser, Page, TestHost};
use reqwest::Method;

async fn post(browser: &mut Browser, form: &Form, headers: &[(&str, &str)]) -> Page {
    browser
        .send(Method::POST, &form.action, &form.fields, headers)
        .await
}

fn with_csrf(form: &Form, token: &str) -> Form {
    form.clone().with("csrf", token)
}

fn without_csrf(form: &Form) -> Form {
    let fields = form
        .fields
        .iter()
        .filter(|(name, _)| name != "csrf")
        .cloned()
        .collect();
    Form {
        fields,
        ..form.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_needs_the_token_of_its_own_session_and_our_own_origin() {
    let host = TestHost::fresh().await;
    let mut doctor = host.signed_in("dr.rivera").await;
    let mut admin = host.signed_in("admin").await;
    let screen = doctor.launch("main", "anna-rossi", "lab-viewer").await;
    let patient = doctor.open_patient("main", "anna-rossi").await;
    let apps = admin.open("/admin/apps?tenant=main").await;
    let sessions = admin.open("/admin/sessions?tenant=main").await;
    let elsewhere = {
        let mut other = host.signed_in("dr.rivera").await;
        let page = other.open_patient("main", "anna-rossi").await;
        page.launcher("lab-viewer").get("csrf").unwrap().to_owned()
    };
    let of_doctor = [
        patient.launcher("lab-viewer"),
        screen.form(|form| form.offers("period")).pressing("period"),
        screen.form_to("/close"),
        screen.form_to("/sign-out"),
    ];
    let of_admin = [
        apps.form_to("/lab-viewer/1.0.0/quarantine")
            .with("reason", "x"),
        apps.form_to("/lab-viewer/1.0.0/revoke").with("reason", "x"),
        sessions.form_to("/end"),
    ];
    let owned = of_doctor
        .map(|form| (true, form))
        .into_iter()
        .chain(of_admin.map(|form| (false, form)));
    for (is_doctors, form) in owned {
        let browser = if is_doctors { &mut doctor } else { &mut admin };
        let what = &form.action;
        for token in ["", "nonsense", &elsewhere] {
            let page = post(browser, &with_csrf(&form, token), &[]).await;
            assert_eq!(
                page.status,
                403,
                "{what} with the token {token:?}: {}",
                page.text()
            );
        }
        let page = post(browser, &without_csrf(&form), &[]).await;
        assert!(
            page.status.is_client_error(),
            "{what} without a token: {}",
            page.status
        );
        for foreign in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let page = post(browser, &form, &[foreign]).await;
            assert_eq!(page.status, 403, "{what} from {foreign:?}: {}", page.text());
        }
    }
    // Nothing of all this was done.
    assert!(
        doctor
            .open(&screen.path)
            .await
            .text()
            .contains("Anna Rossi")
    );
    assert!(
        doctor
            .open_patient("main", "anna-rossi")
            .await
            .offers("lab-viewer")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_needs_the_forms_token_and_the_right_password() {
    let host = TestHost::fresh().await;
    let mut browser = host.browser();
    let form = browser.open("/sign-in").await.form_to("/sign-in");
    let good = form
        .clone()
        .with("username", "dr.rivera")
        .with("password", host.password("dr.rivera"));
    assert_eq!(
        post(&mut browser, &with_csrf(&good, "nonsense"), &[])
            .await
            .status,
        403
    );
    assert_eq!(
        post(&mut host.browser(), &good, &[]).await.status,
        403,
        "the token of another browser"
    );
    let wrong = post(&mut browser, &good.clone().with("password", "not it"), &[]).await;
    let unknown = post(
        &mut browser,
        &good
            .clone()
            .with("username", "nobody")
            .with("password", "not it"),
        &[],
    )
    .await;
    assert_eq!((wrong.status.as_u16(), unknown.status.as_u16()), (401, 401));
    assert_eq!(
        wrong.html.replace("dr.rivera", "(user)"),
        unknown.html.replace("nobody", "(user)")
    );
    assert!(browser.cookie("glovebox_session").is_none());
    assert_eq!(post(&mut browser, &good, &[]).await.status, 303);
    let signed_in = browser.cookie("glovebox_session").unwrap().to_owned();

    // Signed out, the cookie is worth nothing even to whom kept it.
    let mut kept = browser.window();
    let page = browser.open("/chart").await;
    browser.submit(&page.form_to("/sign-out")).await;
    assert!(
        kept.open("/chart").await.path.starts_with("/sign-in"),
        "{signed_in} still works"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_signing_in_nobody_is_led_to_another_site() {
    let host = TestHost::shared().await;
    for (next, leads_to) in [
        (
            "/chart/patients/anna-rossi?tenant=main",
            "/chart/patients/anna-rossi?tenant=main",
        ),
        ("https://evil.example/", "/chart"),
        ("//evil.example/", "/chart"),
        ("/\\evil.example/", "/chart"),
        ("/\t/evil.example/", "/chart"),
        ("javascript:alert(1)", "/chart"),
    ] {
        let mut browser = host.browser();
        let query = [("next".to_owned(), next.to_owned())];
        let page = browser.send(Method::GET, "/sign-in", &query, &[]).await;
        let form = page
            .form_to("/sign-in")
            .with("username", "dr.rivera")
            .with("password", host.password("dr.rivera"));
        let mut bent = form.clone().with("next", next);
        for form in [&form, &bent.clone()] {
            let answer = browser.send_form(form).await;
            assert_eq!(
                answer.location(),
                Some(leads_to),
                "{next:?}: {}",
                answer.text()
            );
        }
        bent.fields.clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_and_answer_carries_its_protection() {
    let host = TestHost::shared().await;
    let mut nobody = host.browser();
    let mut doctor = host.signed_in("dr.rivera").await;
    let mut admin = host.signed_in("admin").await;
    let screen = doctor.launch("main", "anna-rossi", "lab-viewer").await.path;
    let mut pages = Vec::new();
    for path in ["/", "/sign-in", "/no/such/page"] {
        pages.push(nobody.open(path).await);
    }
    for path in [
        "/chart",
        "/chart/patients/anna-rossi",
        "/chart/patients/nobody",
        &screen,
        "/admin/apps",
    ] {
        pages.push(doctor.open(path).await);
    }
    for path in ["/admin/apps", "/admin/sessions", "/admin/audit"] {
        pages.push(admin.open(path).await);
    }
    for page in &pages {
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{}: {policy}",
            page.path
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{}: {name}", page.path);
        }
        for banned in [" style=\"", "<script>", " onclick=", "javascript:"] {
            assert!(!page.html.contains(banned), "{} has {banned}", page.path);
        }
    }
    for seen in nobody.seen.iter().chain(&doctor.seen).chain(&admin.seen) {
        for line in seen.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            assert!(
                line.contains("HttpOnly")
                    && line.contains("SameSite=Lax")
                    && line.contains("Path=/"),
                "{line}"
            );
        }
    }
    let answer = host.api("admin").get("/api/v1/sessions").await.expect(200);
    assert!(
        answer
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}
