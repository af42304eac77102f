//! What the door is made of.

use std::collections::HashMap;
use std::sync::Arc;

use glovebox_database::Keyspace;
use glovebox_database::fence::Fence;
use glovebox_database::ledger::Ledger;
use glovebox_database::relations::{Relations, Rights};
use glovebox_fhir_store::FhirStore;
use glovebox_model::{Clock, TenantId, UserId};
use glovebox_policy::UserRights;
use zeroize::Zeroizing;

use crate::refusal::Refusal;
use crate::session::Session;

/// Patients that one `user/` search covers at most.
const RELATED_PATIENTS_MAX: usize = 200;

/// What a gateway needs.
pub struct GatewayParts {
    /// The namespace of each tenant's embedded FHIR store.
    pub stores: HashMap<TenantId, Keyspace>,
    /// Where every interaction is recorded.
    pub ledger: Ledger,
    /// What withdraws.
    pub fence: Fence,
    /// Who may open whom.
    pub relations: Relations,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// 32 bytes that seal cursors.
    pub cursor_key: Zeroizing<Vec<u8>>,
}

/// The one door to patient data.
pub struct Gateway {
    pub(crate) stores: HashMap<TenantId, FhirStore>,
    pub(crate) ledger: Ledger,
    pub(crate) fence: Fence,
    pub(crate) relations: Relations,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cursor_key: Zeroizing<Vec<u8>>,
}

impl Gateway {
    /// Puts the parts together.
    pub fn new(parts: GatewayParts) -> Self {
        let GatewayParts {
            stores,
            ledger,
            fence,
            relations,
            clock,
            cursor_key,
        } = parts;
        let stores = stores
            .into_iter()
            .map(|(tenant, records)| (tenant, FhirStore::new(records)))
            .collect();
        Self {
            stores,
            ledger,
            fence,
            relations,
            clock,
            cursor_key,
        }
    }

    pub(crate) fn store(&self, tenant: &TenantId) -> Result<&FhirStore, Refusal> {
        self.stores.get(tenant).ok_or(Refusal::Unavailable)
    }

    /// What the person behind a session may open, read from the relations on every call.
    pub(crate) async fn rights(&self, session: &Session) -> Result<UserRights, Refusal> {
        let Some(user) = &session.user else {
            return Ok(UserRights::NoUser);
        };
        // A session with a patient in context and no `user/` scope needs one point read only.
        let needs_all = session
            .scopes
            .resources()
            .any(|scope| scope.level == glovebox_model::scope::Level::User);
        match &session.patient {
            Some(patient) if !needs_all => {
                let now = self.clock.now();
                let may = self
                    .relations
                    .may_open(&session.tenant, user, patient, now)
                    .await;
                let patients = may.map_err(unavailable)?.then(|| patient.clone());
                Ok(UserRights::Patients(patients.into_iter().collect()))
            }
            _ => {
                self.rights_up_to(&session.tenant, user, RELATED_PATIENTS_MAX)
                    .await
            }
        }
    }

    pub(crate) async fn rights_up_to(
        &self,
        tenant: &TenantId,
        user: &UserId,
        limit: usize,
    ) -> Result<UserRights, Refusal> {
        let now = self.clock.now();
        let rights = self.relations.patients(tenant, user, now, limit).await;
        Ok(match rights.map_err(unavailable)? {
            Rights::Everyone => UserRights::Everyone,
            Rights::Patients(patients) => UserRights::Patients(patients),
            Rights::TooMany => UserRights::TooMany(Default::default()),
        })
    }
}

/// Logs what failed, once, and tells the caller only that it did.
pub(crate) fn unavailable(error: impl std::error::Error) -> Refusal {
    tracing::error!(error = %error, "the gateway cannot serve");
    Refusal::Unavailable
}
