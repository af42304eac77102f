//! What only the shared store promises; the contract itself is in `contract`.

use super::*;
use crate::contract::World;
use crate::contract::watching::next;
use crate::records::Expect;

async fn change(records: &Arc<dyn Records>, key: &str) {
    let batch = Batch::new().put(key, "v", Expect::Any);
    records
        .commit(batch, Durability::Relaxed)
        .await
        .unwrap()
        .unwrap();
}

async fn sql(world: &World, statement: &'static str) {
    use sqlx::{Connection, PgConnection};
    let mut connection = PgConnection::connect(&world.address()).await.unwrap();
    sqlx::query(statement)
        .execute(&mut connection)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_hears_of_changes_and_sees_them() {
    let Some(world) = World::postgres().await else {
        return;
    };
    let other = world.another().await;
    let mut hints = other.watch(b"fence/");
    change(world.records(), "elsewhere").await;
    change(world.records(), "fence/a").await;
    assert_eq!(next(&mut hints).await, Hint::Changed(b"fence/a".to_vec()));
    assert!(other.get(b"fence/a").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_changes_than_a_notification_holds_are_a_resync_elsewhere() {
    let Some(world) = World::postgres().await else {
        return;
    };
    let other = world.another().await;
    let mut hints = other.watch(b"fence/");
    let batch = (0..1_000_u32).fold(Batch::new(), |batch, number| {
        batch.put(format!("key/{number:020}"), "v", Expect::Any)
    });
    world
        .records()
        .commit(batch, Durability::Relaxed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(next(&mut hints).await, Hint::Resync);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_a_resync_and_hints_go_on_after_it() {
    let Some(world) = World::postgres().await else {
        return;
    };
    let other = world.another().await;
    let mut hints = world.records().watch(b"fence/");
    sql(
        &world,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE query LIKE 'LISTEN%' AND datname = current_database()",
    )
    .await;
    assert_eq!(next(&mut hints).await, Hint::Resync);
    // the resync before listening again may be followed by one after it
    loop {
        change(&other, "fence/a").await;
        match tokio::time::timeout(Duration::from_millis(500), hints.recv()).await {
            Ok(Ok(Hint::Changed(key))) => break assert_eq!(key, b"fence/a"),
            Ok(Ok(Hint::Resync)) | Err(_) => {}
            Ok(Err(error)) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_work_again_after_connections_were_lost() {
    let Some(world) = World::postgres().await else {
        return;
    };
    change(world.records(), "before").await;
    sql(
        &world,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE pid <> pg_backend_pid() AND datname = current_database()",
    )
    .await;
    change(world.records(), "after").await;
    assert!(world.records().get(b"before").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_on_an_empty_database_make_one_store() {
    let Ok(server) = crate::test_support::postgres::Server::shared() else {
        return crate::contract::skip("no server");
    };
    let url = server.new_database().await;
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                PostgresRecords::connect(&url, &PostgresSettings::default())
                    .await
                    .map(drop)
            })
        })
        .collect();
    for node in nodes {
        node.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_of_another_format_is_refused_with_the_next_step() {
    let Some(world) = World::postgres().await else {
        return;
    };
    for (statement, says) in [
        ("UPDATE glovebox.format SET format = 7", "format 7"),
        ("DELETE FROM glovebox.format", "restore it"),
    ] {
        sql(&world, statement).await;
        let settings = PostgresSettings::default();
        let refused = PostgresRecords::connect(&world.address(), &settings).await;
        let Err(RecordsError::Unusable(text)) = refused else {
            panic!("took another format")
        };
        assert!(text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_refused_with_the_next_step() {
    for url in [
        "postgres://nobody:hunter2@127.0.0.1:1/none",
        "mysql://x:hunter2@y/z",
        "hunter2",
    ] {
        let refused = PostgresRecords::connect(url, &PostgresSettings::default()).await;
        let Err(RecordsError::Unusable(text)) = refused else {
            panic!("{url} was taken")
        };
        assert!(text.contains("check that it runs"), "{text}");
        assert!(
            !text.contains("hunter2"),
            "the text gives the password away: {text}"
        );
    }
}

#[test]
fn the_end_of_a_prefix_is_after_all_its_keys() {
    for (prefix, end) in [
        (&b"a"[..], b"b".to_vec()),
        (b"a\xff", b"b".to_vec()),
        (b"a\xfe", b"a\xff".to_vec()),
        (b"", vec![0xff; KEY_BYTES_MAX + 1]),
        (b"\xff\xff", vec![0xff; KEY_BYTES_MAX + 1]),
    ] {
        assert_eq!(end_of(prefix), end, "{prefix:x?}");
    }
}
