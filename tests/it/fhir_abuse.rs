//! The abuse cases over HTTP: whatever an app of A tries, nothing of B is seen or changed,
//! and B answers like somebody made up.

pub(crate) mod cases;
pub(crate) mod data;

use std::collections::BTreeSet;

use glovebox_database::ledger::Filter;
use glovebox_tests::fhir::{JSON, entries, issue, launched, put, system};
use glovebox_tests::{Answer, Api, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

use cases::{Case, ELSEWHERE, Outcome, observation};
use data::MARKER;

pub(crate) const LABORATORY: &str =
    "http://terminology.hl7.org/CodeSystem/observation-category|laboratory";

pub(crate) async fn send(api: &Api, case: &Case, rename: impl Fn(&str) -> String) -> Answer {
    let method: Method = case.method.parse().unwrap();
    let request = api.request(method, &format!("/fhir/main{}", rename(&case.path)));
    let request = match &case.body {
        None => request,
        Some(Value::String(fields)) => request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(rename(fields.as_str())),
        Some(body) => {
            let form = if body.is_array() {
                "application/json-patch+json"
            } else {
                JSON
            };
            request
                .header("content-type", form)
                .body(rename(&body.to_string()))
        }
    };
    // Any version: whether there is one must not show either.
    let request = match case.method {
        "PUT" | "PATCH" | "DELETE" if !case.path.contains('?') => {
            request.header("if-match", "W/\"1\"")
        }
        _ => request,
    };
    api.send(request).await
}

/// What a caller can notice, with what differs by nature taken out.
fn noticed(answer: &Answer, name: &str) -> (u16, Vec<String>, String) {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    (
        answer.status.as_u16(),
        headers,
        answer.text.replace(name, "(id)"),
    )
}

fn judge(case: &Case, answer: &Answer) -> Result<(), String> {
    let status = answer.status.as_u16();
    let shown = format!("{:?} {}", answer.headers, answer.text);
    if shown.contains(MARKER) {
        return Err("the marker is seen".to_owned());
    }
    if status >= 500 {
        return Err("the server failed".to_owned());
    }
    let is_fine = match case.outcome {
        Outcome::Hidden => status == 403 || status == 404,
        Outcome::Refused => status >= 400,
        Outcome::OnlyA(_) => status == 200,
        Outcome::Safe => true,
    };
    if !is_fine {
        return Err("the status is wrong".to_owned());
    }
    if status >= 400 && case.method != "HEAD" {
        issue(answer);
    }
    let names = entries(&answer.json);
    let own = |name: &String| {
        name.contains("/abuse-a")
            || name.ends_with("/abuse-dr")
            || name.starts_with("OperationOutcome/")
    };
    if !names.iter().all(own) {
        return Err("an entry is not A's".to_owned());
    }
    let searched = answer.json["entry"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let matches = searched
        .iter()
        .filter(|entry| entry["search"]["mode"] == "match")
        .count();
    if let Outcome::OnlyA(least) = case.outcome
        && matches < least
    {
        return Err(format!("{matches} matches, not {least}"));
    }
    let total = answer.json["total"].as_u64();
    if total.is_some_and(|total| total > 10 || (matches > 0 && total != matches as u64)) {
        return Err("the total counts more than A's".to_owned());
    }
    Ok(())
}

/// Runs each case, and again with somebody made up in the place of B.
async fn run(api: &Api, cases: &[Case]) {
    let mut failed = Vec::new();
    for case in cases {
        let answer = send(api, case, str::to_owned).await;
        let mut problem = judge(case, &answer).err();
        let body = case.body.as_ref().map(Value::to_string);
        let names_b =
            case.path.contains("abuse-b") || body.is_some_and(|body| body.contains("abuse-b"));
        if problem.is_none() && names_b {
            let twin = send(api, case, |text| text.replace("abuse-b", "abuse-x")).await;
            let (real, made_up) = (noticed(&answer, "abuse-b"), noticed(&twin, "abuse-x"));
            if real != made_up {
                problem = Some(format!("B differs from somebody made up:\n  {made_up:?}"));
            }
        }
        if let Some(problem) = problem {
            let Case {
                id, method, path, ..
            } = case;
            failed.push(format!(
                "{id} {method} {path}: {problem}\n  {:?}",
                noticed(&answer, "-")
            ));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}

/// Every resource of both charts, as a backend service sees it.
pub(crate) async fn everything(host: &TestHost) -> Vec<(String, String)> {
    let api = system(host, "system/*.rs").await;
    let mut found = Vec::new();
    for resource in data::world() {
        let name = format!(
            "{}/{}",
            resource["resourceType"].as_str().unwrap(),
            resource["id"].as_str().unwrap()
        );
        let read = api.get(&format!("/fhir/main/{name}")).await;
        found.push((name, format!("{} {}", read.status, read.text)));
    }
    let all = api
        .get("/fhir/main/Observation?patient=abuse-b&_count=100")
        .await
        .expect(200);
    found.push(("Observation of B".to_owned(), entries(&all.json).join(" ")));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_patient_is_seen_or_changed() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let before = everything(&host).await;
    let api = launched(&host, "patient/*.cruds", "abuse-a").await;
    run(&api, &cases::of_patient_a()).await;
    let api = launched(
        &host,
        &format!("patient/Observation.cruds?category={LABORATORY} patient/DiagnosticReport.rs patient/Patient.r"),
        "abuse-a",
    )
    .await;
    run(&api, &cases::of_laboratory_only()).await;
    let after = everything(&host).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after, "an attack changed something");
    }

    // The ledger knows better than the attacker, and keeps what was asked.
    let filter = Filter {
        kind: Some("fhir".to_owned()),
        ..Filter::default()
    };
    let denied = host.ledger(filter).await;
    assert!(
        denied
            .iter()
            .any(|entry| entry.outcome == "denied: compartment")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_not_each_others() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let lab = "/fhir/main/Observation/abuse-a-lab";
    let mut known = observation("abuse-a");
    known["id"] = "abuse-a-lab".into();
    let mut new = observation("abuse-a");
    new["id"] = "abuse-new".into();
    for (scope, method, path, body, status) in [
        ("patient/Observation.c", "GET", lab, None, 403),
        (
            "patient/Observation.c",
            "GET",
            "/fhir/main/Observation",
            None,
            403,
        ),
        (
            "patient/Observation.r",
            "GET",
            "/fhir/main/Observation",
            None,
            403,
        ),
        ("patient/Observation.s", "GET", lab, None, 403),
        (
            "patient/Observation.rs",
            "POST",
            "/fhir/main/Observation",
            Some(observation("abuse-a")),
            403,
        ),
        (
            "patient/Observation.u",
            "POST",
            "/fhir/main/Observation",
            Some(observation("abuse-a")),
            403,
        ),
        (
            "patient/Observation.c",
            "PUT",
            lab,
            Some(known.clone()),
            403,
        ),
        (
            "patient/Observation.c",
            "PUT",
            "/fhir/main/Observation/abuse-new",
            Some(new),
            403,
        ),
        ("patient/Observation.crus", "DELETE", lab, None, 403),
        ("patient/Condition.cruds", "DELETE", lab, None, 403),
    ] {
        let api = launched(&host, scope, "abuse-a").await;
        let case = Case {
            id: "A-PC31",
            method,
            path: path.replace("/fhir/main", ""),
            body,
            outcome: Outcome::Refused,
        };
        let answer = send(&api, &case, str::to_owned).await;
        assert_eq!(
            answer.status, status,
            "{scope} {method} {path}: {}",
            answer.text
        );
        assert!(
            answer
                .header("www-authenticate")
                .contains("insufficient_scope"),
            "{scope} {method}"
        );
    }
}

fn entries_of(bundle: &Value) -> Vec<String> {
    entries(bundle)
}

fn bundle(kind: &str, entries: &[Value]) -> String {
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries }).to_string()
}

fn entry(method: &str, url: &str, resource: Option<Value>) -> Value {
    let mut entry = json!({ "request": { "method": method, "url": url } });
    if ["PUT", "DELETE"].contains(&method) {
        entry["request"]["ifMatch"] = "W/\"1\"".into();
    }
    if let Some(resource) = resource {
        entry["resource"] = resource;
    }
    entry
}

/// A-PC22
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_decides_each_entry_for_itself() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let api = launched(&host, "patient/*.cruds", "abuse-a").await;
    let mut answers = Vec::new();
    for other in ["abuse-b", "abuse-x"] {
        let mut replaced = observation("abuse-a");
        replaced["id"] = format!("{other}-lab").into();
        let entries = [
            entry("GET", "Patient/abuse-a", None),
            entry("GET", &format!("Patient/{other}"), None),
            entry("GET", &format!("Observation?patient={other}"), None),
            entry("GET", &format!("Patient/{other}/_history"), None),
            entry("HEAD", &format!("Patient/{other}"), None),
            entry("POST", "Observation", Some(observation(other))),
            entry("PUT", &format!("Observation/{other}-lab"), Some(replaced)),
            entry("DELETE", &format!("Observation/{other}-lab"), None),
            entry("POST", "Observation", Some(observation("abuse-a"))),
        ];
        let answer = api
            .post_bytes("/fhir/main", JSON, bundle("batch", &entries))
            .await
            .expect(200);
        assert!(!answer.text.contains(MARKER), "{}", answer.text);
        let entries = answer.json["entry"].as_array().unwrap().clone();
        let statuses: Vec<String> = entries
            .iter()
            .map(|entry| entry["response"]["status"].as_str().unwrap()[..3].to_owned())
            .collect();
        assert_eq!(
            &statuses[..5],
            ["200", "404", "200", "404", "400"],
            "{}",
            answer.text
        );
        assert!(statuses[5].starts_with('4'), "{}", answer.text);
        assert_eq!(&statuses[6..], ["404", "404", "201"], "{}", answer.text);
        assert_eq!(entries[2]["resource"]["type"], "searchset");
        assert_eq!(entries_of(&entries[2]["resource"]), [""; 0]);
        for refused in [1, 3, 4, 5, 6, 7] {
            let outcome = &entries[refused]["response"]["outcome"];
            assert_eq!(
                outcome["resourceType"], "OperationOutcome",
                "entry {refused}"
            );
        }
        let told: Vec<String> = entries[1..8]
            .iter()
            .map(|entry| entry.to_string().replace(other, "(id)"))
            .collect();
        answers.push(told);
    }
    assert_eq!(answers[0], answers[1], "B differs from somebody made up");
    let untouched = system(&host, "system/*.rs")
        .await
        .get("/fhir/main/Observation/abuse-b-lab")
        .await;
    assert_eq!(untouched.expect(200).json["meta"]["versionId"], "1");
}

