//! One registered call: open, releasing, revoked.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::table::Table;
use super::{Held, Revoked};

/// Set once, never cleared. The other bits count the buffers being handed over.
const REVOKED: u32 = 1 << 31;

type Hook = Box<dyn FnOnce(&Revoked) + Send>;

pub(super) struct Call {
    id: u64,
    held: Vec<Held>,
    table: Arc<Table>,
    state: AtomicU32,
    cause: OnceLock<Revoked>,
    cancel: CancellationToken,
    hooks: Mutex<Vec<Hook>>,
    drained: Notify,
    /// Whether a revocation named it in its answer.
    counted: AtomicBool,
}

impl Call {
    pub(super) fn new(id: u64, held: Vec<Held>, table: Arc<Table>) -> Self {
        Self {
            id,
            held,
            table,
            state: AtomicU32::new(0),
            cause: OnceLock::new(),
            cancel: CancellationToken::new(),
            hooks: Mutex::new(Vec::new()),
            drained: Notify::new(),
            counted: AtomicBool::new(false),
        }
    }

    /// Ends the call, if it is not ended yet.
    pub(super) fn revoke(&self, revoked: &Revoked) {
        // the cause first: whoever sees the bit may ask why
        let _ = self.cause.set(revoked.clone());
        if self.state.fetch_or(REVOKED, Ordering::SeqCst) & REVOKED != 0 {
            return;
        }
        self.cancel.cancel();
        let hooks = std::mem::take(&mut *self.hooks());
        for hook in hooks {
            hook(revoked);
        }
    }

    /// `true` the first time: a call is named by one revocation, whoever ended it first,
    /// the revoker or the one who follows the hints.
    pub(super) fn count(&self) -> bool {
        !self.counted.swap(true, Ordering::SeqCst)
    }

    pub(super) fn is_releasing(&self) -> bool {
        self.state.load(Ordering::SeqCst) & !REVOKED != 0
    }

    /// Waits until no buffer is being handed over.
    pub(super) async fn drained(&self) {
        loop {
            let notified = self.drained.notified();
            tokio::pin!(notified);
            // enlisted before looking, so that the last hand-over cannot slip between
            notified.as_mut().enable();
            if !self.is_releasing() {
                return;
            }
            notified.await;
        }
    }

    fn hooks(&self) -> std::sync::MutexGuard<'_, Vec<Hook>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self) -> Result<(), Revoked> {
        match self.cause.get() {
            Some(revoked) if self.state.load(Ordering::SeqCst) & REVOKED != 0 => {
                Err(revoked.clone())
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.table.unregister(&self.held, self.id);
    }
}

/// Leave to work, until it is revoked or the last clone is dropped. A guest call enters
/// once and shares its pass with each host call inside it.
#[derive(Clone)]
pub struct Pass {
    call: Arc<Call>,
}

impl Pass {
    pub(super) fn new(call: Arc<Call>) -> Self {
        Self { call }
    }

    /// What it was let in under.
    pub fn held(&self) -> &[Held] {
        &self.call.held
    }

    /// Whether work may go on.
    ///
    /// # Errors
    /// [`Revoked`].
    pub fn check(&self) -> Result<(), Revoked> {
        self.call.check()
    }

    /// Whether it was revoked.
    pub fn is_revoked(&self) -> bool {
        self.check().is_err()
    }

    /// Hands over one bounded buffer. A revocation waits for `hand_over`, so it must not
    /// block; streams come here for each chunk.
    ///
    /// # Errors
    /// [`Revoked`]: `hand_over` was not called.
    pub fn release<T>(&self, hand_over: impl FnOnce() -> T) -> Result<T, Revoked> {
        let open = |state: u32| (state & REVOKED == 0).then_some(state + 1);
        while self
            .call
            .state
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, open)
            .is_err()
        {
            self.check()?;
        }
        let releasing = Releasing(&self.call);
        let handed_over = hand_over();
        drop(releasing);
        Ok(handed_over)
    }

    /// Resolves when it is revoked.
    pub async fn cancelled(&self) {
        self.call.cancel.cancelled().await;
    }

    /// A token that is cancelled when it is revoked.
    pub fn cancellation(&self) -> CancellationToken {
        self.call.cancel.clone()
    }

    /// Calls `hook` when it is revoked, on the revoker's thread, or at once if it is.
    /// Hooks must not block.
    pub fn on_revoke(&self, hook: impl FnOnce(&Revoked) + Send + 'static) {
        {
            let mut hooks = self.call.hooks();
            // under the lock: the revoker sets the bit first and takes the hooks afterwards
            if !self.is_revoked() {
                hooks.push(Box::new(hook));
                return;
            }
        }
        if let Err(revoked) = self.check() {
            hook(&revoked);
        }
    }
}

/// Counts a hand-over, also when it panics.
struct Releasing<'a>(&'a Call);

impl Drop for Releasing<'_> {
    fn drop(&mut self) {
        if self.0.state.fetch_sub(1, Ordering::SeqCst) == REVOKED + 1 {
            self.0.drained.notify_waiters();
        }
    }
}
