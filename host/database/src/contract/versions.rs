//! Expectations, versions, atomicity, serialisability.

use std::sync::Arc;

use super::{World, contract};
use crate::records::{Batch, Conflict, Durability::Relaxed, Durability::Sync, Expect, Keyspace};

contract!(
    what_was_put_comes_back_with_its_version,
    an_expectation_that_fails_is_a_conflict_and_changes_nothing,
    a_batch_with_one_conflict_changes_nothing_and_names_the_first,
    versions_grow_and_are_never_reused,
    of_many_that_count_none_loses_an_update,
    of_many_that_consume_one_thing_exactly_one_succeeds,
    checks_prevent_write_skew,
    large_and_small_batches_do_not_block_each_other,
    an_abandoned_commit_is_carried_out_all_the_same,
    namespaces_do_not_see_each_other,
);

async fn what_was_put_comes_back_with_its_version(world: World) {
    let records = world.records();
    for durability in [Sync, Relaxed] {
        let batch = Batch::new()
            .put("a", "1", Expect::Any)
            .put("b", "", Expect::Any);
        let versions = records.commit(batch, durability).await.unwrap().unwrap();
        assert_eq!(versions.len(), 2);
        let a = records.get(b"a").await.unwrap().unwrap();
        assert_eq!((&*a.value, a.version), (&b"1"[..], versions[0]));
        let asked = [
            b"b".to_vec(),
            b"none".to_vec(),
            b"a".to_vec(),
            b"b".to_vec(),
        ];
        let many = records.get_many(&asked).await.unwrap();
        assert_eq!(many[0].as_ref().unwrap().version, versions[1]);
        assert_eq!(many[0].as_ref().unwrap().value.len(), 0);
        assert_eq!(many[1], None);
        assert_eq!(many[2], Some(a));
        assert_eq!(many[3], many[0]);
    }
    assert_eq!(records.get(b"none").await.unwrap(), None);
    let nothing = records.commit(Batch::new(), Sync).await.unwrap();
    assert_eq!(nothing, Ok(vec![]));
    let deletion = Batch::new()
        .delete("a", Expect::Any)
        .delete("none", Expect::Any);
    assert_eq!(records.commit(deletion, Sync).await.unwrap(), Ok(vec![]));
    assert_eq!(records.get(b"a").await.unwrap(), None);
}

async fn an_expectation_that_fails_is_a_conflict_and_changes_nothing(world: World) {
    let space = world.keyspace("n");
    let put = |expect| Batch::new().put("k", "new", expect);
    let delete = |expect| Batch::new().delete("k", expect);
    let check = |expect| Batch::new().check("k", expect);
    let version = space.commit(put(Expect::Any), Sync).await.unwrap().unwrap()[0];
    for present in [true, false] {
        for (expect, holds) in [
            (Expect::Any, true),
            (Expect::Absent, !present),
            (Expect::Version(version), present),
            (Expect::Version(version + 1), false),
            (Expect::Version(0), false),
        ] {
            for (name, batch) in [
                ("put", put(expect)),
                ("delete", delete(expect)),
                ("check", check(expect)),
            ] {
                // each case starts from a key of its own with the same history
                let space = world.keyspace(&format!("{present}{expect:?}{name}"));
                let mut batch = batch;
                let mut found = None;
                if present {
                    let first = Batch::new().put("k", "old", Expect::Absent);
                    let current = space.commit(first, Relaxed).await.unwrap().unwrap()[0];
                    found = Some(current);
                    if expect == Expect::Version(version) {
                        let expect = Expect::Version(current);
                        batch = match name {
                            "put" => put(expect),
                            "delete" => delete(expect),
                            _ => check(expect),
                        };
                    }
                }
                let before = space.get(b"k").await.unwrap();
                let result = space.commit(batch, Relaxed).await.unwrap();
                let case = format!("present {present}, {expect:?}, {name}");
                if holds {
                    assert!(result.is_ok(), "{case}");
                } else {
                    let conflict = Conflict {
                        key: b"k".to_vec(),
                        found,
                    };
                    assert_eq!(result, Err(conflict), "{case}");
                    assert_eq!(space.get(b"k").await.unwrap(), before, "{case}");
                }
            }
        }
    }
}

