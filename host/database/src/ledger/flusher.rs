//! What clones of a ledger share, and the background task that brings groups of entries
//! to the disk and then anchors them.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;
use glovebox_model::ledger::Event;
use glovebox_model::{Clock, Digest};
use tokio::sync::{Notify, watch};

use super::anchor::{self, Anchor};
use super::checkpoint::Signer;
use super::error::LedgerError;
use super::line::Entry;
use super::segment;
use super::writer::{Rotated, Stage, Writer};
use super::{Appended, LedgerSettings};
use crate::Keyspace;

/// How far the disk is, and what is in the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Durable {
    seq: u64,
    failure: Option<Failure>,
}

#[derive(Clone, Debug)]
enum Failure {
    Poisoned(String),
    Unanchored(String),
}

impl Failure {
    fn error(&self) -> LedgerError {
        match self {
            Self::Poisoned(why) => LedgerError::Poisoned(why.clone()),
            Self::Unanchored(why) => LedgerError::Unanchored(why.clone()),
        }
    }
}

/// What all clones share.
pub(super) struct Shared {
    pub(super) dir: Dir,
    pub(super) anchors: Keyspace,
    pub(super) signer: Signer,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: LedgerSettings,
    pub(super) writer: Mutex<Writer>,
    durable: watch::Sender<Durable>,
    wake: Notify,
    stop: Notify,
    /// Held while the ledger is open: one process writes it.
    _lock: std::fs::File,
}

/// Stops the background task when the last clone is gone.
pub(super) struct Handle(Arc<Shared>);

impl Handle {
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.stop.notify_one();
    }
}

impl Shared {
    pub(super) fn new(
        (dir, lock): (Dir, std::fs::File),
        anchors: Keyspace,
        signer: Signer,
        clock: Arc<dyn Clock>,
        settings: LedgerSettings,
        writer: Writer,
    ) -> Self {
        Self {
            dir,
            anchors,
            signer,
            clock,
            settings,
            writer: Mutex::new(writer),
            durable: watch::Sender::new(Durable::default()),
            wake: Notify::new(),
            stop: Notify::new(),
            _lock: lock,
        }
    }

