//! What is too large is refused before anything is written.

use super::{World, contract};
use crate::records::{
    BATCH_BYTES_MAX, BATCH_MAX, Batch, Durability::Sync, Expect, KEY_BYTES_MAX, RecordsError,
    VALUE_BYTES_MAX,
};

contract!(
    the_largest_key_and_value_are_accepted,
    what_is_over_a_limit_is_refused_and_nothing_is_written,
    a_key_that_appears_twice_is_refused,
    reads_of_keys_over_the_limit_are_refused,
);

async fn the_largest_key_and_value_are_accepted(world: World) {
    let (key, value) = (vec![0xff; KEY_BYTES_MAX], vec![7; VALUE_BYTES_MAX]);
    let batch = Batch::new().put(key.clone(), value.clone(), Expect::Absent);
    world.records().commit(batch, Sync).await.unwrap().unwrap();
    let world = world.reopened().await;
    assert_eq!(
        world.records().get(&key).await.unwrap().unwrap().value,
        value
    );
    assert_eq!(world.records().scan(&key, None, 9).await.unwrap().len(), 1);
    assert_eq!(
        world
            .records()
            .scan(b"", Some(&key), 9)
            .await
            .unwrap()
            .len(),
        0
    );
}

async fn what_is_over_a_limit_is_refused_and_nothing_is_written(world: World) {
    let many = |count: usize, value: usize| {
        (0..count).fold(Batch::new(), |batch, number| {
            batch.put(number.to_be_bytes(), vec![0; value], Expect::Any)
        })
    };
    let first = || Batch::new().put("first", "v", Expect::Any);
    for (what, batch) in [
        (
            "key",
            first().put(vec![0; KEY_BYTES_MAX + 1], "v", Expect::Any),
        ),
        (
            "key",
            first().delete(vec![0; KEY_BYTES_MAX + 1], Expect::Any),
        ),
        (
            "key",
            first().check(vec![0; KEY_BYTES_MAX + 1], Expect::Any),
        ),
        (
            "value",
            first().put("k", vec![0; VALUE_BYTES_MAX + 1], Expect::Any),
        ),
        ("operations", many(BATCH_MAX + 1, 1)),
        (
            "bytes",
            many(BATCH_BYTES_MAX / VALUE_BYTES_MAX + 1, VALUE_BYTES_MAX),
        ),
    ] {
        let result = world.records().commit(batch, Sync).await;
        assert!(
            matches!(result, Err(RecordsError::TooLarge { .. })),
            "{what}"
        );
        assert!(
            world.records().scan(b"", None, 1).await.unwrap().is_empty(),
            "{what}"
        );
    }
    world
        .records()
        .commit(many(BATCH_MAX, 1), Sync)
        .await
        .unwrap()
        .unwrap();
}

async fn a_key_that_appears_twice_is_refused(world: World) {
    for batch in [
        Batch::new()
            .put("k", "1", Expect::Any)
            .put("k", "2", Expect::Any),
        Batch::new()
            .put("k", "1", Expect::Any)
            .delete("k", Expect::Any),
        Batch::new()
            .check("k", Expect::Absent)
            .put("k", "1", Expect::Any),
    ] {
        let result = world.records().commit(batch, Sync).await;
        assert!(matches!(result, Err(RecordsError::RepeatedKey)));
        assert_eq!(world.records().get(b"k").await.unwrap(), None);
    }
}

async fn reads_of_keys_over_the_limit_are_refused(world: World) {
    let long = vec![0; KEY_BYTES_MAX + 1];
    let records = world.records();
    let refused = |result: Result<(), RecordsError>| {
        assert!(matches!(result, Err(RecordsError::TooLarge { .. })));
    };
    refused(records.get(&long).await.map(drop));
    refused(
        records
            .get_many(std::slice::from_ref(&long))
            .await
            .map(drop),
    );
    refused(
        records
            .get_many(&vec![vec![1]; BATCH_MAX + 1])
            .await
            .map(drop),
    );
    refused(records.scan(&long, None, 1).await.map(drop));
}
