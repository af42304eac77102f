use glovebox_database::fence::FenceError;
use glovebox_database::{RecordsError, VaultError};

/// What should not happen, or what a caller asked for that cannot be. A refused
/// credential is never an error: it is a value of the call that checked it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Storage failed.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A sealed key cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It is written down, but what runs could not be confirmed to have stopped: ask again.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// A record is not in the form that this program writes.
    #[error("a stored {noun} cannot be read")]
    Damaged {
        /// What the record should hold.
        noun: &'static str,
    },
    /// Something given does not follow its rule.
    #[error("{what} {rule}")]
    Invalid {
        /// What was given, such as `redirect_uris`.
        what: &'static str,
        /// The rule in words, to be read after the name.
        rule: String,
    },
    /// The name is taken.
    #[error("{noun} `{id}` exists already")]
    Exists {
        /// What was to be made.
        noun: &'static str,
        /// Its name.
        id: String,
    },
    /// There is nothing of that name.
    #[error("there is no {noun} `{id}`")]
    Unknown {
        /// What was looked for.
        noun: &'static str,
        /// Its name.
        id: String,
    },
    /// More people sign in at this moment than passwords can be checked; try again.
    #[error("too many sign-ins at the same moment, try again in a few seconds")]
    Busy,
    /// Others kept changing the same record.
    #[error("a {noun} was changed by others too often, try again")]
    Contended {
        /// The record's noun.
        noun: &'static str,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Randomness(#[source] getrandom::Error),
    /// A cryptographic step failed.
    #[error("{0}")]
    Crypto(&'static str),
}

impl Error {
    pub(crate) fn invalid(what: &'static str, rule: impl Into<String>) -> Self {
        Self::Invalid {
            what,
            rule: rule.into(),
        }
    }
}