    /// Starts the background task; `version` is that of the anchor's record.
    pub(super) fn start(self: Arc<Self>, version: Option<u64>) -> Handle {
        tokio::spawn(run(Arc::clone(&self), version));
        Handle(self)
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn append(&self, event: &Event) -> Result<Appended, LedgerError> {
        self.append_with(event, |_, _| {})
    }

    pub(super) fn append_intent(&self, event: &Event) -> Result<Appended, LedgerError> {
        self.append_with(event, |writer, appended| {
            writer.intents.opened(appended.seq)
        })
    }

    pub(super) fn append_outcome(
        &self,
        intent: u64,
        event: &Event,
    ) -> Result<Appended, LedgerError> {
        let mut event = event.clone();
        event.detail.retain(|(name, _)| name != "intent");
        let event = event.with("intent", intent);
        self.append_with(&event, |writer, _| writer.intents.settled(intent))
    }

    fn append_with(
        &self,
        event: &Event,
        then: impl FnOnce(&mut Writer, Appended),
    ) -> Result<Appended, LedgerError> {
        if let Some(failure) = &self.durable.borrow().failure {
            return Err(failure.error());
        }
        let at = self.clock.now();
        let mut writer = self.writer();
        let appended = writer.append(&self.dir, &self.signer, &self.settings, at, event)?;
        then(&mut writer, appended);
        Ok(appended)
    }

    pub(super) fn head(&self) -> (u64, Digest) {
        let head = self.writer().head;
        (head.seq, head.hash)
    }

    pub(super) fn durable_seq(&self) -> u64 {
        self.durable.borrow().seq
    }

    pub(super) fn unresolved_intents(&self) -> Vec<Entry> {
        self.writer().intents.found_at_start()
    }

    pub(super) fn public_key(&self) -> Vec<u8> {
        self.signer.public_key()
    }

    pub(super) async fn wait_durable(&self, seq: u64) -> Result<(), LedgerError> {
        let mut changes = self.durable.subscribe();
        self.wake.notify_one();
        let reached = |durable: &Durable| durable.seq >= seq || durable.failure.is_some();
        let durable = changes
            .wait_for(reached)
            .await
            .map_err(|_| LedgerError::Closed)?;
        match &durable.failure {
            Some(failure) if durable.seq < seq => Err(failure.error()),
            _ => Ok(()),
        }
    }

    pub(super) async fn close(&self) -> Result<(), LedgerError> {
        let seq = {
            let mut writer = self.writer();
            match &writer.stage {
                Stage::Open => {
                    writer.checkpoint(&self.signer, self.clock.now())?;
                    writer.stage = Stage::Closed;
                }
                Stage::Closed => {}
                Stage::Poisoned(why) => return Err(LedgerError::Poisoned(why.clone())),
            }
            writer.head.seq
        };
        self.wait_durable(seq).await
    }

    /// Brings everything appended so far to the disk and anchors it.
    async fn flush(self: &Arc<Self>, version: &mut Option<u64>) {
        let Some((anchor, work)) = self.next_group() else {
            return;
        };
        let shared = Arc::clone(self);
        let synced = tokio::task::spawn_blocking(move || work.run(&shared.dir)).await;
        if let Err(error) = synced.map_err(io::Error::other).and_then(|done| done) {
            // after a failed fsync the kernel may have dropped the pages: never try again
            let why = error.to_string();
            self.writer().poison(why.clone());
            self.failed(Failure::Poisoned(why));
            return;
        }
        match anchor::write(&self.anchors, &anchor, *version).await {
            Ok(Some(new)) => {
                *version = Some(new);
                let seq = anchor.seq;
                self.durable.send_replace(Durable { seq, failure: None });
            }
            Ok(None) => self.settle_conflict(&anchor, version).await,
            Err(error) => {
                tracing::error!(%error, "the head of the ledger could not be anchored");
                self.failed(Failure::Unanchored(error.to_string()));
            }
        }
    }

    /// The anchor's record has another version than expected. Either our own commit went
    /// through although its answer was lost, or another process writes this ledger.
    async fn settle_conflict(&self, anchor: &Anchor, version: &mut Option<u64>) {
        match anchor::read(&self.anchors).await {
            Ok(Some((found, current))) if found.seq <= anchor.seq && self.knows(&found) => {
                *version = Some(current);
                self.wake.notify_one();
            }
            Err(error) => self.failed(Failure::Unanchored(error.to_string())),
            Ok(_) => {
                let why = "another process moved the anchor".to_owned();
                self.writer().poison(why.clone());
                self.failed(Failure::Poisoned(why));
            }
        }
    }

    /// Whether an anchor names an entry of this chain.
    fn knows(&self, anchor: &Anchor) -> bool {
        let filter = super::Filter {
            before_seq: anchor.seq.checked_add(1),
            limit: 1,
            ..super::Filter::default()
        };
        super::search::search(self, &filter).is_ok_and(|found| {
            found
                .first()
                .is_some_and(|e| e.hash.to_string() == anchor.hash)
        })
    }

    fn failed(&self, failure: Failure) {
        self.durable
            .send_modify(|durable| durable.failure = Some(failure));
    }

    /// What the next group has to do; `None` if everything is durable.
    fn next_group(&self) -> Option<(Anchor, Work)> {
        let mut writer = self.writer();
        let now = self.clock.now();
        let old = writer
            .index
            .earliest()
            .is_some_and(|first| now.since(first) >= self.settings.segment_age_max);
        if old && writer.stage == Stage::Open {
            // a failure poisons the writer, and the next append says so
            let _ = writer.rotate(&self.dir, &self.signer, now);
        }
        let durable = self.durable.borrow();
        let poisoned = matches!(durable.failure, Some(Failure::Poisoned(_)));
        if poisoned || (durable.seq >= writer.head.seq && writer.rotated.is_empty()) {
            return None;
        }
        let anchor = Anchor {
            seq: writer.head.seq,
            hash: writer.head.hash.to_string(),
            // the segment that holds the entry: a new one may still be empty
            segment: if writer.bytes == 0 {
                writer.number.max(2) - 1
            } else {
                writer.number
            },
            open_from: writer.intents.lowest().unwrap_or(writer.head.seq + 1),
        };
        let rotated = std::mem::take(&mut writer.rotated);
        Some((
            anchor,
            Work {
                rotated,
                file: Arc::clone(&writer.file),
            },
        ))
    }
}

/// The blocking part of a group.
struct Work {
    rotated: Vec<Rotated>,
    file: Arc<std::fs::File>,
}

impl Work {
    fn run(self, dir: &Dir) -> io::Result<()> {
        for rotated in &self.rotated {
            rotated.file.sync_data()?;
            rotated.index.write_sidecar(dir, rotated.number)?;
        }
        self.file.sync_data()?;
        if !self.rotated.is_empty() {
            segment::sync_dir(dir)?;
        }
        Ok(())
    }
}

/// Flushes when somebody waits, and at least every [`LedgerSettings::flush_every`].
async fn run(shared: Arc<Shared>, mut version: Option<u64>) {
    loop {
        let stopped = tokio::select! {
            () = shared.stop.notified() => true,
            () = shared.wake.notified() => false,
            () = tokio::time::sleep(shared.settings.flush_every) => false,
        };
        shared.flush(&mut version).await;
        if stopped {
            return;
        }
    }
}
