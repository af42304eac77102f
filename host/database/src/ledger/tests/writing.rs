use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::*;
use crate::records::CommitResult;
use crate::{Batch, Durability, Hint, Records, RecordsError, Stored};

/// Records whose commits can be made to fail, and that count them.
struct Switched {
    inner: Arc<dyn Records>,
    failing: AtomicBool,
    commits: AtomicUsize,
}

#[async_trait]
impl Records for Switched {
    async fn get(&self, key: &[u8]) -> Result<Option<Stored>, RecordsError> {
        self.inner.get(key).await
    }
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Stored>>, RecordsError> {
        self.inner.get_many(keys).await
    }
    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Stored)>, RecordsError> {
        self.inner.scan(prefix, after, limit).await
    }
    async fn commit(&self, batch: Batch, durability: Durability) -> CommitResult {
        assert_eq!(
            durability,
            Durability::Sync,
            "an anchor must survive power loss"
        );
        if self.failing.load(Ordering::SeqCst) {
            return Err(RecordsError::Unusable("the store is away".to_owned()));
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.inner.commit(batch, durability).await
    }
    fn watch(&self, prefix: &[u8]) -> broadcast::Receiver<Hint> {
        self.inner.watch(prefix)
    }
}

async fn on_switched(place: &Place, settings: LedgerSettings) -> (Arc<Switched>, Ledger) {
    let records = Arc::new(Switched {
        inner: place.store.records(),
        failing: AtomicBool::new(false),
        commits: AtomicUsize::new(0),
    });
    let anchors = Keyspace::new(Arc::clone(&records) as Arc<dyn Records>, "ledger");
    let clock = Arc::new(place.clock.clone());
    let ledger = Ledger::open(
        dir(place.files.path()),
        anchors,
        &place.key,
        clock,
        settings,
    )
    .await
    .unwrap();
    (records, ledger)
}

#[tokio::test]
async fn a_durable_append_is_anchored_when_it_returns() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    let appended = ledger
        .append_durable(read_of("lab-viewer", "anna-rossi"))
        .await
        .unwrap();
    assert_eq!(place.anchor().await, Some((appended.seq, appended.hash)));
    assert_eq!(ledger.durable_seq(), appended.seq);
}

#[tokio::test]
async fn a_relaxed_append_is_in_the_file_at_once_and_anchored_soon() {
    let place = Place::new();
    let settings = LedgerSettings {
        flush_every: Duration::from_millis(10),
        ..LedgerSettings::default()
    };
    let ledger = place.open(settings).await.unwrap();
    let appended = ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    assert_eq!(lines(&place.segment(1)).len(), 2);
    while place.anchor().await != Some((appended.seq, appended.hash)) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn many_waiters_share_a_group() {
    let place = Place::new();
    let (records, ledger) = on_switched(&place, lazy()).await;
    let before = records.commits.load(Ordering::SeqCst);
    let mut waiters = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let ledger = ledger.clone();
        waiters.spawn(async move {
            ledger
                .append_durable(read_of("lab-viewer", "anna-rossi"))
                .await
                .unwrap();
        });
    }
    waiters.join_all().await;
    let groups = records.commits.load(Ordering::SeqCst) - before;
    assert!(groups <= 20, "200 waiters took {groups} groups");
    assert_eq!(ledger.durable_seq(), 201);
}

#[tokio::test]
async fn threads_append_without_gaps() {
    let place = Place::new();
    let ledger = place.open(small()).await.unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
                }
            });
        }
    });
    ledger.shutdown().await.unwrap();
    let key = ledger.public_key();
    let report = verify(
        &dir(place.files.path()),
        place.anchor().await,
        Some(&key),
        |_| {},
    )
    .unwrap();
    assert_eq!(report.entries, ledger.head().0);
    assert!(report.entries > 201 && report.segments > 10, "{report:?}");
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_taken() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    let unwritable = std::fs::File::open(place.segment(1)).unwrap();
    ledger.shared().writer().file = Arc::new(unwritable);
    let event = || read_of("lab-viewer", "anna-rossi");
    assert!(matches!(
        ledger.append(event()),
        Err(LedgerError::Poisoned(_))
    ));
    assert!(matches!(
        ledger.append(event()),
        Err(LedgerError::Poisoned(_))
    ));
    assert!(matches!(
        ledger.intent(event()).await,
        Err(LedgerError::Poisoned(_))
    ));
    assert!(matches!(
        ledger.shutdown().await,
        Err(LedgerError::Poisoned(_))
    ));
    assert_eq!(ledger.head().0, 1);
}

#[tokio::test]
async fn a_full_disk_poisons_the_ledger() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    ledger.shared().writer().file = Arc::new(full);
    let refused = ledger.append(read_of("lab-viewer", "anna-rossi"));
    assert!(matches!(refused, Err(LedgerError::Poisoned(_))));
    // what was taken before can still be read
    assert_eq!(ledger.search(&Filter::default()).unwrap().len(), 1);
}

