//! Search parameters: no panic, and the canonical form is stable.
#![no_main]

use glovebox_fhir::SearchQuery;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pairs: Vec<(String, String)>| {
    if let Ok(query) = SearchQuery::parse("Observation", &pairs) {
        let again = SearchQuery::parse("Observation", query.pairs()).expect("it parsed before");
        assert_eq!(again.canonical(), query.canonical());
    }
});
