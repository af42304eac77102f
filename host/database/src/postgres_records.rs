//! The shared store: [`Records`] on PostgreSQL, for several nodes.
//!
//! Commits are serialised by locks on their keys, not by retrying: every commit takes
//! an advisory lock on each key it names (shared for a check), in one order, before it
//! reads; all locks are held until it is committed. That is strict two-phase locking,
//! so commits are serialisable, and many that want one key wait instead of failing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::limits;
use crate::records::{
    Batch, CommitResult, Durability, Hint, KEY_BYTES_MAX, Records, RecordsError, SCAN_MAX, Stored,
};
use crate::watch::Watchers;

mod commit;
mod hints;
mod schema;
#[cfg(test)]
mod tests;

/// How long a caller waits for a free connection.
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(5);

/// One row of the table.
type Row = (Vec<u8>, Vec<u8>, i64);

/// How the shared store is used.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// Connections that this node may hold, besides the one that listens for hints.
    pub connections_max: u32,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            connections_max: 16,
        }
    }
}

/// [`Records`] on PostgreSQL.
pub struct PostgresRecords {
    pool: PgPool,
    watchers: Arc<Watchers>,
    hints: hints::Outbox,
    tasks: Vec<JoinHandle<()>>,
}

impl PostgresRecords {
    /// Connects to `url` (`postgres://user:password@host/database`), and creates the
    /// schema `glovebox` there if it is the first to come. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`RecordsError::Unusable`] with the next step in its text, if the server cannot
    /// be reached or holds another format.
    pub async fn connect(
        url: &str,
        settings: &PostgresSettings,
    ) -> Result<Arc<Self>, RecordsError> {
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections_max.saturating_add(1))
            .acquire_timeout(CONNECTION_WAIT_MAX)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // a durable answer must be one, whatever the server's default is
                    sqlx::query(
                        "SELECT set_config('synchronous_commit', 'on', false) \
                         WHERE current_setting('synchronous_commit') = 'off'",
                    )
                    .execute(connection)
                    .await
                    .map(drop)
                })
            })
            .connect(url)
            .await
            .map_err(|error| unreachable_server(&error))?;
        schema::prepare(&pool).await?;
        let watchers = Arc::new(Watchers::default());
        let node = hints::Node::new()?;
        let (outbox, sender) = hints::Outbox::start(pool.clone(), node);
        let listener = hints::listen(pool.clone(), node, Arc::clone(&watchers)).await?;
        Ok(Arc::new(Self {
            pool,
            watchers,
            hints: outbox,
            tasks: vec![sender, listener],
        }))
    }
}

fn unreachable_server(error: &sqlx::Error) -> RecordsError {
    RecordsError::Unusable(format!(
        "PostgreSQL cannot be used: {error}; check that it runs, and that the address, user and \
         password of the database setting are right",
    ))
}

fn stored(value: Vec<u8>, version: i64) -> Stored {
    // versions come from a sequence that starts at one
    Stored {
        value: Bytes::from(value),
        version: version.unsigned_abs(),
    }
}

#[async_trait]
impl Records for PostgresRecords {
    async fn get(&self, key: &[u8]) -> Result<Option<Stored>, RecordsError> {
        limits::key(key)?;
        let row: Option<(Vec<u8>, i64)> =
            sqlx::query_as("SELECT value, version FROM glovebox.records WHERE key = $1")
                .bind(key)
                .fetch_optional(&self.pool)
                .await
                .map_err(RecordsError::engine)?;
        Ok(row.map(|(value, version)| stored(value, version)))
    }

    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Stored>>, RecordsError> {
        limits::keys(keys)?;
        let rows: Vec<Row> =
            sqlx::query_as("SELECT key, value, version FROM glovebox.records WHERE key = ANY($1)")
                .bind(keys)
                .fetch_all(&self.pool)
                .await
                .map_err(RecordsError::engine)?;
        let found: HashMap<Vec<u8>, Stored> = rows
            .into_iter()
            .map(|(key, value, version)| (key, stored(value, version)))
            .collect();
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Stored)>, RecordsError> {
        limits::key(prefix)?;
        let from = match after {
            // the first key after `after` in byte order is `after` with a zero byte
            Some(after) if after >= prefix => [after, &[0]].concat(),
            _ => prefix.to_vec(),
        };
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT key, value, version FROM glovebox.records \
             WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3",
        )
        .bind(from)
        .bind(end_of(prefix))
        .bind(i64::try_from(limit.min(SCAN_MAX)).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(RecordsError::engine)?;
        Ok(rows
            .into_iter()
            .map(|(key, value, version)| (key, stored(value, version)))
            .collect())
    }

    /// Once this was polled the batch is carried out, even if the caller goes away. If
    /// the connection is lost while PostgreSQL commits, the answer is an error and the
    /// batch may or may not stand: read before trying again.
    async fn commit(&self, batch: Batch, durability: Durability) -> CommitResult {
        limits::batch(&batch)?;
        let pool = self.pool.clone();
        let watchers = Arc::clone(&self.watchers);
        let hints = self.hints.clone();
        // a task of its own, because a caller that is dropped must not leave a
        // transaction behind whose outcome nobody knows
        let task = tokio::spawn(async move {
            let result = commit::commit(&pool, &batch, durability).await;
            if let Ok(Ok(_)) = result {
                let changed: Vec<Vec<u8>> = commit::changed_keys(&batch);
                changed.iter().for_each(|key| watchers.changed(key));
                hints.tell(changed);
            }
            result
        });
        task.await.map_err(RecordsError::engine)?
    }

    fn watch(&self, prefix: &[u8]) -> broadcast::Receiver<Hint> {
        self.watchers.subscribe(prefix)
    }
}

impl Drop for PostgresRecords {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The first key after all keys that start with `prefix`.
fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end;
        }
    }
    // nothing but 0xff: no key reaches this one, since it is longer than keys may be
    vec![0xff; KEY_BYTES_MAX + 1]
}
