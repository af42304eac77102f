//! The meaning of FHIR R4 (4.0.1) JSON: resources as they came, references, search
//! parameters and their matching, the patient compartment, interactions, Bundles.
//!
//! Pure: nothing here awaits, reads a clock or touches I/O. Resources stay JSON; a typed
//! model would lose unknown elements, member order and the spelling of decimals.
//!
//! The tables in `definitions/` are condensed from HL7's definitions by
//! `definitions/condense.mjs`.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod bundle;
pub mod compartment;
pub mod date;
mod expression;
mod extract;
pub mod facts;
pub mod fuzzing;
pub mod interaction;
pub mod json;
pub mod outcome;
mod own_base;
mod parameter;
pub mod patch;
pub mod reference;
pub mod resource;
pub mod search;
mod structure;
mod types;
pub mod validate;

pub use bundle::{
    Bundle, BundleError, BundleType, Entry, EntryMode, EntryProblem, EntryResponse, Method,
    Request, ResponseSet, SearchSet, Submission, SubmissionError,
};
pub use date::DateRange;
pub use facts::{Facts, FactsView, ValueRef};
pub use interaction::{Interaction, InteractionKind, InvalidInteraction, ValidateMode};
pub use json::Limits;
pub use outcome::{IssueCode, OperationOutcome, Severity};
pub use own_base::OwnBase;
pub use parameter::{ParameterKind, SearchParameter, search_parameters};
pub use patch::{Patch, PatchError};
pub use reference::Reference;
pub use resource::{Resource, ResourceError, equal_content};
pub use search::{Handling, ParseOptions, SearchError, SearchQuery, SortKey};
pub use types::{is_resource_type, resource_types};
pub use validate::{Issue, validate};
