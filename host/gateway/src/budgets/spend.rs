//! Reserving what is about to be given out.

use std::collections::BTreeSet;

use bytes::Bytes;
use glovebox_database::{Batch, Durability, RecordsError};
use glovebox_fhir::{Facts, Interaction, Limits, Resource, compartment};
use glovebox_model::Timestamp;
use glovebox_model::ledger::{Event, Kind, Outcome};
use glovebox_policy::{Counted, Permitted, Quota};

use super::account::{Account, accounts};
use super::{Budgets, slot};
use crate::gateway::{Gateway, unavailable};
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;

/// How often a reservation is tried again when another node draws on the same account.
const TRIES_MAX: usize = 8;

/// How a reservation ended.
pub(super) enum Reserved {
    /// It is taken.
    Done,
    /// More than is left; whether it is the first time in this window.
    Exceeded {
        account: &'static str,
        quota: Quota,
        first: bool,
    },
}

impl Budgets {
    async fn reserve(
        &self,
        session: &Session,
        accounts: &[Account],
        patients: &BTreeSet<String>,
        records: u64,
        now: Timestamp,
    ) -> Result<Reserved, RecordsError> {
        let limits: Vec<(&Account, Quota)> = accounts
            .iter()
            .flat_map(|account| {
                let quotas = account.budget.quotas();
                quotas.into_iter().map(move |quota| (account, quota))
            })
            .collect();
        let slots = self.slots_of(&session.tenant);
        let mut slots = slots.lock().await;
        for attempt in 0..TRIES_MAX {
            let mut plans = Vec::with_capacity(limits.len());
            let mut batch = Batch::new();
            for (account, quota) in &limits {
                let key = slot::key(&account.key, quota);
                let slot = slots.entry(key.clone()).or_default();
                let fresh = slot.is_fresh(quota, now);
                slot.load(&self.keyspace, &key, quota, now, attempt > 0)
                    .await?;
                if fresh && quota.counted == Counted::Patients {
                    slot.sweep(&self.keyspace, &key).await?;
                }
                let plan = slot.plan(&self.keyspace, key, quota, patients, records);
                let Some(plan) = plan.await? else {
                    return Ok(Reserved::Exceeded {
                        account: account.name,
                        quota: *quota,
                        first: slot.raise(),
                    });
                };
                batch = slot.write(batch, &plan)?;
                plans.push(plan);
            }
            let keys: Vec<Vec<u8>> = batch
                .operations()
                .iter()
                .map(|operation| operation.key().to_vec())
                .collect();
            let versions = if batch.is_empty() {
                Vec::new()
            } else {
                match self.keyspace.commit(batch, Durability::Relaxed).await? {
                    Ok(versions) => versions,
                    Err(_) => continue,
                }
            };
            for plan in plans {
                let at = keys.iter().position(|key| *key == plan.key.as_bytes());
                let version = at.and_then(|at| versions.get(at).copied());
                if let Some(slot) = slots.get_mut(&plan.key) {
                    slot.apply(plan, patients, version);
                }
            }
            return Ok(Reserved::Done);
        }
        Err(RecordsError::Unusable(
            "a budget is drawn on by too many at once".to_owned(),
        ))
    }
}

impl Gateway {
    /// Reserves what is about to be given out, as it was stored. Where a limit is reached,
    /// nothing of it is given out: the refusal says until when, and the first one in a
    /// window is an incident.
    pub(crate) async fn spend(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        resources: &[Bytes],
    ) -> Result<(), Refusal> {
        let budgets = &self.budgets;
        let accounts = accounts(session, budgets.tenants.get(&session.tenant));
        let counted: Vec<Counted> = accounts
            .iter()
            .flat_map(|account| account.budget.quotas())
            .map(|quota| quota.counted)
            .collect();
        if counted.is_empty() || resources.is_empty() {
            return Ok(());
        }
        let patients = if counted.contains(&Counted::Patients) {
            patients_of(permitted, resources)?
        } else {
            BTreeSet::new()
        };
        let records = u64::try_from(resources.len()).unwrap_or(u64::MAX);
        let now = self.clock.now();
        let reserve = budgets.reserve(session, &accounts, &patients, records, now);
        let reserved = Box::pin(reserve)
            .await
            .map_err(|error| self.broken(session, permitted.interaction(), &error))?;
        let Reserved::Exceeded {
            account,
            quota,
            first,
        } = reserved
        else {
            return Ok(());
        };
        let limit = format!(
            "the limit of {} {} in {} hours for {account}",
            quota.max,
            quota.counted.as_str(),
            quota.window.as_secs() / 3_600,
        );
        let denied = || Outcome::Denied("budget".to_owned());
        let event = record::event(session, permitted.interaction(), denied());
        self.record(event.with("limit", limit.as_str()))?;
        if first {
            let subject = session.subject.clone();
            let incident = Event::new(Kind::Incident, "budget", subject, denied());
            let incident = incident.with("limit", limit.as_str());
            let appended = self.ledger.append_durable(incident).await;
            appended.map_err(unavailable)?;
        }
        Err(Refusal::Stopped {
            limit,
            retry_after: quota.until_next(now),
        })
    }
}

/// The patients of whom something is given out.
fn patients_of(
    permitted: &Permitted<Interaction>,
    resources: &[Bytes],
) -> Result<BTreeSet<String>, Refusal> {
    let mut found = BTreeSet::new();
    let reach = permitted.patients();
    let only = reach.as_ref().filter(|reach| reach.len() == 1);
    if let Some(only) = only
        && !compartment::is_universal(permitted.interaction().resource_type())
    {
        // Whatever passed the re-check is this one's.
        found.extend(only.iter().map(ToString::to_string));
        return Ok(found);
    }
    for bytes in resources {
        let limits = Limits {
            bytes_max: bytes.len(),
            ..Limits::RESOURCE
        };
        let resource = Resource::parse(bytes, limits).map_err(unavailable)?;
        found.extend(Facts::extract(&resource).patients().map(str::to_owned));
    }
    Ok(found)
}
