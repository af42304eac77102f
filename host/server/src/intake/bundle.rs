//! Bundles: every entry finds its id, and references between entries find their targets.

use glovebox_fhir::{Bundle, BundleError, BundleType, Entry, Limits, Reference, Resource};

use super::{Entries, IntakeError, RefusedEntry};

/// Reads the entries of a Bundle. One bad entry does not lose the others.
pub(super) fn read(bytes: &[u8]) -> Result<Entries, IntakeError> {
    let mut bundle = Bundle::parse(bytes, Limits::BUNDLE).map_err(|problem| match problem {
        BundleError::UnsupportedType(name) => IntakeError::NotASet(name),
        other => IntakeError::Bundle(other),
    })?;
    // Which of the versions is meant, a history does not say.
    if bundle.bundle_type == BundleType::History {
        return Err(IntakeError::NotASet("history".to_owned()));
    }
    for entry in &mut bundle.entries {
        if entry.id.is_none() {
            entry.id = id_elsewhere(entry);
        }
    }
    let bundle = bundle.resolve();
    Ok(bundle
        .entries
        .iter()
        .enumerate()
        .map(|(position, entry)| resource(position, entry))
        .collect())
}

/// The id that an entry's addresses give, where neither the resource nor a `urn:uuid:` does.
fn id_elsewhere(entry: &Entry) -> Option<String> {
    let is_put = entry.method.as_deref() == Some("PUT");
    let target = entry
        .url
        .as_deref()
        .filter(|_| is_put)
        .and_then(|url| id_of(url, entry.resource_type?));
    let own = entry
        .full_url
        .as_deref()
        .and_then(|url| id_of(url, entry.resource_type?));
    target.or(own)
}

fn id_of(url: &str, resource_type: &str) -> Option<String> {
    let (named, id) = match Reference::parse(url) {
        Reference::Local {
            resource_type, id, ..
        } => (resource_type, id),
        Reference::Absolute { target, .. } => target?,
        _ => return None,
    };
    (named == resource_type).then(|| id.to_owned())
}

fn resource(position: usize, entry: &Entry) -> Result<Resource, RefusedEntry> {
    let refused = |why: String| {
        let number = position + 1;
        let place = match (entry.resource_type, entry.id.as_deref()) {
            (Some(resource_type), Some(id)) => format!("entry {number} ({resource_type}/{id})"),
            (Some(resource_type), None) => format!("entry {number} ({resource_type})"),
            _ => format!("entry {number}"),
        };
        RefusedEntry { place, why }
    };
    let parsed = entry.parse(Limits::RESOURCE).ok_or_else(|| {
        let method = entry.method.as_deref().unwrap_or("entry");
        refused(format!(
            "a {method} without a resource: only resources are imported"
        ))
    })?;
    let resource = parsed.map_err(|problem| refused(problem.to_string()))?;
    match (resource.id(), &entry.id, &entry.resource) {
        (None, Some(id), Some(bytes)) => Resource::parse(&with_id(bytes, id), Limits::RESOURCE)
            .map_err(|problem| refused(problem.to_string())),
        (None, None, _) => Err(refused(
            "it has no id: give it one, or a fullUrl of the form urn:uuid:…".to_owned(),
        )),
        _ => Ok(resource),
    }
}

/// Sets an id where there is none; everything else stays byte for byte.
fn with_id(bytes: &[u8], id: &str) -> Vec<u8> {
    let open = bytes
        .iter()
        .position(|byte| *byte == b'{')
        .map_or(0, |brace| brace + 1);
    let (before, behind) = bytes.split_at_checked(open).unwrap_or((bytes, &[]));
    // An id has no character that JSON would escape.
    [before, format!("\"id\":\"{id}\",").as_bytes(), behind].concat()
}
