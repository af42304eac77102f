//! FHIR calls of the mock host.

use std::cmp::Reverse;

use serde_json::Value;

use super::matching::{date_of, matches, visible};
use super::{Host, current};
use crate::FhirError;
use crate::clinical::text;
use crate::fhir::write::Outcome;

/// Results per page where `_count` is not given.
const PAGE_ROWS: usize = 50;

/// A search whose pages are handed out one by one.
pub(crate) struct Cursor {
    resource_type: String,
    parameters: Vec<(String, String)>,
    found: Vec<String>,
    position: usize,
    rows: usize,
}

impl Cursor {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the same signature as inside WebAssembly, where a page can fail"
    )]
    pub(crate) fn next_page(
        &mut self,
        bytes_max: u32,
    ) -> Result<Option<Vec<(String, String)>>, FhirError> {
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let mut page = Vec::new();
        for resource in self.found.iter().skip(self.position).take(self.rows) {
            bytes += resource.len();
            if bytes > bytes_max && !page.is_empty() {
                break;
            }
            page.push(("match".to_owned(), resource.clone()));
        }
        self.position += page.len();
        Ok((!page.is_empty()).then_some(page))
    }

    pub(crate) fn total(&self) -> Option<u64> {
        u64::try_from(self.found.len()).ok()
    }

    pub(crate) fn token(&self) -> String {
        let stand = (&self.resource_type, &self.parameters, self.position);
        serde_json::to_string(&stand).unwrap_or_default()
    }
}

pub(crate) fn read(resource_type: &str, id: &str) -> Result<String, FhirError> {
    current(|host| {
        fail(host, resource_type)?;
        host.resources
            .iter()
            .find(|resource| {
                text(resource, "resourceType") == Some(resource_type)
                    && text(resource, "id") == Some(id)
                    && visible(host, resource)
            })
            .map(Value::to_string)
            .ok_or(FhirError::NotFound)
    })
}

pub(crate) fn vread(resource_type: &str, id: &str, version: &str) -> Result<String, FhirError> {
    let resource = read(resource_type, id)?;
    let current: Value = crate::fhir::parse(&resource)?;
    let current_version = current.get("meta").and_then(|meta| text(meta, "versionId"));
    if current_version == Some(version) {
        Ok(resource)
    } else {
        Err(FhirError::NotFound)
    }
}

pub(crate) fn search(
    resource_type: &str,
    parameters: &[(String, String)],
) -> Result<Cursor, FhirError> {
    current(|host| {
        fail(host, resource_type)?;
        let mut found = Vec::new();
        for resource in &host.resources {
            if text(resource, "resourceType") == Some(resource_type)
                && visible(host, resource)
                && all_match(resource, parameters)?
            {
                found.push(resource);
            }
        }
        let parameter = |wanted: &str| {
            parameters
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        match parameter("_sort") {
            Some("-date") => found.sort_by_key(|resource| Reverse(date_of(resource))),
            Some("date") => found.sort_by_key(|resource| date_of(resource)),
            _ => {}
        }
        Ok(Cursor {
            resource_type: resource_type.to_owned(),
            parameters: parameters.to_vec(),
            found: found.into_iter().map(Value::to_string).collect(),
            position: 0,
            rows: parameter("_count")
                .and_then(|count| count.parse().ok())
                .unwrap_or(PAGE_ROWS)
                .max(1),
        })
    })
}

pub(crate) fn resume(token: &str) -> Result<Cursor, FhirError> {
    let (resource_type, parameters, position): (String, Vec<(String, String)>, usize) =
        serde_json::from_str(token)
            .map_err(|_| FhirError::Other("bad-token: not a token of this session".to_owned()))?;
    let mut cursor = search(&resource_type, &parameters)?;
    cursor.position = position;
    Ok(cursor)
}

/// Every write becomes a draft, as it does for a clinician by default.
pub(crate) fn create(request_id: &str, resource: &str) -> Result<Outcome, FhirError> {
    let resource: Value = crate::fhir::parse(resource)?;
    current(|host| {
        fail(host, text(&resource, "resourceType").unwrap_or_default())?;
        let draft = format!("draft-{request_id}");
        host.written.entry(draft.clone()).or_insert(resource);
        Ok(Outcome::Drafted(draft))
    })
}

pub(crate) fn update(
    request_id: &str,
    resource: &str,
    if_match: &str,
) -> Result<Outcome, FhirError> {
    let value: Value = crate::fhir::parse(resource)?;
    let id = text(&value, "id").unwrap_or_default().to_owned();
    let resource_type = text(&value, "resourceType").unwrap_or_default().to_owned();
    let stored: Value = crate::fhir::parse(&read(&resource_type, &id)?)?;
    let version = stored.get("meta").and_then(|meta| text(meta, "versionId"));
    match version {
        Some(version) if version != if_match => Err(FhirError::Conflict(version.to_owned())),
        _ => create(request_id, resource),
    }
}

fn all_match(resource: &Value, parameters: &[(String, String)]) -> Result<bool, FhirError> {
    for (name, value) in parameters {
        if !matches(resource, name, value)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn fail(host: &Host, resource_type: &str) -> Result<(), FhirError> {
    match host.failures.get(resource_type) {
        Some(error) => Err(error.clone()),
        None => Ok(()),
    }
}
