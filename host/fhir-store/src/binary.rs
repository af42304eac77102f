//! Binaries have no patient of their own. Who may read one is told by its security context,
//! or by the resources that show it: DocumentReference, DiagnosticReport and others.

use std::collections::BTreeSet;

use glovebox_fhir::{Interaction, Reference, Resource};
use glovebox_policy::Permitted;
use serde_json::Value;

use crate::error::StoreError;
use crate::head::Head;
use crate::key;
use crate::store::FhirStore;

/// Resources that show one Binary and are looked at, at most.
const SHOWN_BY_MAX: usize = 64;
/// Stands for the patient of a resource that has none.
const NOBODY: &str = "~";

/// What is known of a Binary's readers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Type and id of `Binary.securityContext`.
    pub security_context: Option<(String, String)>,
    /// Patient, type and id of resources that showed it when they were written. The patient
    /// is `None` for a resource without one.
    pub by: Vec<(Option<String>, String, String)>,
}

impl FhirStore {
    /// What could allow reading the Binary that an interaction names: one point read and one
    /// scan, whether it exists or not.
    pub async fn shown(&self, permitted: &Permitted<Interaction>) -> Result<Shown, StoreError> {
        let id = permitted.interaction().id();
        let id = id.ok_or(StoreError::WrongInteraction)?;
        let context = self.records.get(&key::security_context(id)).await?;
        let prefix = key::shown_by(id);
        let entries = self.records.scan(&prefix, None, SHOWN_BY_MAX).await?;
        let by = entries
            .iter()
            .filter_map(|(key, _)| {
                let rest = std::str::from_utf8(key.get(prefix.len()..)?).ok()?;
                let mut parts = rest.split('/').map(str::to_owned);
                let patient = parts.next()?;
                let patient = (patient != NOBODY).then_some(patient);
                Some((patient, parts.next()?, parts.next()?))
            })
            .collect();
        let security_context = context.and_then(|stored| {
            let text = std::str::from_utf8(&stored.value).ok()?;
            let (resource_type, id) = text.split_once('/')?;
            Some((resource_type.to_owned(), id.to_owned()))
        });
        Ok(Shown {
            security_context,
            by,
        })
    }
}

/// Ids of the Binaries on this server that a resource shows: what an Attachment's `url`
/// names. The `url` of an extension says of which kind it is and shows nothing.
pub fn shown_binaries(resource: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(resource, &mut found);
    found
}

pub(crate) fn named_by(resource: &Value) -> BTreeSet<String> {
    shown_binaries(resource)
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                if name == "url"
                    && let Some(id) = member
                        .as_str()
                        .and_then(|url| Reference::parse(url).local_id("Binary"))
                {
                    found.insert(id.to_owned());
                }
                collect(member, found);
            }
        }
        _ => {}
    }
}

pub(crate) fn security_context(resource: &Resource) -> Option<String> {
    if resource.resource_type() != "Binary" {
        return None;
    }
    match Reference::of(resource.value().get("securityContext")?)? {
        Reference::Local {
            resource_type, id, ..
        } => Some(format!("{resource_type}/{id}")),
        _ => None,
    }
}

/// The entries under which a resource is found by the Binaries that it shows.
pub(crate) fn keys(head: &Head, binaries: &BTreeSet<String>) -> Vec<Vec<u8>> {
    let facts = &head.facts;
    let mut patients: Vec<&str> = facts.patients().collect();
    if patients.is_empty() {
        patients.push(NOBODY);
    }
    binaries
        .iter()
        .flat_map(|binary| {
            patients
                .iter()
                .map(|patient| key::shown(binary, patient, facts.resource_type(), facts.id()))
        })
        .collect()
}
