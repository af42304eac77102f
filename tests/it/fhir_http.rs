//! FHIR over HTTP: a backend service proves who it is, reads and searches.

use std::collections::BTreeSet;

use glovebox_database::ledger::Filter;
use glovebox_tests::{Answer, Api, TestHost, assertion};
use reqwest::Method;
use serde_json::Value;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion of `demo-backend` for the token endpoint of tenant `main`.
fn assert(host: &TestHost, change: impl FnOnce(&mut Value)) -> String {
    let client = host.client("demo-backend");
    let audience = format!("{}/oauth/main/token", host.base_url);
    assertion::sign("demo-backend", &audience, &client["jwk"][0], change)
}

async fn ask(host: &TestHost, tenant: &str, scope: &str, assertion: &str) -> Answer {
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    host.program(None)
        .post_form(&format!("/oauth/{tenant}/token"), &fields)
        .await
}

/// A program with an access token of `demo-backend`.
pub(crate) async fn backend(host: &TestHost) -> Api {
    let answer = ask(host, "main", "system/*.rs", &assert(host, |_| {}))
        .await
        .expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        answer.json["token_type"]
            .as_str()
            .unwrap()
            .to_ascii_lowercase(),
        "bearer"
    );
    assert!(
        answer.json["expires_in"]
            .as_u64()
            .is_some_and(|seconds| (1..=3_600).contains(&seconds))
    );
    assert_eq!(answer.json["scope"], "system/*.rs");
    host.program(answer.json["access_token"].as_str())
}

/// Every resource of a search, by following the links to the next page.
pub(crate) async fn all_pages(api: &Api, first: &str) -> Vec<Value> {
    let mut resources = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(address) = next {
        let bundle = api.get(&address).await.expect(200).json;
        assert_eq!(bundle["resourceType"], "Bundle");
        assert_eq!(bundle["type"], "searchset");
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        resources.extend(
            entries
                .into_iter()
                .map(|mut entry| entry["resource"].take()),
        );
        let links = bundle["link"].as_array().cloned().unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next");
        next = link
            .and_then(|link| link["url"].as_str())
            .map(str::to_owned);
        assert!(resources.len() < 5_000, "the pages do not end");
    }
    resources
}

