//! Hints between nodes, over LISTEN and NOTIFY.
//!
//! Hints are sent after the commit, not in it: a NOTIFY inside a transaction makes
//! PostgreSQL commit one such transaction after the other. A node that dies in between
//! leaves a hint unsent, which is why nothing may depend on hints.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::records::RecordsError;
use crate::watch::Watchers;

const CHANNEL: &str = "glovebox_records";
/// Stands for "more changed than fits": read everything again.
const EVERYTHING: &str = "*";
/// PostgreSQL refuses payloads of 8000 bytes and more.
const PAYLOAD_BYTES_MAX: usize = 7_900;
/// Commits whose hints wait to be sent; beyond that they become one "everything".
const OUTBOX_MAX: usize = 1_024;
/// Pause before a lost listener tries again.
const RECONNECT_AFTER: Duration = Duration::from_millis(250);

/// Tells a node's own hints from those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node(u64);

impl Node {
    pub(super) fn new() -> Result<Self, RecordsError> {
        getrandom::u64().map(Self).map_err(RecordsError::engine)
    }
}

/// Where hints for other nodes wait until they are sent.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Vec<Vec<u8>>>,
    overflow: Arc<AtomicBool>,
}

impl Outbox {
    /// Starts the task that sends.
    pub(super) fn start(pool: PgPool, node: Node) -> (Self, JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(OUTBOX_MAX);
        let overflow = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(send(pool, node, waiting, Arc::clone(&overflow)));
        (Self { queue, overflow }, task)
    }

    /// Leaves hints about keys that were changed; never waits.
    pub(super) fn tell(&self, changed: Vec<Vec<u8>>) {
        if !changed.is_empty() && self.queue.try_send(changed).is_err() {
            self.overflow.store(true, Ordering::SeqCst);
        }
    }
}

async fn send(
    pool: PgPool,
    node: Node,
    mut waiting: mpsc::Receiver<Vec<Vec<u8>>>,
    overflow: Arc<AtomicBool>,
) {
    while let Some(mut keys) = waiting.recv().await {
        while let Ok(more) = waiting.try_recv() {
            keys.extend(more);
        }
        let payload = write_payload(node, &keys, overflow.swap(false, Ordering::SeqCst));
        let sent = sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(payload)
            .execute(&pool)
            .await;
        if let Err(error) = sent {
            tracing::warn!(%error, "hints for other nodes could not be sent");
            overflow.store(true, Ordering::SeqCst);
        }
    }
}

/// `node:key,key,…` with keys in base64, or `node:*`.
fn write_payload(node: Node, keys: &[Vec<u8>], overflow: bool) -> String {
    let head = format!("{:016x}:", node.0);
    let everything = format!("{head}{EVERYTHING}");
    if overflow {
        return everything;
    }
    let mut payload = head;
    for (index, key) in keys.iter().enumerate() {
        if index > 0 {
            payload.push(',');
        }
        STANDARD_NO_PAD.encode_string(key, &mut payload);
        if payload.len() > PAYLOAD_BYTES_MAX {
            return everything;
        }
    }
    payload
}

/// Hands the hints of a payload to this node's watchers. What cannot be read means
/// "everything": somebody newer may be speaking.
fn deliver(payload: &str, node: Node, watchers: &Watchers) {
    let Some((sender, keys)) = payload.split_once(':') else {
        return watchers.resync();
    };
    if u64::from_str_radix(sender, 16) == Ok(node.0) {
        return;
    }
    let decoded: Result<Vec<_>, _> = keys
        .split(',')
        .map(|key| STANDARD_NO_PAD.decode(key))
        .collect();
    match decoded {
        Ok(keys) => keys.iter().for_each(|key| watchers.changed(key)),
        Err(_) => watchers.resync(),
    }
}

/// Listens for the hints of other nodes, from before this returns.
pub(super) async fn listen(
    pool: PgPool,
    node: Node,
    watchers: Arc<Watchers>,
) -> Result<JoinHandle<()>, RecordsError> {
    let mut listener = subscribe(&pool).await.map_err(RecordsError::engine)?;
    Ok(tokio::spawn(async move {
        loop {
            match listener.try_recv().await {
                Ok(Some(hint)) => deliver(hint.payload(), node, &watchers),
                // the connection was lost and is back: what was said in between is gone
                Ok(None) => watchers.resync(),
                Err(error) => {
                    tracing::warn!(%error, "the connection that listens for hints is lost");
                    watchers.resync();
                    listener = loop {
                        tokio::time::sleep(RECONNECT_AFTER).await;
                        if let Ok(again) = subscribe(&pool).await {
                            break again;
                        }
                    };
                    watchers.resync();
                }
            }
        }
    }))
}

async fn subscribe(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
