//! The importer is killed. The victim and the inspector are processes of their own: this binary, started again with
//! [`ROLE`] set, so that each opens what the one before left on disk.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use glovebox_database::fence::Fence;
use glovebox_database::ledger::{self, Filter, Ledger, LedgerSettings};
use glovebox_database::relations::Relations;
use glovebox_database::{
    Keyspace, PostgresRecords, PostgresSettings, Records, SledRecords, SledSettings,
};
use glovebox_fhir::{Interaction, Limits, Resource};
use glovebox_gateway::{Door, Gateway, GatewayParts, ImportOptions, Session};
use glovebox_model::ledger::Subject;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{ManualClock, Timestamp};

const ROLE: &str = "GLOVEBOX_CRASH_ROLE";
const DIR: &str = "GLOVEBOX_CRASH_DIR";
/// First batch to import, or how many were acknowledged.
const NUMBER: &str = "GLOVEBOX_CRASH_NUMBER";

const ROUNDS: u32 = 20;
const BATCH: usize = 7;

struct Installation {
    gateway: Gateway,
    ledger: Ledger,
    fence: Fence,
    records: Arc<dyn Records>,
    public_key: Vec<u8>,
}

fn folder(path: &Path) -> cap_std::fs::Dir {
    std::fs::create_dir_all(path).unwrap();
    cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority()).unwrap()
}

/// The store whose address stands in the directory, or the embedded one in the directory.
async fn records(dir: &Path) -> Arc<dyn Records> {
    if let Ok(url) = std::fs::read_to_string(dir.join("postgres")) {
        let settings = PostgresSettings { connections_max: 4 };
        return PostgresRecords::connect(&url, &settings).await.unwrap();
    }
    let settings = SledSettings {
        cache_bytes: 8 << 20,
    };
    SledRecords::open(&dir.join("records"), &settings).unwrap()
}

async fn open(dir: &Path) -> Installation {
    let records = records(dir).await;
    let keyspace = |name| Keyspace::new(Arc::clone(&records), name);
    let clock = Arc::new(ManualClock::at(
        Timestamp::parse("2026-11-23T20:00:00Z").unwrap(),
    ));
    let key = std::fs::read(dir.join("key")).unwrap();
    let settings = LedgerSettings {
        segment_bytes_max: 64 << 10,
        ..LedgerSettings::default()
    };
    let anchors = keyspace("ledger");
    let ledger = Ledger::open(
        folder(&dir.join("ledger")),
        anchors,
        &key,
        clock.clone(),
        settings,
    );
    let ledger = ledger.await.unwrap();
    let fence = Fence::open(keyspace("fence")).await.unwrap();
    let gateway = Gateway::new(GatewayParts {
        stores: HashMap::from([("main".parse().unwrap(), keyspace("fhir/main"))]),
        ledger: ledger.clone(),
        fence: fence.clone(),
        relations: Relations::new(keyspace("relations")),
        clock,
        cursor_key: vec![7; 32].into(),
        drafts: keyspace("drafts"),
        budgets: keyspace("budgets"),
        tenant_budgets: HashMap::new(),
    });
    gateway.settle_intents().await.unwrap();
    let public_key = ledger.public_key();
    Installation {
        gateway,
        ledger,
        fence,
        records,
        public_key,
    }
}

fn batch(number: usize) -> Vec<Resource> {
    let json = |n| {
        format!(
            r#"{{"resourceType":"Observation","id":"b{number}-{n}","status":"final","subject":{{"reference":"Patient/anna"}},"valueQuantity":{{"value":{n}.50}}}}"#
        )
    };
    (0..BATCH)
        .map(|n| Resource::parse(json(n).as_bytes(), Limits::RESOURCE).unwrap())
        .collect()
}

async fn import(dir: &Path, first: usize) {
    let installation = open(dir).await;
    for number in first.. {
        let (tenant, actor) = ("main".parse().unwrap(), Subject::default());
        let import =
            installation
                .gateway
                .import(&tenant, &actor, batch(number), ImportOptions::default());
        assert!(import.await.unwrap().refused.is_empty());
        println!("acknowledged {number}");
        std::io::stdout().flush().unwrap();
    }
}

