//! The authorization endpoint and the pages behind it.

use glovebox_tests::oauth::{STANDALONE, pairs, parameters};
use reqwest::Method;

use super::*;

/// Asks and says whether the browser was kept here with a page that says so.
async fn stays_here(host: &TestHost, changes: &[(&str, &str)]) -> bool {
    let mut browser = host.browser();
    let address = authorize(host, changes);
    let page = browser.send(Method::GET, &address, &[], &[]).await;
    page.status == 400
        && page.location().is_none()
        && page.text().contains("This app cannot be opened")
}

/// Asks and answers with the error that the client is sent.
async fn told(host: &TestHost, changes: &[(&str, &str)]) -> String {
    let mut browser = host.browser();
    let address = authorize(host, changes);
    let page = browser.send(Method::GET, &address, &[], &[]).await;
    let location = page.location().unwrap_or_default().to_owned();
    assert_eq!(page.status, 303, "{changes:?}: {}", page.text());
    assert!(location.starts_with(CALLBACK), "{changes:?}: {location}");
    error(&page)
}

/// Asks and says whether the request was taken.
async fn is_taken(host: &TestHost, changes: &[(&str, &str)]) -> bool {
    let mut browser = host.browser();
    let address = authorize(host, changes);
    let page = browser.send(Method::GET, &address, &[], &[]).await;
    let location = page.location().unwrap_or_default();
    location.starts_with("/oauth/main/continue?request=")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az1_only_the_very_address_that_was_registered_is_sent_anything() {
    let host = TestHost::shared().await;
    let registered = register(host, |registration| {
        registration.redirect_uris = vec!["https://app.example/cb?tenant=1".to_owned()];
    });
    let id = registered.await.client.id.to_string();
    let own = ("client_id", id.as_str());
    let good = [own, ("redirect_uri", "https://app.example/cb?tenant=1")];
    assert!(is_taken(host, &good).await);
    for uri in [
        "https://app.example/cb",
        "https://app.example/cb?tenant=1&x=1",
        "https://app.example/cb?tenant=2",
        "https://app.example/cb/?tenant=1",
        "https://app.example/cb/more?tenant=1",
        "https://app.example/cb/..;/?tenant=1",
        "https://app.example/cb/..%2f?tenant=1",
        "https://app.example/%63b?tenant=1",
        "https://app.example/%2563b?tenant=1",
        "https://app.example/CB?tenant=1",
        "https://app.example/cb?tenant=1#frag",
        "https://app.example/cb?tenant=1#",
        "https://app.example@evil.test/cb?tenant=1",
        "https://app.example.evil.test/cb?tenant=1",
        "https://\u{430}pp.example/cb?tenant=1",
        "https://app.example:444/cb?tenant=1",
        "https://app.example\\@evil.test/cb?tenant=1",
        "https://app.example/cb?tenant=1\t",
        "https://app.example/cb?tenant=1\r\nx: y",
        " https://app.example/cb?tenant=1",
        "http://app.example/cb?tenant=1",
        "//app.example/cb?tenant=1",
        "javascript:alert(1)",
        "",
    ] {
        assert!(
            stays_here(host, &[own, ("redirect_uri", uri)]).await,
            "{uri:?}"
        );
    }
    let twice = [own, good[1], ("redirect_uri", "https://evil.test/")];
    assert!(stays_here(host, &twice).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az2_on_the_loopback_the_port_may_vary_and_nothing_else() {
    let host = TestHost::shared().await;
    for uri in ["http://127.0.0.1/callback", "http://127.0.0.1:1/callback"] {
        assert!(is_taken(host, &[("redirect_uri", uri)]).await, "{uri}");
    }
    for uri in [
        "http://localhost:9999/callback",
        "http://[::1]:9999/callback",
        "http://127.0.0.1.evil.test:9999/callback",
        "http://localhost.evil.test/callback",
        "http://127.0.0.1:9999@evil.test/callback",
        "http://127.0.0.1:9999/callback/x",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.2:9999/callback",
        "http://2130706433:9999/callback",
        "https://127.0.0.1:9999/callback",
    ] {
        assert!(stays_here(host, &[("redirect_uri", uri)]).await, "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az4_an_unknown_client_sends_nobody_anywhere() {
    let host = TestHost::shared().await;
    for id in [
        "nobody",
        "DEMO-PUBLIC",
        "demo-public ",
        "../demo-public",
        "",
        "\u{0}",
    ] {
        assert!(stays_here(host, &[("client_id", id)]).await, "{id:?}");
    }
    let two = [
        ("client_id", "demo-public"),
        ("client_id", "demo-confidential"),
    ];
    assert!(stays_here(host, &two).await);
    // A client of one tenant is none of another.
    let elsewhere = authorize(host, &[]).replace("/oauth/main/", "/oauth/sandbox/");
    let page = host.browser().open_until_away(&elsewhere).await;
    assert!(page.status == 400 && page.location().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az5_nothing_is_said_at_an_address_that_nobody_vouches_for() {
    let host = TestHost::shared().await;
    let evil = ("redirect_uri", "https://evil.test/");
    for wrong in [
        ("response_type", "token"),
        ("scope", ""),
        ("aud", "x"),
        ("state", ""),
    ] {
        assert!(stays_here(host, &[evil, wrong]).await, "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az6_no_token_ever_comes_through_the_browser() {
    let host = TestHost::shared().await;
    for response_type in [
        "token",
        "id_token",
        "code token",
        "code id_token",
        "none",
        "Code",
    ] {
        let error = told(host, &[("response_type", response_type)]).await;
        assert_eq!(error, "unsupported_response_type", "{response_type}");
    }
    for mode in ["fragment", "form_post", "form_post.jwt", "query.jwt"] {
        assert_eq!(
            told(host, &[("response_mode", mode)]).await,
            "invalid_request",
            "{mode}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az8_no_request_goes_without_pkce() {
    let host = TestHost::shared().await;
    let good = glovebox_tests::oauth::CHALLENGE;
    let (long, padded) = (format!("{good}A"), format!("{good}="));
    let foreign = good.replace('-', "+");
    for changes in [
        [("code_challenge", ""), ("code_challenge_method", "S256")],
        [("code_challenge", good), ("code_challenge_method", "plain")],
        [("code_challenge", good), ("code_challenge_method", "")],
        [("code_challenge", good), ("code_challenge_method", "s256")],
        [
            ("code_challenge", &good[1..]),
            ("code_challenge_method", "S256"),
        ],
        [("code_challenge", &long), ("code_challenge_method", "S256")],
        [
            ("code_challenge", &padded),
            ("code_challenge_method", "S256"),
        ],
        [
            ("code_challenge", &foreign),
            ("code_challenge_method", "S256"),
        ],
    ] {
        assert_eq!(told(host, &changes).await, "invalid_request", "{changes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az9_only_this_fhir_base_is_an_audience() {
    let host = TestHost::shared().await;
    let base = format!("{}/fhir/main", host.base_url);
    let host_part = host.base_url.strip_prefix("http://").unwrap();
    for wrong in [
        "https://evil.test/fhir/main".to_owned(),
        format!("{base}.evil"),
        format!("{base}?x=1"),
        format!("{base}#x"),
        format!("{base}//"),
        format!("{}/fhir/sandbox", host.base_url),
        format!("{}/fhir/MAIN", host.base_url),
        format!("https://{host_part}/fhir/main"),
        format!("http://user@{host_part}/fhir/main"),
        "/fhir/main".to_owned(),
        host_part.to_owned(),
        String::new(),
    ] {
        assert_eq!(
            told(host, &[("aud", &wrong)]).await,
            "invalid_request",
            "{wrong}"
        );
    }
    let two = [("aud", base.as_str()), ("aud", base.as_str())];
    assert_eq!(told(host, &two).await, "invalid_request");
    assert!(is_taken(host, &[("aud", &format!("{base}/"))]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az10_resource_has_to_agree_with_aud() {
    let host = TestHost::shared().await;
    let base = format!("{}/fhir/main", host.base_url);
    let wrong = [("resource", "https://evil.test/fhir")];
    assert_eq!(told(host, &wrong).await, "invalid_target");
    assert!(is_taken(host, &[("resource", &base)]).await);
    assert!(is_taken(host, &[("resource", &base), ("aud", "")]).await);
    let two = [
        ("resource", base.as_str()),
        ("resource", "https://evil.test/"),
    ];
    assert_eq!(told(host, &two).await, "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az11_hostile_state_comes_back_byte_for_byte_and_does_no_harm() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("anna.rossi").await;
    for state in [
        "a\r\nSet-Cookie: x=y",
        "\"><script>alert(1)</script>",
        "ü\u{1F600}\u{202e}",
        "a\u{0}b",
        "a;b&c=d#e?f",
        "%0d%0a+ %",
        &"s".repeat(4 << 10),
    ] {
        for wrong in ["x", ""] {
            let mut changes = vec![("state", state)];
            if wrong == "x" {
                changes.push(("aud", wrong));
            }
            let page = browser.open_until_away(&authorize(host, &changes)).await;
            let page = match page.location() {
                Some(_) => page,
                None => allow(&mut browser, &page).await,
            };
            let location = page.location().unwrap();
            assert!(location.starts_with(CALLBACK) && page.header("set-cookie").is_empty());
            assert!(
                !location.contains(['<', '"', '\r', '\n', '#']),
                "{location}"
            );
            assert_eq!(answered(&page, "state").as_deref(), Some(state));
        }
    }
    for state in ["", &"s".repeat(8 << 10)] {
        assert_eq!(told(host, &[("state", state)]).await, "invalid_request");
    }
    // Bytes that are no UTF-8 cannot be given back.
    let address = authorize(host, &[]).replace("state=s-1", "state=%ff");
    let page = browser.send(Method::GET, &address, &[], &[]).await;
    assert_eq!(error(&page), "invalid_request");
    assert!(answered(&page, "state").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az12_a_scope_is_read_token_by_token_or_not_at_all() {
    let host = TestHost::shared().await;
    for scope in [
        "",
        " ",
        "nonsense",
        "patient/*.sr",
        "patient/*.read-only",
        "openid\npatient/*.rs",
        "openid\tpatient/*.rs",
        "patient/*.rs\u{0}",
        "system/*.rs",
        "launch/patient",
        "launch offline_access",
    ] {
        assert_eq!(
            told(host, &[("scope", scope)]).await,
            "invalid_scope",
            "{scope:?}"
        );
    }
    let two = [("scope", "openid"), ("scope", "patient/*.cruds")];
    assert_eq!(told(host, &two).await, "invalid_request");
    let mut browser = host.browser();
    for (count, taken) in [(200, true), (3_000, false)] {
        let scope = vec!["patient/Patient.rs"; count].join(" ");
        let fields = parameters(host, &[("scope", &scope)]);
        let page = browser
            .send(Method::POST, "/oauth/main/authorize", &fields, &[])
            .await;
        assert_eq!(page.status, 303, "{count}");
        let location = page.location().unwrap();
        assert_eq!(
            location.starts_with("/oauth/main/continue"),
            taken,
            "{count}: {location}"
        );
    }
    let huge = pairs(&[("client_id", "demo-public"), ("scope", &"s".repeat(70_000))]);
    let page = browser
        .send(Method::POST, "/oauth/main/authorize", &huge, &[])
        .await;
    assert_eq!(page.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az14_a_form_decides_on_what_its_page_showed() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("dr.rivera").await;
    let picker = browser.open_until_away(&authorize(host, &[])).await;
    let shown = pick(&mut browser, &picker, "anna-rossi").await;
    assert!(
        shown.text().contains("the record of Anna Rossi"),
        "{}",
        shown.text()
    );
    // In a second window of the same request somebody else is chosen.
    let other = pick(&mut browser, &picker, "james-miller").await;
    assert!(
        other.text().contains("the record of James Miller"),
        "{}",
        other.text()
    );
    // The first page was about Anna Rossi: nothing is granted for anybody else with it.
    let page = allow(&mut browser, &shown).await;
    assert!(page.location().is_none(), "{:?}", page.location());
    assert!(
        page.text().contains("the record of James Miller"),
        "{}",
        page.text()
    );
    // Saying no needs no such care.
    let no = browser
        .submit_until_away(&shown.form_to("/decision").pressing("deny"))
        .await;
    assert_eq!(error(&no), "access_denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az14_of_two_decisions_at_once_the_client_hears_one() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("anna.rossi").await;
    for round in 0..8 {
        let page = browser.open_until_away(&authorize(host, &[])).await;
        let form = page.form_to("/continue/decision");
        let sent = ["allow", "deny", "allow", "deny"].map(|decision| {
            let (mut window, form) = (browser.window(), form.clone().pressing(decision));
            tokio::spawn(async move { window.send_form(&form).await })
        });
        let mut answers = 0;
        for page in sent {
            let page = page.await.unwrap();
            assert!(
                page.status == 303 || page.status.is_client_error(),
                "{}",
                page.status
            );
            answers += usize::from(page.location().is_some());
        }
        assert_eq!(answers, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az14_choosing_at_once_in_two_windows_is_no_failure() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("dr.rivera").await;
    for _ in 0..8 {
        let page = browser.open_until_away(&authorize(host, &[])).await;
        let form = page.form_to("/continue/patient");
        let sent = ["anna-rossi", "james-miller", "anna-rossi"].map(|patient| {
            let (mut window, form) = (browser.window(), form.clone().ticking("patient", patient));
            tokio::spawn(async move { window.submit_until_away(&form).await })
        });
        for page in sent {
            let page = page.await.unwrap();
            assert!(
                page.text().contains("asks for access"),
                "{}: {}",
                page.status,
                page.text()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az15_a_az16_a_az24_no_page_is_framed_kept_or_leaks_its_address() {
    let host = TestHost::shared().await;
    let mut browser = host.browser();
    let page = browser.open_until_away(&authorize(host, &[])).await;
    let form = page
        .form_to("/sign-in")
        .with("username", "dr.rivera")
        .with("password", host.password("dr.rivera"));
    let page = browser.submit_until_away(&form).await;
    let page = pick(&mut browser, &page, "anna-rossi").await;
    let left = allow(&mut browser, &page).await;
    assert!(answered(&left, "code").is_some());
    browser
        .open_until_away(&authorize(host, &[("client_id", "nobody")]))
        .await;
    browser
        .open_until_away("/oauth/main/continue?request=unknown")
        .await;
    assert!(browser.seen.len() >= 8, "{}", browser.seen.len());
    for page in &browser.seen {
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{}: {policy}",
            page.path
        );
        assert!(
            policy.contains("default-src 'none'"),
            "{}: {policy}",
            page.path
        );
        assert_eq!(page.header("x-frame-options"), "DENY", "{}", page.path);
        assert_eq!(
            page.header("referrer-policy"),
            "no-referrer",
            "{}",
            page.path
        );
        assert_eq!(page.header("cache-control"), "no-store", "{}", page.path);
        assert_eq!(
            page.header("x-content-type-options"),
            "nosniff",
            "{}",
            page.path
        );
        for from_elsewhere in ["src=\"http", "src=\"//", "url(http", "<script>"] {
            assert!(
                !page.html.contains(from_elsewhere),
                "{}: {from_elsewhere}",
                page.path
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az18_a_session_that_somebody_planted_is_worth_nothing_after_signing_in() {
    let host = TestHost::shared().await;
    let attacker = host.signed_in("nurse.okafor").await;
    // The victim's browser holds the attacker's cookie, and a request bound to it.
    let mut victim = attacker.window();
    let bound = victim.open_until_away(&authorize(host, &[])).await;
    assert!(bound.text().contains("Choose a patient"));
    let planted = victim.cookie("glovebox_session").unwrap().to_owned();
    victim
        .sign_in("dr.rivera", host.password("dr.rivera"))
        .await;
    let own = victim.cookie("glovebox_session").unwrap().to_owned();
    assert_ne!(planted, own);
    // What was begun under it does not go on, neither here nor there.
    for browser in [&mut victim, &mut attacker.window()] {
        let page = pick(browser, &bound, "anna-rossi").await;
        assert!(page.location().is_none() && !page.html.contains("asks for access"));
    }
    // Nor is the form of the sign-in page good without the cookie of its own visitor.
    let form = host.browser().open("/sign-in").await.form_to("/sign-in");
    let form = form
        .with("username", "dr.rivera")
        .with("password", host.password("dr.rivera"));
    let mut other = host.browser();
    other.open("/sign-in").await;
    let page = other.send_form(&form).await;
    assert_eq!(page.status, 403);
    assert!(other.cookie("glovebox_session").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az19_a_form_is_never_posted_on_to_another_address() {
    let host = TestHost::shared().await;
    let mut browser = host.browser();
    let fields = parameters(host, &[]);
    browser
        .send(Method::POST, "/oauth/main/authorize", &fields, &[])
        .await;
    let page = browser.open_until_away(&authorize(host, &[])).await;
    let form = page
        .form_to("/sign-in")
        .with("username", "anna.rossi")
        .with("password", host.password("anna.rossi"));
    let page = browser.submit_until_away(&form).await;
    allow(&mut browser, &page).await;
    let redirects: Vec<_> = browser
        .seen
        .iter()
        .filter(|page| page.location().is_some())
        .collect();
    assert!(redirects.len() >= 5);
    assert!(redirects.iter().all(|page| page.status == 303));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az20_no_script_of_another_origin_reads_the_front_door() {
    let host = TestHost::shared().await;
    let origin = [
        ("origin", "http://127.0.0.1:9999"),
        ("access-control-request-method", "POST"),
    ];
    let paths = [
        authorize(host, &[]),
        "/oauth/main/continue?request=x".to_owned(),
    ];
    for path in paths {
        for method in [Method::OPTIONS, Method::GET] {
            let page = host
                .browser()
                .send(method.clone(), &path, &[], &origin)
                .await;
            for header in [
                "access-control-allow-origin",
                "access-control-allow-credentials",
            ] {
                assert_eq!(page.header(header), "", "{method} {path}");
            }
        }
    }
    // A decision that another site's page posts is refused, whatever it holds.
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser.open_until_away(&authorize(host, &[])).await;
    let form = page.form_to("/continue/decision").pressing("allow");
    for headers in [
        [
            ("origin", "https://evil.test"),
            ("sec-fetch-site", "cross-site"),
        ],
        [("origin", "null"), ("x", "y")],
    ] {
        let page = browser
            .send(Method::POST, &form.action, &form.fields, &headers)
            .await;
        assert_eq!(page.status, 403, "{headers:?}");
    }
    // Without its token it is refused even from here.
    let fields: Vec<_> = form
        .fields
        .iter()
        .filter(|(name, _)| name != "csrf")
        .cloned()
        .collect();
    let page = browser.send(Method::POST, &form.action, &fields, &[]).await;
    assert_eq!(page.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az21_prompt_none_shows_no_page_and_grants_nothing_that_was_not_decided() {
    let host = TestHost::shared().await;
    let mut nobody = host.browser();
    let mut doctor = host.signed_in("dr.rivera").await;
    let mut patient = host.signed_in("anna.rossi").await;
    let granted = tokens(host, "anna.rossi", &[("scope", "openid patient/Patient.r")]).await;
    assert!(granted.json["access_token"].is_string());
    for (who, scope, expected) in [
        ("nobody", STANDALONE, "login_required"),
        ("doctor", STANDALONE, "interaction_required"),
        ("doctor", "openid user/*.rs", "consent_required"),
        (
            "patient",
            "openid patient/Patient.r",
            "interaction_required",
        ),
    ] {
        let browser = match who {
            "doctor" => &mut doctor,
            "patient" => &mut patient,
            _ => &mut nobody,
        };
        let changes = [("prompt", "none"), ("scope", scope)];
        let page = browser.open_until_away(&authorize(host, &changes)).await;
        assert_eq!(error(&page), expected, "{who} {scope}");
        let last = browser.seen.iter().rev().take(2);
        assert!(last.into_iter().all(|page| page.status == 303));
    }
    for prompt in ["none login", "none consent", "never"] {
        assert_eq!(told(host, &[("prompt", prompt)]).await, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az22_whoever_agreed_once_is_asked_again() {
    let host = TestHost::shared().await;
    let narrow = [("scope", "openid launch/patient patient/Patient.r")];
    tokens(host, "anna.rossi", &narrow).await;
    let mut browser = host.signed_in("anna.rossi").await;
    for changes in [&narrow[..], &[]] {
        let page = browser.open_until_away(&authorize(host, changes)).await;
        assert!(page.text().contains("asks for access"), "{}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az25_each_answer_names_the_issuer_that_the_metadata_names() {
    let host = TestHost::shared().await;
    let path = "/.well-known/oauth-authorization-server/oauth/main";
    let metadata = host.program(None).get(path).await.expect(200).json;
    let issuer = metadata["issuer"].as_str();
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser.open_until_away(&authorize(host, &[])).await;
    let denied = page.form_to("/continue/decision").pressing("deny");
    let denied = browser.submit_until_away(&denied).await;
    assert_eq!(answered(&denied, "iss").as_deref(), issuer);
    let wrong = browser
        .open_until_away(&authorize(host, &[("aud", "x")]))
        .await;
    assert_eq!(answered(&wrong, "iss").as_deref(), issuer);
    let page = browser.open_until_away(&authorize(host, &[])).await;
    let page = allow(&mut browser, &page).await;
    assert_eq!(answered(&page, "iss").as_deref(), issuer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az26_request_objects_are_refused_unread() {
    let host = TestHost::shared().await;
    for uri in ["https://app.example/r.jwt", "http://169.254.169.254/"] {
        let error = told(host, &[("request_uri", uri)]).await;
        assert_eq!(error, "request_uri_not_supported", "{uri}");
    }
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzY29wZSI6InBhdGllbnQvKi5jcnVkcyJ9.";
    assert_eq!(
        told(host, &[("request", unsigned)]).await,
        "request_not_supported"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az28_signing_in_leads_nowhere_else() {
    let host = TestHost::shared().await;
    for next in [
        "//evil.test",
        "/\\evil.test",
        "https:evil.test",
        "https://evil.test/",
        "///evil.test",
        "\t//evil.test",
        "/\t/evil.test",
        "javascript:alert(1)",
        "evil.test",
        "/a\r\nSet-Cookie: x=y",
    ] {
        let mut browser = host.browser();
        let query = reqwest::Url::parse_with_params("http://x/sign-in", [("next", next)]).unwrap();
        let page = browser
            .open(&format!("/sign-in?{}", query.query().unwrap()))
            .await;
        let mut form = page
            .form_to("/sign-in")
            .with("username", "anna.rossi")
            .with("password", host.password("anna.rossi"));
        // Whatever the page made of it, the form may say something else.
        form.fields.retain(|(name, _)| name != "next");
        let page = browser.send_form(&form.ticking("next", next)).await;
        let location = page.location().unwrap();
        assert_eq!(page.status, 303, "{next:?}");
        // The page on which each patient begins.
        assert_eq!(location, "/account/apps", "{next:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az29_a_az30_no_header_changes_who_this_server_says_it_is() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("anna.rossi").await;
    let issuer = format!("{}/oauth/main", host.base_url);
    for name in [
        "x-forwarded-host",
        "forwarded",
        "x-forwarded-prefix",
        "host",
    ] {
        let value = if name == "forwarded" {
            "host=evil.test;proto=https"
        } else {
            "evil.test"
        };
        let address = authorize(host, &[("aud", "x")]);
        let page = browser
            .send(Method::GET, &address, &[], &[(name, value)])
            .await;
        assert!(
            !page.location().unwrap_or_default().contains("evil.test"),
            "{name}"
        );
        assert_eq!(answered(&page, "iss"), Some(issuer.clone()), "{name}");
        let page = browser
            .send(Method::GET, &authorize(host, &[]), &[], &[(name, value)])
            .await;
        let location = page.location().unwrap();
        assert!(
            location.starts_with("/oauth/main/continue?"),
            "{name}: {location}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_or_asked_without_sense_is_no_failure_of_the_server() {
    let host = TestHost::shared().await;
    let mut browser = host.signed_in("anna.rossi").await;
    let long = "x".repeat(100_000);
    for step in ["patient", "encounter", "decision"] {
        let path = format!("/oauth/main/continue/{step}");
        for request in ["", "../../x", "\u{0}", "ü", long.as_str()] {
            let fields = pairs(&[("request", request), ("csrf", "x")]);
            let page = browser.send(Method::POST, &path, &fields, &[]).await;
            assert!(page.status.is_client_error(), "{step}: {}", page.status);
        }
        let page = browser.send(Method::GET, &path, &[], &[]).await;
        assert_eq!(page.status, 405, "{step}");
    }
    for path in [
        "/oauth/main/continue",
        "/oauth/main/continue?request=%ff",
        "/oauth/main/continue?request=%00",
        "/oauth/nowhere/continue?request=x",
        "/oauth/nowhere/authorize",
        "/oauth/%ff/authorize",
        "/oauth/main/authorize",
    ] {
        let page = browser.send(Method::GET, path, &[], &[]).await;
        assert!(page.status.is_client_error(), "{path}: {}", page.status);
    }
    let path = format!("/oauth/main/continue?request={}", "x".repeat(60_000));
    let page = browser.send(Method::GET, &path, &[], &[]).await;
    assert!(page.status.is_client_error(), "{}", page.status);
}
