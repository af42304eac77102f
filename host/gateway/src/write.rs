//! Writes: a durable intent, the store's commit that carries its sequence, the outcome.

use glovebox_database::fence::Pass;
use glovebox_fhir::{Facts, Interaction, Resource};
use glovebox_fhir_store::{Change, Head, WriteRefused};
use glovebox_model::ledger::{Event, Kind, Outcome};
use glovebox_policy::Permitted;

use crate::answer::Written;
use crate::gateway::{Gateway, unavailable};
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;

impl Gateway {
    pub(crate) async fn write(
        &self,
        session: &Session,
        pass: &Pass,
        permitted: &Permitted<Interaction>,
    ) -> Result<Written, Refusal> {
        let interaction = permitted.interaction();
        let now = self.clock.now();
        let old = self.old_version(session, permitted).await?;
        let id = match (interaction, &old) {
            (_, Some(old)) => old.facts.id().to_owned(),
            _ => new_id()?,
        };
        if let Interaction::Create { resource } | Interaction::Update { resource, .. } = interaction
        {
            // The new state must be one that this session may write: its patient cannot change.
            let facts = Facts::extract_as(resource, &id, "", Some(now));
            if let Err(denial) = permitted.recheck(&facts.view()) {
                return Err(self.deny(session, interaction, &denial));
            }
        }
        let intent = self.announce(session, permitted, &id, old.as_ref()).await?;
        let change = Change {
            id: &id,
            old: old.as_ref(),
            now,
            intent,
            expectations: self.fence.check_operations(pass.held()),
        };
        let committed = self.store(&session.tenant)?.commit(permitted, change).await;
        let (outcome, result) = match committed {
            Ok(Ok(committed)) => (
                Outcome::Ok,
                Ok(Written {
                    resource_type: interaction.resource_type().to_owned(),
                    id: id.clone(),
                    version_id: committed.version.to_string(),
                    last_updated: now,
                    created: old.is_none(),
                }),
            ),
            Ok(Err(WriteRefused::Changed)) => (
                Outcome::Failed("conflict".to_owned()),
                Err(Refusal::Conflict(String::new())),
            ),
            Ok(Err(WriteRefused::Revoked)) => (
                Outcome::Denied("revoked".to_owned()),
                Err(Refusal::Terminated("access was withdrawn".to_owned())),
            ),
            Err(error) => (Outcome::Failed("store".to_owned()), Err(unavailable(error))),
        };
        self.settle(session, interaction, &id, intent, outcome)?;
        result
    }

    /// Reads and re-checks what is there before a change.
    async fn old_version(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
    ) -> Result<Option<Head>, Refusal> {
        let interaction = permitted.interaction();
        let if_match = match interaction {
            Interaction::Create { .. } => return Ok(None),
            Interaction::Update { if_match, .. } | Interaction::Delete { if_match, .. } => if_match,
            _ => {
                return Err(Refusal::Invalid(
                    "this interaction does not write".to_owned(),
                ));
            }
        };
        let head = self
            .store(&session.tenant)?
            .head(permitted)
            .await
            .map_err(unavailable)?;
        let Some(head) = head else {
            return Err(self.absent(session, interaction));
        };
        if let Err(denial) = permitted.recheck(&head.facts.view()) {
            return Err(self.deny(session, interaction, &denial));
        }
        if head.deleted {
            return Err(self.failed(session, interaction, "gone", Refusal::Gone));
        }
        if if_match
            .as_ref()
            .is_some_and(|expected| *expected != head.version_id())
        {
            let refusal = Refusal::Conflict(head.version_id());
            return Err(self.failed(session, interaction, "conflict", refusal));
        }
        Ok(Some(head))
    }

    async fn announce(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        id: &str,
        old: Option<&Head>,
    ) -> Result<u64, Refusal> {
        let interaction = permitted.interaction();
        let mut event = Event::new(
            Kind::WriteIntent,
            interaction.kind().as_str(),
            session.subject.clone(),
            Outcome::Ok,
        )
        .with("door", session.door.as_str())
        .with("type", interaction.resource_type())
        .with("id", id);
        if let Some(old) = old {
            event = event.with("old_version", old.version_id());
        }
        if let Some(digest) =
            content(interaction).map(|resource| glovebox_database::sha256(resource.bytes()))
        {
            event = event.with("content", digest.to_string());
        }
        let event = record::with_authorities(event, permitted);
        self.ledger.intent(event).await.map_err(unavailable)
    }

    fn settle(
        &self,
        session: &Session,
        interaction: &Interaction,
        id: &str,
        intent: u64,
        outcome: Outcome,
    ) -> Result<(), Refusal> {
        let event = Event::new(
            Kind::WriteOutcome,
            interaction.kind().as_str(),
            session.subject.clone(),
            outcome,
        )
        .with("type", interaction.resource_type())
        .with("id", id);
        self.ledger
            .outcome(intent, event)
            .map(|_| ())
            .map_err(unavailable)
    }
}

fn content(interaction: &Interaction) -> Option<&Resource> {
    match interaction {
        Interaction::Create { resource } | Interaction::Update { resource, .. } => Some(resource),
        _ => None,
    }
}

/// A server-assigned logical id: 20 random bytes as hexadecimal digits.
fn new_id() -> Result<String, Refusal> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).map_err(unavailable)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
