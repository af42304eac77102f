//! Bundles: read into entries without touching the resources' bytes, references between
//! entries resolved, searchsets written from bytes.

mod response_set;
mod search_set;
mod submission;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use glovebox_model::id::is_fhir_id;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, JsonError, Limits, quote};
use crate::{Resource, ResourceError, types};
pub use response_set::{EntryResponse, ResponseSet};
pub use search_set::{EntryMode, SearchSet};
pub use submission::{
    ENTRIES_MAX, EntryProblem, Method, Request, SUBMISSION_BYTES_MAX, Submission, SubmissionError,
    query_pairs,
};

/// The bytes are not a Bundle that the host reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not acceptable as JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Another resource, or none.
    #[error("not a Bundle")]
    NotABundle,
    /// A type such as `document` or `message`.
    #[error(
        "a Bundle of type `{0}` cannot be read; transaction, batch, collection, searchset and history can"
    )]
    UnsupportedType(String),
}

/// `Bundle.type`, as far as entries are read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleType {
    /// All or nothing.
    Transaction,
    /// Each for itself.
    Batch,
    /// Just resources.
    Collection,
    /// The answer to a search.
    SearchSet,
    /// Versions.
    History,
}

impl BundleType {
    fn parse(code: &str) -> Option<Self> {
        Some(match code {
            "transaction" => Self::Transaction,
            "batch" => Self::Batch,
            "collection" => Self::Collection,
            "searchset" => Self::SearchSet,
            "history" => Self::History,
            _ => return None,
        })
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `fullUrl`, if given.
    pub full_url: Option<String>,
    /// `request.method`, if given.
    pub method: Option<String>,
    /// `request.url`, if given.
    pub url: Option<String>,
    /// The resource's bytes as they stand in the Bundle; `None` for an entry without one.
    pub resource: Option<Vec<u8>>,
    /// The resource's type, where it names one of R4.
    pub resource_type: Option<&'static str>,
    /// The id that the resource goes by: its own, or the UUID of its `urn:uuid:` full URL.
    pub id: Option<String>,
}

impl Entry {
    /// Parses the resource. `None` if the entry has none.
    pub fn parse(&self, limits: Limits) -> Option<Result<Resource, ResourceError>> {
        self.resource
            .as_deref()
            .map(|bytes| Resource::parse(bytes, limits))
    }
}

/// A Bundle as entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// What kind it is.
    pub bundle_type: BundleType,
    /// The entries in order.
    pub entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct RawBundle<'a> {
    #[serde(rename = "resourceType", default)]
    resource_type: String,
    #[serde(rename = "type", default)]
    bundle_type: String,
    #[serde(borrow, default)]
    entry: Vec<RawEntry<'a>>,
}

#[derive(Deserialize)]
struct RawEntry<'a> {
    #[serde(rename = "fullUrl")]
    full_url: Option<String>,
    request: Option<RawRequest>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawRequest {
    method: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct RawIdentity {
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
    id: Option<String>,
}

impl Bundle {
    /// Whether the bytes say that they are a Bundle, in which case [`Bundle::parse`] is to
    /// be asked and not [`Resource::parse`].
    pub fn is_one(bytes: &[u8]) -> bool {
        serde_json::from_slice::<RawIdentity>(bytes)
            .is_ok_and(|identity| identity.resource_type.as_deref() == Some("Bundle"))
    }

    /// Reads the entries. The resources in them are checked when they are parsed, so that
    /// one bad entry can be reported without losing the others.
    pub fn parse(bytes: &[u8], limits: Limits) -> Result<Self, BundleError> {
        if bytes.len() > limits.bytes_max {
            return Err(BundleError::Json(JsonError::TooLarge {
                bytes: bytes.len(),
                max: limits.bytes_max,
            }));
        }
        let raw: RawBundle<'_> =
            serde_json::from_slice(bytes).map_err(|error| JsonError::Syntax(error.to_string()))?;
        json::scan(bytes, limits.depth_max, &mut |_, _| ())?;
        if raw.resource_type != "Bundle" {
            return Err(BundleError::NotABundle);
        }
        let bundle_type = BundleType::parse(&raw.bundle_type).ok_or_else(|| {
            BundleError::UnsupportedType(raw.bundle_type.chars().take(80).collect())
        })?;
        let entries = raw.entry.into_iter().map(Entry::from).collect();
        Ok(Self {
            bundle_type,
            entries,
        })
    }

    /// Replaces, in `Reference.reference`, the full URL of an entry by its `Type/id`.
    /// Everything else stays byte for byte: conditional references
    /// (`Practitioner?identifier=…`), references to what is not in the Bundle, text.
    /// Entries without an id are not targets: give them one in [`Entry::id`] first.
    #[must_use]
    pub fn resolve(mut self) -> Self {
        let targets: HashMap<String, String> = self
            .entries
            .iter()
            .filter_map(|entry| {
                let id = entry.id.as_deref()?;
                let target = format!("{}/{id}", entry.resource_type?);
                Some((entry.full_url.clone()?, target))
            })
            .collect();
        for entry in &mut self.entries {
            if let Some(bytes) = &mut entry.resource {
                resolve_in(bytes, &targets);
            }
        }
        self
    }
}

impl From<RawEntry<'_>> for Entry {
    fn from(raw: RawEntry<'_>) -> Self {
        let text = raw.resource.map(RawValue::get);
        let identity = text.and_then(|text| serde_json::from_str::<RawIdentity>(text).ok());
        let (named, own) = identity.map_or((None, None), |i| (i.resource_type, i.id));
        let id = own.or_else(|| {
            let uuid = raw.full_url.as_deref()?.strip_prefix("urn:uuid:")?;
            is_fhir_id(uuid).then(|| uuid.to_owned())
        });
        let (method, url) = raw.request.map_or((None, None), |r| (r.method, r.url));
        Self {
            full_url: raw.full_url,
            method,
            url,
            resource: text.map(|text| text.as_bytes().to_vec()),
            resource_type: named.as_deref().and_then(types::known),
            id,
        }
    }
}

fn resolve_in(bytes: &mut Vec<u8>, targets: &HashMap<String, String>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let scanned = json::scan(bytes, 120, &mut |path, span| {
        if path.last().is_none_or(|name| name != "reference") {
            return;
        }
        let text = bytes.get(span.clone()).unwrap_or_default();
        if let Ok(text) = serde_json::from_slice::<String>(text)
            && let Some(target) = targets.get(&text)
        {
            edits.push((span, quote(target)));
        }
    });
    if scanned.is_ok() && !edits.is_empty() {
        *bytes = json::edit(bytes, edits);
    }
}
