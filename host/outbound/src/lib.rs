//! Calls to addresses that somebody else supplied. Each goes to a public address, or to an
//! origin that the operator listed; it is bounded in time and bytes, follows nothing, and is
//! reported to a sink.
//!
//! The address that is vetted is the address that is connected to: names are resolved here,
//! once for each call, and what they resolve to is checked before a connection is made.
#![forbid(unsafe_code)]

mod address;
mod call;
mod client;
mod error;
mod policy;
mod resolver;

pub use call::{Call, CallSink};
pub use client::{Answer, Outbound, Request};
pub use error::OutboundError;
pub use policy::{AddressPolicy, InvalidOrigin, Vetted};
pub use resolver::{Lookup, SystemLookup};
