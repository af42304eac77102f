//! Why an installation does not start. Each text says what to do next.

use std::path::PathBuf;

use glovebox_database::RecordsError;
use glovebox_database::artifacts::ArtifactError;
use glovebox_database::ledger::LedgerError;
use glovebox_database::vault::VaultError;
use glovebox_runtime::{EngineError, RuntimeError};

/// A start that failed. Nothing is half written.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or folder cannot be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The data directory has another layout.
    #[error(
        "{} holds data of another version (`{found}`): use the glovebox that wrote it, or name another directory with --data",
        path.display()
    )]
    OtherFormat {
        /// Which.
        path: PathBuf,
        /// What its `format` file says.
        found: String,
    },
    /// The directory holds other files.
    #[error("{} is not empty and not a glovebox data directory: name another one with --data", .0.display())]
    NotOurs(PathBuf),
    /// The records cannot be opened.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The artifacts cannot be opened.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// The keys cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The keys that sign id_tokens cannot be made or read.
    #[error(transparent)]
    Authorization(#[from] glovebox_authorization::Error),
    /// The runtime for components cannot be made.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The engine for components cannot be made.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What a crash left open cannot be settled.
    #[error("writes that a crash left open could not be settled: see the log")]
    Settle,
    /// What an earlier version wrote cannot be put in order.
    #[error("data of an earlier version could not be put in order: see the log")]
    Order,
    /// Which accounts are which people of the record cannot be found out.
    #[error("what follows from care teams in the record could not be derived: see the log")]
    People,
    /// The address is taken.
    #[error("{address} is in use: stop the other program or choose another port with --port")]
    AddressInUse {
        /// Where the server wanted to listen.
        address: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

impl StartError {
    /// Logs why the accounts could not be followed.
    pub(super) fn people(cause: super::standing::Cause) -> Self {
        tracing::error!(%cause, "the accounts of people in the record could not be followed");
        Self::People
    }

    pub(crate) fn interrupted(problem: tokio::task::JoinError) -> Self {
        Self::Io {
            path: PathBuf::from("records"),
            source: std::io::Error::other(problem),
        }
    }
}
