//! How much a launch may say.

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
    }
    Ok(())
}
