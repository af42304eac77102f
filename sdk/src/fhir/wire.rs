//! FHIR calls inside WebAssembly: the imports, with their errors made ours.

use super::FhirError;
use crate::bindings::glovebox::fhir::{read as wire, types, write as wire_write};
use crate::fhir::write::Outcome;

/// A search whose pages the host holds.
pub(crate) struct Cursor(wire::Cursor);

impl Cursor {
    pub(crate) fn next_page(
        &mut self,
        bytes_max: u32,
    ) -> Result<Option<Vec<(String, String)>>, FhirError> {
        let page = self.0.next_page(bytes_max).map_err(from_wire)?;
        Ok(page.map(|entries| {
            entries
                .into_iter()
                .map(|entry| (entry.mode, entry.resource))
                .collect()
        }))
    }

    pub(crate) fn total(&self) -> Option<u64> {
        self.0.total()
    }

    pub(crate) fn token(&self) -> String {
        self.0.token()
    }
}

pub(crate) fn read(resource_type: &str, id: &str) -> Result<String, FhirError> {
    wire::read(resource_type, id).map_err(from_wire)
}

pub(crate) fn vread(resource_type: &str, id: &str, version: &str) -> Result<String, FhirError> {
    wire::vread(resource_type, id, version).map_err(from_wire)
}

pub(crate) fn search(
    resource_type: &str,
    parameters: &[(String, String)],
) -> Result<Cursor, FhirError> {
    let query = wire::Query {
        resource_type: resource_type.to_owned(),
        parameters: parameters.to_vec(),
    };
    wire::search(&query).map(Cursor).map_err(from_wire)
}

pub(crate) fn resume(token: &str) -> Result<Cursor, FhirError> {
    wire::resume(token).map(Cursor).map_err(from_wire)
}

pub(crate) fn create(request_id: &str, resource: &str) -> Result<Outcome, FhirError> {
    outcome(wire_write::create(request_id, resource))
}

pub(crate) fn update(
    request_id: &str,
    resource: &str,
    if_match: &str,
) -> Result<Outcome, FhirError> {
    outcome(wire_write::update(request_id, resource, if_match))
}

fn outcome(result: Result<wire_write::Outcome, types::FhirError>) -> Result<Outcome, FhirError> {
    match result {
        Ok(wire_write::Outcome::Committed((id, version_id))) => {
            Ok(Outcome::Committed { id, version_id })
        }
        Ok(wire_write::Outcome::Drafted(draft)) => Ok(Outcome::Drafted(draft)),
        Ok(wire_write::Outcome::Other(text)) => Ok(Outcome::Other(text)),
        Err(error) => Err(from_wire(error)),
    }
}

fn from_wire(error: types::FhirError) -> FhirError {
    match error {
        types::FhirError::NotGranted(scope) => FhirError::NotGranted(scope),
        types::FhirError::NotFound => FhirError::NotFound,
        types::FhirError::Gone => FhirError::Gone,
        types::FhirError::Conflict(version) => FhirError::Conflict(version),
        types::FhirError::Invalid(outcome) => FhirError::Invalid(outcome),
        types::FhirError::TooCostly(limit) => FhirError::TooCostly(limit),
        types::FhirError::Throttled(ms) => FhirError::Throttled(ms),
        types::FhirError::Terminated(cause) => FhirError::Terminated(cause),
        types::FhirError::Unavailable => FhirError::Unavailable,
        types::FhirError::Other(cause) => FhirError::Other(cause),
    }
}