#[tokio::test]
async fn a_failed_fsync_poisons_the_ledger_for_good() {
    let place = Place::new();
    let settings = LedgerSettings {
        flush_every: Duration::from_millis(10),
        ..LedgerSettings::default()
    };
    let ledger = place.open(settings).await.unwrap();
    let anchor = place.anchor().await;
    // takes writes, refuses fsync
    let null = std::fs::File::options()
        .write(true)
        .open("/dev/null")
        .unwrap();
    ledger.shared().writer().file = Arc::new(null);
    let refused = ledger
        .append_durable(read_of("lab-viewer", "anna-rossi"))
        .await;
    assert!(
        matches!(refused, Err(LedgerError::Poisoned(_))),
        "{refused:?}"
    );
    tokio::time::sleep(Duration::from_millis(50)).await;
    let refused = ledger.append(read_of("lab-viewer", "anna-rossi"));
    assert!(matches!(refused, Err(LedgerError::Poisoned(_))));
    assert_eq!(place.anchor().await, anchor, "nothing was anchored");
}

#[tokio::test]
async fn while_the_head_cannot_be_anchored_nothing_is_taken() {
    let place = Place::new();
    let settings = LedgerSettings {
        flush_every: Duration::from_millis(10),
        ..LedgerSettings::default()
    };
    let (records, ledger) = on_switched(&place, settings).await;
    let event = || read_of("lab-viewer", "anna-rossi");
    records.failing.store(true, Ordering::SeqCst);
    assert!(matches!(
        ledger.append_durable(event()).await,
        Err(LedgerError::Unanchored(_))
    ));
    assert!(matches!(
        ledger.append(event()),
        Err(LedgerError::Unanchored(_))
    ));
    records.failing.store(false, Ordering::SeqCst);
    while ledger.append(event()).is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ledger.flush().await.unwrap();
    assert_eq!(place.anchor().await.unwrap().0, ledger.head().0);
}

#[tokio::test]
async fn an_entry_over_the_limit_is_refused_and_changes_nothing() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    let big = read_of("lab-viewer", "anna-rossi").with("note", "x".repeat(LINE_BYTES_MAX));
    assert!(matches!(
        ledger.append(big),
        Err(LedgerError::TooLarge { .. })
    ));
    assert_eq!(
        ledger
            .append(read_of("lab-viewer", "anna-rossi"))
            .unwrap()
            .seq,
        2
    );
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let place = Place::new();
    let _ledger = place.open(lazy()).await.unwrap();
    assert!(matches!(place.open(lazy()).await, Err(LedgerError::InUse)));
}

#[tokio::test]
async fn who_finds_the_anchor_moved_by_another_stops() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    // another process works on a copy of the files with the same records
    let copy = place.crash();
    let other = place.open_at(copy.path(), lazy()).await.unwrap();
    other
        .append_durable(read_of("med-check", "tom-rossi"))
        .await
        .unwrap();
    let refused = ledger
        .append_durable(read_of("lab-viewer", "anna-rossi"))
        .await;
    assert!(
        matches!(refused, Err(LedgerError::Poisoned(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_closed_ledger_takes_nothing_and_ends_with_a_checkpoint() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    ledger.shutdown().await.unwrap();
    ledger.shutdown().await.unwrap();
    let refused = ledger.append(read_of("lab-viewer", "anna-rossi"));
    assert!(matches!(refused, Err(LedgerError::Closed)));
    let lines = lines(&place.segment(1));
    assert_eq!(lines.len(), 3);
    assert!(lines[2].contains("\"kind\":\"ledger.checkpoint\""));
    assert_eq!(place.anchor().await.unwrap().0, 3);
}

#[tokio::test]
async fn a_checkpoint_follows_every_so_many_entries() {
    let place = Place::new();
    let settings = LedgerSettings {
        checkpoint_every: 5,
        ..lazy()
    };
    let ledger = place.open(settings).await.unwrap();
    for _ in 0..9 {
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    }
    let kinds: Vec<_> = lines(&place.segment(1))
        .iter()
        .enumerate()
        .filter(|(_, line)| line.contains("ledger.checkpoint"))
        .map(|(at, _)| at + 1)
        .collect();
    assert_eq!(kinds, [6, 12]);
}

#[tokio::test]
async fn a_segment_is_sealed_at_its_age() {
    let place = Place::new();
    let ledger = place.open(lazy()).await.unwrap();
    place.clock.advance(Duration::from_secs(24 * 60 * 60));
    ledger
        .append_durable(read_of("lab-viewer", "anna-rossi"))
        .await
        .unwrap();
    ledger
        .append_durable(read_of("lab-viewer", "tom-rossi"))
        .await
        .unwrap();
    assert!(
        lines(&place.segment(1))
            .last()
            .unwrap()
            .contains("ledger.checkpoint")
    );
    assert_eq!(lines(&place.segment(2)).len(), 1);
    assert!(place.files.path().join(segment::sidecar_name(1)).exists());
    ledger.shutdown().await.unwrap();
    drop(ledger);
    let key = Place::public_key(&place);
    verify(
        &dir(place.files.path()),
        place.anchor().await,
        Some(&key),
        |_| {},
    )
    .unwrap();
}

#[tokio::test]
async fn an_append_takes_microseconds() {
    let place = Place::new();
    let ledger = place.open(LedgerSettings::default()).await.unwrap();
    let rounds = 20_000;
    let began = tokio::time::Instant::now();
    for _ in 0..rounds {
        ledger.append(read_of("lab-viewer", "anna-rossi")).unwrap();
    }
    let micros = began.elapsed().as_micros() as f64 / f64::from(rounds);
    println!("{micros:.2} µs per append");
    assert!(micros < 500.0, "{micros} µs per append");
}
