//! The server itself is killed while somebody works with an app.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use glovebox_tests::binary::{glovebox, run};
use glovebox_tests::host::Left;
use glovebox_tests::{Api, Options, TestHost};
use serde_json::{Value, json};

const ROUNDS: u32 = 8;
const START: Duration = Duration::from_secs(60);
const PERIODS: [&str; 3] = ["1y", "5y", "all"];

/// What the server acknowledged before it was killed.
#[derive(Default)]
struct Acknowledged {
    /// Sessions, each with the newest screen that was answered.
    screens: Vec<(String, u64)>,
}

struct Served {
    process: Child,
    api: Api,
}

impl Served {
    /// Starts the server on what `left` left behind, and waits until it listens.
    fn start(config: &Path, left: &Left) -> Self {
        let mut process = Command::new(glovebox())
            .args(["serve", "--config", config.to_str().unwrap()])
            .env_remove("GLOVEBOX_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let base_url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("the server does not start again: {line}"));
        let token = left.demo["api_tokens"]["dr.rivera"].as_str();
        Self {
            api: Api::new(base_url, token),
            process,
        }
    }

    /// Opens sessions and works in them until the moment comes.
    fn work_until_killed(mut self, moment: Duration, acknowledged: &mut Acknowledged) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (api, newest) = (self.api.clone(), &mut acknowledged.screens);
        runtime.block_on(async {
            let work = async {
                loop {
                    if !work_in_a_session(&api, newest).await {
                        return;
                    }
                }
            };
            let _ = tokio::time::timeout(moment, work).await;
            self.process.kill().unwrap();
            self.process.wait().unwrap();
        });
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
fn audit(config: &Path, acknowledged: &Acknowledged) {
    let config = config.to_str().unwrap();
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
    let left = TestHost::with(options).await.leave().await;
    let config = left.dir.with_extension("toml");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let dir: &PathBuf = &left.dir;
    std::fs::write(
        &config,
        format!(
            "data_dir = \"{}\"\n[listen]\naddress = \"127.0.0.1:{port}\"\n\
             base_url = \"http://127.0.0.1:{port}\"\n{database}",
            dir.display()
        ),
    )
    .unwrap();
    let mut all = Acknowledged::default();
    let mut most = 0;
    for _ in 0..super::rounds(ROUNDS) {
        let config_path = config.clone();
        let mut new = Acknowledged::default();
        let started = Instant::now();
        let served = Served::start(&config_path, &left);
        assert!(
            started.elapsed() < START,
            "it took {:?} to start again",
            started.elapsed()
        );
        redraw_all(&served.api, &all).await;
        let moment = super::moment(Duration::from_millis(5), Duration::from_millis(900));
        new = tokio::task::spawn_blocking(move || {
            served.work_until_killed(moment, &mut new);
            new
        })
        .await
        .unwrap();
        audit(&config, &new);
        most = most.max(new.screens.len());
        all = new;
    }
    let _ = std::fs::remove_file(&config);
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
