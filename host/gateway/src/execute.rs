//! Decide, fetch, re-check, record: the function with two callers.

use glovebox_database::fence::Pass;
use glovebox_fhir::Interaction;
use glovebox_fhir_store::Head;
use glovebox_model::ledger::Outcome;
use glovebox_policy::{Decision, Permitted, WriteMode, decide};

use crate::answer::{Answer, Released, Unreleased};
use crate::binary::lifts;
use crate::gateway::Gateway;
use crate::plan::{Planned, Within};
use crate::projection::project;
use crate::record;
use crate::refusal::Refusal;
use crate::request_id::RequestId;
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
        self.execute_once(session, pass, None, interaction).await
    }

    /// The same; a write with a request id that was carried out before is not carried out
    /// again, and gets the answer that it got then.
    pub async fn execute_once(
        &self,
        session: &Session,
        pass: &Pass,
        request: Option<&RequestId>,
        interaction: Interaction,
    ) -> Result<Unreleased<Answer>, Refusal> {
        let permitted = self.permit(session, pass, interaction).await?;
        if permitted.interaction().kind().is_write() {
            let request = request.map(|request| request.over(permitted.interaction()));
            let request = request.as_ref();
            if let Some(request) = request
                && let Some(before) =
                    Box::pin(self.answered_before(session, request, permitted.interaction()))
                        .await?
            {
                let first = before.into_iter().next().map(|(_, answer)| answer);
                return first.map(Unreleased::new).ok_or(Refusal::Unavailable);
            }
            let answer = Box::pin(self.change(session, pass, permitted, request)).await?;
            return Ok(Unreleased::new(answer));
        }
        // What a read need not carry stands apart: each future is moved more than once on its
        // way into a server's task.
        let answer = match permitted.interaction() {
            Interaction::Search(query) => {
                let count = usize::try_from(query.count()).unwrap_or(1);
                let search = self.search(session, &permitted, None, count);
                Answer::Page(Box::pin(search).await?)
            }
            Interaction::History { .. } => {
                let history = self.history(session, &permitted, None);
                Answer::History(Box::pin(history).await?)
            }
            Interaction::Validate { .. } => Answer::Validated(self.judge(session, &permitted)?),
            _ => Answer::Resource(self.read(session, &permitted).await?),
        };
        Ok(Unreleased::new(answer))
    }

    /// A write: planned, and carried out or kept as a draft.
    pub(crate) async fn change(
        &self,
        session: &Session,
        pass: &Pass,
        permitted: Permitted<Interaction>,
        request: Option<&RequestId>,
    ) -> Result<Answer, Refusal> {
        let _turn = match permitted.interaction().query() {
            Some(_) => self.turn(session).await,
            None => None,
        };
        let planned = self
            .plan(session, pass, permitted, &Within::default())
            .await?;
        let write = match planned {
            Planned::Unchanged(written) => return Ok(Answer::Written(written)),
            Planned::Write(write) => *write,
        };
        if session.terms.writes == WriteMode::Draft {
            let drafted = self
                .draft(session, pass, vec![(0, write)], Vec::new(), request)
                .await?;
            let first = drafted.into_iter().next().map(|(_, answer)| answer);
            return first.ok_or(Refusal::Unavailable);
        }
        let done = self
            .carry_out(session, pass, vec![(0, write)], Vec::new(), request)
            .await?;
        let first = done.into_iter().next().map(|(_, written)| written);
        first.map(Answer::Written).ok_or(Refusal::Unavailable)
    }

    /// The decision before the fetch, which counts as one request.
    pub(crate) async fn permit(
        &self,
        session: &Session,
        pass: &Pass,
        interaction: Interaction,
    ) -> Result<Permitted<Interaction>, Refusal> {
        if let Err(throttled) = self.budgets.admit(session, self.clock.now()) {
            let denied = Outcome::Denied("throttled".to_owned());
            self.record(record::event(session, &interaction, denied))?;
            return Err(throttled);
        }
        self.decided(session, pass, interaction).await
    }

    /// The same for a step of a request that was counted already.
    pub(crate) async fn decided(
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
        let shown = interaction.resource_type() == "Binary"
            && Box::pin(self.sees_binary(session, permitted)).await?;
        let Some(head) = asked else {
            return Err(self.absent(session, interaction));
        };
        // An old version is given out only if the current one may be seen too.
        let current = match &current {
            Some(None) => return Err(self.absent(session, interaction)),
            Some(current) => current.as_ref(),
            None => None,
        };
        // Who shows a Binary shows it as it is now, not as it was.
        let newest = current.map_or(head.version, |current| current.version);
        for head in [Some(&head), current].into_iter().flatten() {
            let shown = shown && head.version == newest;
            if let Err(denial) = permitted.recheck(&head.facts.view())
                && !lifts(shown, permitted, &denial, &head.facts.view())
            {
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

pub(crate) fn released(head: &Head, bytes: bytes::Bytes) -> Released {
    Released {
        resource_type: head.facts.resource_type().to_owned(),
        id: head.facts.id().to_owned(),
        version_id: head.version_id(),
        last_updated: head.last_updated,
        bytes,
    }
}
