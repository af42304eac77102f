//! `glovebox:host/launch`: why the app is running. Nothing here is a credential.

use crate::bindings::{LaunchHost, WitContextItem, WitLaunchContext};
use crate::state::CallState;

impl LaunchHost for CallState {
    fn context(&mut self) -> wasmtime::Result<WitLaunchContext> {
        self.enter(0)?;
        self.usage.context_calls += 1;
        let context = &self.env.context;
        Ok(WitLaunchContext {
            tenant: context.tenant.to_string(),
            patient: context.patient.as_ref().map(ToString::to_string),
            encounter: context.encounter.clone(),
            fhir_user: context.fhir_user.as_ref().map(ToString::to_string),
            intent: context.intent.clone(),
            fhir_context: context
                .fhir_context
                .iter()
                .map(|item| WitContextItem {
                    reference: item.reference.clone(),
                    canonical: item.canonical.clone(),
                    role: item.role.clone(),
                    extras: Vec::new(),
                })
                .collect(),
            granted_scopes: self
                .env
                .session
                .scopes
                .iter()
                .map(ToString::to_string)
                .collect(),
            locale: context.locale.clone(),
            extras: Vec::new(),
        })
    }
}
