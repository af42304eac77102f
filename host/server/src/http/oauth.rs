//! OAuth 2.0 endpoints, one file each.

pub mod authorize;
pub mod discovery;
pub mod introspect;
pub mod revoke;
pub mod token;

mod client_request;
mod cors;
mod error;
mod form;
