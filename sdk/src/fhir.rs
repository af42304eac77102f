//! Reading FHIR R4. The host checks every call against the granted scopes and the
//! patient in context, and writes it down; what is outside looks absent.

mod error;
mod search;
#[cfg(target_arch = "wasm32")]
pub(crate) mod wire;
pub mod write;

pub use error::FhirError;
pub use search::{Cursor, Found, Search};

use serde_json::Value;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::mock::fhir as backend;
#[cfg(target_arch = "wasm32")]
pub(crate) use wire as backend;

/// One entry of a page of results.
#[derive(Clone, Debug)]
pub struct Entry {
    /// FHIR search entry mode: `match`, `include` or `outcome`.
    pub mode: String,
    /// The resource.
    pub resource: Value,
}

/// Reads a resource by its type and logical id.
pub fn read(resource_type: &str, id: &str) -> Result<Value, FhirError> {
    parse(&backend::read(resource_type, id)?)
}

/// Reads one version of a resource.
pub fn vread(resource_type: &str, id: &str, version_id: &str) -> Result<Value, FhirError> {
    parse(&backend::vread(resource_type, id, version_id)?)
}

/// Reads what a relative reference such as `Medication/123` points to; `None` for
/// anything else (contained, absolute and logical references).
pub fn read_reference(reference: &str) -> Result<Option<Value>, FhirError> {
    match reference.split('/').collect::<Vec<_>>().as_slice() {
        [resource_type, id] if !resource_type.is_empty() && !id.is_empty() => {
            read(resource_type, id).map(Some)
        }
        _ => Ok(None),
    }
}

pub(crate) fn parse(text: &str) -> Result<Value, FhirError> {
    serde_json::from_str(text).map_err(|problem| FhirError::Other(format!("json: {problem}")))
}
