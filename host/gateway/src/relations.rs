//! Granting and withdrawing what a person may open.

use glovebox_database::fence::{Ended, Mark};
use glovebox_database::relations::{Assertion, Holding, Right};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{TenantId, UserId};

use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;

/// Longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What came of a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawnRelation {
    /// What it ended.
    pub ended: Ended,
    /// By what the right is held still: it follows from these resources of the record.
    pub still: Vec<Holding>,
}

impl Gateway {
    /// Grants rights, all or nothing: recorded first, then in force. `actor` is who says so.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`]: it is not confirmed; ask again.
    pub async fn grant_relations(
        &self,
        tenant: &TenantId,
        assertions: &[Assertion],
        actor: &Subject,
        reason: &str,
    ) -> Result<(), Refusal> {
        for said in assertions {
            let mut event = change(tenant, "grant", &said.user, &said.right, actor, reason)
                .with("source", said.source.as_str());
            if let Some(expires) = said.expires {
                event = event.with("expires", expires.to_string());
            }
            self.record(event)?;
        }
        self.ledger.flush().await.map_err(unavailable)?;
        let Err(error) = self.relations.assert(tenant, assertions).await else {
            return Ok(());
        };
        for said in assertions {
            let event = change(tenant, "grant", &said.user, &said.right, actor, reason);
            let failed = Outcome::Failed("unconfirmed".to_owned());
            self.record(Event {
                outcome: failed,
                ..event
            })?;
        }
        Err(unavailable(error))
    }

    /// Takes away what was asserted of a relation, durably, and ends every call and session
    /// of the user that was let in while it held: when this returns, nothing old comes out.
    /// `actor` is who says so. What was not there is withdrawn all the same, for whoever asks
    /// again. What follows from the record stays until the record says otherwise.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`]: it is not confirmed; ask again.
    pub async fn withdraw_relation(
        &self,
        tenant: &TenantId,
        user: &UserId,
        right: &Right,
        actor: &Subject,
        reason: &str,
    ) -> Result<WithdrawnRelation, Refusal> {
        let still = self.relations.revoke(tenant, user, right).await;
        let still = still.map_err(unavailable)?;
        let mark = Mark::Relations(tenant.clone(), user.clone());
        let ended = self.fence.revoke(mark, reason).await;
        let ended = ended.map_err(unavailable)?;
        let event = change(tenant, "withdraw", user, right, actor, reason).with(
            "calls_ended",
            u64::try_from(ended.calls).unwrap_or(u64::MAX),
        );
        let appended = self.ledger.append_durable(event).await;
        appended.map_err(unavailable)?;
        Ok(WithdrawnRelation { ended, still })
    }
}

fn change(
    tenant: &TenantId,
    action: &'static str,
    user: &UserId,
    right: &Right,
    actor: &Subject,
    reason: &str,
) -> Event {
    let subject = Subject {
        tenant: Some(tenant.clone()),
        patient: match right {
            Right::Patient(patient) => Some(patient.clone()),
            Right::Everyone => None,
        },
        ..actor.clone()
    };
    Event::new(Kind::RelationChange, action, subject, Outcome::Ok)
        .with("of", user.to_string())
        .with("right", right.to_string())
        .with(
            "reason",
            reason.chars().take(REASON_CHARS_MAX).collect::<String>(),
        )
}
