//! Which resources of the mock record a search finds.

use serde_json::Value;

use super::Host;
use crate::FhirError;
use crate::clinical::{Coded, Observation, list, order_key, text};

/// Whether the launch may see a resource: the patient in context, what refers to that
/// patient, and what refers to no patient at all (a Medication).
pub(super) fn visible(host: &Host, resource: &Value) -> bool {
    let patient = host.launch.patient.as_deref();
    if text(resource, "resourceType") == Some("Patient") {
        return text(resource, "id") == patient;
    }
    match patient_of(resource) {
        Some(reference) => reference.strip_prefix("Patient/") == patient,
        None => true,
    }
}

/// Whether a resource matches one search parameter.
pub(super) fn matches(resource: &Value, name: &str, value: &str) -> Result<bool, FhirError> {
    Ok(match name {
        "_id" => text(resource, "id") == Some(value),
        "patient" | "subject" => {
            let wanted = value.strip_prefix("Patient/").unwrap_or(value);
            patient_of(resource).and_then(|r| r.strip_prefix("Patient/")) == Some(wanted)
        }
        "status" => value
            .split(',')
            .any(|status| text(resource, "status") == Some(status)),
        "code" => any_token(resource.get("code").into_iter(), value),
        "category" => any_token(list(resource, "category").iter(), value),
        "_count" | "_sort" => true,
        _ => {
            return Err(FhirError::Other(format!(
                "unsupported-parameter: the mock host does not know `{name}`"
            )));
        }
    })
}

/// When a resource happened, for `_sort`.
pub(super) fn date_of(resource: &Value) -> i64 {
    Observation::new(resource)
        .effective()
        .or_else(|| text(resource, "authoredOn"))
        .or_else(|| text(resource, "recordedDate"))
        .and_then(order_key)
        .unwrap_or(i64::MIN)
}

fn patient_of(resource: &Value) -> Option<&str> {
    ["subject", "patient"]
        .into_iter()
        .find_map(|key| text(resource.get(key)?, "reference"))
}

fn any_token<'a>(mut concepts: impl Iterator<Item = &'a Value>, value: &str) -> bool {
    concepts.any(|concept| {
        value.split(',').any(|token| match token.split_once('|') {
            Some((system, code)) => Coded::new(concept)
                .codings()
                .any(|coding| coding.system == system && coding.code == code),
            None => list(concept, "coding")
                .iter()
                .any(|coding| text(coding, "code") == Some(token)),
        })
    })
}
