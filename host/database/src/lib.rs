//! What Glovebox keeps: records (sled or PostgreSQL), the audit ledger, the fence,
//! relations, artifacts and sealed keys. The only crate that knows disk and SQL.
#![forbid(unsafe_code)]

pub mod artifacts;
#[cfg(test)]
mod contract;
pub mod fence;
pub mod ledger;
mod limits;
pub mod postgres_records;
pub mod records;
pub mod relations;
pub mod sled_records;
#[cfg(any(test, feature = "test-util"))]
pub mod test_support;
pub mod vault;
mod watch;

pub use artifacts::{ArtifactError, Artifacts, sha256};
pub use fence::{Ended, Fence, FenceError, Held, Mark, Pass, Revoked};
pub use ledger::{Appended, Entry, Filter, Ledger, LedgerError, LedgerSettings};
pub use postgres_records::{PostgresRecords, PostgresSettings};
pub use records::{
    Batch, Conflict, Durability, Expect, Hint, Keyspace, Records, RecordsError, Stored,
};
pub use relations::{Relation, Relations, Right, Rights, Source};
pub use sled_records::{SledRecords, SledSettings};
pub use vault::{KeyEncryptionKey, Vault, VaultError};
