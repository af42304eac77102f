//! Withdrawing what a person may open.

use glovebox_database::fence::{Ended, Mark};
use glovebox_database::relations::Right;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{TenantId, UserId};

use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;

impl Gateway {
    /// Takes a relation away, durably, and ends every call and session of the user that was
    /// let in while it held: when this returns, nothing old comes out. `actor` is who says
    /// so. What was not there is withdrawn all the same, for whoever asks again.
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
    ) -> Result<Ended, Refusal> {
        let revoked = self.relations.revoke(tenant, user, right).await;
        revoked.map_err(unavailable)?;
        let mark = Mark::Relations(tenant.clone(), user.clone());
        let ended = self.fence.revoke(mark, reason).await;
        let ended = ended.map_err(unavailable)?;
        let subject = Subject {
            tenant: Some(tenant.clone()),
            patient: match right {
                Right::Patient(patient) => Some(patient.clone()),
                Right::Everyone => None,
            },
            ..actor.clone()
        };
        let event = Event::new(Kind::RelationChange, "withdraw", subject, Outcome::Ok)
            .with("of", user.to_string())
            .with("right", right.to_string())
            .with("reason", reason.chars().take(500).collect::<String>())
            .with(
                "calls_ended",
                u64::try_from(ended.calls).unwrap_or(u64::MAX),
            );
        let appended = self.ledger.append_durable(event).await;
        appended.map_err(unavailable)?;
        Ok(ended)
    }
}
