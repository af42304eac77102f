//! The contract of [`Records`]: one suite of sentences, run against both engines.

use std::io::Write;
use std::sync::Arc;

use crate::postgres_records::{PostgresRecords, PostgresSettings};
use crate::records::{Keyspace, Records};
use crate::sled_records::{SledRecords, SledSettings};
use crate::test_support::postgres::Server;

mod durability;
mod limits;
mod measure;
mod model;
mod order;
mod versions;
pub(crate) mod watching;

/// Where a sentence is tried: an engine that can be closed and opened again.
pub(crate) struct World {
    place: Place,
    open: Option<Arc<dyn Records>>,
}

enum Place {
    Sled(tempfile::TempDir),
    Postgres { url: String, _server: Arc<Server> },
}

impl World {
    /// An empty embedded store.
    pub(crate) async fn sled() -> Self {
        Self {
            place: Place::Sled(tempfile::tempdir().unwrap()),
            open: None,
        }
        .opened()
        .await
    }

    /// An empty database of a PostgreSQL server; `None`, said aloud, where none can be
    /// started. That is a failure if `GLOVEBOX_NO_SKIPS` is `1`.
    pub(crate) async fn postgres() -> Option<Self> {
        match Server::shared() {
            Ok(server) => {
                let place = Place::Postgres {
                    url: server.new_database().await,
                    _server: server,
                };
                Some(Self { place, open: None }.opened().await)
            }
            Err(reason) => {
                skip(&reason);
                None
            }
        }
    }

    /// The store.
    pub(crate) fn records(&self) -> &Arc<dyn Records> {
        self.open.as_ref().expect("a world is open")
    }

    /// A namespace of the store.
    pub(crate) fn keyspace(&self, name: &str) -> Keyspace {
        Keyspace::new(Arc::clone(self.records()), name)
    }

    /// A second handle on the same data, as another node has it.
    pub(crate) async fn another(&self) -> Arc<dyn Records> {
        match &self.place {
            Place::Sled(dir) => {
                let settings = SledSettings {
                    cache_bytes: 8 << 20,
                };
                SledRecords::open(dir.path(), &settings).unwrap()
            }
            Place::Postgres { url, .. } => {
                PostgresRecords::connect(url, &PostgresSettings::default())
                    .await
                    .unwrap()
            }
        }
    }

    /// Closes the store.
    pub(crate) fn close(&mut self) {
        let last = self.open.take().map(|records| Arc::strong_count(&records));
        assert_eq!(last, Some(1), "somebody still holds the store");
    }

    /// Opens it again.
    pub(crate) async fn opened(mut self) -> Self {
        self.open = Some(self.another().await);
        self
    }

    /// Closes it and opens it again.
    pub(crate) async fn reopened(mut self) -> Self {
        self.close();
        self.opened().await
    }

    /// What another process needs to open the same data.
    pub(crate) fn address(&self) -> String {
        match &self.place {
            Place::Sled(dir) => dir.path().display().to_string(),
            Place::Postgres { url, .. } => url.clone(),
        }
    }
}

/// Says aloud that PostgreSQL was not tested: past the capture of the test harness.
pub(crate) fn skip(reason: &str) {
    if std::env::var_os("GLOVEBOX_NO_SKIPS").is_some_and(|value| value == "1") {
        panic!("PostgreSQL cannot be started: {reason}");
    }
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let line = format!("SKIPPED {test}: PostgreSQL cannot be started: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Makes of each sentence one test for each engine.
macro_rules! contract {
    ($($sentence:ident),+ $(,)?) => {
        mod sled {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                super::$sentence(crate::contract::World::sled().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                if let Some(world) = crate::contract::World::postgres().await {
                    super::$sentence(world).await;
                }
            })+
        }
    };
}
pub(crate) use contract;
