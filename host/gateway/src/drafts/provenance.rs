//! Who wrote and who accepted: a Provenance beside what a commit puts into the record.

use glovebox_fhir::{Limits, Resource, ResourceError};
use glovebox_model::{Timestamp, UserId};
use serde_json::{Value, json};

use super::Draft;

/// Code system of the roles of a Provenance's agents (R4, `Provenance.agent.type`).
const AGENT_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
/// The activity "somebody who may do so took over what was proposed".
const ACTIVITY_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-DataOperation";

/// The Provenance of a committed draft. `written` names `Type/id` and version.
pub(super) fn provenance(
    draft: &Draft,
    clinician: &UserId,
    fhir_user: Option<&str>,
    written: &[(String, String)],
    now: Timestamp,
) -> Result<Resource, ResourceError> {
    let subject = &draft.summary.subject;
    let name = |text: Option<String>| text.unwrap_or_default();
    let app = match (&subject.app, &subject.client) {
        (Some(app), _) => app.to_string(),
        (None, client) => name(client.as_ref().map(ToString::to_string)),
    };
    let version = name(subject.version.as_ref().map(ToString::to_string));
    let digest = name(subject.digest.as_ref().map(ToString::to_string));
    let display = [app.as_str(), version.as_str(), digest.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let agent_type = |code: &str| json!({ "coding": [{ "system": AGENT_SYSTEM, "code": code }] });
    let mut person = json!({ "display": clinician.to_string() });
    if let (Some(reference), Some(members)) = (fhir_user, person.as_object_mut()) {
        members.insert("reference".to_owned(), reference.into());
    }
    let targets: Vec<Value> = written
        .iter()
        .map(|(reference, version)| json!({ "reference": format!("{reference}/_history/{version}") }))
        .collect();
    let content = json!({
        "resourceType": "Provenance",
        "target": targets,
        "recorded": now.to_string(),
        "activity": { "coding": [{ "system": ACTIVITY_SYSTEM, "code": "UPDATE" }] },
        "agent": [
            {
                "type": agent_type("author"),
                "who": { "type": "Device", "display": display },
            },
            { "type": agent_type("verifier"), "who": person },
        ],
    });
    Resource::parse(content.to_string().as_bytes(), Limits::RESOURCE)
}
