//! Stores for tests: empty, temporary, gone with the value.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use crate::records::{Keyspace, Records};
use crate::sled_records::{SledRecords, SledSettings};

pub mod postgres;

/// Memory for the page cache of a store in a test.
const CACHE_BYTES: u64 = 8 << 20;

/// An empty embedded store in a directory of its own, removed on drop.
pub struct TemporarySled {
    records: Arc<SledRecords>,
    // after `records`: the directory outlives the store
    dir: tempfile::TempDir,
}

impl TemporarySled {
    /// The store as the trait object that everything else takes.
    pub fn records(&self) -> Arc<dyn Records> {
        Arc::clone(&self.records) as Arc<dyn Records>
    }

    /// The namespace `name` of this store.
    pub fn keyspace(&self, name: &str) -> Keyspace {
        Keyspace::new(self.records(), name)
    }

    /// The directory of the store.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Deref for TemporarySled {
    type Target = Arc<SledRecords>;
    fn deref(&self) -> &Self::Target {
        &self.records
    }
}

/// A new, empty, temporary embedded store.
///
/// # Panics
/// If there is no room for one: a test cannot go on without.
#[expect(clippy::expect_used, reason = "a test cannot go on without its store")]
pub fn temporary_sled() -> TemporarySled {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let settings = SledSettings {
        cache_bytes: CACHE_BYTES,
    };
    let records = SledRecords::open(dir.path(), &settings).expect("an empty store opens");
    TemporarySled { records, dir }
}
