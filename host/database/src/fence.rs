//! The fence: whoever is revoked stops, and nothing old comes out afterwards.
//!
//! Everything that can be revoked is a [`Mark`] with a generation. A session, launch or
//! token remembers the generations it was made under ([`Held`]). A call registers under
//! them before it decides ([`Fence::enter`]), and hands out each buffer inside
//! [`Pass::release`]. [`Fence::revoke`] bumps the generation durably, ends the calls
//! under it, waits for the buffers that are being handed over at that moment, and only
//! then answers: after the answer nothing old is released.

mod call;
mod mark;
mod table;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::records::SCAN_MAX;
use crate::{Batch, Durability, Expect, Hint, Keyspace, RecordsError, Stored};

pub use call::Pass;
pub use mark::{Held, Mark};

use call::Call;
use table::Table;

/// Longest wait for buffers that are being handed over. They are handed over in
/// microseconds; a revocation that had to wait this long is answered as failed.
const RELEASING_MAX: Duration = Duration::from_secs(2);
/// How long to wait before generations that could not be read are read again.
const RETRY_EVERY: Duration = Duration::from_millis(250);
/// Longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 500;
/// How often a bump is tried when others bump the same mark.
const ATTEMPTS_MAX: usize = 32;

/// A refusal: this mark has moved on since the caller was let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{mark} was revoked: {reason}")]
pub struct Revoked {
    /// What was revoked.
    pub mark: Mark,
    /// Why, as the revoker said.
    pub reason: String,
}

/// What a revocation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Calls that ran under the mark when it was asked for, or came in until it was in
    /// force. None of them runs any more.
    pub calls: usize,
    /// Microseconds until nothing old could be released any more.
    pub micros: u64,
}

/// Why a revocation cannot be confirmed.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The records failed: the generation may or may not have been bumped.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The generation is bumped and the calls are ended, but some buffer is still being
    /// handed over.
    #[error("{calls} calls under {mark} are still handing over a buffer")]
    StillReleasing {
        /// The mark.
        mark: Mark,
        /// How many.
        calls: usize,
    },
    /// Others bumped the mark again and again.
    #[error("{0} is being revoked by too many others at once")]
    Contended(Mark),
}

/// The stored form of a generation.
#[derive(Serialize, Deserialize)]
struct Record {
    generation: u64,
    reason: String,
}

/// The generations of everything revocable, and the calls that run under them. Clones
/// share it.
#[derive(Clone)]
pub struct Fence {
    inner: Arc<Inner>,
}

struct Inner {
    keyspace: Keyspace,
    table: Arc<Table>,
    next_call: AtomicU64,
}

impl Fence {
    /// Loads all generations from `keyspace` and follows what other nodes change there.
    ///
    /// # Errors
    /// If the records fail or hold something else.
    pub async fn open(keyspace: Keyspace) -> Result<Self, RecordsError> {
        // subscribed before the first read, so that no change falls between
        let hints = keyspace.records().watch(&keyspace.absolute(b""));
        let table = Arc::new(Table::default());
        let inner = Arc::new(Inner {
            keyspace,
            table,
            next_call: AtomicU64::new(1),
        });
        inner.load_all().await?;
        tokio::spawn(follow(Arc::downgrade(&inner), hints));
        Ok(Self { inner })
    }

    /// The present generations of `marks`: what a new session, launch or token keeps.
    pub fn generations(&self, marks: &[Mark]) -> Vec<Held> {
        marks
            .iter()
            .map(|mark| self.inner.table.held(mark))
            .collect()
    }

    /// Whether all of `held` is still current, for a caller that releases nothing.
    ///
    /// # Errors
    /// [`Revoked`] with the first mark that moved on.
    pub fn check(&self, held: &[Held]) -> Result<(), Revoked> {
        held.iter()
            .try_for_each(|held| self.inner.table.check(held))
    }

    /// Registers a call under its generations. Do this before deciding anything, keep the
    /// pass until the last buffer is out.
    ///
    /// # Errors
    /// [`Revoked`] with the first mark that moved on.
    pub fn enter(&self, held: &[Held]) -> Result<Pass, Revoked> {
        let id = self.inner.next_call.fetch_add(1, Ordering::Relaxed);
        let call = Arc::new(Call::new(id, held.to_vec(), Arc::clone(&self.inner.table)));
        // a refusal drops the call, which takes it out of every mark it reached
        held.iter()
            .try_for_each(|held| self.inner.table.register(held, id, &call))?;
        let pass = Pass::new(call);
        pass.check()?;
        Ok(pass)
    }

    /// Revokes: when this returns, nothing that was let in under `mark` before can
    /// release anything any more.
    ///
    /// # Errors
    /// [`FenceError`]: the revocation is not confirmed; ask again.
    pub async fn revoke(&self, mark: Mark, reason: &str) -> Result<Ended, FenceError> {
        let fence = self.clone();
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        // a task of its own: who asked may go away, the revocation goes on
        let revoking = tokio::spawn(async move { fence.carry_out(mark, reason).await });
        match revoking.await {
            Ok(answer) => answer,
            Err(error) => Err(RecordsError::Engine(Box::new(error)).into()),
        }
    }

