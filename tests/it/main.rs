//! One binary for every integration test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on should say where and stop; it has its own clock and environment"
)]

mod api;
mod bad_input;
mod clients;
mod crash;
mod discovery;
mod drafts;
mod fhir_abuse;
mod fhir_clients;
mod fhir_door;
mod fhir_http;
mod fhir_own_base;
mod fhir_protocol;
mod fhir_statement;
mod fhir_wit;
mod fhir_writes;
mod floors;
mod forms;
mod import;
mod in_browser;
mod launch_handle;
mod main_job;
mod quarantine;
mod relations;
mod revoking;
mod sandbox;
mod smart;
mod smart_abuse;
mod smart_clients;
mod smart_rules;
