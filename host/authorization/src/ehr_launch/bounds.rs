//! How much a launch may say.

use glovebox_model::launch::ContextItem;
use url::Url;

use super::Launch;
use crate::Error;

const INTENT_BYTES_MAX: usize = 256;
const CONTEXT_ITEMS_MAX: usize = 50;
const CONTEXT_TEXT_BYTES_MAX: usize = 512;

/// Checks sizes and forms; what the words mean is the caller's to know.
pub(super) fn check(launch: &Launch) -> Result<(), Error> {
    if launch
        .encounter
        .as_deref()
        .is_some_and(|id| !glovebox_model::id::is_fhir_id(id))
    {
        return Err(Error::invalid(
            "encounter",
            "must be the logical id of an Encounter",
        ));
    }
    if launch
        .intent
        .as_ref()
        .is_some_and(|intent| intent.len() > INTENT_BYTES_MAX)
    {
        return Err(Error::invalid("intent", "must have at most 256 bytes"));
    }
    if launch.fhir_context.len() > CONTEXT_ITEMS_MAX {
        return Err(Error::invalid("fhir_context", "must have at most 50 items"));
    }
    for item in &launch.fhir_context {
        if item.reference.is_none() && item.canonical.is_none() {
            return Err(Error::invalid(
                "fhir_context",
                "must give each item a reference or a canonical",
            ));
        }
        let texts = [
            item.reference.as_ref(),
            item.canonical.as_ref(),
            Some(&item.role),
        ];
        if texts
            .into_iter()
            .flatten()
            .any(|text| text.len() > CONTEXT_TEXT_BYTES_MAX)
        {
            return Err(Error::invalid(
                "fhir_context",
                "must keep each text within 512 bytes",
            ));
        }
        check_meaning(item).map_err(|rule| Error::invalid("fhir_context", rule))?;
    }
    Ok(())
}

/// The rules of `fhirContext` (SMART App Launch 2.2, "fhirContext"): references are
/// relative, roles of the EHR's own are absolute addresses, and the patient and the
/// encounter in context have members of their own.
fn check_meaning(item: &ContextItem) -> Result<(), &'static str> {
    let is_launch = item.role == "launch";
    if !is_launch && Url::parse(&item.role).is_err() {
        return Err("must give as role `launch` or an absolute address");
    }
    if let Some(reference) = &item.reference {
        let is_relative = reference.split_once('/').is_some_and(|(kind, rest)| {
            let (id, version) = rest.split_once("/_history/").unwrap_or((rest, "1"));
            kind.starts_with(|c: char| c.is_ascii_uppercase())
                && kind.bytes().all(|b| b.is_ascii_alphanumeric())
                && [id, version]
                    .into_iter()
                    .all(glovebox_model::id::is_fhir_id)
        });
        if !is_relative {
            return Err("must give each reference as a type and an id");
        }
        let kind = reference.split('/').next().unwrap_or_default();
        if is_launch && matches!(kind, "Patient" | "Encounter") {
            return Err("must not name a Patient or an Encounter in the role `launch`");
        }
    }
    match &item.canonical {
        Some(canonical) if !canonical.starts_with("http") => {
            Err("must give an address as canonical")
        }
        _ => Ok(()),
    }
}
