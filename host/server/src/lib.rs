//! The server: HTTP, pages, configuration and the command line of the one binary.
//!
//! The only crate that knows inbound HTTP and status codes. What it decides is the
//! protocol; what may be done is decided below.
#![forbid(unsafe_code)]

pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod http;
pub mod intake;
pub mod services;
