//! The embedded FHIR R4 store: resources as the bytes that came in, every version kept,
//! with the facts that decisions and searches need stored beside them.
//!
//! Every call takes a [`Permitted`](glovebox_policy::Permitted) interaction: there is no
//! other way in.
#![forbid(unsafe_code)]

mod binary;
mod error;
mod head;
mod history;
mod import;
mod key;
mod newest;
mod search;
mod store;
#[cfg(test)]
mod tests;
mod write;

pub use binary::{Shown, shown_binaries};
pub use error::{StoreError, TooLarge};
pub use head::Head;
pub use import::{Imported, Planned, Put};
pub use search::{Found, Hit};
pub use store::FhirStore;
pub use write::{Change, Commit, Committed, RequestMark, WriteRefused};
