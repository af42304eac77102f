//! Dates of any precision: no panic, and ranges in the right order.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| glovebox_fhir::fuzzing::date(text));
