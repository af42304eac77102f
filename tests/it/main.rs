//! One binary for every integration test.
#![allow(
    clippy::disallowed_methods,
    reason = "tests have the machine's own clock and environment"
)]

mod api;
mod bad_input;
mod crash;
mod fhir_http;
mod floors;
mod forms;
mod import;
mod in_browser;
mod launch_handle;
mod main_job;
mod quarantine;
mod relations;
mod sandbox;
