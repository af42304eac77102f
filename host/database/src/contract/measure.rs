//! Figures, printed on demand:
//! `cargo test -p glovebox-database measure -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::postgres_records::{PostgresRecords, PostgresSettings};
use crate::records::{Batch, Durability, Expect, Records};
use crate::sled_records::{SledRecords, SledSettings};
use crate::test_support::postgres::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures, checks nothing"]
async fn figures_of_sled() {
    let dir = tempfile::tempdir().unwrap();
    let records = SledRecords::open(dir.path(), &SledSettings::default()).unwrap();
    let records: Arc<dyn Records> = records;
    measure("sled", &records, 200_000, 2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures, checks nothing"]
async fn figures_of_postgres() {
    // a server that does fsync, unlike the one that the other tests share
    match Server::start(&["fsync=on"]) {
        Ok(server) => {
            let url = server.new_database().await;
            let settings = PostgresSettings::default();
            let records: Arc<dyn Records> =
                PostgresRecords::connect(&url, &settings).await.unwrap();
            measure("postgres", &records, 3_000, 500).await;
        }
        Err(reason) => super::skip(&reason),
    }
}

async fn measure(name: &str, records: &Arc<dyn Records>, reads: u32, writes: u32) {
    let key = |number: u32| number.to_be_bytes().to_vec();
    for start in (0..20_000_u32).step_by(1_000) {
        let batch = (start..start + 1_000).fold(Batch::new(), |batch, number| {
            batch.put(key(number), vec![7; 500], Expect::Any)
        });
        records
            .commit(batch, Durability::Relaxed)
            .await
            .unwrap()
            .unwrap();
    }

    let start = Instant::now();
    for number in 0..reads {
        assert!(
            records
                .get(&key(number.wrapping_mul(7_919) % 20_000))
                .await
                .unwrap()
                .is_some()
        );
    }
    println!(
        "{name}: get {} ns",
        start.elapsed().as_nanos() / u128::from(reads)
    );

    let start = Instant::now();
    for _ in 0..50 {
        assert_eq!(records.scan(b"", None, 100).await.unwrap().len(), 100);
    }
    println!(
        "{name}: scan of 100 entries {} us",
        start.elapsed().as_micros() / 50
    );

    for durability in [Durability::Relaxed, Durability::Sync] {
        let mut took = Vec::new();
        for number in 0..writes {
            let batch = Batch::new().put(key(number), vec![8; 500], Expect::Any);
            let start = Instant::now();
            records.commit(batch, durability).await.unwrap().unwrap();
            took.push(start.elapsed());
        }
        took.sort_unstable();
        let at = |share: usize| took[took.len() * share / 100].as_micros();
        println!(
            "{name}: {durability:?} commit, one writer: median {} us, p99 {} us",
            at(50),
            at(99)
        );

        let start = Instant::now();
        let writers: Vec<_> = (0..16_u32)
            .map(|writer| {
                let records = Arc::clone(records);
                tokio::spawn(async move {
                    for number in 0..writes / 8 {
                        let batch = Batch::new().put(
                            key(writer * 1_000 + number),
                            vec![9; 500],
                            Expect::Any,
                        );
                        records.commit(batch, durability).await.unwrap().unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let elapsed = start.elapsed().max(Duration::from_micros(1)).as_secs_f64();
        let rate = f64::from(writes / 8 * 16) / elapsed;
        println!("{name}: {durability:?} commits, sixteen writers: {rate:.0} per second");
    }
}
