//! Who listens to which prefix, inside one process.

use std::sync::{PoisonError, RwLock};

use tokio::sync::broadcast;

use crate::records::Hint;

/// Hints that wait for one slow listener before it is told to read again.
const HINTS_WAITING_MAX: usize = 256;

/// The listeners of one store. A listener that falls behind sees
/// `RecvError::Lagged`, which means the same as [`Hint::Resync`].
#[derive(Default)]
pub(crate) struct Watchers {
    prefixes: RwLock<Vec<(Vec<u8>, broadcast::Sender<Hint>)>>,
}

impl Watchers {
    /// Starts to listen to `prefix`; listeners of one prefix share a channel.
    pub(crate) fn subscribe(&self, prefix: &[u8]) -> broadcast::Receiver<Hint> {
        let mut prefixes = self
            .prefixes
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        prefixes.retain(|(_, sender)| sender.receiver_count() > 0);
        if let Some((_, sender)) = prefixes.iter().find(|(known, _)| known == prefix) {
            return sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(HINTS_WAITING_MAX);
        prefixes.push((prefix.to_vec(), sender));
        receiver
    }

    /// Tells those who listen to a prefix of `key`.
    pub(crate) fn changed(&self, key: &[u8]) {
        let prefixes = self.prefixes.read().unwrap_or_else(PoisonError::into_inner);
        for (prefix, sender) in prefixes.iter() {
            if key.starts_with(prefix) {
                // an error only says that nobody listens any more
                let _ = sender.send(Hint::Changed(key.to_vec()));
            }
        }
    }

    /// Tells everybody to read again.
    pub(crate) fn resync(&self) {
        let prefixes = self.prefixes.read().unwrap_or_else(PoisonError::into_inner);
        for (_, sender) in prefixes.iter() {
            let _ = sender.send(Hint::Resync);
        }
    }
}
