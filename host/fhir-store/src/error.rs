//! What should not happen in the store.

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
    /// The interaction given is not of the kind that this call carries out.
    #[error("the store was asked to carry out another kind of interaction")]
    WrongInteraction,
    /// A search would have to look at more resources than one search may.
    #[error("the search would look at more than {0} resources")]
    TooCostly(usize),
}
