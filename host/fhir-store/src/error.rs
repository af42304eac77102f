//! What should not happen in the store, and what it cannot hold.

use glovebox_database::RecordsError;

/// A failure of the store; absence and refusals are values, not errors.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The records behind the store failed.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// What is stored is not what was written.
    #[error("the stored data of {0} is damaged: restore it from a backup")]
    Damaged(String),
    /// The data was written by another version of the program.
    #[error(
        "the stored data of {0} has another format: import the resources again into an empty data directory"
    )]
    OtherFormat(String),
    /// The interaction given is not of the kind that this call carries out.
    #[error("the store was asked to carry out another kind of interaction")]
    WrongInteraction,
    /// A search would have to look at more resources than one search may.
    #[error("the search would look at more than {0} resources: narrow it")]
    TooCostly(usize),
}

/// A resource is valid and yet more than the store can hold in one record or commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has {size} {what}, at most {max} can be stored")]
pub struct TooLarge {
    /// Of what.
    pub what: &'static str,
    /// How much there is.
    pub size: usize,
    /// How much there may be.
    pub max: usize,
}

impl TooLarge {
    pub(crate) fn check(what: &'static str, size: usize, max: usize) -> Result<(), Self> {
        if size <= max {
            Ok(())
        } else {
            Err(Self { what, size, max })
        }
    }
}
