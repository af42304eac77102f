//! Typed looks at FHIR R4 resources. Each borrows the JSON it looks at, so nothing is
//! lost: what an accessor does not cover is still in the [`serde_json::Value`].
//!
//! Numbers stay text: `7.0` is not `7` to a laboratory.

mod allergy;
mod coded;
mod date;
mod medication;
mod observation;
mod patient;

pub use allergy::AllergyIntolerance;
pub use coded::{Coded, Coding};
pub use date::{order_key, years_before};
pub use medication::MedicationRequest;
pub use observation::{Interpretation, Measured, Observation, ReferenceRange};
pub use patient::Patient;

use serde_json::Value;

/// Code system LOINC.
pub const LOINC: &str = "http://loinc.org";
/// Code system RxNorm.
pub const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
/// Code system SNOMED CT.
pub const SNOMED: &str = "http://snomed.info/sct";

/// The text under `key`.
pub fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// The elements of the list under `key`; none where there is no list.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The decimal under `key`, spelled as it was written (but for an exponent, which the
/// JSON parser writes as `1e+3`).
pub fn decimal(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
