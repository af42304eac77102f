//! Scans.

use super::{World, contract};
use crate::records::{BATCH_MAX, Batch, Durability, Expect, SCAN_MAX};

contract!(
    a_scan_is_in_byte_order_within_its_prefix_after_a_key_and_up_to_a_limit,
    pages_of_a_scan_give_every_key_once,
    a_scan_never_returns_more_than_its_maximum,
);

async fn fill(world: &World, keys: impl IntoIterator<Item = Vec<u8>>) {
    let batch = keys
        .into_iter()
        .fold(Batch::new(), |batch, key| batch.put(key, "v", Expect::Any));
    world
        .records()
        .commit(batch, Durability::Relaxed)
        .await
        .unwrap()
        .unwrap();
}

async fn a_scan_is_in_byte_order_within_its_prefix_after_a_key_and_up_to_a_limit(world: World) {
    let keys: [&[u8]; 10] = [
        b"",
        b"\x00",
        b"a",
        b"a\x00",
        b"a\x01",
        b"ab",
        b"b",
        b"\xfe\xff",
        b"\xff",
        b"\xff\xff\x00",
    ];
    fill(&world, keys.iter().rev().map(|key| key.to_vec())).await;
    type Case<'a> = (&'a [u8], Option<&'a [u8]>, usize, &'a [&'a [u8]]);
    let cases: [Case<'_>; 16] = [
        (b"", None, 100, &keys),
        (b"", Some(b""), 100, &keys[1..]),
        (b"", Some(b"a"), 2, &keys[3..5]),
        (b"a", None, 100, &keys[2..6]),
        (b"a", Some(b"a"), 100, &keys[3..6]),
        (b"a", Some(b"a\x00"), 100, &keys[4..6]),
        (b"a", Some(b"a\x00\x00"), 100, &keys[4..6]),
        (b"a", Some(b"ab"), 100, &[]),
        (b"a", Some(b"zz"), 100, &[]),
        // a start below the prefix changes nothing
        (b"a", Some(b""), 100, &keys[2..6]),
        (b"a", None, 0, &[]),
        (b"a", None, 3, &keys[2..5]),
        (b"\xff", None, 100, &keys[8..]),
        (b"\xff\xff", None, 100, &keys[9..]),
        (b"\xfe", None, 100, &keys[7..8]),
        (b"c", None, 100, &[]),
    ];
    for (prefix, after, limit, expected) in cases {
        let found = world.records().scan(prefix, after, limit).await.unwrap();
        let found: Vec<&[u8]> = found.iter().map(|(key, _)| key.as_slice()).collect();
        assert_eq!(
            found, expected,
            "prefix {prefix:x?} after {after:x?} limit {limit}"
        );
    }
}

async fn pages_of_a_scan_give_every_key_once(world: World) {
    fill(&world, (0..100_u8).map(|number| vec![b'p', number])).await;
    fill(&world, [b"o".to_vec(), b"q".to_vec()]).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = world
            .records()
            .scan(b"p", after.as_deref(), 7)
            .await
            .unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        seen.extend(page.into_iter().map(|(key, _)| key[1]));
    }
    assert_eq!(seen, (0..100).collect::<Vec<u8>>());
}

async fn a_scan_never_returns_more_than_its_maximum(world: World) {
    let key = |number: usize| u32::try_from(number).unwrap().to_be_bytes().to_vec();
    fill(&world, (0..BATCH_MAX).map(key)).await;
    fill(&world, (BATCH_MAX..BATCH_MAX + 10).map(key)).await;
    let found = world.records().scan(b"", None, usize::MAX).await.unwrap();
    assert_eq!(found.len(), SCAN_MAX);
}