fn issue(answer: &Answer) -> &str {
    assert_eq!(
        answer.json["resourceType"], "OperationOutcome",
        "{}",
        answer.text
    );
    assert!(
        answer
            .header("content-type")
            .starts_with("application/fhir+json")
    );
    answer.json["issue"][0]["code"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_service_reads_and_searches_and_the_ledger_names_it() {
    let host = TestHost::shared().await;
    let api = backend(host).await;
    let read = api.get("/fhir/main/Patient/anna-rossi").await.expect(200);
    assert_eq!(read.json["id"], "anna-rossi");
    assert!(
        read.header("content-type")
            .starts_with("application/fhir+json")
    );
    let version = read.json["meta"]["versionId"].as_str().unwrap();
    assert_eq!(read.header("etag"), format!("W/\"{version}\""));
    assert!(read.header("last-modified").ends_with(" GMT"));
    let vread = api
        .get(&format!("/fhir/main/Patient/anna-rossi/_history/{version}"))
        .await
        .expect(200);
    assert_eq!(vread.json, read.json);

    let entries = host
        .ledger(Filter {
            kind: Some("fhir".to_owned()),
            ..Filter::default()
        })
        .await;
    let own = entries.iter().find(|entry| {
        entry.client.as_deref() == Some("demo-backend")
            && entry.action == "read"
            && entry.detail.get("id").is_some_and(|id| id == "anna-rossi")
    });
    assert_eq!(own.map(|entry| entry.outcome.as_str()), Some("ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_search_hold_everything_once() {
    let host = TestHost::shared().await;
    let api = backend(host).await;
    let address = "/fhir/main/Observation?patient=anna-rossi&category=laboratory";
    let ids = |resources: &[Value]| -> Vec<String> {
        resources
            .iter()
            .map(|resource| resource["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let whole = all_pages(&api, &format!("{address}&_count=500")).await;
    assert!(whole.len() > 20, "only {} results", whole.len());
    let pages = all_pages(&api, &format!("{address}&_count=7")).await;
    let unique: BTreeSet<String> = ids(&pages).into_iter().collect();
    assert_eq!(unique.len(), pages.len(), "a result came twice");
    assert_eq!(unique, ids(&whole).into_iter().collect());
    for resource in &pages {
        assert_eq!(resource["subject"]["reference"], "Patient/anna-rossi");
    }
    let sorted = all_pages(&api, &format!("{address}&_sort=-date&_count=11")).await;
    let dates: Vec<&str> = sorted
        .iter()
        .map(|resource| resource["effectiveDateTime"].as_str().unwrap())
        .collect();
    assert!(
        dates.windows(2).all(|pair| pair[0] >= pair[1]),
        "newest first: {dates:?}"
    );
    assert_eq!(sorted.len(), pages.len());

    // A link to a next page is worth nothing to another token.
    let bundle = api
        .get(&format!("{address}&_count=7"))
        .await
        .expect(200)
        .json;
    let next = bundle["link"]
        .as_array()
        .unwrap()
        .iter()
        .find(|link| link["relation"] == "next")
        .unwrap();
    let other = backend(host).await;
    let refused = other.get(next["url"].as_str().unwrap()).await;
    assert!(!refused.status.is_success(), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_said_in_fhirs_words() {
    let host = TestHost::shared().await;
    let api = backend(host).await;
    for (address, status, code) in [
        ("/fhir/main/Patient/nobody", 404, "not-found"),
        ("/fhir/main/Patient/nobody/_history/1", 404, "not-found"),
        (
            "/fhir/main/Patient/anna-rossi/_history/99",
            404,
            "not-found",
        ),
        ("/fhir/main/Observation?nonsense=1", 400, "invalid"),
        ("/fhir/main/Observation?date=yesterday", 400, "invalid"),
        (
            "/fhir/main/Observation?patient=anna-rossi&_sort=nonsense",
            400,
            "invalid",
        ),
        ("/fhir/main/Observation?_count=x", 400, "invalid"),
        ("/fhir/main/Patient/not%20an%20id", 400, "invalid"),
        ("/fhir/main/Nonsense/1", 404, "not-supported"),
    ] {
        let answer = api.get(address).await;
        assert_eq!(
            (answer.status.as_u16(), issue(&answer)),
            (status, code),
            "{address}: {}",
            answer.text
        );
    }
    let xml = api
        .send(
            api.request(Method::GET, "/fhir/main/Patient/anna-rossi")
                .header("accept", "application/fhir+xml"),
        )
        .await;
    assert_eq!((xml.status.as_u16(), issue(&xml)), (406, "not-supported"));
    api.get("/fhir/main/Patient/anna-rossi?_format=xml")
        .await
        .expect(406);
    api.get("/fhir/main/Patient/anna-rossi?_format=json")
        .await
        .expect(200);
    api.post_bytes("/fhir/main/Patient", "application/fhir+json", "{}")
        .await
        .expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_that_is_in_force_here_nothing_is_answered() {
    let host = TestHost::shared().await;
    let nobody = host
        .program(None)
        .get("/fhir/main/Patient/anna-rossi")
        .await
        .expect(401);
    assert_eq!(nobody.header("www-authenticate"), r#"Bearer realm="fhir""#);
    assert_eq!(issue(&nobody), "login");

    let good = backend(host).await;
    let elsewhere = good
        .get("/fhir/sandbox/Patient/anna-rossi")
        .await
        .expect(401);
    assert!(
        elsewhere
            .header("www-authenticate")
            .contains("invalid_token"),
        "a token of main is nothing at sandbox"
    );
    let api_token = host.demo["api_tokens"]["admin"].as_str();
    for token in [Some("nonsense"), Some(""), api_token] {
        host.program(token)
            .get("/fhir/main/Patient/anna-rossi")
            .await
            .expect(401);
    }
    good.get("/fhir/nowhere/Patient/anna-rossi")
        .await
        .expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_good_once_for_this_audience_and_for_minutes() {
    let host = TestHost::shared().await;
    let once = assert(host, |_| {});
    ask(host, "main", "system/*.rs", &once).await.expect(200);
    let refused = [
        ("used twice", once),
        (
            "for somebody else",
            assert(host, |claims| {
                claims["aud"] = "https://elsewhere.example/token".into()
            }),
        ),
        (
            "expired",
            assert(host, |claims| claims["exp"] = 1_700_000_000.into()),
        ),
        (
            "good for a day",
            assert(host, |claims| {
                let exp = claims["exp"].as_u64().unwrap();
                claims["exp"] = (exp + 86_400).into();
            }),
        ),
        (
            "of another client",
            assert(host, |claims| claims["sub"] = "demo-public".into()),
        ),
        (
            "without an id",
            assert(host, |claims| {
                drop(claims.as_object_mut().unwrap().remove("jti"))
            }),
        ),
        ("not a token", "nonsense".to_owned()),
    ];
    for (what, assertion) in refused {
        let answer = ask(host, "main", "system/*.rs", &assertion).await;
        let status = answer.status.as_u16();
        assert!([400, 401].contains(&status), "{what}: {}", answer.text);
        assert_eq!(
            answer.json["error"], "invalid_client",
            "{what}: {}",
            answer.text
        );
    }
    let wrong_scope = ask(host, "main", "patient/*.rs", &assert(host, |_| {}))
        .await
        .expect(400);
    assert_eq!(wrong_scope.json["error"], "invalid_scope");
    ask(host, "sandbox", "system/*.rs", &assert(host, |_| {}))
        .await
        .expect(401);
    let entries = host
        .ledger(Filter {
            kind: Some("token".to_owned()),
            ..Filter::default()
        })
        .await;
    assert!(
        entries
            .iter()
            .any(|entry| entry.outcome.starts_with("denied")),
        "refusals stand in the ledger"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_type_reads_only_that_type() {
    let host = TestHost::shared().await;
    let answer = ask(host, "main", "system/Observation.rs", &assert(host, |_| {}))
        .await
        .expect(200);
    let api = host.program(answer.json["access_token"].as_str());
    api.get("/fhir/main/Observation?patient=anna-rossi&_count=1")
        .await
        .expect(200);
    for address in [
        "/fhir/main/Patient/anna-rossi",
        "/fhir/main/Patient/nobody",
        "/fhir/main/Condition?patient=anna-rossi",
    ] {
        let refused = api.get(address).await.expect(403);
        assert!(
            refused
                .header("www-authenticate")
                .contains("insufficient_scope"),
            "{address}"
        );
    }
}
