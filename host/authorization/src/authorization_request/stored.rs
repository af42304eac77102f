//! The stored form of a request.

use glovebox_model::scope::ScopeSet;
use glovebox_model::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{PendingRequest, Prompt};
use crate::context::StoredContext;
use crate::pkce::Challenge;
use crate::table::Table;
use crate::{Client, Error};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredRequest {
    pub(super) tenant: String,
    pub(super) client: String,
    pub(super) registration: String,
    pub(super) created_micros: i64,
    scope: String,
    dropped: Vec<String>,
    login_hint: Option<String>,
    context: StoredContext,
    is_ehr_launch: bool,
    has_encounter_choice: bool,
    browser_session: Option<String>,
    redirect_uri: String,
    state: String,
    challenge: Challenge,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
    nonce: Option<String>,
    prompt: Prompt,
    max_age: Option<u64>,
    launch: Option<String>,
}

impl From<&PendingRequest> for StoredRequest {
    fn from(request: &PendingRequest) -> Self {
        Self {
            tenant: request.tenant.to_string(),
            client: request.client.id.to_string(),
            registration: request.client.registration.clone(),
            created_micros: request.created_at.micros(),
            scope: request.scope.to_string(),
            dropped: request.dropped.clone(),
            login_hint: request.login_hint.clone(),
            context: StoredContext::from(&request.context),
            is_ehr_launch: request.is_ehr_launch,
            has_encounter_choice: request.has_encounter_choice,
            browser_session: request.browser_session.clone(),
            redirect_uri: request.redirect_uri.clone(),
            state: request.state.clone(),
            challenge: request.challenge.clone(),
            thumbprint: request.thumbprint.clone(),
            nonce: request.nonce.clone(),
            prompt: request.prompt,
            max_age: request.max_age,
            launch: request.launch.clone(),
        }
    }
}

impl StoredRequest {
    pub(super) fn read(
        self,
        id: &str,
        tenant: &TenantId,
        client: Client,
        version: u64,
        table: &Table,
    ) -> Result<PendingRequest, Error> {
        Ok(PendingRequest {
            id: id.to_owned(),
            tenant: tenant.clone(),
            client,
            scope: ScopeSet::parse(&self.scope).map_err(|_| table.damaged())?,
            dropped: self.dropped,
            login_hint: self.login_hint,
            context: self.context.read(table)?,
            is_ehr_launch: self.is_ehr_launch,
            has_encounter_choice: self.has_encounter_choice,
            browser_session: self.browser_session,
            created_at: Timestamp::from_micros(self.created_micros),
            redirect_uri: self.redirect_uri,
            state: self.state,
            challenge: self.challenge,
            thumbprint: self.thumbprint,
            nonce: self.nonce,
            prompt: self.prompt,
            max_age: self.max_age,
            launch: self.launch,
            version,
        })
    }
}
