//! Patches in both forms: no panic, bounded, and the same resource afterwards.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| glovebox_fhir::fuzzing::patch(text));
