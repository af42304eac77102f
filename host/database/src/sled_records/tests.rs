//! What only the embedded store promises; the contract itself is in `contract`.

use super::*;
use crate::records::Expect;
use crate::test_support::temporary_sled;

#[test]
fn a_directory_in_use_is_refused_as_locked() {
    let store = temporary_sled();
    let second = SledRecords::open(store.dir(), &SledSettings::default());
    assert!(matches!(second, Err(RecordsError::Locked)));
}

#[test]
fn a_directory_of_another_format_is_refused_with_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let db = sled::open(dir.path()).unwrap();
    db.insert("meta/format", "7").unwrap();
    drop(db);
    let Err(RecordsError::Unusable(text)) = SledRecords::open(dir.path(), &SledSettings::default())
    else {
        panic!("opened a directory of format 7");
    };
    assert!(
        text.contains("format 7") && text.contains("another data directory"),
        "{text}"
    );
}

#[test]
fn a_sled_database_of_somebody_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = sled::open(dir.path()).unwrap();
    db.insert("theirs", "x").unwrap();
    drop(db);
    let opened = SledRecords::open(dir.path(), &SledSettings::default());
    assert!(matches!(opened, Err(RecordsError::Unusable(_))));
}

#[test]
fn a_file_in_place_of_the_directory_is_refused_with_the_next_step() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let Err(RecordsError::Unusable(text)) =
        SledRecords::open(file.path(), &SledSettings::default())
    else {
        panic!("opened a file as a directory");
    };
    assert!(text.contains("cannot be used"), "{text}");
}

#[tokio::test]
async fn closing_gives_the_directory_free_at_once_and_keeps_relaxed_commits() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0_u8..5 {
        let store = SledRecords::open(dir.path(), &SledSettings::default()).unwrap();
        for earlier in 0..round {
            assert!(store.get(&[earlier]).await.unwrap().is_some());
        }
        let batch = Batch::new().put([round], &b"kept"[..], Expect::Absent);
        store
            .commit(batch, Durability::Relaxed)
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn a_snapshot_or_settings_half_written_when_killed_do_not_keep_the_store_closed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("conf"), [7; 10]).unwrap();
    let store = SledRecords::open(dir.path(), &SledSettings::default()).unwrap();
    let batch = Batch::new().put("k", "v", Expect::Absent);
    store
        .commit(batch, Durability::Sync)
        .await
        .unwrap()
        .unwrap();
    drop(store);
    let half = dir.path().join("snap.00000000FFFFFFFF.generating");
    for bytes in [&b""[..], &[7; 100]] {
        std::fs::write(&half, bytes).unwrap();
        let store = SledRecords::open(dir.path(), &SledSettings::default()).unwrap();
        assert!(store.get(b"k").await.unwrap().is_some());
        assert!(!half.exists());
    }
}

#[tokio::test]
async fn a_damaged_store_is_refused_with_the_next_step_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        drop(SledRecords::open(dir.path(), &SledSettings::default()).unwrap());
    }
    let snapshot = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let snapshot = snapshot
        .filter(|path| path.to_string_lossy().contains("snap."))
        .max()
        .unwrap();
    std::fs::write(&snapshot, [7; 100]).unwrap();
    let refused = SledRecords::open(dir.path(), &SledSettings::default()).map(drop);
    let Err(RecordsError::Unusable(text)) = refused else {
        panic!("{refused:?}")
    };
    assert!(text.contains("backup"), "{text}");
    assert_eq!(std::fs::read(&snapshot).unwrap(), [7; 100]);
}