    async fn carry_out(&self, mark: Mark, reason: String) -> Result<Ended, FenceError> {
        let began = Instant::now();
        // Whoever follows the hints may end a call before this one comes to it: kept from
        // here on, it cannot go away uncounted.
        let running = self.inner.table.calls(&mark);
        let generation = self.inner.bump(&mark, &reason).await?;
        let calls = self.inner.table.older_calls(&mark, generation);
        drop(running);
        end(&calls, &mark, &reason);
        let ended = calls.iter().filter(|call| call.count()).count();
        let deadline = began + RELEASING_MAX;
        for call in &calls {
            if tokio::time::timeout_at(deadline, call.drained())
                .await
                .is_err()
            {
                let calls = calls.iter().filter(|call| call.is_releasing()).count();
                return Err(FenceError::StillReleasing { mark, calls });
            }
        }
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(%mark, %reason, calls = ended, micros, "revoked");
        Ok(Ended {
            calls: ended,
            micros,
        })
    }

    /// The expectations that bind a write to its generations: put them into the batch of
    /// the write (as [`Batch::check`] over absolute keys), and a revocation that came
    /// first makes it a conflict.
    pub fn check_operations(&self, held: &[Held]) -> Vec<(Vec<u8>, Expect)> {
        held.iter()
            .map(|held| {
                let key = self.inner.keyspace.absolute(&held.mark.key());
                (key, held.version.map_or(Expect::Absent, Expect::Version))
            })
            .collect()
    }
}

fn end(calls: &[Arc<Call>], mark: &Mark, reason: &str) {
    let revoked = Revoked {
        mark: mark.clone(),
        reason: reason.to_owned(),
    };
    calls.iter().for_each(|call| call.revoke(&revoked));
}

impl Inner {
    /// Bumps the stored generation, on disk when this returns, and then the cached one.
    async fn bump(&self, mark: &Mark, reason: &str) -> Result<u64, FenceError> {
        let key = mark.key();
        for _ in 0..ATTEMPTS_MAX {
            let stored = self.keyspace.get(&key).await?;
            let (generation, expect) = match &stored {
                None => (1, Expect::Absent),
                Some(stored) => (
                    read(stored)?.generation + 1,
                    Expect::Version(stored.version),
                ),
            };
            let record = Record {
                generation,
                reason: reason.to_owned(),
            };
            let value = serde_json::to_vec(&record).map_err(unusable)?;
            let batch = Batch::new().put(key.clone(), value, expect);
            let committed = self.keyspace.commit(batch, Durability::Sync).await;
            match committed {
                Ok(Ok(versions)) => {
                    self.table
                        .set(mark, generation, versions.first().copied(), reason);
                    return Ok(generation);
                }
                Ok(Err(_)) => {}
                Err(error) => {
                    // the commit may have gone through: whoever asks next should see it
                    let _ = self.load(mark.clone()).await;
                    return Err(error.into());
                }
            }
        }
        Err(FenceError::Contended(mark.clone()))
    }

    /// Reads a generation again and ends what it outdates.
    async fn load(&self, mark: Mark) -> Result<(), RecordsError> {
        if let Some(stored) = self.keyspace.get(&mark.key()).await? {
            self.apply(&mark, &stored)?;
        }
        Ok(())
    }

    async fn load_all(&self) -> Result<(), RecordsError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let found = self.keyspace.scan(b"", after.as_deref(), SCAN_MAX).await?;
            for (key, stored) in &found {
                let mark = Mark::from_key(key).ok_or_else(|| unusable("a key of no mark"))?;
                self.apply(&mark, stored)?;
            }
            match found.last() {
                Some((key, _)) => after = Some(key.clone()),
                None => return Ok(()),
            }
        }
    }

    fn apply(&self, mark: &Mark, stored: &Stored) -> Result<(), RecordsError> {
        let Record { generation, reason } = read(stored)?;
        self.table
            .set(mark, generation, Some(stored.version), &reason);
        end(&self.table.older_calls(mark, generation), mark, &reason);
        Ok(())
    }
}

fn read(stored: &Stored) -> Result<Record, RecordsError> {
    serde_json::from_slice(&stored.value).map_err(unusable)
}

fn unusable(what: impl std::fmt::Display) -> RecordsError {
    RecordsError::Unusable(format!("a generation cannot be read: {what}"))
}

/// Reads again what others may have changed, until the fence is gone.
async fn follow(fence: std::sync::Weak<Inner>, mut hints: tokio::sync::broadcast::Receiver<Hint>) {
    loop {
        let hint = match hints.recv().await {
            Ok(hint) => hint,
            Err(RecvError::Lagged(_)) => Hint::Resync,
            Err(RecvError::Closed) => return,
        };
        let Some(inner) = fence.upgrade() else { return };
        let mark = match &hint {
            Hint::Changed(key) => {
                let namespace = inner.keyspace.absolute(b"");
                Mark::from_key(key.strip_prefix(namespace.as_slice()).unwrap_or(key))
            }
            Hint::Resync => None,
        };
        let mut loaded = match mark {
            Some(mark) => inner.load(mark).await,
            None => inner.load_all().await,
        };
        while let Err(error) = loaded {
            tracing::error!(%error, "generations could not be read again");
            tokio::time::sleep(RETRY_EVERY).await;
            loaded = inner.load_all().await;
        }
    }
}
