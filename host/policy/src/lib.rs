//! Who may do what: pure decisions over values. No I/O, no clock, no async.
//!
//! [`decide`] answers an [`AccessRequest`] with a [`Decision`]. A permit is the only way
//! to a [`Permitted`] interaction, and the stores accept nothing else: a check that was
//! forgotten does not compile.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod approval;
mod budget;
mod decision;
mod labels;
mod offer;
mod permitted;
mod prepared;
mod projection;
mod request;
mod sentence;
mod system;
mod terms;

pub use approval::effective_scopes;
pub use budget::{Budget, Counted, Quota, TenantBudgets, TokenBucket};
pub use decision::{Decision, Denial, Rule, decide};
pub use labels::{Clearance, Confidentiality};
pub use offer::{Offer, OfferedItem};
pub use permitted::{Basis, Permitted, Reach};
pub use projection::{InvalidProjection, Keeping, Projection};
pub use request::{AccessRequest, UserRights};
pub use sentence::{access_summary, category, sentence};
pub use system::{SystemReason, permit_system};
pub use terms::{InvalidTerms, Terms, WriteMode};
