//! OAuth 2.0 endpoints, one file each.

pub mod discovery;
pub mod token;
