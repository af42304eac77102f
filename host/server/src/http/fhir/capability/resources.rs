//! What can be done with each type: read off the engine's own tables.

use std::sync::OnceLock;

use glovebox_fhir::{
    InteractionKind, ParameterKind, SearchParameter, resource_types, search_parameters,
};
use serde_json::{Value, json};

/// What is served over HTTP for every type.
const INTERACTIONS: [InteractionKind; 8] = [
    InteractionKind::Read,
    InteractionKind::Vread,
    InteractionKind::History,
    InteractionKind::Search,
    InteractionKind::Create,
    InteractionKind::Update,
    InteractionKind::Patch,
    InteractionKind::Delete,
];
/// Types that are made for one exchange and never stored.
const NEVER_STORED: [&str; 2] = ["OperationOutcome", "Parameters"];
/// Types that no app is given.
const NOT_FOR_APPS: [&str; 1] = ["AuditEvent"];
const VALIDATE: &str = "http://hl7.org/fhir/OperationDefinition/Resource-validate";
const EVERYTHING: &str = "http://hl7.org/fhir/OperationDefinition/Patient-everything";
const DOCREF: &str = "http://hl7.org/fhir/us/core/OperationDefinition/docref";

/// `CapabilityStatement.rest.resource`, the same for each tenant.
pub(super) fn all() -> &'static Value {
    static ALL: OnceLock<Value> = OnceLock::new();
    ALL.get_or_init(|| served().map(of_type).collect())
}

/// The types that are served.
pub(super) fn served() -> impl Iterator<Item = &'static str> {
    let hidden = |name: &&str| NEVER_STORED.contains(name) || NOT_FOR_APPS.contains(name);
    resource_types()
        .iter()
        .copied()
        .filter(move |name| !hidden(name))
}

fn supported(resource_type: &str) -> impl Iterator<Item = &'static SearchParameter> {
    let all = search_parameters(resource_type).iter();
    all.filter(|parameter| parameter.is_supported())
}

fn references(resource_type: &str) -> impl Iterator<Item = &'static SearchParameter> {
    supported(resource_type).filter(|parameter| parameter.kind() == ParameterKind::Reference)
}

fn of_type(resource_type: &str) -> Value {
    let interactions: Vec<Value> = INTERACTIONS
        .iter()
        .map(|kind| json!({ "code": kind.as_str() }))
        .collect();
    let parameters: Vec<Value> = supported(resource_type)
        .map(|parameter| json!({ "name": parameter.code(), "type": parameter.kind().as_str() }))
        .collect();
    let includes: Vec<String> = references(resource_type)
        .map(|one| format!("{resource_type}:{}", one.code()))
        .collect();
    let mut resource = json!({
        "type": resource_type,
        "interaction": interactions,
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": false,
        "conditionalCreate": true,
        "conditionalRead": "full-support",
        "conditionalUpdate": true,
        "conditionalDelete": "single",
        "searchInclude": includes,
        "searchRevInclude": referring(resource_type),
        "searchParam": parameters,
        "operation": operations(resource_type),
    });
    // FHIR knows no empty arrays.
    if let Some(members) = resource.as_object_mut() {
        members.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    resource
}

/// `Source:parameter` of everything that may point to a resource of this type.
fn referring(resource_type: &str) -> Vec<String> {
    let mut found = Vec::new();
    for source in served() {
        for parameter in references(source) {
            if parameter
                .targets()
                .iter()
                .any(|target| *target == resource_type || *target == "*")
            {
                found.push(format!("{source}:{}", parameter.code()));
            }
        }
    }
    found
}

fn operations(resource_type: &str) -> Vec<Value> {
    let operation =
        |name: &str, definition: &str| json!({ "name": name, "definition": definition });
    let mut operations = vec![operation("validate", VALIDATE)];
    match resource_type {
        "Patient" => operations.push(operation("everything", EVERYTHING)),
        "DocumentReference" => operations.push(operation("docref", DOCREF)),
        _ => {}
    }
    operations
}
