//! What was acknowledged is there after a restart, and after `kill -9`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::{World, contract};
use crate::postgres_records::{PostgresRecords, PostgresSettings};
use crate::records::{Batch, Durability::Relaxed, Durability::Sync, Expect, Records};
use crate::sled_records::{SledRecords, SledSettings};

contract!(a_restart_keeps_everything);

/// Tells a child of the kill tests where to write.
const ADDRESS: &str = "GLOVEBOX_TEST_KILL_ADDRESS";
/// The test that is the child.
const CHILD: &str = "contract::durability::child_that_writes_until_it_is_killed";
/// Batches that a child has on the way at once.
const WRITERS: u64 = 4;

async fn a_restart_keeps_everything(world: World) {
    let mut world = world;
    for round in 0..4_u8 {
        for (index, durability) in [Sync, Relaxed].into_iter().enumerate() {
            let batch = Batch::new().put([round, index as u8], vec![round; 1_000], Expect::Absent);
            world
                .records()
                .commit(batch, durability)
                .await
                .unwrap()
                .unwrap();
        }
        let before = world.records().scan(b"", None, 100).await.unwrap();
        world = world.reopened().await;
        assert_eq!(world.records().scan(b"", None, 100).await.unwrap(), before);
        assert_eq!(before.len(), 2 * (usize::from(round) + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_that_sled_acknowledged_and_leaves_no_half_batch() {
    kill_rounds(World::sled().await, 20).await;
}

/// Most of these die while the store is created or recovers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_while_sled_opens_never_keeps_it_closed() {
    for _ in 0..4 {
        let mut world = World::sled().await;
        world.close();
        // what was never created must come up as well
        for entry in std::fs::read_dir(world.address()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::remove_file(path).unwrap();
            }
        }
        let mut acknowledged = Vec::new();
        for _ in 0..6 {
            acknowledged.extend(write_until_killed(&world.address(), Death::WhileOpening));
        }
        world = world.opened().await;
        verify(&world, &acknowledged).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_that_postgres_acknowledged_and_leaves_no_half_batch() {
    if let Some(world) = World::postgres().await {
        kill_rounds(world, 5).await;
    }
}

async fn kill_rounds(mut world: World, rounds: u8) {
    let mut acknowledged = Vec::new();
    for _ in 0..rounds {
        world.close();
        acknowledged.extend(write_until_killed(&world.address(), Death::WhileWriting));
        world = world.opened().await;
        verify(&world, &acknowledged).await;
    }
    assert!(
        acknowledged.len() > usize::from(rounds),
        "only {} batches",
        acknowledged.len()
    );
}

/// When a child is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    /// Some moment of the first milliseconds.
    WhileOpening,
    /// Some moment after the first acknowledgement.
    WhileWriting,
}

/// Runs a child, kills it, and returns all that it said was acknowledged.
fn write_until_killed(address: &str, death: Death) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env(ADDRESS, address)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let number = |line: String| line.strip_prefix("acknowledged ")?.parse::<u64>().ok();
    let mut acknowledged = Vec::new();
    let mut pause_max = 25_000;
    if death == Death::WhileWriting {
        acknowledged.push(
            lines
                .by_ref()
                .find_map(number)
                .expect("the child wrote nothing"),
        );
        pause_max = 60_000;
    }
    let pause = Duration::from_micros(u64::from(getrandom::u32().unwrap()) % pause_max);
    #[expect(
        clippy::disallowed_methods,
        reason = "the moment of death is meant to be any"
    )]
    std::thread::sleep(pause);
    child.kill().unwrap();
    acknowledged.extend(lines.filter_map(number));
    assert!(
        !child.wait().unwrap().success(),
        "the child ended by itself"
    );
    acknowledged
}

async fn verify(world: &World, acknowledged: &[u64]) {
    let keys = |half: u8, number: &u64| [&[half], &number.to_be_bytes()[..]].concat();
    for number in acknowledged {
        let halves = [keys(b'a', number), keys(b'b', number)];
        let found = world.records().get_many(&halves).await.unwrap();
        assert!(
            found.iter().all(Option::is_some),
            "batch {number} was acknowledged and is gone"
        );
    }
    // what was on the way may be there or not, but never by half
    let mut sets = Vec::new();
    for half in [b"a", b"b"] {
        let mut seen = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = world
                .records()
                .scan(half, after.as_deref(), 4_096)
                .await
                .unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            seen.extend(
                page.into_iter()
                    .map(|(key, stored)| (key[1..].to_vec(), stored.version)),
            );
        }
        sets.push(seen);
    }
    assert_eq!(sets[0], sets[1], "a batch is there by half");
}

/// Not a test of its own: what the kill tests start and kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the kill tests"]
async fn child_that_writes_until_it_is_killed() {
    let Some(address) = std::env::var_os(ADDRESS) else {
        return;
    };
    let address = address.into_string().unwrap();
    let records: Arc<dyn Records> = if address.starts_with("postgres:") {
        PostgresRecords::connect(&address, &PostgresSettings::default())
            .await
            .unwrap()
    } else {
        SledRecords::open(address.as_ref(), &SledSettings::default()).unwrap()
    };
    let start = u64::from(getrandom::u32().unwrap()) << 32;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let records = Arc::clone(&records);
            tokio::spawn(async move {
                for number in (start + writer..).step_by(usize::try_from(WRITERS).unwrap()) {
                    let key = |half: u8| [&[half], &number.to_be_bytes()[..]].concat();
                    let batch = Batch::new()
                        .put(key(b'a'), vec![1; 700], Expect::Absent)
                        .put(key(b'b'), vec![2; 3_000], Expect::Absent);
                    records.commit(batch, Sync).await.unwrap().unwrap();
                    let line = format!("\nacknowledged {number}\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}
