//! What every request at the FHIR door leaves behind: one entry in the ledger, one write for
//! one key, and a wait where a limit is reached.

use std::collections::BTreeMap;

use glovebox_database::ledger::Filter;
use glovebox_tests::fhir::{JSON, entries, issue, launched, put, system};
use glovebox_tests::{Answer, Api, Options, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

async fn recorded(host: &TestHost) -> usize {
    let fhir = Filter {
        kind: Some("fhir".to_owned()),
        ..Filter::default()
    };
    let entries = host.ledger(fhir).await.into_iter();
    let own = entries.filter(|entry| entry.client.as_deref() == Some("demo-backend"));
    own.count()
}

async fn post(api: &Api, path: &str, key: Option<&str>, body: &Value) -> Answer {
    let request = api.request(Method::POST, path).header("content-type", JSON);
    let request = match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    };
    api.send(request.body(body.to_string())).await
}

fn basic(text: &str) -> Value {
    json!({ "resourceType": "Basic", "code": { "text": text },
        "identifier": [{ "system": "http://x.example", "value": text }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_with_a_token_leaves_one_entry() {
    let host = TestHost::fresh().await;
    let api = system(&host, "system/Patient.crs").await;
    for (path, status) in [
        ("/fhir/main/Patient/anna-rossi", 200),
        ("/fhir/main/Patient/nobody", 404),
        ("/fhir/main/Patient?name=rossi", 200),
        ("/fhir/main/Observation?patient=anna-rossi", 403),
        ("/fhir/main/Patient?nonsense=1", 400),
        ("/fhir/main/Patient?_has:Observation:patient:code=x", 400),
        ("/fhir/main/Patient/_history", 404),
        ("/fhir/main/Patient/$match", 404),
        ("/fhir/main?_type=Patient", 404),
        ("/fhir/main?_page=made-up&_count=5", 410),
        (
            "/fhir/main/Patient/anna-rossi/$everything?_page=made-up",
            410,
        ),
        ("/fhir/main/Patient/anna-rossi/Practitioner", 404),
        ("/fhir/main/Patient/anna-rossi?_format=xml", 406),
        ("/fhir/main/Patient//x", 400),
    ] {
        let before = recorded(&host).await;
        api.get(path).await.expect(status);
        assert_eq!(recorded(&host).await - before, 1, "{path}");
    }
    for (method, path, status) in [
        (Method::PUT, "/fhir/main/metadata/x", 404),
        (
            Method::DELETE,
            "/fhir/main/Patient/anna-rossi/_history",
            405,
        ),
        (Method::POST, "/fhir/main/Patient", 415),
    ] {
        let before = recorded(&host).await;
        let request = api.request(method.clone(), path);
        let request = request.header("content-type", "text/plain").body("x");
        api.send(request).await.expect(status);
        assert_eq!(recorded(&host).await - before, 1, "{method} {path}");
    }
    let many = vec![json!({ "request": { "method": "GET", "url": "Patient/x" } }); 501];
    let before = recorded(&host).await;
    let body = json!({ "resourceType": "Bundle", "type": "batch", "entry": many });
    assert_eq!(
        issue(&post(&api, "/fhir/main", None, &body).await.expect(400)),
        "too-costly"
    );
    assert_eq!(recorded(&host).await - before, 1);
    let before = recorded(&host).await;
    let three = ["Patient/anna-rossi", "Patient/nobody", "Observation/x"];
    let three = three.map(|url| json!({ "request": { "method": "GET", "url": url } }));
    let body = json!({ "resourceType": "Bundle", "type": "batch", "entry": three });
    post(&api, "/fhir/main", None, &body).await.expect(200);
    assert_eq!(recorded(&host).await - before, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_request_and_its_body() {
    let host = TestHost::fresh().await;
    let api = system(&host, "system/*.cruds").await;
    let key = Some("8e03978e");
    post(&api, "/fhir/main/Basic", key, &basic("one"))
        .await
        .expect(201);
    let other = post(&api, "/fhir/main/Basic", key, &basic("two")).await;
    assert_eq!(issue(&other.expect(422)), "business-rule");
    let entry = |text: &str| json!({ "request": { "method": "POST", "url": "Basic" }, "resource": basic(text) });
    let batch = json!({ "resourceType": "Bundle", "type": "batch",
        "entry": [entry("three"), entry("three")] });
    let first = post(&api, "/fhir/main", Some("batch"), &batch)
        .await
        .expect(200)
        .json;
    let again = post(&api, "/fhir/main", Some("batch"), &batch)
        .await
        .expect(200)
        .json;
    for n in [0, 1] {
        let place = |answer: &Value| answer["entry"][n]["response"]["location"].clone();
        assert!(place(&first).is_string());
        assert_eq!(place(&first), place(&again), "entry {n}");
    }
    for (text, count) in [("one", 1), ("two", 0), ("three", 2)] {
        let found = api
            .get(&format!("/fhir/main/Basic?identifier={text}"))
            .await;
        assert_eq!(entries(&found.expect(200).json).len(), count, "{text}");
    }
    let long = "x".repeat(65);
    post(&api, "/fhir/main/Basic", Some(&long), &basic("four"))
        .await
        .expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fhir_and_not_done_here_is_said_to_be_unsupported() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.cruds").await;
    for query in [
        "_has:Observation:patient:code=x",
        "subject:Patient.name=x",
        "_filter=code eq x",
        "_text=x",
        "_content=x",
        "_query=x",
        "_include:iterate=Observation:subject",
        "_include=*",
        "code:in=http://x.example/vs",
        "_sort=code-value-quantity",
    ] {
        let query = query.replace(' ', "%20");
        let answer = api.get(&format!("/fhir/main/Observation?{query}")).await;
        assert_eq!(issue(&answer.expect(400)), "not-supported", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_included_stands_in_the_bundle_once() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.rs").await;
    let path = "/fhir/main/Observation?patient=anna-rossi&_include=Observation:subject&_count=5";
    let found = entries(&api.get(path).await.expect(200).json);
    let mut times = BTreeMap::new();
    for name in &found {
        *times.entry(name).or_insert(0) += 1;
    }
    assert_eq!(
        times.get(&"Patient/anna-rossi".to_owned()),
        Some(&1),
        "{found:?}"
    );
    assert!(times.values().all(|times| *times == 1), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compartment_holds_what_another_patients_hand_did() {
    let host = TestHost::fresh().await;
    let by_hand = json!({ "resourceType": "Observation", "id": "by-hand", "status": "final",
        "code": { "text": "x" }, "subject": { "reference": "Patient/anna-rossi" },
        "performer": [{ "reference": "Patient/james-miller" }] });
    put(&host, &[by_hand]).await;
    let api = system(&host, "system/*.rs").await;
    let within = |query: &str| format!("/fhir/main/Patient/anna-rossi/Observation?{query}");
    let found = api
        .get(&within("performer=Patient/james-miller"))
        .await
        .expect(200);
    assert_eq!(entries(&found.json), ["Observation/by-hand"]);
    for query in ["patient=james-miller", "subject=Patient/james-miller"] {
        let answer = api.get(&within(query)).await;
        assert_eq!(issue(&answer.expect(404)), "not-found", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_says_how_long_to_wait() {
    let budget = |limits: &[(&'static str, u64)]| Options {
        budget: limits.to_vec(),
        ..Options::default()
    };
    let host = TestHost::with(budget(&[("requests_per_minute", 3)])).await;
    let api = launched(&host, "patient/*.rs", "anna-rossi").await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let answer = api.get("/fhir/main/Patient/anna-rossi").await;
        statuses.push(answer.status);
        if answer.status == 429 {
            assert_eq!(issue(&answer), "throttled");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        }
    }
    assert_eq!(statuses, [200, 200, 200, 429]);

    let host = TestHost::with(budget(&[("records_per_hour", 2)])).await;
    let api = launched(&host, "patient/*.rs", "anna-rossi").await;
    let path = "/fhir/main/Patient/anna-rossi";
    for status in [200, 200, 429] {
        let answer = api.get(path).await.expect(status);
        if status == 429 {
            assert_eq!(issue(&answer), "throttled");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=3_600).contains(&wait), "{wait}");
        }
    }
    // what is not there is told for nothing
    api.get("/fhir/main/Observation/nobody").await.expect(404);
}
