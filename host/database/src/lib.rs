//! What Glovebox keeps: records (sled or PostgreSQL), the audit ledger, the fence,
//! relations, artifacts and sealed keys. The only crate that knows disk and SQL.
#![forbid(unsafe_code)]

pub mod records;

pub use records::{Batch, Conflict, Durability, Expect, Hint, Keyspace, Records, RecordsError, Stored};
