//! Any sequence of commits does what a map in memory does.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{World, contract};
use crate::records::{Batch, Durability, Expect};

contract!(any_sequence_of_commits_does_what_a_map_does);

#[derive(Clone, Copy, Debug)]
enum Act {
    Put,
    Delete,
    Check,
}

#[derive(Clone, Copy, Debug)]
enum Hope {
    Any,
    Absent,
    Right,
    Wrong,
}

type Step = (u8, Act, Hope);

fn sequences() -> impl Strategy<Value = Vec<(Vec<Step>, bool)>> {
    let act = prop_oneof![3 => Just(Act::Put), 2 => Just(Act::Delete), 1 => Just(Act::Check)];
    let hope = prop_oneof![
        4 => Just(Hope::Any), 2 => Just(Hope::Absent), 4 => Just(Hope::Right), 1 => Just(Hope::Wrong)
    ];
    let steps = prop::collection::vec((0_u8..12, act, hope), 0..5);
    prop::collection::vec((steps, any::<bool>()), 1..40)
}

async fn any_sequence_of_commits_does_what_a_map_does(world: World) {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let mut runner = TestRunner::new(Config {
            cases: 24,
            failure_persistence: None,
            ..Config::default()
        });
        let case = std::cell::Cell::new(0_u32);
        runner
            .run(&sequences(), |sequence| {
                case.set(case.get() + 1);
                let space = world.keyspace(&format!("case-{}", case.get()));
                runtime.block_on(play(&space, &sequence));
                Ok(())
            })
            .unwrap();
    });
}

async fn play(space: &crate::records::Keyspace, sequence: &[(Vec<Step>, bool)]) {
    let mut model: BTreeMap<u8, (u64, Vec<u8>)> = BTreeMap::new();
    let mut newest = 0;
    for (number, (steps, sync)) in sequence.iter().enumerate() {
        let mut batch = Batch::new();
        let mut after = model.clone();
        let mut written = Vec::new();
        let mut holds = true;
        let value = number.to_string().into_bytes();
        for (index, (key, act, hope)) in steps.iter().enumerate() {
            if steps[..index].iter().any(|(earlier, ..)| earlier == key) {
                continue;
            }
            let found = model.get(key).map(|(version, _)| *version);
            let expect = match hope {
                Hope::Any => Expect::Any,
                Hope::Absent => Expect::Absent,
                Hope::Right => found.map_or(Expect::Absent, Expect::Version),
                Hope::Wrong => Expect::Version(u64::from(*key)),
            };
            holds &= match hope {
                Hope::Any | Hope::Right => true,
                Hope::Absent => found.is_none(),
                Hope::Wrong => found == Some(u64::from(*key)),
            };
            batch = match act {
                Act::Put => {
                    written.push(*key);
                    batch.put([*key], value.clone(), expect)
                }
                Act::Delete => {
                    after.remove(key);
                    batch.delete([*key], expect)
                }
                Act::Check => batch.check([*key], expect),
            };
        }
        let durability = if *sync {
            Durability::Sync
        } else {
            Durability::Relaxed
        };
        match space.commit(batch, durability).await.unwrap() {
            Ok(versions) => {
                assert!(holds, "a commit succeeded whose expectation does not hold");
                assert_eq!(versions.len(), written.len());
                for (key, version) in written.into_iter().zip(versions) {
                    assert!(version > newest);
                    after.insert(key, (version, value.clone()));
                }
                newest = after
                    .values()
                    .map(|(version, _)| *version)
                    .max()
                    .unwrap_or(0)
                    .max(newest);
                model = after;
            }
            Err(_) => assert!(!holds, "a conflict where every expectation holds"),
        }
        let found = space.scan(b"", None, 100).await.unwrap();
        let found: BTreeMap<u8, (u64, Vec<u8>)> = found
            .into_iter()
            .map(|(key, stored)| (key[0], (stored.version, stored.value.to_vec())))
            .collect();
        assert_eq!(found, model);
    }
}
