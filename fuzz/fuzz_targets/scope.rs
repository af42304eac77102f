//! The scope grammar: no panic, and what parses prints as the same scope.
#![no_main]

use glovebox_model::scope::ScopeSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(scopes) = ScopeSet::parse(text) {
        assert_eq!(ScopeSet::parse(&scopes.to_string()), Ok(scopes.clone()));
        assert!(scopes.iter().all(|scope| scopes.covers(scope)));
    }
});
