//! Which apps there are, what state each version is in, and who decided so.
//!
//! Versions are immutable and known by the digest of their component. Every act on them
//! names a person, stands in the ledger before it is answered, and those that withdraw an
//! app are carried out through the fence.
#![forbid(unsafe_code)]

mod acts;
mod app_version;
mod error;
mod installation;
mod registry;
mod stage;
mod stored;
#[cfg(test)]
mod tests;
mod upload;

pub use acts::{Actor, Released, Withdrawn};
pub use app_version::{Act, AppVersion};
pub use error::{ActRefused, RegistryError, UploadRefused};
pub use installation::Installation;
pub use registry::{Registry, RegistryParts};
pub use stage::{Approval, Quarantine, Stage};
pub use upload::check_imports;
