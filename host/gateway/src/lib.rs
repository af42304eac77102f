//! The one door to patient data: decide, fetch, re-check, record, release.
//!
//! Two callers, the FHIR endpoint over HTTP and the guests' WIT interface, both build an
//! [`Interaction`](glovebox_fhir::Interaction) and call [`Gateway::execute`]. Only this
//! crate depends on the store, and only here is a system permit named.
#![forbid(unsafe_code)]

mod answer;
mod binary;
mod budgets;
mod chart;
mod conditional;
mod cursor;
mod derivation;
mod drafts;
mod everything;
mod execute;
mod gateway;
mod history;
mod import;
mod membership;
mod plan;
mod projection;
mod record;
mod refusal;
mod relations;
mod request_id;
mod search;
mod session;
mod settle;
#[cfg(test)]
mod tests;
mod transaction;
mod write;

pub use answer::{Answer, EntryAnswer, HistoryPage, Page, Released, Unreleased, Version, Written};
pub use chart::Viewer;
pub use cursor::{Cursor, CursorBinding};
pub use derivation::Derived;
pub use drafts::{
    Draft, DraftCommitted, DraftFilter, DraftRefused, DraftStage, DraftSummary, DraftWrite, Drafted,
};
pub use everything::Everything;
pub use gateway::{Gateway, GatewayParts};
pub use import::{ImportOptions, ImportReport, RefusedResource};
pub use refusal::Refusal;
pub use relations::WithdrawnRelation;
pub use request_id::RequestId;
pub use session::{Door, Session};
