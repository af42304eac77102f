//! A new signing key for a tenant, and the entry that says so. Entries name keys by their
//! public ids; they hold nothing of the keys.

use glovebox_authorization::{SigningKey, SigningKeys};
use glovebox_database::{Ledger, LedgerError};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{TenantId, Timestamp};

use super::{Services, StartError};

/// Why a key could not be rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The keys refused or failed.
    #[error(transparent)]
    Authorization(#[from] glovebox_authorization::Error),
    /// It could not be recorded.
    #[error("the rotation could not be recorded: {0}")]
    Ledger(#[from] LedgerError),
    /// The subject names no tenant.
    #[error("a rotation needs a tenant")]
    NoTenant,
}

/// Makes the first key of a tenant that has none.
pub(super) async fn create_missing(
    keys: &SigningKeys,
    tenant: &TenantId,
    ledger: &Ledger,
    now: Timestamp,
) -> Result<(), StartError> {
    let Some(made) = keys.create_missing(tenant, now).await? else {
        return Ok(());
    };
    let subject = Subject {
        tenant: Some(tenant.clone()),
        ..Subject::default()
    };
    let event = Event::new(Kind::KeyChange, "create", subject, Outcome::Ok)
        .with("by", "start")
        .with("active", made.kid.as_str());
    ledger.append_durable(event).await?;
    Ok(())
}

/// Makes a new active key for the subject's tenant. `by` says by which way it was asked
/// for. Answers the new key and the one that retired.
pub async fn rotate_signing_key(
    services: &Services,
    subject: Subject,
    by: &str,
) -> Result<(SigningKey, SigningKey), RotateError> {
    let tenant = subject.tenant.clone().ok_or(RotateError::NoTenant)?;
    let keys = &services.authorization.signing_keys;
    let rotated = keys.rotate(&tenant, services.clock.now()).await;
    let event = |outcome| Event::new(Kind::KeyChange, "rotate", subject, outcome).with("by", by);
    let (active, retired) = match rotated {
        Ok(rotated) => rotated,
        Err(problem) => {
            let failed = event(Outcome::Failed("not-rotated".to_owned()));
            services.ledger.append_durable(failed).await?;
            return Err(problem.into());
        }
    };
    let event = event(Outcome::Ok)
        .with("active", active.kid.as_str())
        .with("retired", retired.kid.as_str());
    services.ledger.append_durable(event).await?;
    Ok((active, retired))
}
