//! Decide, fetch, re-check, record: the function with two callers.

use glovebox_database::fence::Pass;
use glovebox_fhir::Interaction;
use glovebox_fhir_store::Head;
use glovebox_model::ledger::Outcome;
use glovebox_policy::{Decision, Permitted, WriteMode, decide};

use crate::answer::{Answer, Released, Unreleased};
use crate::gateway::Gateway;
use crate::projection::project;
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
        if session.terms.writes == WriteMode::Draft && permitted.interaction().kind().is_write() {
            let drafted = self.draft(session, pass, permitted).await?;
            return Ok(Unreleased::new(Answer::Drafted(drafted)));
        }
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
                Answer::Written(self.write(session, pass, permitted).await?)
            }
            other => {
                let refusal = Refusal::NotSupported("this server does not do that".to_owned());
                return Err(self.failed(session, other, "not-supported", refusal));
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
        if let Err(revoked) = pass.check() {
            let denied = Outcome::Denied("revoked".to_owned());
            self.record(record::event(session, &interaction, denied))?;
            return Err(revoked.into());
        }
        if let Err(throttled) = self.budgets.admit(session, self.clock.now()) {
            let denied = Outcome::Denied("throttled".to_owned());
            self.record(record::event(session, &interaction, denied))?;
            return Err(throttled);
        }
        let rights = match self.rights(session, &interaction).await {
            Ok(rights) => rights,
            Err(refusal) => {
                return Err(self.failed(session, &interaction, "unavailable", refusal));
            }
        };
        match decide(&session.request(&rights), interaction) {
            Decision::Permit(permitted) => Ok(permitted),
            Decision::Deny(denial, interaction) => Err(self.deny(session, &interaction, &denial)),
        }
    }

    /// Present, deleted, absent and forbidden cost the same: one point read (two for a
    /// version) and one entry. Bytes are loaded only after the facts have passed.
    pub(crate) async fn read(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
    ) -> Result<Released, Refusal> {
        let interaction = permitted.interaction();
        let store = self.store(session, interaction)?;
        let broken = |error| self.broken(session, interaction, &error);
        let (asked, current) = match interaction {
            Interaction::Vread { .. } => {
                let (asked, current) = store.version(permitted).await.map_err(broken)?;
                (asked, Some(current))
            }
            _ => (store.head(permitted).await.map_err(broken)?, None),
        };
        let heads: Vec<&Head> = asked.iter().chain(current.iter().flatten()).collect();
        let known = self.knowing_targets(session, permitted, &heads).await?;
        let permitted = known.as_ref().unwrap_or(permitted);
        let Some(head) = asked else {
            return Err(self.absent(session, interaction));
        };
        // An old version is given out only if the current one may be seen too.
        let current = match &current {
            Some(None) => return Err(self.absent(session, interaction)),
            Some(current) => current.as_ref(),
            None => None,
        };
        for head in [Some(&head), current].into_iter().flatten() {
            if let Err(denial) = permitted.recheck(&head.facts.view()) {
                return Err(self.deny(session, interaction, &denial));
            }
        }
        if head.deleted {
            return Err(self.failed(session, interaction, "gone", Refusal::Gone));
        }
        let bytes = store.load(&head).await.map_err(broken)?;
        self.spend(session, permitted, std::slice::from_ref(&bytes))
            .await?;
        let released = released(&head, project(permitted, bytes)?);
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
}

fn released(head: &Head, bytes: bytes::Bytes) -> Released {
    Released {
        resource_type: head.facts.resource_type().to_owned(),
        id: head.facts.id().to_owned(),
        version_id: head.version_id(),
        last_updated: head.last_updated,
        bytes,
    }
}
