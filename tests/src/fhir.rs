//! FHIR over HTTP: tokens of every kind, made without the pages that lead to them, and data
//! to try them on.

use std::time::Duration;

use glovebox_authorization::NewAccessToken;
use glovebox_model::Clock as _;
use glovebox_model::scope::ScopeSet;
use glovebox_server::clock::SystemClock;
use serde_json::{Value, json};

use crate::{Answer, Api, TestHost};

/// Media type of every body.
pub const JSON: &str = "application/fhir+json";

/// On whose behalf a token is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bearer<'a> {
    /// What was granted.
    pub scope: &'a str,
    /// The person.
    pub user: Option<&'a str>,
    /// The patient in context.
    pub patient: Option<&'a str>,
}

impl Bearer<'_> {
    /// An access token of tenant `main`.
    pub async fn token(&self, host: &TestHost) -> String {
        let id = match self.user {
            Some(_) => "demo-public",
            None => "demo-backend",
        };
        let authorization = &host.services.authorization;
        let (tenant, id) = ("main".parse().unwrap(), id.parse().unwrap());
        let client = authorization.clients.get(&tenant, &id).await.unwrap();
        let token = NewAccessToken {
            tenant,
            client: client.unwrap(),
            scope: ScopeSet::parse(self.scope).unwrap(),
            user: self.user.map(|user| user.parse().unwrap()),
            patient: self.patient.map(|patient| patient.parse().unwrap()),
            grant: None,
            thumbprint: None,
        };
        let now = SystemClock.now();
        let hour = Duration::from_secs(3600);
        let issued = authorization.access_tokens.issue(&token, hour, now).await;
        issued.unwrap().text.expose().to_owned()
    }

    /// A program with such a token.
    pub async fn program(&self, host: &TestHost) -> Api {
        host.program(Some(&self.token(host).await))
    }
}

/// A program of a backend service.
pub async fn system(host: &TestHost, scope: &str) -> Api {
    let bearer = Bearer {
        scope,
        ..Bearer::default()
    };
    bearer.program(host).await
}

/// A program that a clinician who may open everybody launched for one patient.
pub async fn launched(host: &TestHost, scope: &str, patient: &str) -> Api {
    let bearer = Bearer {
        scope,
        user: Some("dr.rivera"),
        patient: Some(patient),
    };
    bearer.program(host).await
}

/// Puts resources into tenant `main`, each as it is.
pub async fn put(host: &TestHost, resources: &[Value]) {
    let entries: Vec<Value> = resources
        .iter()
        .map(|resource| json!({ "resource": resource }))
        .collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    let path = "/api/v1/fhir/import?tenant=main&update=true";
    let report = host
        .api("admin")
        .post_bytes(path, JSON, bundle.to_string())
        .await
        .expect(200);
    assert_eq!(report.json["refused"], json!([]), "{}", report.text);
}

/// The code of the first issue. Checks that the answer is an OperationOutcome that says
/// something.
#[track_caller]
pub fn issue(answer: &Answer) -> &str {
    assert_eq!(
        answer.json["resourceType"], "OperationOutcome",
        "{}",
        answer.text
    );
    assert_eq!(
        answer.header("content-type"),
        "application/fhir+json; charset=utf-8"
    );
    let diagnostics = answer.json["issue"][0]["diagnostics"].as_str();
    assert!(
        diagnostics.is_some_and(|text| text.len() > 10),
        "{}",
        answer.text
    );
    answer.json["issue"][0]["code"].as_str().unwrap()
}

/// The link of this relation.
pub fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array()?;
    let link = links.iter().find(|link| link["relation"] == relation)?;
    link["url"].as_str().map(str::to_owned)
}

/// `Type/id` of every entry, in order.
pub fn entries(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let name = |entry: &Value| {
        let text = |name: &str| entry["resource"][name].as_str().unwrap_or("-").to_owned();
        format!("{}/{}", text("resourceType"), text("id"))
    };
    entries.iter().map(name).collect()
}
