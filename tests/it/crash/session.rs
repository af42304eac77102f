//! The server itself is killed while somebody works with an app.

use std::time::Duration;

use glovebox_tests::binary::run;
use glovebox_tests::{Api, Options};
use serde_json::{Value, json};

use super::served::{Installed, Served};

const ROUNDS: u32 = 8;
const PERIODS: [&str; 3] = ["1y", "5y", "all"];

/// What the server acknowledged before it was killed.
#[derive(Default)]
struct Acknowledged {
    /// Sessions, each with the newest screen that was answered.
    screens: Vec<(String, u64)>,
}

/// Opens sessions and works in them until the moment comes.
async fn work_until_killed(
    mut served: Served,
    api: &Api,
    moment: Duration,
    acknowledged: &mut Acknowledged,
) {
    let newest = &mut acknowledged.screens;
    let work = async {
        loop {
            if !work_in_a_session(api, newest).await {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(moment, work).await;
    served.kill();
}

/// One session with three more screens; `false` once the server is gone.
async fn work_in_a_session(api: &Api, acknowledged: &mut Vec<(String, u64)>) -> bool {
    let open = json!({ "app": "lab-viewer", "patient": "anna-rossi" });
    let Some(opened) = post(api, "/api/v1/sessions", &open).await else {
        return false;
    };
    let session = opened["session"].as_str().unwrap().to_owned();
    acknowledged.push((session.clone(), opened["seq"].as_u64().unwrap()));
    let events = format!("/api/v1/sessions/{session}/events");
    for period in PERIODS {
        let seq = acknowledged.last().unwrap().1;
        let event = json!({ "seq": seq, "action": "period", "values": { "period": period } });
        let Some(screen) = post(api, &events, &event).await else {
            return false;
        };
        acknowledged.last_mut().unwrap().1 = screen["seq"].as_u64().unwrap();
    }
    true
}

/// The answer, unless nobody is there to give one.
async fn post(api: &Api, path: &str, body: &Value) -> Option<Value> {
    let request = api.request(reqwest::Method::POST, path).json(body);
    let answer = request.send().await.ok()?;
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.ok()
}

/// Every screen that was acknowledged can be redrawn, by a server that found it on disk.
async fn redraw_all(api: &Api, acknowledged: &Acknowledged) {
    for (session, newest) in &acknowledged.screens {
        let events = format!("/api/v1/sessions/{session}/events");
        let refresh = json!({ "seq": newest, "refresh": true });
        let answer = api.post(&events, &refresh).await.expect(200).json;
        assert!(
            answer["seq"].as_u64() >= Some(*newest),
            "{session} went back: {answer}"
        );
    }
}

/// The ledger holds, and tells of each session at least as much as was acknowledged.
fn audit(config: &str, acknowledged: &Acknowledged) {
    let verified = run(&["audit", "verify", "--config", config]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    for (session, newest) in &acknowledged.screens {
        let found = run(&[
            "audit",
            "search",
            "--config",
            config,
            "--session",
            session,
            "--json",
        ]);
        assert_eq!(found.code, Some(0), "{session}: {}", found.stderr);
        let found: Value = serde_json::from_str(&found.stdout).unwrap();
        let entries = found["items"].as_array().unwrap();
        let screens = entries
            .iter()
            .filter(|entry| entry["kind"] == "screen")
            .count();
        assert!(
            u64::try_from(screens).unwrap() >= *newest,
            "{session} was answered {newest} times, the ledger knows of {screens}"
        );
    }
}

async fn killed_while_serving(database: &str, options: Options) {
    let installed = Installed::new(database, options).await;
    let token = installed.left.demo["api_tokens"]["dr.rivera"].as_str();
    let mut all = Acknowledged::default();
    let mut most = 0;
    for _ in 0..super::rounds(ROUNDS) {
        let mut new = Acknowledged::default();
        let served = Served::start(&installed.config);
        let api = Api::new(&served.base_url, token);
        redraw_all(&api, &all).await;
        let moment = super::moment(Duration::from_millis(5), Duration::from_millis(900));
        work_until_killed(served, &api, moment, &mut new).await;
        audit(installed.config(), &new);
        most = most.max(new.screens.len());
        all = new;
    }
    assert!(most > 0, "no round came as far as the first screen");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_a_killed_server_go_on_and_its_ledger_holds() {
    killed_while_serving("", Options::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_a_killed_server_go_on_with_postgresql_too() {
    let Some(server) = super::postgres("sessions_of_a_killed_server") else {
        return;
    };
    let url = server.new_database().await;
    let database = format!("[database]\nengine = \"postgres\"\nurl = \"{url}\"\n");
    let options = Options {
        postgres: Some(url),
        ..Options::default()
    };
    killed_while_serving(&database, options).await;
}
