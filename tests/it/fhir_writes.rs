//! Writing over FHIR: preconditions, preferences, patches, conditions, versions, validation,
//! everything of a patient.

use glovebox_tests::fhir::{JSON, entries, issue, launched, link, system};
use glovebox_tests::{Answer, Api, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

struct Sent<'a> {
    method: Method,
    path: &'a str,
    body: Value,
    headers: &'a [(&'a str, &'a str)],
}

async fn send(api: &Api, sent: Sent<'_>) -> Answer {
    let form = if sent.body.is_array() {
        "application/json-patch+json"
    } else {
        JSON
    };
    let request = api.request(sent.method, sent.path);
    let request = match sent.body {
        Value::Null => request,
        body => request.header("content-type", form).body(body.to_string()),
    };
    let request = sent.headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    api.send(request).await
}

fn basic(text: &str) -> Value {
    json!({ "resourceType": "Basic", "code": { "text": text },
        "identifier": [{ "system": "http://x.example", "value": text }] })
}

async fn create(api: &Api, resource: &Value) -> Value {
    let path = format!("/fhir/main/{}", resource["resourceType"].as_str().unwrap());
    let sent = Sent {
        method: Method::POST,
        path: &path,
        body: resource.clone(),
        headers: &[],
    };
    send(api, sent).await.expect(201).json
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_says_where_it_is_and_gives_back_what_is_preferred() {
    let host = TestHost::fresh().await;
    let api = system(&host, "system/*.cruds").await;
    for (prefer, body) in [
        ("", "Basic"),
        ("return=representation", "Basic"),
        ("return=OperationOutcome", "OperationOutcome"),
        ("return=minimal", ""),
        ("respond-async", "Basic"),
    ] {
        let sent = Sent {
            method: Method::POST,
            path: "/fhir/main/Basic",
            body: basic("made"),
            headers: &[("prefer", prefer)],
        };
        let answer = send(&api, sent).await.expect(201);
        let place = answer.header("location").to_owned();
        let rest = place
            .strip_prefix(&format!("{}/fhir/main/Basic/", host.base_url))
            .unwrap();
        assert!(rest.ends_with("/_history/1"), "{place}");
        assert_eq!(answer.header("etag"), "W/\"1\"");
        assert!(answer.header("last-modified").ends_with(" GMT"));
        assert_eq!(
            answer.json["resourceType"].as_str().unwrap_or_default(),
            body,
            "{prefer}"
        );
        api.get(&place).await.expect(200);
    }
    // A write does not carry a read (SMART App Launch 2.2, scopes).
    let blind = system(&host, "system/Basic.c").await;
    let sent = Sent {
        method: Method::POST,
        path: "/fhir/main/Basic",
        body: basic("blind"),
        headers: &[],
    };
    assert_eq!(send(&blind, sent).await.expect(201).text, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_names_the_version_that_it_was_made_for() {
    let host = TestHost::fresh().await;
    let api = system(&host, "system/*.cruds").await;
    let made = create(&api, &basic("first")).await;
    let path = format!("/fhir/main/Basic/{}", made["id"].as_str().unwrap());
    let mut changed = made.clone();
    changed["code"]["text"] = "second".into();
    let patch = json!([{ "op": "replace", "path": "/code/text", "value": "third" }]);
    for (method, body) in [
        (Method::PUT, changed.clone()),
        (Method::PATCH, patch.clone()),
    ] {
        let sent = Sent {
            method,
            path: &path,
            body,
            headers: &[],
        };
        assert_eq!(issue(&send(&api, sent).await.expect(428)), "business-rule");
    }
    let update = |tag: &'static str| Sent {
        method: Method::PUT,
        path: &path,
        body: changed.clone(),
        headers: Box::leak(Box::new([("if-match", tag)])),
    };
    let stale = send(&api, update("W/\"9\"")).await.expect(412);
    assert_eq!(issue(&stale), "conflict");
    let done = send(&api, update("W/\"1\"")).await.expect(200);
    assert_eq!(done.header("etag"), "W/\"2\"");
    assert!(done.header("content-location").ends_with("/_history/2"));
    send(&api, update("*")).await.expect(200);
    send(&api, update("3")).await.expect(400);

    let sent = Sent {
        method: Method::PATCH,
        path: &path,
        body: patch,
        headers: &[("if-match", "*")],
    };
    assert_eq!(
        send(&api, sent).await.expect(200).json["code"]["text"],
        "third"
    );
    let fhir_patch = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" },
        { "name": "path", "valueString": "Basic.code.text" },
        { "name": "value", "valueString": "fourth" }] }] });
    let sent = Sent {
        method: Method::PATCH,
        path: &path,
        body: fhir_patch,
        headers: &[("if-match", "*")],
    };
    assert_eq!(
        send(&api, sent).await.expect(200).json["code"]["text"],
        "fourth"
    );

    let sent = Sent {
        method: Method::DELETE,
        path: &path,
        body: Value::Null,
        headers: &[("if-match", "*")],
    };
    assert_eq!(send(&api, sent).await.expect(204).text, "");
    assert_eq!(issue(&api.get(&path).await.expect(410)), "deleted");
    let history = api.get(&format!("{path}/_history")).await.expect(200).json;
    let methods: Vec<&str> = history["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["request"]["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods.first(), Some(&"DELETE"), "{history}");
    assert_eq!(methods.len(), 6, "{history}");
    let other = launched(&host, "patient/*.rs", "anna-rossi").await;
    let hidden = other.get(&format!("{path}/_history")).await.expect(404);
    let absent = other
        .get("/fhir/main/Basic/nobody/_history")
        .await
        .expect(404);
    assert_eq!(hidden.text, absent.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_goes_on_page_by_page_for_this_token() {
    let host = TestHost::fresh().await;
    let api = system(&host, "system/*.cruds").await;
    let made = create(&api, &basic("one")).await;
    let path = format!("/fhir/main/Basic/{}", made["id"].as_str().unwrap());
    for text in ["two", "three", "four", "five"] {
        let body = json!([{ "op": "replace", "path": "/code/text", "value": text }]);
        let sent = Sent {
            method: Method::PATCH,
            path: &path,
            body,
            headers: &[("if-match", "*")],
        };
        send(&api, sent).await.expect(200);
    }
    let mut seen = Vec::new();
    let mut next = Some(format!("{path}/_history?_count=2"));
    while let Some(address) = next {
        let page = api.get(&address).await.expect(200).json;
        assert_eq!(page["type"], "history");
        for entry in page["entry"].as_array().unwrap() {
            seen.push(
                entry["resource"]["code"]["text"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        next = link(&page, "next");
        if let Some(address) = &next {
            let other = system(&host, "system/*.cruds").await;
            other.get(address).await.expect(410);
            let (_, sealed) = address.split_once("_page=").unwrap();
            api.get(&format!("/fhir/main?_page={sealed}&_count=2"))
                .await
                .expect(410);
            api.get(&format!(
                "/fhir/main/Patient/anna-rossi/_history?_page={sealed}"
            ))
            .await
            .expect(410);
        }
    }
    assert_eq!(seen, ["five", "four", "three", "two", "one"]);
    for query in ["_count=x", "_since=yesterday", "_at=2024"] {
        api.get(&format!("{path}/_history?{query}"))
            .await
            .expect(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_hits_one_resource_or_none() {
    let host = TestHost::fresh().await;
    let api = system(&host, "system/*.cruds").await;
    let exist = [("if-none-exist", "identifier=http://x.example|only")];
    let once = |headers| Sent {
        method: Method::POST,
        path: "/fhir/main/Basic",
        body: basic("only"),
        headers,
    };
    let made = send(&api, once(&exist)).await.expect(201);
    let again = send(&api, once(&exist)).await.expect(200);
    assert_eq!(again.header("etag"), made.header("etag"));
    assert_eq!(again.json["id"], made.json["id"]);

    let at = |path| Sent {
        method: Method::PUT,
        path,
        body: basic("only"),
        headers: &[],
    };
    send(
        &api,
        at("/fhir/main/Basic?identifier=http://x.example|only"),
    )
    .await
    .expect(200);
    send(&api, at("/fhir/main/Basic")).await.expect(400);
    send(&api, at("/fhir/main/Basic?nonsense=1"))
        .await
        .expect(400);
    create(&api, &basic("only")).await;
    let several = send(
        &api,
        at("/fhir/main/Basic?identifier=http://x.example|only"),
    )
    .await
    .expect(412);
    issue(&several);
    let gone = Sent {
        method: Method::DELETE,
        path: "/fhir/main/Basic?identifier=http://x.example|only",
        body: Value::Null,
        headers: &[],
    };
    issue(&send(&api, gone).await.expect(412));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_sent_again_under_its_key_is_carried_out_once() {
    let host = TestHost::fresh().await;
    let api = system(&host, "system/*.cruds").await;
    let key = [("idempotency-key", "8e03978e-40d5-43e8-bc93-6894a57f9324")];
    let sent = || Sent {
        method: Method::POST,
        path: "/fhir/main/Basic",
        body: basic("again"),
        headers: &key,
    };
    let first = send(&api, sent()).await.expect(201);
    let second = send(&api, sent()).await.expect(201);
    assert_eq!(first.header("location"), second.header("location"));
    let found = api
        .get("/fhir/main/Basic?identifier=again")
        .await
        .expect(200)
        .json;
    assert_eq!(entries(&found).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_fhir_is_refused_by_place_and_can_be_asked_about() {
    let host = TestHost::fresh().await;
    let api = system(&host, "system/*.cruds").await;
    let wrong =
        json!({ "resourceType": "Observation", "code": { "text": "x" }, "status": "perhaps" });
    let sent = Sent {
        method: Method::POST,
        path: "/fhir/main/Observation",
        body: wrong.clone(),
        headers: &[],
    };
    let refused = send(&api, sent).await.expect(422);
    assert_eq!(refused.json["resourceType"], "OperationOutcome");
    assert!(
        refused.text.contains("Observation.status"),
        "{}",
        refused.text
    );

    let ask = |body| Sent {
        method: Method::POST,
        path: "/fhir/main/Observation/$validate",
        body,
        headers: &[],
    };
    let told = send(&api, ask(wrong.clone())).await.expect(200);
    assert!(told.text.contains("Observation.status"), "{}", told.text);
    let wrapped = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "mode", "valueCode": "create" }, { "name": "resource", "resource": wrong }] });
    let told = send(&api, ask(wrapped)).await.expect(200);
    assert!(told.text.contains("Observation.status"), "{}", told.text);
    let right =
        json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" } });
    let told = send(&api, ask(right)).await.expect(200);
    assert_eq!(
        told.json["issue"][0]["severity"], "information",
        "{}",
        told.text
    );
    let other = json!({ "resourceType": "Patient" });
    send(&api, ask(other)).await.expect(400);
    api.get("/fhir/main/Observation/$validate")
        .await
        .expect(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_a_patient_is_theirs_and_comes_in_pages() {
    let host = TestHost::shared().await;
    let api = launched(
        host,
        "patient/Patient.rs patient/Observation.rs",
        "anna-rossi",
    )
    .await;
    let mut seen = Vec::new();
    let mut next = Some("/fhir/main/Patient/anna-rossi/$everything?_count=40".to_owned());
    while let Some(address) = next {
        let page = api.get(&address).await.expect(200).json;
        assert_eq!(page["type"], "searchset");
        seen.extend(entries(&page));
        next = link(&page, "next");
        assert!(seen.len() < 5_000, "the pages do not end");
    }
    assert!(seen.len() > 41, "{}", seen.len());
    assert!(seen.contains(&"Patient/anna-rossi".to_owned()));
    let other = |name: &&String| !name.starts_with("Observation/") && *name != "Patient/anna-rossi";
    assert_eq!(seen.iter().find(other), None, "only granted types");
    let one = Sent {
        method: Method::POST,
        path: "/fhir/main/Patient/anna-rossi/$everything",
        body: json!({ "resourceType": "Parameters", "parameter": [{ "name": "_type", "valueCode": "Patient" }] }),
        headers: &[],
    };
    assert_eq!(
        entries(&send(&api, one).await.expect(200).json),
        ["Patient/anna-rossi"]
    );
    for patient in ["tom-rossi", "nobody"] {
        let path = format!("/fhir/main/Patient/{patient}/$everything");
        assert_eq!(issue(&api.get(&path).await.expect(404)), "not-found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_found_by_the_operation_of_us_core() {
    let host = TestHost::shared().await;
    let api = launched(host, "patient/DocumentReference.rs", "anna-rossi").await;
    let plain = "/fhir/main/DocumentReference?patient=anna-rossi&status=current&_sort=-date";
    let plain = entries(&api.get(plain).await.expect(200).json);
    assert!(!plain.is_empty());
    let docref = "/fhir/main/DocumentReference/$docref";
    let asked = api
        .get(&format!("{docref}?patient=anna-rossi"))
        .await
        .expect(200)
        .json;
    assert_eq!(entries(&asked), plain);
    let sent = Sent {
        method: Method::POST,
        path: docref,
        body: json!({ "resourceType": "Parameters", "parameter": [{ "name": "patient", "valueId": "anna-rossi" }] }),
        headers: &[],
    };
    assert_eq!(entries(&send(&api, sent).await.expect(200).json), plain);
    for query in [
        "",
        "?patient=anna-rossi&on-demand=true",
        "?patient=anna-rossi&x=1",
    ] {
        issue(&api.get(&format!("{docref}{query}")).await.expect(400));
    }
    let none = api
        .get(&format!("{docref}?patient=tom-rossi"))
        .await
        .expect(200)
        .json;
    assert_eq!(entries(&none), [""; 0]);
}
