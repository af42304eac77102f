//! Hints.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;

use super::{World, contract};
use crate::records::{Batch, Durability::Relaxed, Expect, Hint};

contract!(
    a_watcher_hears_of_its_prefix_and_of_nothing_else,
    a_namespace_watches_its_own_keys
);

/// The next hint, or the failure of the test: nothing is waited for longer.
pub(crate) async fn next(receiver: &mut Receiver<Hint>) -> Hint {
    tokio::time::timeout(Duration::from_secs(10), receiver.recv())
        .await
        .expect("a hint")
        .unwrap()
}

async fn a_watcher_hears_of_its_prefix_and_of_nothing_else(world: World) {
    let records = world.records();
    let (mut fences, mut all) = (records.watch(b"fence/"), records.watch(b""));
    let setup = Batch::new()
        .put("fence/a", "1", Expect::Absent)
        .put("other", "1", Expect::Absent);
    records.commit(setup, Relaxed).await.unwrap().unwrap();
    let conflict = Batch::new().put("fence/no", "1", Expect::Version(1));
    records
        .commit(conflict, Relaxed)
        .await
        .unwrap()
        .unwrap_err();
    let later = Batch::new()
        .check("fence/b", Expect::Absent)
        .delete("fence/a", Expect::Any);
    records.commit(later, Relaxed).await.unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(next(&mut fences).await, Hint::Changed(b"fence/a".to_vec()));
    }
    assert_eq!(next(&mut all).await, Hint::Changed(b"fence/a".to_vec()));
    assert_eq!(next(&mut all).await, Hint::Changed(b"other".to_vec()));
    assert!(fences.is_empty());
}

async fn a_namespace_watches_its_own_keys(world: World) {
    let (ours, theirs) = (world.keyspace("ours"), world.keyspace("theirs"));
    let mut watch = ours.watch(b"f/");
    for space in [&theirs, &ours] {
        space
            .commit(Batch::new().put("f/1", "", Expect::Any), Relaxed)
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(watch.next().await, Some(Hint::Changed(b"f/1".to_vec())));
    // who falls behind is told to read everything again, not that all is well
    for _ in 0..300 {
        ours.commit(Batch::new().put("f/1", "", Expect::Any), Relaxed)
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(watch.next().await, Some(Hint::Resync));
}
