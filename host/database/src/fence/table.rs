//! Generations and registered calls in memory, sharded by mark.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::call::Call;
use super::{Held, Mark, Revoked};

#[derive(Default)]
struct Slot {
    generation: u64,
    version: Option<u64>,
    reason: String,
    /// Registered calls with the generation they came in under.
    calls: HashMap<u64, (u64, Weak<Call>)>,
}

/// One slot per mark. Comparing a generation and registering under it happen under one
/// lock, and so do moving a generation and looking for the calls under it: a call sees
/// the new generation or is found. Never more than one lock is held at a time.
#[derive(Default)]
pub(super) struct Table {
    slots: DashMap<Mark, Slot>,
}

impl Table {
    pub(super) fn held(&self, mark: &Mark) -> Held {
        let (generation, version) = self
            .slots
            .get(mark)
            .map_or((0, None), |slot| (slot.generation, slot.version));
        Held {
            mark: mark.clone(),
            generation,
            version,
        }
    }

    pub(super) fn check(&self, held: &Held) -> Result<(), Revoked> {
        match self.slots.get(&held.mark) {
            Some(slot) => slot.check(held),
            None => Slot::default().check(held),
        }
    }

    /// Registers a call under a mark, if its generation is current.
    pub(super) fn register(&self, held: &Held, id: u64, call: &Arc<Call>) -> Result<(), Revoked> {
        let mut slot = self.slots.entry(held.mark.clone()).or_default();
        slot.check(held)?;
        slot.calls
            .insert(id, (held.generation, Arc::downgrade(call)));
        Ok(())
    }

    /// Takes a call out of its marks.
    pub(super) fn unregister(&self, held: &[Held], id: u64) {
        for held in held {
            if let Entry::Occupied(mut slot) = self.slots.entry(held.mark.clone()) {
                slot.get_mut().calls.remove(&id);
                if slot.get().calls.is_empty() && slot.get().version.is_none() {
                    slot.remove();
                }
            }
        }
    }

    /// Moves a generation; it never goes back.
    pub(super) fn set(&self, mark: &Mark, generation: u64, version: Option<u64>, reason: &str) {
        let mut slot = self.slots.entry(mark.clone()).or_default();
        if generation > slot.generation {
            slot.generation = generation;
            slot.version = version;
            slot.reason = reason.to_owned();
        }
    }

    /// The calls that run, of whatever generation.
    pub(super) fn calls(&self, mark: &Mark) -> Vec<Arc<Call>> {
        self.older_calls(mark, u64::MAX)
    }

    /// The calls that came in under an older generation and still run.
    pub(super) fn older_calls(&self, mark: &Mark, generation: u64) -> Vec<Arc<Call>> {
        // collected: a call that ends here unregisters, which takes this lock again
        match self.slots.get(mark) {
            None => Vec::new(),
            Some(slot) => slot
                .calls
                .values()
                .filter(|(entered, _)| *entered < generation)
                .filter_map(|(_, call)| call.upgrade())
                .collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}

impl Slot {
    fn check(&self, held: &Held) -> Result<(), Revoked> {
        if self.generation == held.generation {
            return Ok(());
        }
        let reason = match self.reason.as_str() {
            "" => "its generation is not known here".to_owned(),
            reason => reason.to_owned(),
        };
        Err(Revoked {
            mark: held.mark.clone(),
            reason,
        })
    }
}