/// A-PC24
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_whose_address_is_not_one_of_ours_is_refused() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let api = launched(&host, "patient/*.cruds", "abuse-a").await;
    for url in [
        "../Patient/abuse-b",
        "//other.example/Patient/abuse-a",
        "https://other.example/fhir/Patient/abuse-a",
        "http://169.254.169.254/Patient/abuse-a",
        "Patient/abuse-a%2f_history",
        "Patient//abuse-a",
        "Patient/abuse-a/",
        "Patient;x/abuse-a",
        "patient/abuse-a",
        "Patient/abuse-b/$everything",
        "Patient/abuse-a/$everything",
        "$export",
        "metadata",
        "",
        "?_type=Patient",
        "_history",
        "Patient/_history",
        "Encounter/abuse-a-encounter/Observation",
    ] {
        let entries = [
            entry("GET", url, None),
            entry("GET", "Patient/abuse-a", None),
        ];
        let batch = api
            .post_bytes("/fhir/main", JSON, bundle("batch", &entries))
            .await
            .expect(200);
        let status = |index: usize| {
            batch.json["entry"][index]["response"]["status"]
                .as_str()
                .unwrap()
        };
        assert!(status(0).starts_with('4'), "{url}: {}", batch.text);
        assert!(status(1).starts_with("200"), "{url}: {}", batch.text);
        let whole = api
            .post_bytes("/fhir/main", JSON, bundle("transaction", &entries))
            .await;
        assert!(whole.status.is_client_error(), "{url}: {}", whole.text);
        issue(&whole);
    }
    let nested = json!({ "resourceType": "Bundle", "type": "batch", "entry": [entry("GET", "Patient/abuse-b", None)] });
    let entries = [entry("POST", "", Some(nested))];
    let answer = api
        .post_bytes("/fhir/main", JSON, bundle("batch", &entries))
        .await
        .expect(200);
    assert!(
        answer.json["entry"][0]["response"]["status"]
            .as_str()
            .unwrap()
            .starts_with('4')
    );
    let many: Vec<Value> = (0..501)
        .map(|_| entry("GET", "Patient/abuse-a", None))
        .collect();
    let refused = api
        .post_bytes("/fhir/main", JSON, bundle("batch", &many))
        .await
        .expect(400);
    assert_eq!(issue(&refused), "too-costly");
    for kind in ["collection", "document", "searchset"] {
        api.post_bytes("/fhir/main", JSON, bundle(kind, &entries))
            .await
            .expect(400);
    }
}

