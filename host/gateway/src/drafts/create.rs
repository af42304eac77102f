//! An app's write becomes a draft.

use bytes::Bytes;
use glovebox_database::fence::Pass;
use glovebox_fhir::{Interaction, InteractionKind};
use glovebox_model::ledger::{Event, Kind, Outcome};
use glovebox_policy::Permitted;

use super::{
    BYTES_MAX, Draft, DraftStage, DraftSummary, DraftWrite, Drafted, LIFE, lasting, stored,
};
use crate::gateway::{Gateway, unavailable};
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::write::new_id;

impl Gateway {
    /// Keeps a permitted write until a clinician decides. It is checked as if it were
    /// carried out now, so that the app learns at once what would never be accepted.
    pub(crate) async fn draft(
        &self,
        session: &Session,
        pass: &Pass,
        permitted: Permitted<Interaction>,
    ) -> Result<Drafted, Refusal> {
        let interaction = permitted.interaction();
        let kind = interaction.kind();
        if !matches!(
            kind,
            InteractionKind::Create | InteractionKind::Update | InteractionKind::Delete
        ) || matches!(
            interaction,
            Interaction::ConditionalCreate { .. }
                | Interaction::ConditionalUpdate { .. }
                | Interaction::ConditionalDelete { .. }
        ) {
            let refusal = Refusal::NotSupported(
                "what this app writes waits for a clinician: send plain creates, updates and deletes"
                    .to_owned(),
            );
            return Err(self.failed(session, interaction, "not-supported", refusal));
        }
        let now = self.clock.now();
        let store = self.store(session, interaction)?;
        let old = self.old_version(session, store, &permitted).await?;
        let id = match &old {
            Some(old) => old.facts.id().to_owned(),
            None => new_id()?,
        };
        self.check_content(session, &permitted, &id, old.as_ref())?;
        let content = interaction.resource().map_or_else(Bytes::new, |resource| {
            Bytes::copy_from_slice(resource.bytes())
        });
        if content.len() > BYTES_MAX {
            let refusal = Refusal::TooCostly(format!("a draft has at most {BYTES_MAX} bytes"));
            return Err(self.failed(session, interaction, "too-costly", refusal));
        }
        let resource_type = interaction.resource_type().to_owned();
        let draft = Draft {
            summary: DraftSummary {
                // Ids sort by time, and nobody can guess one.
                id: format!("{:016x}{}", now.micros(), new_id()?),
                subject: session.subject.clone(),
                created: now,
                expires: now + LIFE,
                writes: vec![(kind, resource_type.clone(), id.clone())],
                stage: DraftStage::Waiting,
            },
            scopes: session.scopes.clone(),
            held: lasting(pass.held()),
            writes: vec![DraftWrite {
                kind,
                resource_type: resource_type.clone(),
                id: id.clone(),
                expected: old.as_ref().map(|old| old.version_id()),
                content,
            }],
            pieces: 0,
            record: 0,
        };
        let event = Event::new(
            Kind::DraftCreated,
            kind.as_str(),
            session.subject.clone(),
            Outcome::Ok,
        )
        .with("door", session.door.as_str())
        .with("draft", draft.summary.id.as_str())
        .with("type", resource_type.as_str())
        .with("id", id.as_str());
        let event = match interaction.resource() {
            Some(resource) => {
                let digest = glovebox_database::sha256(resource.bytes());
                event.with("content", digest.to_string())
            }
            None => event,
        };
        let event = record::with_authorities(event, &permitted);
        let appended = self.ledger.append_durable(event).await;
        appended.map_err(unavailable)?;
        let inserted = stored::insert(&self.drafts.keyspace, &session.tenant, &draft).await;
        inserted.map_err(|error| self.broken(session, interaction, &error))?;
        Ok(Drafted {
            draft: draft.summary.id,
            resource_type,
            id,
            created: now,
        })
    }
}
