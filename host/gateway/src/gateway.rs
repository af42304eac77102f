//! What the door is made of.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use glovebox_database::Keyspace;
use glovebox_database::fence::Fence;
use glovebox_database::ledger::Ledger;
use glovebox_database::relations::{Relations, Rights};
use glovebox_fhir::Interaction;
use glovebox_fhir_store::FhirStore;
use glovebox_model::scope::Level;
use glovebox_model::{Clock, PatientId, TenantId, UserId};
use glovebox_policy::{TenantBudgets, UserRights};
use zeroize::Zeroizing;

use crate::budgets::Budgets;
use crate::derivation::Derivation;
use crate::drafts::Drafts;
use crate::refusal::Refusal;
use crate::session::Session;

/// Patients that one `user/` search covers at most.
const RELATED_PATIENTS_MAX: usize = 200;
/// Related patients that are looked through at most for an interaction by id.
const BY_ID_PATIENTS_MAX: usize = 5_000;

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
    /// Where drafts wait.
    pub drafts: Keyspace,
    /// What was taken of each budget.
    pub budgets: Keyspace,
    /// What each tenant sets; nothing is set for a tenant that is not named.
    pub tenant_budgets: HashMap<TenantId, TenantBudgets>,
}

/// The one door to patient data.
pub struct Gateway {
    pub(crate) stores: HashMap<TenantId, FhirStore>,
    pub(crate) ledger: Ledger,
    pub(crate) fence: Fence,
    pub(crate) relations: Relations,
    pub(crate) derivation: Derivation,
    turns: HashMap<TenantId, tokio::sync::Mutex<()>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cursor_key: Zeroizing<Vec<u8>>,
    pub(crate) drafts: Drafts,
    pub(crate) budgets: Budgets,
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
            drafts,
            budgets,
            tenant_budgets,
        } = parts;
        let stores: HashMap<TenantId, FhirStore> = stores
            .into_iter()
            .map(|(tenant, records)| (tenant, FhirStore::new(records)))
            .collect();
        let turns = stores.keys().cloned();
        let turns = turns.map(|tenant| (tenant, Default::default())).collect();
        let derivation = Derivation::new(
            relations.clone(),
            fence.clone(),
            ledger.clone(),
            Arc::clone(&clock),
        );
        Self {
            stores,
            ledger,
            fence,
            relations,
            derivation,
            turns,
            clock,
            cursor_key,
            drafts: Drafts::new(drafts),
            budgets: Budgets::new(budgets, tenant_budgets),
        }
    }

    /// Conditional writes of a tenant take turns, each from its condition to its commit: what
    /// two of them create at once would otherwise be there twice.
    pub(crate) async fn turn(&self, session: &Session) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        match self.turns.get(&session.tenant) {
            Some(turns) => Some(turns.lock().await),
            None => None,
        }
    }

    /// The store of a session's tenant. That there is none is recorded like any refusal.
    pub(crate) fn store(
        &self,
        session: &Session,
        interaction: &Interaction,
    ) -> Result<&FhirStore, Refusal> {
        self.stores.get(&session.tenant).ok_or_else(|| {
            tracing::error!(tenant = %session.tenant, "a session of a tenant without a store");
            self.failed(session, interaction, "unavailable", Refusal::Unavailable)
        })
    }

    /// What the person behind a session may open, read from the relations on every call.
    pub(crate) async fn rights(
        &self,
        session: &Session,
        interaction: &Interaction,
    ) -> Result<UserRights, Refusal> {
        let Some(user) = &session.user else {
            return Ok(UserRights::NoUser);
        };
        let resource_type = interaction.resource_type();
        let needs_all = session
            .scopes
            .resources()
            .any(|scope| scope.level == Level::User && scope.resource_type.matches(resource_type));
        let mut singles: BTreeSet<PatientId> = session.patient.iter().cloned().collect();
        if !needs_all {
            // Only the patient in context matters: one look, not a list.
            let known = self.openable(&session.tenant, user, singles).await?;
            return Ok(UserRights::Patients(known));
        }
        let (limit, named) = match interaction {
            Interaction::Search(query) => (RELATED_PATIENTS_MAX, query.patient_restriction()),
            _ => (BY_ID_PATIENTS_MAX, None),
        };
        let rights = self.rights_up_to(&session.tenant, user, limit).await?;
        if !matches!(rights, UserRights::TooMany(_)) {
            return Ok(rights);
        }
        let only_named = named.is_some();
        singles.extend(named.iter().flatten().filter_map(|id| id.parse().ok()));
        let known = self.openable(&session.tenant, user, singles).await?;
        Ok(if only_named {
            UserRights::Patients(known)
        } else {
            UserRights::TooMany(known)
        })
    }

    /// Those of `patients` whom a user may open now, asked one by one.
    async fn openable(
        &self,
        tenant: &TenantId,
        user: &UserId,
        patients: BTreeSet<PatientId>,
    ) -> Result<BTreeSet<PatientId>, Refusal> {
        let now = self.clock.now();
        let mut known = BTreeSet::new();
        for patient in patients {
            let may = self.relations.may_open(tenant, user, &patient, now).await;
            if may.map_err(unavailable)? {
                known.insert(patient);
            }
        }
        Ok(known)
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