async fn inspect(dir: &Path, acknowledged: usize) {
    let installation = open(dir).await;
    assert_eq!(installation.ledger.unresolved_intents().len(), 0);
    let session = Session {
        tenant: "main".parse().unwrap(),
        subject: Subject::default(),
        scopes: ScopeSet::parse("system/Observation.r").unwrap(),
        patient: None,
        user: None,
        door: Door::Http,
        terms: Arc::default(),
    };
    let pass = installation.fence.enter(&[]).unwrap();
    for resource in (0..acknowledged).flat_map(batch) {
        let id = resource.id().unwrap();
        let read = Interaction::read("Observation", id).unwrap();
        let found = installation.gateway.execute(&session, &pass, read).await;
        assert!(
            found.is_ok(),
            "{id} was acknowledged and is lost: {found:?}"
        );
    }
    let mut announced = BTreeSet::new();
    let mut filter = Filter {
        kind: Some("import.intent".to_owned()),
        ..Filter::default()
    };
    loop {
        let page = installation.ledger.search(&filter).unwrap();
        let Some(last) = page.last() else { break };
        filter.before_seq = Some(last.seq);
        for entry in &page {
            for line in entry.detail["content"].as_array().unwrap() {
                let reference = line.as_str().unwrap().split(' ').next().unwrap();
                announced.insert(reference.to_owned());
            }
        }
    }
    let store = Keyspace::new(Arc::clone(&installation.records), "fhir/main");
    let mut after = None;
    let mut stored = 0;
    loop {
        let found = store.scan(b"v/", after.as_deref(), 1_000).await.unwrap();
        let Some((last, _)) = found.last() else { break };
        after = Some(last.clone());
        for (key, _) in &found {
            let key = std::str::from_utf8(key).unwrap();
            let (reference, _version) = key["v/".len()..].rsplit_once('/').unwrap();
            assert!(
                announced.contains(reference),
                "{reference} is stored without its intent"
            );
            stored += 1;
        }
    }
    assert!(stored >= acknowledged * BATCH);
    installation.ledger.shutdown().await.unwrap();
    let anchors = Keyspace::new(Arc::clone(&installation.records), "ledger");
    let anchor = ledger::read_anchor(&anchors).await.unwrap();
    assert!(anchor.is_some());
    let key = Some(installation.public_key.as_slice());
    ledger::verify(&folder(&dir.join("ledger")), anchor, key, |_| ()).unwrap();
}

/// Not a test of its own: what the victim and the inspector do.
#[test]
fn another_process() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let dir = PathBuf::from(std::env::var(DIR).unwrap());
    let number: usize = std::env::var(NUMBER).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match role.as_str() {
        "import" => runtime.block_on(import(&dir, number)),
        _ => runtime.block_on(inspect(&dir, number)),
    }
}

fn again(role: &str, dir: &Path, number: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "crash::import::another_process", "--nocapture"])
        .env(ROLE, role)
        .env(DIR, dir)
        .env(NUMBER, number.to_string());
    command
}

/// Imports until the moment comes; says how many batches were acknowledged in all.
fn kill_in_the_middle(dir: &Path, acknowledged: usize, moment: Duration) -> usize {
    let mut victim = again("import", dir, acknowledged)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = victim.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse::<usize>().ok())
            .last()
    });
    let started = Instant::now();
    while started.elapsed() < moment {
        assert!(
            victim.try_wait().unwrap().is_none(),
            "the import ended by itself"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    reader.join().unwrap().map_or(acknowledged, |last| last + 1)
}

fn killed_while_importing(dir: &Path) {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let key = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    std::fs::write(dir.join("key"), key.as_ref()).unwrap();
    let mut acknowledged = 0;
    for round in 0..super::rounds(ROUNDS) {
        // from while it opens to well into the import
        let moment = super::moment(Duration::from_millis(20), Duration::from_millis(785));
        acknowledged = kill_in_the_middle(dir, acknowledged, moment);
        let inspected = again("inspect", dir, acknowledged).output().unwrap();
        assert!(
            inspected.status.success(),
            "round {round}, killed after {moment:?}, {acknowledged} acknowledged:\n{}{}",
            String::from_utf8_lossy(&inspected.stdout),
            String::from_utf8_lossy(&inspected.stderr),
        );
    }
    assert!(acknowledged > 0, "no round came as far as the first batch");
}

#[test]
fn an_import_that_is_killed_loses_nothing_and_leaves_nothing_unannounced() {
    killed_while_importing(tempfile::tempdir().unwrap().path());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_into_postgresql_that_is_killed_loses_nothing_either() {
    let Some(server) = super::postgres("an_import_into_postgresql_that_is_killed") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("postgres"), server.new_database().await).unwrap();
    tokio::task::spawn_blocking(move || killed_while_importing(dir.path()))
        .await
        .unwrap();
}
