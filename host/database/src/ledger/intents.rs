//! Write intents that have no outcome yet.

use std::collections::BTreeMap;

use glovebox_model::ledger::Kind;

use super::line::Entry;

/// The open intents: those found at start with their entry, those of this run without.
#[derive(Debug, Default)]
pub(super) struct Intents {
    open: BTreeMap<u64, Option<Entry>>,
}

impl Intents {
    /// An intent of this run.
    pub(super) fn opened(&mut self, seq: u64) {
        self.open.insert(seq, None);
    }

    /// It has an outcome.
    pub(super) fn settled(&mut self, seq: u64) {
        self.open.remove(&seq);
    }

    /// Notes a stored entry of an earlier run: an intent opens, an outcome settles.
    pub(super) fn replay(&mut self, entry: &Entry) {
        match Kind::parse(&entry.kind) {
            Some(Kind::WriteIntent | Kind::ImportIntent) => {
                self.open.insert(entry.seq, Some(entry.clone()));
            }
            Some(Kind::WriteOutcome | Kind::ImportOutcome) => {
                if let Some(seq) = entry
                    .detail
                    .get("intent")
                    .and_then(serde_json::Value::as_u64)
                {
                    self.settled(seq);
                }
            }
            _ => {}
        }
    }

    /// Those of earlier runs, oldest first.
    pub(super) fn found_at_start(&self) -> Vec<Entry> {
        self.open.values().flatten().cloned().collect()
    }

    /// The lowest open one.
    pub(super) fn lowest(&self) -> Option<u64> {
        self.open.keys().next().copied()
    }
}
