//! Consents: what somebody was shown, and what they said to it. A record of its own, which
//! outlives the grant.

use glovebox_database::{Batch, Expect};
use glovebox_model::scope::ScopeSet;
use glovebox_model::{ClientId, PatientId, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::grant::Grant;
use crate::table::Table;

/// What somebody agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The grant that it led to.
    pub grant: String,
    /// The tenant.
    pub tenant: TenantId,
    /// Who agreed.
    pub user: UserId,
    /// To which client.
    pub client: ClientId,
    /// About whom.
    pub patient: Option<PatientId>,
    /// What was offered.
    pub offered: ScopeSet,
    /// What was granted of it.
    pub granted: ScopeSet,
    /// The text as it stood on the page, line by line.
    pub shown: Vec<String>,
    /// When.
    pub at: Timestamp,
    /// Until when it was given.
    pub until: Timestamp,
}

impl Consent {
    pub(crate) fn to(grant: &Grant, offered: &ScopeSet, shown: Vec<String>) -> Self {
        Self {
            grant: grant.id.clone(),
            tenant: grant.tenant.clone(),
            user: grant.user.clone(),
            client: grant.client.clone(),
            patient: grant.context.patient.clone(),
            offered: offered.clone(),
            granted: grant.scope.clone(),
            shown,
            at: grant.created_at,
            until: grant.expires_at,
        }
    }
}

/// The consents.
#[derive(Clone)]
pub struct Consents {
    table: Table,
}

#[derive(Serialize, Deserialize)]
struct StoredConsent {
    client: String,
    patient: Option<String>,
    offered: String,
    granted: String,
    shown: Vec<String>,
    at_micros: i64,
    until_micros: i64,
}

fn prefix(tenant: &TenantId, user: &UserId) -> String {
    format!("consent/{tenant}/{user}/")
}

impl Consents {
    pub(crate) fn new(table: Table) -> Self {
        Self { table }
    }

    pub(crate) fn add(&self, batch: Batch, consent: &Consent) -> Result<Batch, Error> {
        let key = format!(
            "{}{}",
            prefix(&consent.tenant, &consent.user),
            consent.grant
        );
        let stored = StoredConsent {
            client: consent.client.to_string(),
            patient: consent.patient.as_ref().map(ToString::to_string),
            offered: consent.offered.to_string(),
            granted: consent.granted.to_string(),
            shown: consent.shown.clone(),
            at_micros: consent.at.micros(),
            until_micros: consent.until.micros(),
        };
        Ok(batch.put(key, self.table.encode(&stored)?, Expect::Absent))
    }

    /// What a user agreed to in a tenant, in no order.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn of(&self, tenant: &TenantId, user: &UserId) -> Result<Vec<Consent>, Error> {
        let rows = self
            .table
            .list::<StoredConsent>(&prefix(tenant, user))
            .await?;
        let scopes = |text: &str| ScopeSet::parse(text).map_err(|_| self.table.damaged());
        rows.into_iter()
            .map(|(grant, row)| {
                Ok(Consent {
                    grant,
                    tenant: tenant.clone(),
                    user: user.clone(),
                    client: self.table.parse(&row.value.client)?,
                    patient: self.table.parse_option(row.value.patient.as_deref())?,
                    offered: scopes(&row.value.offered)?,
                    granted: scopes(&row.value.granted)?,
                    shown: row.value.shown,
                    at: Timestamp::from_micros(row.value.at_micros),
                    until: Timestamp::from_micros(row.value.until_micros),
                })
            })
            .collect()
    }
}
