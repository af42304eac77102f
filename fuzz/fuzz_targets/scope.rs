//! The scope grammar: no panic, and what parses keeps its promises.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| glovebox_model::scope::fuzz::scopes(text));
