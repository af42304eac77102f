//! Synthetic patients, imported through the gateway like any other data.

use glovebox_fhir::{Limits, Resource};
use glovebox_gateway::{ImportOptions, ImportReport};
use glovebox_model::TenantId;
use glovebox_model::ledger::Subject;
use glovebox_synthesis::{Plan, patient, shared};
use serde_json::Value;

use super::build::{DemoError, Step};
use crate::services::Services;

/// Resources that are handed to the gateway at once, at least.
const CHUNK: usize = 400;

/// Imports patients `from` (their number so far) to the end of the plan.
pub(super) async fn import(
    services: &Services,
    tenant: &TenantId,
    plan: &Plan,
    from: usize,
    progress: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<(), DemoError> {
    let total = plan.count();
    let mut pending = resources(shared(plan))?;
    for index in from..total {
        pending.extend(tokio::task::block_in_place(|| {
            resources(patient(plan, index))
        })?);
        if pending.len() >= CHUNK || index + 1 == total {
            put(services, tenant, std::mem::take(&mut pending)).await?;
        }
        progress(Step::Patients {
            tenant,
            done: index + 1,
            total,
        });
    }
    Ok(())
}

fn resources(values: Vec<Value>) -> Result<Vec<Resource>, DemoError> {
    let parse = |value: Value| Resource::parse(value.to_string().as_bytes(), Limits::RESOURCE);
    values
        .into_iter()
        .map(parse)
        .collect::<Result<_, _>>()
        .map_err(|problem| DemoError::Wrong(problem.to_string()))
}

async fn put(
    services: &Services,
    tenant: &TenantId,
    resources: Vec<Resource>,
) -> Result<(), DemoError> {
    let actor = Subject::default();
    let options = ImportOptions::default();
    let imported: ImportReport = services
        .gateway
        .import(tenant, &actor, resources, options)
        .await
        .map_err(|_| DemoError::Import)?;
    match imported.refused.first() {
        None => Ok(()),
        Some(refused) => Err(DemoError::Refused {
            reference: refused.reference.clone(),
            why: refused.why.clone(),
        }),
    }
}
