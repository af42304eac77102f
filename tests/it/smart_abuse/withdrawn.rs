//! What stood behind an authorization is withdrawn in the middle of it.

use std::time::Duration;

use glovebox_database::relations::{Right, Source};
use glovebox_tests::oauth::{code, ehr_launch, parameter, refresh};
use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_rf8_a_disabled_user_is_out_at_every_step() {
    let host = TestHost::fresh().await;
    let mut waiting = host.signed_in("dr.rivera").await;
    let page = waiting.open_until_away(&authorize(&host, &[])).await;
    let page = pick(&mut waiting, &page, "anna-rossi").await;
    let code = standalone_code(&host, "dr.rivera", &[]).await;
    let answer = tokens(&host, "dr.rivera", &[]).await;
    let access = text(&answer, "access_token");
    assert_eq!(fhir(&host, access).await, 200);
    let user = "dr.rivera".parse().unwrap();
    host.services
        .authorization
        .disable_user(&user)
        .await
        .unwrap();
    let decided = allow(&mut waiting, &page).await;
    assert!(decided.path.starts_with("/sign-in"), "{}", decided.path);
    assert_eq!(
        refusal(&exchange(&host, &code).await),
        (400, "invalid_grant")
    );
    let refreshed = refresh(&host, text(&answer, "refresh_token")).await;
    assert_eq!(refusal(&refreshed), (400, "invalid_grant"));
    assert_eq!(
        fhir(&host, access).await,
        401,
        "the access token of a disabled user"
    );
    assert_eq!(introspect(&host, access).await, json!({ "active": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rf8_who_uses_no_apps_any_more_or_has_a_new_password_grants_none() {
    let host = TestHost::fresh().await;
    let users = &host.services.authorization.users;
    for what in ["role", "tenant", "password"] {
        let code = standalone_code(&host, "nurse.okafor", &[]).await;
        let answer = tokens(&host, "nurse.okafor", &[]).await;
        let id = "nurse.okafor".parse().unwrap();
        let before = users.get(&id).await.unwrap().unwrap();
        let mut after = before.clone();
        match what {
            "role" => after.roles = vec![glovebox_model::Role::Administrator],
            "tenant" => after.tenants = vec!["sandbox".parse().unwrap()],
            _ => {
                let now = glovebox_model::Clock::now(&glovebox_server::clock::SystemClock);
                let changed =
                    host.services
                        .authorization
                        .change_password(&id, "battery staple horse", now);
                changed.await.unwrap();
            }
        }
        users.update(&after).await.unwrap();
        assert_eq!(
            refusal(&exchange(&host, &code).await),
            (400, "invalid_grant"),
            "{what}"
        );
        let refreshed = refresh(&host, text(&answer, "refresh_token")).await;
        assert!(
            refreshed.status.is_client_error(),
            "{what}: {}",
            refreshed.text
        );
        assert_eq!(
            fhir(&host, text(&answer, "access_token")).await,
            401,
            "{what}"
        );
        users.update(&before).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_la11_a_rf8_who_may_no_longer_open_the_patient_gets_nothing_more() {
    let host = TestHost::fresh().await;
    // Somebody outside her ward, whom an administrator let her open: that can be withdrawn.
    let james = "james-miller".parse().unwrap();
    let (main, nurse) = ("main".parse().unwrap(), "nurse.okafor".parse().unwrap());
    let relations = &host.services.relations;
    relations
        .grant(&main, &nurse, &james, Source::Api, None)
        .await
        .unwrap();
    let launch = async || {
        let more = json!({ "user": "nurse.okafor", "patient": "james-miller" });
        let launched = ehr_launch(&host, "demo-public", &more).await;
        let handle = parameter(&launched, "launch");
        let scope = ("scope", "launch offline_access patient/*.rs");
        let mut browser = host.signed_in("nurse.okafor").await;
        let changes = [("launch", handle.as_str()), scope];
        browser.open_until_away(&authorize(&host, &changes)).await
    };
    let answer = exchange(&host, &code(&launch().await)).await.expect(200);
    let late = code(&launch().await);
    let program = host.program(Some(text(&answer, "access_token")));
    let reads = async || {
        let answer = program.get("/fhir/main/Patient/james-miller").await;
        answer.status.as_u16()
    };
    assert_eq!(reads().await, 200);
    let mut waiting = host.signed_in("nurse.okafor").await;
    let page = waiting.open_until_away(&authorize(&host, &[])).await;
    let page = pick(&mut waiting, &page, "james-miller").await;
    let right = Right::Patient(james);
    relations.revoke(&main, &nurse, &right).await.unwrap();
    assert_eq!(
        refusal(&exchange(&host, &late).await),
        (400, "invalid_grant")
    );
    let refreshed = refresh(&host, text(&answer, "refresh_token")).await;
    assert_eq!(refusal(&refreshed), (400, "invalid_grant"));
    let read = reads().await;
    assert!(matches!(read, 401 | 403 | 404), "{read}");
    let decided = allow(&mut waiting, &page).await;
    let is_code = decided.location().is_some() && answered(&decided, "code").is_some();
    assert!(
        !is_code && !decided.status.is_server_error(),
        "{}",
        decided.text()
    );
    // A launch for somebody whom the user may not open gives no code either.
    let page = launch().await;
    let is_code = page.location().is_some() && answered(&page, "code").is_some();
    assert!(
        !is_code && !page.status.is_server_error(),
        "{}",
        page.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rf8_a_client_that_is_gone_takes_everything_with_it_and_its_name_brings_nothing_back() {
    let host = TestHost::fresh().await;
    let clients = &host.services.authorization.clients;
    let (main, id) = ("main".parse().unwrap(), "demo-public".parse().unwrap());
    let mut waiting = host.signed_in("anna.rossi").await;
    let page = waiting.open_until_away(&authorize(&host, &[])).await;
    let code = standalone_code(&host, "anna.rossi", &[]).await;
    let answer = tokens(&host, "anna.rossi", &[]).await;
    assert!(clients.delete(&main, &id).await.unwrap());
    for is_back in [false, true] {
        if is_back {
            register(&host, |registration| registration.id = Some(id.clone())).await;
        }
        let decided = allow(&mut waiting, &page).await;
        assert!(
            decided.location().is_none() && decided.status == 400,
            "{}",
            decided.text()
        );
        let late = exchange(&host, &code).await;
        assert!(matches!(late.status.as_u16(), 400 | 401), "{}", late.text);
        let refreshed = refresh(&host, text(&answer, "refresh_token")).await;
        assert!(
            matches!(refreshed.status.as_u16(), 400 | 401),
            "{}",
            refreshed.text
        );
        assert_eq!(fhir(&host, text(&answer, "access_token")).await, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tk4_a_rf9_a_rf10_time_and_signing_out_end_what_they_should() {
    let host = TestHost::fresh().await;
    // Access that lasts while somebody is signed in ends when they sign out.
    let scope = "launch/patient openid online_access patient/Patient.rs";
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser
        .open_until_away(&authorize(&host, &[("scope", scope)]))
        .await;
    assert!(
        page.text().contains("ends when you sign out"),
        "{}",
        page.text()
    );
    let page = allow(&mut browser, &page).await;
    let online = exchange(&host, &code(&page)).await.expect(200);
    let online = refresh(&host, text(&online, "refresh_token"))
        .await
        .expect(200);
    let offline = tokens(&host, "anna.rossi", &[]).await;
    assert_eq!(fhir(&host, text(&online, "access_token")).await, 200);
    let cookie = browser.cookie("glovebox_session").unwrap();
    let sessions = &host.services.authorization.browser_sessions;
    sessions.delete(cookie).await.unwrap();
    let refreshed = refresh(&host, text(&online, "refresh_token")).await;
    assert_eq!(refusal(&refreshed), (400, "invalid_grant"));
    assert_eq!(fhir(&host, text(&online, "access_token")).await, 401);
    assert_eq!(
        introspect(&host, text(&online, "access_token")).await,
        json!({ "active": false })
    );
    assert_eq!(fhir(&host, text(&offline, "access_token")).await, 200);
    // A code is good for a minute.
    let late = standalone_code(&host, "anna.rossi", &[]).await;
    host.advance(Duration::from_secs(61));
    assert_eq!(
        refusal(&exchange(&host, &late).await),
        (400, "invalid_grant")
    );
    // An access token for an hour, a request for ten minutes.
    let mut browser = host.signed_in("anna.rossi").await;
    let page = browser.open_until_away(&authorize(&host, &[])).await;
    host.advance(Duration::from_secs(600));
    assert!(allow(&mut browser, &page).await.location().is_none());
    host.advance(Duration::from_secs(3_000));
    assert_eq!(fhir(&host, text(&offline, "access_token")).await, 401);
    // Three months without the user are fine, a hundred idle days or a year are not.
    let day = Duration::from_secs(24 * 60 * 60);
    let mut newest = offline;
    for _ in 0..4 {
        host.advance(90 * day);
        newest = refresh(&host, text(&newest, "refresh_token"))
            .await
            .expect(200);
        assert_eq!(fhir(&host, text(&newest, "access_token")).await, 200);
    }
    host.advance(6 * day);
    let over = refresh(&host, text(&newest, "refresh_token")).await;
    assert!(matches!(over.status.as_u16(), 400 | 401), "{}", over.text);
    let idle = tokens(&host, "anna.rossi", &[]).await;
    host.advance(100 * day);
    let over = refresh(&host, text(&idle, "refresh_token")).await;
    assert!(matches!(over.status.as_u16(), 400 | 401), "{}", over.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az31_guessing_passwords_is_slowed_down_and_teaches_nothing() {
    let host = TestHost::fresh().await;
    let mut seen = std::collections::BTreeSet::new();
    for name in ["dr.rivera", "nobody.here"] {
        let mut browser = host.browser();
        let page = browser.open("/sign-in").await;
        let mut texts = Vec::new();
        for _ in 0..7 {
            let form = page
                .form_to("/sign-in")
                .with("username", name)
                .with("password", "a wrong password");
            let answer = browser.send_form(&form).await;
            assert_eq!(answer.status, 401);
            texts.push(answer.text().replace(name, "(name)"));
        }
        assert!(
            texts.last().unwrap().contains("too many attempts"),
            "{texts:?}"
        );
        // The seconds that are left differ with the moment.
        let letters = |text: &String| text.replace(|c: char| c.is_ascii_digit(), "");
        seen.insert(texts.iter().map(letters).collect::<Vec<_>>());
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}