async fn a_batch_with_one_conflict_changes_nothing_and_names_the_first(world: World) {
    let records = world.records();
    let setup = Batch::new().put("kept", "old", Expect::Absent);
    let version = records.commit(setup, Sync).await.unwrap().unwrap()[0];
    let batch = Batch::new()
        .put("before", "x", Expect::Absent)
        .put("kept", "new", Expect::Any)
        .check("missing", Expect::Version(9))
        .delete("kept2", Expect::Version(9))
        .put("after", "x", Expect::Any);
    let conflict = records.commit(batch, Sync).await.unwrap().unwrap_err();
    assert_eq!(
        conflict,
        Conflict {
            key: b"missing".to_vec(),
            found: None
        }
    );
    let all = records.scan(b"", None, 10).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].0.as_slice(), &*all[0].1.value, all[0].1.version),
        (&b"kept"[..], &b"old"[..], version)
    );
}

async fn versions_grow_and_are_never_reused(world: World) {
    async fn put(world: &World) -> u64 {
        let batch = Batch::new().put("k", "v", Expect::Any);
        world.records().commit(batch, Sync).await.unwrap().unwrap()[0]
    }
    let mut world = world;
    let mut last = 0;
    for _ in 0..3 {
        for _ in 0..3 {
            let version = put(&world).await;
            assert!(version > last, "{version} after {last}");
            last = version;
        }
        world = world.reopened().await;
        let deletion = Batch::new().delete("k", Expect::Version(last));
        world
            .records()
            .commit(deletion, Sync)
            .await
            .unwrap()
            .unwrap();
        world = world.reopened().await;
    }
}

async fn of_many_that_count_none_loses_an_update(world: World) {
    const TASKS: usize = 16;
    const ROUNDS: usize = 20;
    async fn count(space: Keyspace) {
        for _ in 0..ROUNDS {
            loop {
                let before = space.get(b"counter").await.unwrap();
                let number = before.as_ref().map_or(0, |stored| {
                    std::str::from_utf8(&stored.value)
                        .unwrap()
                        .parse::<usize>()
                        .unwrap()
                });
                let expect =
                    before.map_or(Expect::Absent, |stored| Expect::Version(stored.version));
                let batch = Batch::new().put("counter", (number + 1).to_string(), expect);
                if space.commit(batch, Relaxed).await.unwrap().is_ok() {
                    break;
                }
            }
        }
    }
    let space = world.keyspace("counters");
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| tokio::spawn(count(space.clone())))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let counter = space.get(b"counter").await.unwrap().unwrap();
    assert_eq!(&*counter.value, (TASKS * ROUNDS).to_string().as_bytes());
}

async fn of_many_that_consume_one_thing_exactly_one_succeeds(world: World) {
    let space = world.keyspace("codes");
    for round in 0..10_u8 {
        let code = Batch::new().put([round], "code", Expect::Absent);
        let version = space.commit(code, Sync).await.unwrap().unwrap()[0];
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let space = space.clone();
                let batch = Batch::new().delete([round], Expect::Version(version));
                tokio::spawn(async move { space.commit(batch, Sync).await.unwrap().is_ok() })
            })
            .collect();
        let mut winners = 0;
        for task in tasks {
            winners += usize::from(task.await.unwrap());
        }
        assert_eq!(winners, 1);
    }
}

