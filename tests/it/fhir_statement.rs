//! What `/metadata` promises is kept: every type, parameter, include and interaction that it
//! names is asked for once over HTTP.

use std::collections::BTreeSet;

use glovebox_tests::fhir::{issue, system};
use glovebox_tests::{Api, TestHost};
use reqwest::Method;
use serde_json::Value;

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map_or(&[], Vec::as_slice)
}

/// Something that a parameter of this kind takes.
fn value(kind: &str) -> &'static str {
    match kind {
        "date" => "ge2020-01",
        "number" => "lt5",
        "quantity" => "gt5||mg",
        "reference" => "nobody",
        "uri" => "http://x.example/y",
        "composite" => "x$gt5",
        _ => "x",
    }
}

async fn statement(host: &TestHost) -> Value {
    let anybody = host.program(None);
    anybody.get("/fhir/main/metadata").await.expect(200).json
}

async fn ask(api: &Api, method: Method, path: &str) -> u16 {
    api.send(api.request(method, path)).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_search_that_the_statement_names_is_carried_out() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.cruds").await;
    let statement = statement(host).await;
    let mut asked = 0;
    for resource in list(&statement["rest"][0], "resource") {
        let name = resource["type"].as_str().unwrap();
        let parameters = list(resource, "searchParam").iter().map(|parameter| {
            let (code, kind) = (&parameter["name"], &parameter["type"]);
            let (code, kind) = (code.as_str().unwrap(), kind.as_str().unwrap());
            let value = match code {
                "_lastUpdated" => "ge2020-01",
                _ if kind == "composite" && code.ends_with("-coordinate") => "x$5$5",
                _ if kind == "composite" && code.ends_with("-date") => "x$ge2020-01",
                _ => value(kind),
            };
            (code.to_owned(), value.to_owned())
        });
        let included = |list_name: &str, parameter: &str| -> Vec<(String, String)> {
            let named = list(resource, list_name).iter();
            named
                .map(|include| (parameter.to_owned(), include.as_str().unwrap().to_owned()))
                .collect()
        };
        let pairs: Vec<(String, String)> = parameters
            .chain(included("searchInclude", "_include"))
            .chain(included("searchRevInclude", "_revinclude"))
            .collect();
        for (parameter, value) in pairs {
            let path = format!("/fhir/main/{name}");
            let request = api.request(Method::GET, &path);
            let answer = api
                .send(request.query(&[(&parameter, &value), (&"_count".into(), &"1".into())]))
                .await;
            assert_eq!(
                answer.status, 200,
                "{name}?{parameter}={value}: {}",
                answer.json
            );
            asked += 1;
        }
    }
    assert!(asked > 3_000, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_interaction_that_the_statement_names_exists_and_no_other_does() {
    let host = TestHost::shared().await;
    let api = system(host, "system/*.cruds").await;
    let statement = statement(host).await;
    let mut codes = BTreeSet::new();
    for resource in list(&statement["rest"][0], "resource") {
        let name = resource["type"].as_str().unwrap();
        let named: BTreeSet<&str> = list(resource, "interaction")
            .iter()
            .map(|interaction| interaction["code"].as_str().unwrap())
            .collect();
        let absent = format!("/fhir/main/{name}/not-there");
        // A method that exists finds nothing there or lacks its body; one that does not is 405.
        for (code, method, path) in [
            ("read", Method::GET, absent.clone()),
            ("vread", Method::GET, format!("{absent}/_history/1")),
            (
                "history-instance",
                Method::GET,
                format!("{absent}/_history"),
            ),
            (
                "search-type",
                Method::GET,
                format!("/fhir/main/{name}?_id=x"),
            ),
            ("create", Method::POST, format!("/fhir/main/{name}")),
            ("update", Method::PUT, absent.clone()),
            ("patch", Method::PATCH, absent.clone()),
            ("delete", Method::DELETE, absent),
        ] {
            let status = ask(&api, method, &path).await;
            assert!(named.contains(code), "{name} does not name {code}");
            assert!(
                ![404, 405].contains(&status) || path.contains("not-there"),
                "{code} {path}"
            );
            assert!(status != 405 && status < 500, "{name} {code}: {status}");
            codes.insert(code);
        }
        assert!(
            named.iter().all(|code| codes.contains(code)),
            "{name}: {named:?}"
        );
    }
    let history = api.get("/fhir/main/Patient/_history").await.expect(404);
    assert_eq!(issue(&history), "not-supported");
    let whole = list(&statement["rest"][0], "interaction").iter();
    let whole: BTreeSet<&str> = whole.map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(whole, BTreeSet::from(["batch", "transaction"]));
}
