//! What the ledger promises, against real files and a real store.

mod chain;
mod finding;
mod restart;
mod verifying;
mod writing;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{Digest, ManualClock, Timestamp};

use super::*;
use crate::test_support::{TemporarySled, temporary_sled};

/// A place for a ledger: files, anchors, clock and key.
struct Place {
    files: tempfile::TempDir,
    store: TemporarySled,
    clock: ManualClock,
    key: Vec<u8>,
}

impl Place {
    fn new() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self {
            files: tempfile::tempdir().unwrap(),
            store: temporary_sled(),
            clock: ManualClock::at(Timestamp::parse("2026-11-23T08:00:00.25Z").unwrap()),
            key: key.as_ref().to_vec(),
        }
    }

    fn anchors(&self) -> Keyspace {
        self.store.keyspace("ledger")
    }

    async fn open(&self, settings: LedgerSettings) -> Result<Ledger, LedgerError> {
        self.open_at(self.files.path(), settings).await
    }

    async fn open_at(&self, path: &Path, settings: LedgerSettings) -> Result<Ledger, LedgerError> {
        let clock = Arc::new(self.clock.clone());
        Ledger::open(dir(path), self.anchors(), &self.key, clock, settings).await
    }

    async fn anchor(&self) -> Option<(u64, Digest)> {
        read_anchor(&self.anchors()).await.unwrap()
    }

    /// A copy of the files as a crash would leave them.
    fn crash(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.files.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        copy
    }

    fn segment(&self, number: u32) -> std::path::PathBuf {
        self.files.path().join(segment::name(number))
    }
}

fn dir(path: &Path) -> Dir {
    Dir::open_ambient_dir(path, ambient_authority()).unwrap()
}

/// Settings under which nothing reaches the disk unless somebody waits for it.
fn lazy() -> LedgerSettings {
    LedgerSettings {
        flush_every: Duration::from_secs(3_600),
        ..LedgerSettings::default()
    }
}

/// Settings with segments of a few entries.
fn small() -> LedgerSettings {
    LedgerSettings {
        segment_bytes_max: 1_500,
        ..lazy()
    }
}

fn read_of(app: &str, patient: &str) -> Event {
    let subject = Subject {
        tenant: Some("main".parse().unwrap()),
        app: Some(app.parse().unwrap()),
        user: Some("dr.rivera".parse().unwrap()),
        patient: Some(patient.parse().unwrap()),
        ..Subject::default()
    };
    Event::new(Kind::Fhir, "read", subject, Outcome::Ok).with("type", "Observation")
}

fn write_intent() -> Event {
    Event::new(Kind::WriteIntent, "create", Subject::default(), Outcome::Ok)
}

fn write_outcome() -> Event {
    Event::new(
        Kind::WriteOutcome,
        "create",
        Subject::default(),
        Outcome::Ok,
    )
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}
