//! What an approval hides is taken out before anything leaves the gateway.

use bytes::Bytes;
use glovebox_fhir::Interaction;
use glovebox_policy::Permitted;
use serde_json::Value;

use crate::gateway::unavailable;
use crate::refusal::Refusal;

/// The bytes of a resource as this permit shows them. Everything that gives out a resource
/// calls it. Where nothing is hidden the bytes stay as they are, unparsed.
pub(crate) fn project(permitted: &Permitted<Interaction>, bytes: Bytes) -> Result<Bytes, Refusal> {
    let projection = &permitted.terms().projection;
    if projection.is_empty() {
        return Ok(bytes);
    }
    let mut resource: Value = serde_json::from_slice(&bytes).map_err(unavailable)?;
    if !projection.apply(&mut resource) {
        return Ok(bytes);
    }
    serde_json::to_vec(&resource)
        .map(Bytes::from)
        .map_err(unavailable)
}
