//! A resource: the bytes as they came, and what the host must know about them.

use std::ops::Range;

use glovebox_model::Timestamp;
use glovebox_model::id::is_fhir_id;
use serde_json::Value;

use crate::json::{self, JsonError, Limits, quote};
use crate::types;

/// The bytes are not a resource that the host accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// Not acceptable as JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The document is not an object.
    #[error("a resource is a JSON object")]
    NotAnObject,
    /// `resourceType` is missing or not text.
    #[error("`resourceType` is missing")]
    NoType,
    /// `resourceType` names no R4 type.
    #[error("`{0}` is not a resource type of FHIR R4")]
    UnknownType(String),
    /// `id` is there but not a FHIR id.
    #[error("`id` must be 1 to 64 of A-Z, a-z, 0-9, - and .")]
    InvalidId,
    /// `meta` is there but is not an object.
    #[error("`meta` must be an object")]
    InvalidMeta,
}

/// Where the members stand that the host may set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Spans {
    resource_type: Range<usize>,
    id: Option<Range<usize>>,
    meta: Option<Range<usize>>,
    version_id: Option<Range<usize>>,
    last_updated: Option<Range<usize>>,
}

/// One FHIR R4 resource. Unknown elements, member order and the spelling of decimals are
/// those of the bytes it was parsed from.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    bytes: Vec<u8>,
    value: Value,
    resource_type: &'static str,
    spans: Spans,
}

impl Resource {
    /// Parses and checks: bounds, no duplicate keys, an R4 type, a valid id if any.
    pub fn parse(bytes: &[u8], limits: Limits) -> Result<Self, ResourceError> {
        let mut spans = Spans::default();
        let value = json::parse(bytes, limits, &mut |path, span| match path {
            [one] => match one.as_ref() {
                "resourceType" => spans.resource_type = span,
                "id" => spans.id = Some(span),
                "meta" => spans.meta = Some(span),
                _ => {}
            },
            [one, two] if one == "meta" => match two.as_ref() {
                "versionId" => spans.version_id = Some(span),
                "lastUpdated" => spans.last_updated = Some(span),
                _ => {}
            },
            _ => {}
        })?;
        let object = value.as_object().ok_or(ResourceError::NotAnObject)?;
        let name = object
            .get("resourceType")
            .and_then(Value::as_str)
            .ok_or(ResourceError::NoType)?;
        let resource_type = types::known(name)
            .ok_or_else(|| ResourceError::UnknownType(name.chars().take(80).collect()))?;
        match object.get("id") {
            None => {}
            Some(Value::String(id)) if is_fhir_id(id) => {}
            Some(_) => return Err(ResourceError::InvalidId),
        }
        if object.get("meta").is_some_and(|meta| !meta.is_object()) {
            return Err(ResourceError::InvalidMeta);
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            value,
            resource_type,
            spans,
        })
    }

    /// The type, such as `Observation`.
    pub fn resource_type(&self) -> &'static str {
        self.resource_type
    }

    /// The logical id, if the resource has one.
    pub fn id(&self) -> Option<&str> {
        self.value.get("id").and_then(Value::as_str)
    }

    /// `meta.versionId`, if present.
    pub fn version_id(&self) -> Option<&str> {
        self.value
            .pointer("/meta/versionId")
            .and_then(Value::as_str)
    }

    /// `meta.lastUpdated`, if present and an instant.
    pub fn last_updated(&self) -> Option<Timestamp> {
        self.value
            .pointer("/meta/lastUpdated")
            .and_then(Value::as_str)
            .and_then(Timestamp::parse)
    }

    /// The resource as JSON. Decimals keep their spelling.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same resource under this id; nothing else is touched.
    pub fn with_id(&self, id: &str) -> Result<Self, ResourceError> {
        let edit = match &self.spans.id {
            Some(span) => (span.clone(), quote(id)),
            None => {
                let at = self.spans.resource_type.end;
                (at..at, format!(r#","id":{}"#, quote(id)))
            }
        };
        let bytes = json::edit(&self.bytes, vec![edit]);
        // What was accepted is accepted again, a few bytes longer.
        let limits = Limits {
            bytes_max: bytes.len(),
            ..Limits::RESOURCE
        };
        Self::parse(&bytes, limits)
    }

    /// The same bytes with `id`, `meta.versionId` and `meta.lastUpdated` set; nothing else
    /// is touched, not even white space.
    pub fn splice(&self, id: &str, version_id: &str, last_updated: Timestamp) -> Vec<u8> {
        let version = quote(version_id);
        let updated = quote(&last_updated.to_string());
        let mut edits = Vec::new();
        let mut inserted = String::new();
        match &self.spans.id {
            Some(span) => edits.push((span.clone(), quote(id))),
            None => inserted.push_str(&format!(r#","id":{}"#, quote(id))),
        }
        match &self.spans.meta {
            None => inserted.push_str(&format!(
                r#","meta":{{"versionId":{version},"lastUpdated":{updated}}}"#
            )),
            Some(meta) => {
                let mut members = Vec::new();
                for (span, name, text) in [
                    (&self.spans.version_id, "versionId", version),
                    (&self.spans.last_updated, "lastUpdated", updated),
                ] {
                    match span {
                        Some(span) => edits.push((span.clone(), text)),
                        None => members.push(format!(r#""{name}":{text}"#)),
                    }
                }
                if !members.is_empty() {
                    let empty = self
                        .value
                        .get("meta")
                        .and_then(Value::as_object)
                        .is_none_or(|meta| meta.is_empty());
                    let comma = if empty { "" } else { "," };
                    let at = meta.start + 1;
                    edits.push((at..at, members.join(",") + comma));
                }
            }
        }
        if !inserted.is_empty() {
            let at = self.spans.resource_type.end;
            edits.push((at..at, inserted));
        }
        json::edit(&self.bytes, edits)
    }
}

/// Whether two resources say the same but for `id`, `meta.versionId` and
/// `meta.lastUpdated`. Decimals are compared as text, member order does not count.
pub fn equal_content(a: &Resource, b: &Resource) -> bool {
    a.resource_type == b.resource_type && stripped(a) == stripped(b)
}

fn stripped(resource: &Resource) -> Value {
    let mut value = resource.value.clone();
    if let Some(object) = value.as_object_mut() {
        object.shift_remove("id");
        let mut empty = false;
        if let Some(meta) = object.get_mut("meta").and_then(Value::as_object_mut) {
            meta.shift_remove("versionId");
            meta.shift_remove("lastUpdated");
            empty = meta.is_empty();
        }
        if empty {
            object.shift_remove("meta");
        }
    }
    value
}

#[cfg(test)]
mod tests;
