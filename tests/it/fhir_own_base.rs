//! References that name this server by its whole address: they mean what relative ones mean,
//! however they come in, and what only looks like the own address stays foreign.

use glovebox_tests::fhir::{JSON, entries, launched, system};
use glovebox_tests::{Answer, Api, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

fn observation(subject: &str) -> Value {
    json!({ "resourceType": "Observation", "status": "final",
        "code": { "coding": [{ "system": "http://x.example", "code": "whole-address" }] }, "subject": { "reference": subject } })
}

async fn post(api: &Api, path: &str, body: &Value) -> Answer {
    let request = api.request(Method::POST, path);
    let request = request.header("content-type", JSON).body(body.to_string());
    api.send(request).await
}

/// The observations that a search with the patient's own token finds.
async fn found(api: &Api, query: &str) -> usize {
    let path = format!("/fhir/main/Observation?code=http://x.example|whole-address{query}");
    entries(&api.get(&path).await.expect(200).json).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_to_the_own_address_is_a_relative_one() {
    let host = TestHost::fresh().await;
    let base = format!("{}/fhir/main", host.base_url);
    let own = format!("{base}/Patient/anna-rossi");
    let anna = launched(&host, "patient/*.cruds", "anna-rossi").await;

    let created = post(&anna, "/fhir/main/Observation", &observation(&own)).await;
    let created = created.expect(201).json;
    assert_eq!(created["subject"]["reference"], "Patient/anna-rossi");
    let bundle = |kind: &str| {
        json!({ "resourceType": "Bundle", "type": kind, "entry": [
            { "resource": observation(&own), "request": { "method": "POST", "url": "Observation" } }] })
    };
    for kind in ["batch", "transaction"] {
        let done = post(&anna, "/fhir/main", &bundle(kind)).await.expect(200);
        let status = done.json["entry"][0]["response"]["status"]
            .as_str()
            .unwrap();
        assert!(status.starts_with("201"), "{kind}: {status}");
    }
    let mut given = observation(&own);
    given["id"] = "whole-address".into();
    let import = host.api("admin");
    for outcome in ["created", "unchanged"] {
        let done = post(&import, "/api/v1/fhir/import", &given)
            .await
            .expect(200);
        assert_eq!(done.json[outcome], 1, "{}", done.json);
    }
    assert_eq!(found(&anna, "").await, 4);
    assert_eq!(found(&anna, &format!("&subject={own}")).await, 4);
    assert_eq!(found(&anna, "&subject=Patient/anna-rossi").await, 4);

    // Another patient's chart is no more open by its whole address than by its short one.
    let tom = format!("{base}/Patient/tom-rossi");
    let refused = post(&anna, "/fhir/main/Observation", &observation(&tom)).await;
    refused.expect(400);
    assert_eq!(found(&anna, &format!("&subject={tom}")).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_the_own_address_leads_to_nobodys_chart() {
    let host = TestHost::fresh().await;
    let base = host.base_url.clone();
    let (scheme, authority) = base.split_once("://").unwrap();
    let (anna, all) = (
        launched(&host, "patient/*.cruds", "anna-rossi").await,
        system(&host, "system/*.cruds").await,
    );
    for subject in [
        format!("{base}/fhir/sandbox/Patient/anna-rossi"),
        format!("{base}.evil.example/fhir/main/Patient/anna-rossi"),
        format!("{scheme}://x@{authority}/fhir/main/Patient/anna-rossi"),
        format!("{base}/FHIR/main/Patient/anna-rossi"),
        format!("{base}/fhir/main//Patient/anna-rossi"),
        format!("{base}/fhir/main/../main/Patient/anna-rossi"),
        "https://evil.example/fhir/main/Patient/anna-rossi".to_owned(),
    ] {
        let own = post(&anna, "/fhir/main/Observation", &observation(&subject)).await;
        assert_eq!(own.status, 400, "{subject}: {}", own.json);
        let foreign = post(&all, "/fhir/main/Observation", &observation(&subject)).await;
        let foreign = foreign.expect(201).json;
        assert_eq!(foreign["subject"]["reference"], subject);
    }
    assert_eq!(found(&anna, "").await, 0);
}
