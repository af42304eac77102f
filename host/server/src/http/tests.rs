//! The door, asked from outside.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use glovebox_authorization::{Holder, ServiceAccount, SpeaksFor};
use glovebox_database::ledger::Filter;
use glovebox_model::{Clock as _, Role};
use tower::ServiceExt as _;

use super::*;
use crate::clock::SystemClock;
use crate::config::{Config, Settings};

struct House {
    services: App,
    _dir: tempfile::TempDir,
}

impl House {
    async fn at(base_url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config {
            data_dir: Some(dir.path().join("data")),
            ..Config::default()
        };
        config.listen.base_url = Some(base_url.to_owned());
        let settings = Settings::resolve(&config).unwrap();
        let services = Services::open(settings, Arc::new(SystemClock)).await;
        Self {
            services: services.unwrap(),
            _dir: dir,
        }
    }

    async fn get(&self, address: &str, token: &str) -> (StatusCode, HeaderMap) {
        let request =
            Request::get(address).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Body::empty()).unwrap();
        let router = router(Arc::clone(&self.services));
        let response = router.oneshot(request).await.unwrap();
        (response.status(), response.headers().clone())
    }

    /// What stands in the ledger about refusals at the door, oldest first.
    fn refusals(&self) -> Vec<String> {
        let filter = Filter {
            kind: Some("access".to_owned()),
            ..Filter::default()
        };
        let entries = self.services.ledger.search(&filter).unwrap();
        let text = |entry: &glovebox_database::ledger::Entry| {
            let asked = entry.detail.get("asked").and_then(|asked| asked.as_str());
            let user = entry.user.as_deref().unwrap_or("-");
            format!("{user} {} {}", asked.unwrap_or_default(), entry.outcome)
        };
        entries.iter().rev().map(text).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_at_the_door_is_in_the_ledger_without_what_was_presented() {
    let house = House::at("http://localhost:8080").await;
    let tokens = &house.services.authorization.api_tokens;
    let account = Holder::Service(ServiceAccount {
        name: "ehr".parse().unwrap(),
        roles: vec![Role::Ehr],
        tenants: vec!["main".parse().unwrap()],
        speaks_for: SpeaksFor::Everyone,
    });
    let now = SystemClock.now();
    let token = tokens.create(&account, "test", None, now).await.unwrap();
    let token = token.text.expose();
    for (address, token, status) in [
        ("/api/v1/apps?tenant=main", "gb_api_stolen.secret", 401),
        ("/fhir/main/Patient/anna-rossi?x=y", "stolen", 401),
        ("/api/v1/apps", token, 403),
        ("/api/v1/audit?tenant=sandbox", token, 403),
    ] {
        assert_eq!(house.get(address, token).await.0, status, "{address}");
    }
    let refusals = house.refusals();
    assert_eq!(
        refusals,
        [
            "- GET /api/v1/apps denied: credential",
            "- GET /fhir/main/Patient/anna-rossi denied: credential",
            "ehr GET /api/v1/apps denied: role",
            "ehr GET /api/v1/audit denied: role",
        ]
    );
    house.services.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_browsers_are_told_to_stay_there_and_take_cookies_from_this_host_only() {
    for (base_url, is_https) in [
        ("https://glovebox.example", true),
        ("http://localhost:8080", false),
    ] {
        let house = House::at(base_url).await;
        let (status, headers) = house.get("/sign-in", "").await;
        assert_eq!(status, StatusCode::OK);
        let stays = headers.contains_key(header::STRICT_TRANSPORT_SECURITY);
        assert_eq!(stays, is_https, "{base_url}");
        let cookie = headers[header::SET_COOKIE].to_str().unwrap();
        assert_eq!(cookie.starts_with("__Host-"), is_https, "{cookie}");
        assert_eq!(cookie.contains("Secure"), is_https, "{cookie}");
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("Path=/"),
            "{cookie}"
        );
        house.services.close().await;
    }
}
