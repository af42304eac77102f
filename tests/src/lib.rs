//! What the integration tests share: the real server on a free port, a browser that only
//! knows forms and links, an API client, and the parts of a machine that some tests need.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on should say where and stop; it has its own clock and environment"
)]

pub mod api;
pub mod assertion;
pub mod binary;
pub mod browser;
pub mod chrome;
pub mod components;
pub mod fhir;
pub mod guests;
pub mod host;
pub mod html;
pub mod logs;
pub mod machine;
pub mod oauth;
pub mod proof;

pub use api::{Answer, Api};
pub use browser::{Browser, Page};
pub use host::{Options, TestHost};
