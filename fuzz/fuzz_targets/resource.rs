//! Resources and the facts drawn from them: no panic, and facts read back as they were.
#![no_main]

use glovebox_fhir::{Facts, Limits, Resource};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(resource) = Resource::parse(bytes, Limits::RESOURCE) {
        let facts = Facts::extract(&resource);
        assert_eq!(Facts::decode(facts.as_bytes()), Some(facts));
    }
});
