//! Extraction: what is true of a resource, written in the stored form.

use glovebox_model::Timestamp;
use serde_json::Value;

use super::FORMAT;
use super::codec::{Writer, write_group};
use super::values::write_values;
use crate::{ParameterKind, Reference, Resource, SearchParameter, compartment, extract, parameter};

pub(super) fn build(
    resource: &Resource,
    id: &str,
    version_id: &str,
    last_updated: Option<Timestamp>,
) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(FORMAT);
    out.str(resource.resource_type());
    out.str(id);
    out.str(version_id);
    match last_updated {
        None => out.u8(0),
        Some(instant) => {
            out.u8(1);
            out.i64(instant.micros());
        }
    }
    let mut patients = Writer::default();
    for patient in patients_of(resource, id) {
        patients.str(&patient);
    }
    out.bytes(&patients.0);
    out.bytes(&labels(resource.value()).0);
    for parameter in parameter::search_parameters(resource.resource_type()) {
        // These three are read from the header: the store assigns them, or policy needs
        // them whether or not anybody searches.
        if ["_id", "_lastUpdated", "_security"].contains(&parameter.code())
            || !parameter.is_supported()
        {
            continue;
        }
        let mut values = Writer::default();
        let is_there = if parameter.kind() == ParameterKind::Composite {
            write_groups(&mut values, resource.value(), parameter);
            !values.0.is_empty()
        } else {
            let nodes = extract::select(resource.value(), parameter.paths());
            for node in &nodes {
                write_values(&mut values, parameter.kind(), node);
            }
            !nodes.is_empty()
        };
        if is_there {
            out.str(parameter.code());
            out.bytes(&values.0);
        }
    }
    out.0
}

/// A group for each element in which every part has a value; others can match nothing.
fn write_groups(out: &mut Writer, resource: &Value, parameter: &SearchParameter) {
    for group in parameter.groups() {
        for element in extract::select(resource, std::slice::from_ref(&group.path)) {
            let mut parts = Writer::default();
            let whole = group.parts.iter().all(|part| {
                let mut values = Writer::default();
                for node in extract::select_part(resource, element, &part.paths) {
                    write_values(&mut values, part.kind, node);
                }
                parts.bytes(&values.0);
                !values.0.is_empty()
            });
            if whole {
                write_group(out, &parts);
            }
        }
    }
}

/// Compartments by the CompartmentDefinition's parameters, and a Patient's own. Only
/// references to this server count: `https://elsewhere/Patient/1` is another patient.
fn patients_of(resource: &Resource, id: &str) -> Vec<String> {
    let resource_type = resource.resource_type();
    let mut patients = Vec::new();
    if resource_type == "Patient" && !id.is_empty() {
        patients.push(id.to_owned());
    }
    for code in compartment::parameters(resource_type).unwrap_or_default() {
        let Some(parameter) = parameter::find(resource_type, code) else {
            continue;
        };
        for node in extract::select(resource.value(), parameter.paths()) {
            let target = Reference::of(node).and_then(|found| found.local_id("Patient"));
            if let Some(target) = target
                && !patients.iter().any(|known| known == target)
            {
                patients.push(target.to_owned());
            }
        }
    }
    patients
}

fn labels(resource: &Value) -> Writer {
    let mut out = Writer::default();
    let labels = resource.pointer("/meta/security").and_then(Value::as_array);
    for label in labels.into_iter().flatten() {
        let text = |name| label.get(name).and_then(Value::as_str).unwrap_or_default();
        out.str(text("system"));
        out.str(text("code"));
    }
    out
}
