//! Batches and transactions: no panic, and no way to anything but a resource of this server.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| glovebox_fhir::fuzzing::submission(text));
