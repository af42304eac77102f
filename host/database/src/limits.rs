//! The limits of the `Records` contract, enforced before either engine is touched.

use std::collections::HashSet;

use crate::records::{
    BATCH_BYTES_MAX, BATCH_MAX, Batch, KEY_BYTES_MAX, Operation, RecordsError, VALUE_BYTES_MAX,
};

fn at_most(what: &'static str, size: usize, max: usize) -> Result<(), RecordsError> {
    if size <= max {
        Ok(())
    } else {
        Err(RecordsError::TooLarge { what, size, max })
    }
}

/// Refuses a key over [`KEY_BYTES_MAX`].
pub(crate) fn key(key: &[u8]) -> Result<(), RecordsError> {
    at_most("a key", key.len(), KEY_BYTES_MAX)
}

/// Refuses a list of keys that is longer than a batch may be, or holds a key too long.
pub(crate) fn keys(keys: &[Vec<u8>]) -> Result<(), RecordsError> {
    at_most("a list of keys", keys.len(), BATCH_MAX)?;
    keys.iter().try_for_each(|each| key(each))
}

/// Refuses a batch that is over a limit or names a key twice.
pub(crate) fn batch(batch: &Batch) -> Result<(), RecordsError> {
    at_most("a batch", batch.len(), BATCH_MAX)?;
    let mut seen = HashSet::with_capacity(batch.len());
    let mut bytes = 0_usize;
    for operation in batch.operations() {
        let name = operation.key();
        key(name)?;
        bytes += name.len();
        if let Operation::Put { value, .. } = operation {
            at_most("a value", value.len(), VALUE_BYTES_MAX)?;
            bytes += value.len();
        }
        if !seen.insert(name) {
            return Err(RecordsError::RepeatedKey);
        }
    }
    at_most("all keys and values of a batch", bytes, BATCH_BYTES_MAX)
}
