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
