//! The one door to patient data: decide, fetch, re-check, record, release.
//!
//! Two callers, the FHIR endpoint over HTTP and the guests' WIT interface, both build an
//! [`Interaction`](glovebox_fhir::Interaction) and call [`Gateway::execute`]. Only this
//! crate depends on the store, and only here is a system permit named.
#![forbid(unsafe_code)]

mod answer;
mod budgets;
mod chart;
mod cursor;
mod drafts;
mod execute;
mod gateway;
mod import;
mod membership;
mod projection;
mod record;
mod refusal;
mod relations;
mod search;
mod session;
mod settle;
#[cfg(test)]
mod tests;
mod write;

pub use answer::{Answer, Page, Released, Unreleased, Written};
pub use chart::Viewer;
pub use cursor::{Cursor, CursorBinding};
pub use drafts::{
    Draft, DraftCommitted, DraftFilter, DraftRefused, DraftStage, DraftSummary, DraftWrite, Drafted,
};
pub use gateway::{Gateway, GatewayParts};
pub use import::{ImportOptions, ImportReport, RefusedResource};
pub use refusal::Refusal;
pub use session::{Door, Session};
