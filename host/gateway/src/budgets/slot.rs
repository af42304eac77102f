//! One limit of one account in the present window.

use std::collections::{BTreeSet, HashSet};

use glovebox_database::{Batch, Expect, Keyspace, RecordsError};
use glovebox_model::Timestamp;
use glovebox_policy::{Counted, Quota};
use serde::{Deserialize, Serialize};

/// A slice is this part of the limit.
const SLICES: u64 = 20;
/// Records in one slice at most.
const SLICE_MAX: u64 = 1_000;
/// Keys of past windows that are removed at a time.
const SWEPT_MAX: usize = 500;

/// The stored form: the window, and how much of it was leased by all nodes.
#[derive(Serialize, Deserialize)]
struct Stored {
    window: i64,
    taken: u64,
}

/// What is known here of one limit.
#[derive(Debug, Default)]
pub(super) struct Slot {
    window: Option<i64>,
    /// Version of the counter's record.
    version: Option<u64>,
    /// Leased by all nodes, as the record says.
    taken: u64,
    /// Leased here and not spent.
    spare: u64,
    /// Patients of this window that are counted already.
    known: HashSet<String>,
    /// The window for which an incident was raised.
    raised: Option<i64>,
}

/// What a reservation would change.
pub(super) struct Plan {
    pub(super) key: String,
    taken: u64,
    spare: u64,
    patients: Vec<String>,
    /// Whether the records must be written.
    leases: bool,
}

/// The key of a limit's counter.
pub(super) fn key(account: &str, quota: &Quota) -> String {
    format!(
        "{account}/{}/{}",
        quota.counted.as_str(),
        quota.window.as_secs()
    )
}

impl Slot {
    /// Reads the counter if the window is another one or it changed elsewhere.
    pub(super) async fn load(
        &mut self,
        keyspace: &Keyspace,
        key: &str,
        quota: &Quota,
        now: Timestamp,
        again: bool,
    ) -> Result<(), RecordsError> {
        let window = quota.window_at(now);
        if self.window == Some(window) && !again {
            return Ok(());
        }
        let stored = keyspace.get(key.as_bytes()).await?;
        let counter: Option<Stored> = match &stored {
            Some(stored) => Some(
                serde_json::from_slice(&stored.value)
                    .map_err(|problem| RecordsError::Unusable(format!("a budget: {problem}")))?,
            ),
            None => None,
        };
        self.version = stored.map(|stored| stored.version);
        // A window of the future was counted by a clock that is ahead: it stays in force.
        self.taken = counter
            .filter(|counter| counter.window >= window)
            .map_or(0, |counter| counter.taken);
        if self.window != Some(window) {
            self.window = Some(window);
            self.spare = 0;
            self.known.clear();
        }
        Ok(())
    }

    /// What giving out `records` of `patients` would take. `None`: more than is left.
    pub(super) async fn plan(
        &self,
        keyspace: &Keyspace,
        key: String,
        quota: &Quota,
        patients: &BTreeSet<String>,
        records: u64,
    ) -> Result<Option<Plan>, RecordsError> {
        let left = quota.max.saturating_sub(self.taken);
        match quota.counted {
            Counted::Records => {
                let missing = records.saturating_sub(self.spare);
                if missing > left {
                    return Ok(None);
                }
                let slice = (quota.max / SLICES).clamp(1, SLICE_MAX);
                let lease = if missing == 0 {
                    0
                } else {
                    missing.max(slice).min(left)
                };
                Ok(Some(Plan {
                    key,
                    taken: self.taken + lease,
                    spare: self.spare + lease - records,
                    patients: Vec::new(),
                    leases: lease > 0,
                }))
            }
            Counted::Patients => {
                let unknown: Vec<String> = patients
                    .iter()
                    .filter(|patient| !self.known.contains(*patient))
                    .cloned()
                    .collect();
                let keys: Vec<Vec<u8>> = unknown
                    .iter()
                    .map(|patient| self.patient_key(&key, patient))
                    .collect();
                let mut new = Vec::new();
                let found = keyspace.get_many(&keys).await?;
                for (patient, stored) in unknown.into_iter().zip(found) {
                    if stored.is_none() {
                        new.push(patient);
                    }
                }
                let count = u64::try_from(new.len()).unwrap_or(u64::MAX);
                Ok((count <= left).then(|| Plan {
                    key,
                    taken: self.taken + count,
                    spare: 0,
                    leases: !new.is_empty(),
                    patients: new,
                }))
            }
        }
    }

    /// What a plan writes.
    pub(super) fn write(&self, mut batch: Batch, plan: &Plan) -> Result<Batch, RecordsError> {
        if !plan.leases {
            return Ok(batch);
        }
        let counter = Stored {
            window: self.window.unwrap_or(0),
            taken: plan.taken,
        };
        let value = serde_json::to_vec(&counter)
            .map_err(|problem| RecordsError::Unusable(format!("a budget: {problem}")))?;
        let expect = self.version.map_or(Expect::Absent, Expect::Version);
        batch = batch.put(plan.key.as_bytes(), value, expect);
        for patient in &plan.patients {
            let key = self.patient_key(&plan.key, patient);
            batch = batch.put(key, Vec::new(), Expect::Absent);
        }
        Ok(batch)
    }

    /// Remembers a plan that was carried out. `version` is that of the counter's record.
    pub(super) fn apply(&mut self, plan: Plan, patients: &BTreeSet<String>, version: Option<u64>) {
        self.taken = plan.taken;
        self.spare = plan.spare;
        if version.is_some() {
            self.version = version;
        }
        self.known.extend(patients.iter().cloned());
    }

    /// Whether an incident is to be raised for this window; only the first time.
    pub(super) fn raise(&mut self) -> bool {
        let first = self.raised != self.window;
        self.raised = self.window;
        first
    }

    /// Removes what was kept of past windows.
    pub(super) async fn sweep(&self, keyspace: &Keyspace, key: &str) -> Result<(), RecordsError> {
        let prefix = format!("{key}/").into_bytes();
        let present = self.patient_key(key, "");
        let found = keyspace.scan(&prefix, None, SWEPT_MAX).await?;
        let past = found.into_iter().map(|(key, _)| key);
        let past = past.take_while(|key| key.as_slice() < present.as_slice());
        let batch = past.fold(Batch::new(), |batch, key| batch.delete(key, Expect::Any));
        if !batch.is_empty() {
            // Whoever sweeps next does what was not done.
            let _ = keyspace
                .commit(batch, glovebox_database::Durability::Relaxed)
                .await?;
        }
        Ok(())
    }

    fn patient_key(&self, key: &str, patient: &str) -> Vec<u8> {
        format!("{key}/{:020}/{patient}", self.window.unwrap_or(0)).into_bytes()
    }

    /// Whether this is the first look at the present window.
    pub(super) fn is_fresh(&self, quota: &Quota, now: Timestamp) -> bool {
        self.window != Some(quota.window_at(now))
    }
}
