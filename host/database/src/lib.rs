//! What Glovebox keeps: records (sled or PostgreSQL), the audit ledger, the fence,
//! relations, artifacts and sealed keys. The only crate that knows disk and SQL.
#![forbid(unsafe_code)]

mod limits;
pub mod records;
pub mod sled_records;
#[cfg(any(test, feature = "test-util"))]
pub mod test_support;
mod watch;

pub use records::{
    Batch, Conflict, Durability, Expect, Hint, Keyspace, Records, RecordsError, Stored,
};
pub use sled_records::{SledRecords, SledSettings};