/// A-PC26
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_by_search_finds_nobody_else() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let api = launched(&host, "patient/*.cruds", "abuse-a").await;
    let mut answers = Vec::new();
    for other in ["abuse-b", "abuse-x"] {
        let mut resource = observation("abuse-a");
        resource["performer"] = json!([{
            "reference": format!("Patient?identifier={}|{other}-mrn", data::MRN_SYSTEM)
        }]);
        let entries = [entry("POST", "Observation", Some(resource))];
        let answer = api
            .post_bytes("/fhir/main", JSON, bundle("transaction", &entries))
            .await;
        assert!(answer.status.is_client_error(), "{}", answer.text);
        issue(&answer);
        answers.push(noticed(&answer, other));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_carried_out() {
    let host = TestHost::shared().await;
    let nobody = host.program(None);
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "resource": { "resourceType": "Basic", "code": { "text": "x" } },
          "request": { "method": "POST", "url": "Basic" } }] });
    for path in [
        "/fhir/main",
        "/fhir/main/",
        "/fhir/main/Basic",
        "/fhir/main/Patient/$validate",
    ] {
        let answer = nobody
            .post_bytes(path, JSON, bundle.to_string())
            .await
            .expect(401);
        assert_eq!(issue(&answer), "login", "{path}");
    }
    for path in [
        "/fhir/main?_page=x",
        "/fhir/main/Patient",
        "/fhir/main/no/such",
        "/fhir/main//x",
    ] {
        assert_eq!(
            issue(&nobody.get(path).await.expect(401)),
            "login",
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_could_run_is_an_attachment() {
    let host = TestHost::fresh().await;
    put(&host, &data::world()).await;
    let api = system(&host, "system/*.rs").await;
    for accept in ["application/fhir+json", "*/*"] {
        let request = api
            .request(Method::GET, "/fhir/main/Binary/abuse-a-binary")
            .header("accept", accept);
        let binary = api.send(request).await.expect(200);
        assert_eq!(
            binary.header("content-disposition"),
            "attachment",
            "{accept}"
        );
        assert_eq!(binary.header("x-content-type-options"), "nosniff");
        assert!(binary.header("content-security-policy").contains("sandbox"));
        assert!(!binary.text.contains("<script>"), "{}", binary.text);
    }
    let request = api
        .request(Method::GET, "/fhir/main/Binary/abuse-a-binary")
        .header("accept", "text/html");
    let content = api.send(request).await.expect(200);
    assert!(content.text.contains("<script>"), "{}", content.text);
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-disposition", "attachment"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(content.header(name), value, "{name}");
    }
    assert!(
        content
            .header("content-security-policy")
            .contains("sandbox")
    );
}

#[test]
fn every_abuse_case_is_tried_here_or_says_where_it_is() {
    let tried: BTreeSet<&str> = cases::of_patient_a()
        .iter()
        .chain(&cases::of_laboratory_only())
        .map(|case| case.id)
        .collect();
    let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().map(|(id, _)| *id).collect();
    assert_eq!(elsewhere.len(), ELSEWHERE.len(), "a case is listed twice");
    let known = [
        1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 20, 21, 22, 24, 25, 26, 28, 29, 30,
        31, 32, 34, 35, 36, 38, 39, 40, 41, 42, 44, 45, 46, 48, 49, 50, 51, 52, 54, 55, 56, 58,
    ];
    let granular = [1, 2, 4, 5, 6, 8, 9, 10, 11, 12];
    let all = known.iter().map(|n| format!("A-PC{n}"));
    for id in all.chain(granular.iter().map(|n| format!("A-GS{n}"))) {
        let places =
            usize::from(tried.contains(id.as_str())) + usize::from(elsewhere.contains(id.as_str()));
        assert_eq!(places, 1, "{id} is tried {places} times");
    }
    assert_eq!(
        tried.len() + elsewhere.len(),
        known.len() + granular.len(),
        "an unknown case"
    );
}
