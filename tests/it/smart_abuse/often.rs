//! Whoever asks again and again.

use glovebox_server::config::OAuthSection;
use glovebox_tests::Options;

use super::*;

async fn host(per_address: u32, per_client: u32) -> TestHost {
    let oauth = OAuthSection {
        requests_per_address_per_minute: per_address,
        requests_per_client_per_minute: per_client,
        ..OAuthSection::default()
    };
    let options = Options {
        oauth,
        ..Options::default()
    };
    TestHost::with(options).await
}

#[track_caller]
fn is_held_up(answer: &Answer) {
    assert_eq!(
        refusal(answer),
        (429, "temporarily_unavailable"),
        "{}",
        answer.text
    );
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az31_a_in1_one_address_may_not_try_for_ever() {
    let host = host(20, 0).await;
    let program = host.program(None);
    let paths = ["token", "introspect", "revoke", "par"];
    for number in 0..20 {
        let path = format!("/oauth/main/{}", paths[number % paths.len()]);
        // Another claimed client each time: that helps nobody.
        let client = format!("client-{number}");
        let fields = [("client_id", client.as_str()), ("token", "x")];
        let answer = program.post_form(&path, &fields).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 401),
            "{}",
            answer.text
        );
    }
    for path in paths {
        is_held_up(&program.post_form(&format!("/oauth/main/{path}"), &[]).await);
    }
    for forwarded in ["192.0.2.1", "192.0.2.2"] {
        // Nobody is somebody else by saying so.
        let request = program
            .request(reqwest::Method::POST, "/oauth/main/token")
            .header("X-Forwarded-For", forwarded);
        is_held_up(&program.send(request).await);
    }
    let page = host.program(None).get(&authorize(&host, &[])).await;
    assert_eq!(page.status, 429);
    assert!(!page.header("retry-after").is_empty());
    assert!(page.text.contains("Try again in a minute"));
    // The record itself is not behind this counter.
    assert_eq!(program.get("/fhir/main/metadata").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_az31_one_client_may_not_try_for_ever() {
    let host = host(0, 10).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "demo-confidential"),
        ("client_secret", "guessed"),
    ];
    for _ in 0..10 {
        let answer = token(&host, &fields).await;
        assert_eq!(refusal(&answer), (401, "invalid_client"));
    }
    is_held_up(&token(&host, &fields).await);
    let basic = host.program(None);
    let request = basic
        .request(reqwest::Method::POST, "/oauth/main/introspect")
        .basic_auth("demo-confidential", Some("guessed"))
        .form(&[("token", "x")]);
    is_held_up(&basic.send(request).await);
    // Others are not held up by it.
    let answer = token(&host, &[("client_id", "demo-public")]).await;
    assert_eq!(refusal(&answer), (400, "invalid_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_names_the_client_of_a_refused_token_request() {
    let host = TestHost::fresh().await;
    let claimed = [
        ("grant_type", "authorization_code"),
        ("client_id", "demo-confidential"),
        ("client_secret", "guessed"),
    ];
    token(&host, &claimed).await.expect(401);
    let known = exchange_with("gb_code_unknown", &[]);
    token(&host, &known).await.expect(400);
    let entries = host
        .ledger(glovebox_database::ledger::Filter::default())
        .await;
    let refused: Vec<String> = entries
        .iter()
        .filter(|entry| entry.kind == "token")
        .map(|entry| format!("{entry:?}"))
        .collect();
    assert!(
        refused.iter().any(|entry| entry.contains("client-secret")
            && entry.contains("claimed_client")
            && entry.contains("demo-confidential")),
        "{refused:?}"
    );
    assert!(
        refused.iter().any(|entry| entry.contains("grant-unknown")
            && entry.contains("client: Some(\"demo-public\")")),
        "{refused:?}"
    );
}
