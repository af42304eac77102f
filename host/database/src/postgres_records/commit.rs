//! One commit as one transaction.

use std::collections::{BTreeMap, HashMap};

use sqlx::{PgConnection, PgPool};

use crate::artifacts::sha256;
use crate::records::{Batch, CommitResult, Conflict, Durability, Expect, Operation, RecordsError};

/// Keys that a commit locks one by one. A larger batch locks everything once instead:
/// PostgreSQL's table of locks is small, and an import would fill it.
const LOCKED_KEYS_MAX: usize = 32;
/// The lock that small commits share and a large one has alone. Key locks are never
/// equal to it, see [`key_lock`].
const GATE: i64 = 0;
/// How often a transaction is tried that PostgreSQL broke off in favour of another.
/// Our own never wait for each other in a circle; those of an operator may.
const ATTEMPTS_MAX: usize = 5;

/// The keys that a batch writes.
pub(super) fn changed_keys(batch: &Batch) -> Vec<Vec<u8>> {
    let writes = |operation: &&Operation| !matches!(operation, Operation::Check { .. });
    batch
        .operations()
        .iter()
        .filter(writes)
        .map(|operation| operation.key().to_vec())
        .collect()
}

/// Carries out a batch.
pub(super) async fn commit(pool: &PgPool, batch: &Batch, durability: Durability) -> CommitResult {
    let mut attempts_left = ATTEMPTS_MAX;
    loop {
        attempts_left -= 1;
        match attempt(pool, batch, durability).await {
            Ok(result) => return Ok(result),
            Err(error) if attempts_left > 0 && was_broken_off(&error) => {
                tracing::debug!(%error, "a commit was broken off by PostgreSQL and is tried again");
            }
            Err(error) => return Err(RecordsError::engine(error)),
        }
    }
}

/// A serialization failure or a deadlock: rolled back, and safe to try again.
fn was_broken_off(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

async fn attempt(
    pool: &PgPool,
    batch: &Batch,
    durability: Durability,
) -> Result<Result<Vec<u64>, Conflict>, sqlx::Error> {
    // each statement must see what was committed before it took its locks
    let mut transaction = pool
        .begin_with("BEGIN ISOLATION LEVEL READ COMMITTED")
        .await?;
    lock(&mut transaction, batch, durability).await?;
    if let Some(conflict) = conflict(&mut transaction, batch).await? {
        transaction.rollback().await?;
        return Ok(Err(conflict));
    }
    let versions = write(&mut transaction, batch).await?;
    transaction.commit().await?;
    Ok(Ok(versions))
}

async fn lock(
    connection: &mut PgConnection,
    batch: &Batch,
    durability: Durability,
) -> Result<(), sqlx::Error> {
    // sorted, and each lock once: no two commits wait for each other in a circle
    let mut locks = BTreeMap::new();
    if batch.len() > LOCKED_KEYS_MAX {
        locks.insert(GATE, true);
    } else {
        locks.insert(GATE, false);
        for operation in batch.operations() {
            let exclusive = !matches!(operation, Operation::Check { .. });
            *locks.entry(key_lock(operation.key())).or_default() |= exclusive;
        }
    }
    let (locks, exclusive): (Vec<i64>, Vec<bool>) = locks.into_iter().unzip();
    sqlx::query(
        "SELECT set_config('synchronous_commit', 'off', true)::text WHERE $3 \
         UNION ALL \
         SELECT CASE WHEN exclusive THEN pg_advisory_xact_lock(lock)::text \
                     ELSE pg_advisory_xact_lock_shared(lock)::text END \
         FROM unnest($1::bigint[], $2::boolean[]) AS locks (lock, exclusive)",
    )
    .bind(locks)
    .bind(exclusive)
    .bind(durability == Durability::Relaxed)
    .execute(connection)
    .await
    .map(drop)
}

/// A number for a key, the same on every node. Two keys with one number only wait for
/// each other without need. Always above [`GATE`], which is therefore locked first.
fn key_lock(key: &[u8]) -> i64 {
    let digest = sha256(key);
    let number = digest
        .as_bytes()
        .first_chunk()
        .map_or(0, |bytes| i64::from_be_bytes(*bytes));
    (number & i64::MAX).max(GATE + 1)
}

async fn conflict(
    connection: &mut PgConnection,
    batch: &Batch,
) -> Result<Option<Conflict>, sqlx::Error> {
    let expecting: Vec<(&[u8], Expect)> = batch
        .operations()
        .iter()
        .map(|operation| (operation.key(), operation.expect()))
        .filter(|(_, expect)| *expect != Expect::Any)
        .collect();
    if expecting.is_empty() {
        return Ok(None);
    }
    let keys: Vec<&[u8]> = expecting.iter().map(|(key, _)| *key).collect();
    let rows: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT key, version FROM glovebox.records WHERE key = ANY($1)")
            .bind(keys)
            .fetch_all(connection)
            .await?;
    let versions: HashMap<Vec<u8>, u64> = rows
        .into_iter()
        .map(|(key, version)| (key, version.unsigned_abs()))
        .collect();
    Ok(expecting.into_iter().find_map(|(key, expect)| {
        let found = versions.get(key).copied();
        (!expect.holds(found)).then(|| Conflict {
            key: key.to_vec(),
            found,
        })
    }))
}

async fn write(connection: &mut PgConnection, batch: &Batch) -> Result<Vec<u64>, sqlx::Error> {
    let mut keys: Vec<&[u8]> = Vec::new();
    let mut values: Vec<&[u8]> = Vec::new();
    let mut deleted: Vec<&[u8]> = Vec::new();
    for operation in batch.operations() {
        match operation {
            Operation::Put { key, value, .. } => {
                keys.push(key);
                values.push(value);
            }
            Operation::Delete { key, .. } => deleted.push(key),
            Operation::Check { .. } => {}
        }
    }
    if !deleted.is_empty() {
        sqlx::query("DELETE FROM glovebox.records WHERE key = ANY($1)")
            .bind(deleted)
            .execute(&mut *connection)
            .await?;
    }
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let puts = keys.len();
    // the sequence is asked while the keys are locked, so that versions of a key grow
    let (version,): (i64,) = sqlx::query_as(
        "WITH next AS MATERIALIZED (SELECT nextval('glovebox.versions') AS version), \
         written AS ( \
             INSERT INTO glovebox.records (key, value, version) \
             SELECT put.key, put.value, next.version \
             FROM unnest($1::bytea[], $2::bytea[]) AS put (key, value), next \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version) \
         SELECT version FROM next",
    )
    .bind(keys)
    .bind(values)
    .fetch_one(&mut *connection)
    .await?;
    Ok(vec![version.unsigned_abs(); puts])
}
