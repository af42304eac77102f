//! `fhir-read` and `fhir-search`: the whole server over kept-alive connections, against a
//! bare axum handler in front of the same kind of store with the same charts.
//!
//! Several callers at once, and wall time per request: a machine that idles between two
//! requests takes longer to wake than either server takes to answer.

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use glovebox_fhir::SearchQuery;
use glovebox_tests::{TestHost, assertion};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use crate::flight::side_by_side;
use crate::house::{House, PATIENT};
use crate::measure::{Pair, Plan, Row, interleave};
use crate::store::Bare;

const PLAN: Plan = Plan {
    blocks: 200,
    block: 1,
    warm_up: 10,
};
/// Callers at once: enough to keep the machine at work.
const CALLERS: usize = 8;
/// Requests of one caller in a sample.
const EACH: usize = 25;
/// All laboratory results that the synthetic chart of [`PATIENT`] has.
const RESULTS: usize = 334;
const PAGE: usize = 10;

struct Http {
    client: Client,
    token: String,
    ours: String,
    floor: String,
    // the servers live as long as what they are asked for
    _host: TestHost,
    _house: House,
    _floor: Serving,
}

/// A runtime of the floor's own, as our server has one: a server that shares its threads
/// with the client is spared the waking of one for each request.
struct Serving(Option<tokio::runtime::Runtime>);

impl Serving {
    fn start(listener: std::net::TcpListener, router: Router) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        listener.set_nonblocking(true)?;
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router).await
        });
        Ok(Self(Some(runtime)))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Http {
    async fn new(path: &str) -> anyhow::Result<Self> {
        let host = TestHost::fresh().await;
        let house = House::new().await?;
        house.admit(RESULTS).await?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let floor = format!("http://{}/{path}", listener.local_addr()?);
        let router = Router::new()
            .route("/Observation", get(search))
            .route("/Observation/{id}", get(read))
            .with_state(Bare::of(&house));
        let this = Self {
            client: Client::new(),
            token: token(&host).await?,
            ours: format!("{}/fhir/main/{path}", host.base_url),
            floor,
            _host: host,
            _house: house,
            _floor: Serving::start(listener, router)?,
        };
        let (ours, bare) = (this.get_ours().await?, this.get_floor().await?);
        let entries = |json: &Value| json.get("entry").and_then(Value::as_array).map(Vec::len);
        ensure!(
            entries(&ours) == entries(&bare)
                && ours.get("resourceType") == bare.get("resourceType"),
            "the two answers differ"
        );
        Ok(this)
    }

    async fn get_ours(&self) -> anyhow::Result<Value> {
        let request = self.client.get(&self.ours).bearer_auth(&self.token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn get_floor(&self) -> anyhow::Result<Value> {
        let request = self.client.get(&self.floor);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

impl Pair for Http {
    async fn ours(&mut self) -> anyhow::Result<f64> {
        let request = self.client.get(&self.ours).bearer_auth(&self.token);
        asked_by_all(&request).await
    }

    async fn floor(&mut self) -> anyhow::Result<f64> {
        asked_by_all(&self.client.get(&self.floor)).await
    }
}

/// Microseconds of wall time per request.
async fn asked_by_all(request: &RequestBuilder) -> anyhow::Result<f64> {
    let one = || request.try_clone().context("a body cannot be sent twice");
    let of_caller = || (0..EACH).map(|_| one()).collect();
    let work: anyhow::Result<Vec<Vec<_>>> = (0..CALLERS).map(|_| of_caller()).collect();
    let (taken, _) = side_by_side(work?, |request: RequestBuilder| async move {
        let body = request.send().await?.error_for_status()?.bytes().await?;
        ensure!(!body.is_empty(), "no body");
        Ok(())
    })
    .await?;
    Ok(taken)
}

/// An access token of the demo's backend service.
async fn token(host: &TestHost) -> anyhow::Result<String> {
    let client = host.client("demo-backend");
    let audience = format!("{}/oauth/main/token", host.base_url);
    let key = client
        .pointer("/jwk/0")
        .context("no key of the backend service")?;
    let signed = assertion::sign("demo-backend", &audience, key, |_| {});
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "system/*.rs"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", signed.as_str()),
    ];
    let answer = host
        .program(None)
        .post_form("/oauth/main/token", &fields)
        .await;
    let token = answer.json.get("access_token").and_then(Value::as_str);
    Ok(token.context("no access token")?.to_owned())
}

fn failed(problem: anyhow::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, problem.to_string()).into_response()
}

fn fhir(body: impl Into<axum::body::Body>) -> Response {
    (
        [(header::CONTENT_TYPE, "application/fhir+json")],
        body.into(),
    )
        .into_response()
}

async fn read(State(store): State<Bare>, Path(id): Path<String>) -> Response {
    store
        .read("Observation", &id)
        .await
        .map_or_else(failed, fhir)
}

async fn search(State(store): State<Bare>, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    let query = match SearchQuery::parse("Observation", &pairs) {
        Ok(query) => query,
        Err(problem) => return failed(problem.into()),
    };
    let found = match store.search(query).await {
        Ok(found) => found,
        Err(problem) => return failed(problem),
    };
    let mut body = br#"{"resourceType":"Bundle","type":"searchset","entry":["#.to_vec();
    for (position, resource) in found.iter().enumerate() {
        let before: &[u8] = if position == 0 { b"" } else { b"," };
        body.extend_from_slice(before);
        body.extend_from_slice(b"{\"resource\":");
        body.extend_from_slice(resource);
        body.extend_from_slice(b",\"search\":{\"mode\":\"match\"}}");
    }
    body.extend_from_slice(b"]}");
    fhir(body)
}

/// A read by id over HTTP.
pub(crate) async fn measure_read() -> anyhow::Result<Row> {
    let mut pair = Http::new(&format!("Observation/{PATIENT}-lab-0007")).await?;
    interleave("fhir-read", "us", PLAN, &mut pair).await
}

/// A page of ten laboratory results over HTTP.
pub(crate) async fn measure_search() -> anyhow::Result<Row> {
    let path =
        format!("Observation?patient={PATIENT}&category=laboratory&_sort=-date&_count={PAGE}");
    let mut pair = Http::new(&path).await?;
    interleave("fhir-search", "us", PLAN, &mut pair).await
}
