//! The words of Glovebox: identifiers, grammars and documents that every other crate
//! speaks in.
//!
//! Nothing here awaits, reads a clock or touches I/O. Types are not wire types: each
//! edge (HTTP, WIT, disk) converts by hand, except where a doc comment says that a
//! form *is* the stored form (the manifest, ledger entries).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod clock;
pub mod digest;
pub mod id;
pub mod launch;
pub mod ledger;
pub mod limits;
pub mod manifest;
pub mod role;
pub mod scope;
pub mod view;

pub use clock::{Clock, ManualClock, Timestamp};
pub use digest::Digest;
pub use id::{
    AppId, CallId, ClientId, FhirUser, PatientId, PublisherId, SessionId, TenantId, UserId, Version,
};
pub use role::Role;
