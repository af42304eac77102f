//! Decide, fetch, re-check, record: the function with two callers.

use glovebox_database::fence::Pass;
use glovebox_fhir::Interaction;
use glovebox_fhir_store::Head;
use glovebox_model::ledger::Outcome;
use glovebox_policy::{AccessRequest, Decision, Permitted, decide};

use crate::answer::{Answer, Released, Unreleased};
use crate::gateway::{Gateway, unavailable};
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;

impl Gateway {
    /// Carries out one interaction of a session. The call must have entered the fence
    /// (`pass`) before; the answer leaves only through it.
    pub async fn execute(
        &self,
        session: &Session,
        pass: &Pass,
        interaction: Interaction,
    ) -> Result<Unreleased<Answer>, Refusal> {
        let permitted = self.permit(session, pass, interaction).await?;
        let answer = match permitted.interaction() {
            Interaction::Read { .. } | Interaction::Vread { .. } => {
                Answer::Resource(self.read(session, &permitted).await?)
            }
            Interaction::Search(query) => {
                let count = usize::try_from(query.count()).unwrap_or(1);
                Answer::Page(self.search(session, &permitted, None, count).await?)
            }
            Interaction::Create { .. }
            | Interaction::Update { .. }
            | Interaction::Delete { .. } => {
                Answer::Written(self.write(session, pass, &permitted).await?)
            }
        };
        Ok(Unreleased::new(answer))
    }

    /// The decision before the fetch.
    pub(crate) async fn permit(
        &self,
        session: &Session,
        pass: &Pass,
        interaction: Interaction,
    ) -> Result<Permitted<Interaction>, Refusal> {
        pass.check()?;
        let rights = self.rights(session).await?;
        let request = AccessRequest {
            scopes: &session.scopes,
            patient: session.patient.as_ref(),
            rights: &rights,
        };
        // The interaction moves into the permit; a refusal is recorded from a copy.
        let described = interaction.clone();
        match decide(&request, interaction) {
            Decision::Permit(permitted) => Ok(permitted),
            Decision::Deny(denial) => Err(self.deny(session, &described, &denial)),
        }
    }

    /// Present, deleted, absent and forbidden cost the same: one point read and one entry.
    /// Bytes are loaded only after the facts have passed.
    pub(crate) async fn read(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
    ) -> Result<Released, Refusal> {
        let interaction = permitted.interaction();
        let store = self.store(&session.tenant)?;
        let Some(head) = store.head(permitted).await.map_err(unavailable)? else {
            return Err(self.absent(session, interaction));
        };
        if let Err(denial) = permitted.recheck(&head.facts.view()) {
            return Err(self.deny(session, interaction, &denial));
        }
        if let Interaction::Vread { .. } = interaction {
            let current = store.current(permitted).await.map_err(unavailable)?;
            let Some(current) = current else {
                return Err(self.absent(session, interaction));
            };
            if let Err(denial) = permitted.recheck(&current.facts.view()) {
                return Err(self.deny(session, interaction, &denial));
            }
        }
        if head.deleted {
            return Err(self.failed(session, interaction, "gone", Refusal::Gone));
        }
        let released = self.load(session, &head).await?;
        let entry = record::event(session, interaction, Outcome::Ok)
            .with("version", released.version_id.as_str());
        let entry = record::with_authorities(entry, permitted);
        self.record(record::with_released(
            entry,
            std::iter::empty(),
            1,
            released.bytes.len(),
        ))?;
        Ok(released)
    }

    pub(crate) async fn load(&self, session: &Session, head: &Head) -> Result<Released, Refusal> {
        let bytes = self
            .store(&session.tenant)?
            .load(head)
            .await
            .map_err(unavailable)?;
        Ok(Released {
            resource_type: head.facts.resource_type().to_owned(),
            id: head.facts.id().to_owned(),
            version_id: head.version_id(),
            last_updated: head.last_updated,
            bytes,
        })
    }
}