/// Each of two commits reads what the other writes: in any order of the two, the
/// second must see the first.
async fn checks_prevent_write_skew(world: World) {
    for round in 0..25_u8 {
        let space = world.keyspace(&format!("skew-{round}"));
        let commit = |reads: &'static str, writes: &'static str| {
            let space = space.clone();
            let batch = Batch::new()
                .check(reads, Expect::Absent)
                .put(writes, "x", Expect::Absent);
            tokio::spawn(async move { space.commit(batch, Relaxed).await.unwrap().is_ok() })
        };
        let (left, right) = (commit("a", "b"), commit("b", "a"));
        let succeeded = [left.await.unwrap(), right.await.unwrap()];
        assert_eq!(
            succeeded.iter().filter(|ok| **ok).count(),
            1,
            "{succeeded:?}"
        );
    }
}

async fn large_and_small_batches_do_not_block_each_other(world: World) {
    let tasks: Vec<_> = (0..12_u16)
        .map(|number| {
            let records = Arc::clone(world.records());
            let size = if number % 3 == 0 { 300 } else { 20 };
            tokio::spawn(async move {
                for _ in 0..5 {
                    // opposite orders of the same keys
                    let keys = (0..size)
                        .map(|key: u16| if number % 2 == 0 { key } else { size - 1 - key });
                    let batch = keys.fold(Batch::new(), |batch, key| {
                        batch.put(
                            key.to_be_bytes(),
                            number.to_be_bytes().to_vec(),
                            Expect::Any,
                        )
                    });
                    records.commit(batch, Relaxed).await.unwrap().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let all = world.records().scan(b"", None, 4_096).await.unwrap();
    assert_eq!(all.len(), 300);
    // whole batches won, never parts of two: 0..20 and 20..300 each have one version
    assert!(
        all[20..]
            .iter()
            .all(|(_, stored)| stored.version == all[20].1.version)
    );
    assert!(
        all[..20]
            .iter()
            .all(|(_, stored)| stored.version == all[0].1.version)
    );
}

async fn an_abandoned_commit_is_carried_out_all_the_same(world: World) {
    let batch = Batch::new()
        .put("a", "1", Expect::Absent)
        .put("b", "2", Expect::Absent);
    let commit = world.records().commit(batch, Sync);
    let abandoned = tokio::time::timeout(std::time::Duration::ZERO, commit).await;
    let outcome = Batch::new().check("a", Expect::Absent);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while world
        .records()
        .commit(outcome.clone(), Relaxed)
        .await
        .unwrap()
        .is_ok()
    {
        assert!(
            tokio::time::Instant::now() < deadline,
            "lost ({abandoned:?})"
        );
        tokio::task::yield_now().await;
    }
    assert!(world.records().get(b"b").await.unwrap().is_some());
}

async fn namespaces_do_not_see_each_other(world: World) {
    let (ab, abc) = (world.keyspace("ab"), world.keyspace("abc"));
    ab.commit(Batch::new().put("c1", "of ab", Expect::Absent), Sync)
        .await
        .unwrap()
        .unwrap();
    abc.commit(Batch::new().put("1", "of abc", Expect::Absent), Sync)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ab.get(b"1").await.unwrap(), None);
    assert_eq!(abc.get(b"c1").await.unwrap(), None);
    assert_eq!(&*ab.get(b"c1").await.unwrap().unwrap().value, b"of ab");
    assert_eq!(
        ab.get_many(&[b"c1".to_vec(), b"1".to_vec()]).await.unwrap()[1],
        None
    );
    for (space, key) in [(&ab, &b"c1"[..]), (&abc, b"1")] {
        let all = space.scan(b"", None, 10).await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].0, key);
        assert!(space.scan(b"", Some(key), 10).await.unwrap().is_empty());
    }
    let conflict = ab
        .commit(Batch::new().check("c1", Expect::Absent), Sync)
        .await
        .unwrap();
    assert_eq!(conflict.unwrap_err().key, b"c1");
    let both = Batch::new().check(ab.absolute(b"c1"), Expect::Any).put(
        abc.absolute(b"2"),
        "across",
        Expect::Absent,
    );
    ab.records().commit(both, Sync).await.unwrap().unwrap();
    assert!(abc.get(b"2").await.unwrap().is_some());
}
