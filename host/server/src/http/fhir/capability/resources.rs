//! What can be done with each type: read off the engine's own tables.

use std::sync::OnceLock;

use glovebox_fhir::{InteractionKind, resource_types, search_parameters};
use serde_json::{Value, json};

/// What is served over HTTP for every type.
const INTERACTIONS: [InteractionKind; 3] = [
    InteractionKind::Read,
    InteractionKind::Vread,
    InteractionKind::Search,
];
/// Types that are made for one exchange and never stored.
const NEVER_STORED: [&str; 2] = ["OperationOutcome", "Parameters"];

/// `CapabilityStatement.rest.resource`, the same for each tenant.
pub(super) fn all() -> &'static Value {
    static ALL: OnceLock<Value> = OnceLock::new();
    ALL.get_or_init(|| {
        let stored = resource_types()
            .iter()
            .filter(|name| !NEVER_STORED.contains(name));
        stored.map(|name| of_type(name)).collect()
    })
}

fn of_type(resource_type: &str) -> Value {
    let interactions: Vec<Value> = INTERACTIONS
        .iter()
        .map(|kind| json!({ "code": kind.as_str() }))
        .collect();
    let parameters: Vec<Value> = search_parameters(resource_type)
        .iter()
        .filter(|parameter| parameter.is_supported())
        .map(|parameter| json!({ "name": parameter.code(), "type": parameter.kind().as_str() }))
        .collect();
    json!({
        "type": resource_type,
        "interaction": interactions,
        "versioning": "versioned",
        "searchParam": parameters,
    })
}
