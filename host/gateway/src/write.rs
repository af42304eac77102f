//! Writes: a durable intent, the store's commit that carries its sequence, the outcome.

use std::collections::BTreeMap;

use glovebox_database::Expect;
use glovebox_database::fence::{Held, Pass};
use glovebox_database::ledger::Ledger;
use glovebox_fhir::{Facts, Interaction};
use glovebox_fhir_store::{Change, FhirStore, Head, WriteRefused};
use glovebox_model::Timestamp;
use glovebox_model::ledger::{Event, Kind, Outcome};
use glovebox_policy::{Permitted, Rule};

use crate::answer::Written;
use crate::gateway::{Gateway, unavailable};
use crate::membership;
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;

/// A write that was checked and is ready to be carried out.
struct Write {
    session: Session,
    permitted: Permitted<Interaction>,
    id: String,
    old: Option<Head>,
    now: Timestamp,
    expectations: Vec<(Vec<u8>, Expect)>,
}

impl Gateway {
    pub(crate) async fn write(
        &self,
        session: &Session,
        pass: &Pass,
        permitted: Permitted<Interaction>,
    ) -> Result<Written, Refusal> {
        let interaction = permitted.interaction();
        let now = self.clock.now();
        let store = self.store(session, interaction)?;
        let old = self.old_version(session, store, &permitted).await?;
        let id = match &old {
            Some(old) => old.facts.id().to_owned(),
            None => new_id()?,
        };
        self.check_content(session, &permitted, &id, old.as_ref())?;
        let Some(expectations) = self.expectations(pass.held()) else {
            let denied = Outcome::Denied("revoked".to_owned());
            self.record(record::event(session, interaction, denied))?;
            return Err(withdrawn());
        };
        let write = Write {
            session: session.clone(),
            permitted,
            id,
            old,
            now,
            expectations,
        };
        // A task of its own: whoever asked may stop waiting, and the outcome follows still.
        let carried_out = tokio::spawn(carry_out(self.ledger.clone(), store.clone(), write));
        carried_out.await.map_err(unavailable)?
    }

    /// Reads and re-checks what is there before a change.
    async fn old_version(
        &self,
        session: &Session,
        store: &FhirStore,
        permitted: &Permitted<Interaction>,
    ) -> Result<Option<Head>, Refusal> {
        let interaction = permitted.interaction();
        let if_match = match interaction {
            Interaction::Update { if_match, .. } | Interaction::Delete { if_match, .. } => if_match,
            _ => return Ok(None),
        };
        let head = store.head(permitted).await;
        let head = head.map_err(|error| self.broken(session, interaction, &error))?;
        let Some(head) = head else {
            return Err(self.absent(session, interaction));
        };
        if let Err(denial) = membership::check(permitted, &head.facts.view()) {
            return Err(self.deny(session, interaction, &denial));
        }
        if head.deleted {
            return Err(self.failed(session, interaction, "gone", Refusal::Gone));
        }
        let expected = |version: &String| *version != head.version_id();
        if if_match.as_ref().is_some_and(expected) {
            let refusal = Refusal::Conflict(head.version_id());
            return Err(self.failed(session, interaction, "conflict", refusal));
        }
        Ok(Some(head))
    }

    /// The new state must be one that this session may write, of the same patient as before.
    /// The refusal depends on what the caller sent alone, so it may say what is wrong.
    fn check_content(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        id: &str,
        old: Option<&Head>,
    ) -> Result<(), Refusal> {
        let interaction = permitted.interaction();
        let Some(resource) = interaction.resource() else {
            return Ok(());
        };
        let facts = Facts::extract_as(resource, id, "", None);
        let facts = facts.view();
        let kept = old.is_none_or(|old| membership::keeps_patients(&old.facts.view(), &facts));
        let rule = match membership::check(permitted, &facts) {
            Err(denial) => denial.rule,
            Ok(()) if !kept => Rule::Compartment,
            Ok(()) => return Ok(()),
        };
        let why = match rule {
            Rule::ScopeFilter => "the resource is not one that the granted scopes select",
            _ => {
                "the resource must be about the patient of this session and nobody else, and a change keeps its patient"
            }
        };
        let denied = Outcome::Denied(rule.to_string());
        self.record(record::event(session, interaction, denied))?;
        Err(Refusal::Invalid(why.to_owned()))
    }

    /// What must hold at the commit, each key once. `None` if the pass holds two generations
    /// of one mark: then one of them is of the past.
    fn expectations(&self, held: &[Held]) -> Option<Vec<(Vec<u8>, Expect)>> {
        let mut unique = BTreeMap::new();
        for (key, expect) in self.fence.check_operations(held) {
            if unique
                .insert(key, expect)
                .is_some_and(|other| other != expect)
            {
                return None;
            }
        }
        Some(unique.into_iter().collect())
    }
}

fn withdrawn() -> Refusal {
    Refusal::Terminated("access was withdrawn".to_owned())
}

async fn carry_out(ledger: Ledger, store: FhirStore, write: Write) -> Result<Written, Refusal> {
    let intent = ledger.intent(write.intent()).await.map_err(unavailable)?;
    let change = Change {
        id: &write.id,
        old: write.old.as_ref(),
        now: write.now,
        intent,
        expectations: write.expectations.clone(),
    };
    let committed = match store.commit(&write.permitted, change).await {
        Ok(committed) => committed,
        // Whether it was committed is unknown: the intent stays open, the next start settles it.
        Err(error) => return Err(unavailable(error)),
    };
    let (outcome, result) = match committed {
        Ok(committed) => (
            Outcome::Ok,
            Ok(Written {
                resource_type: write.permitted.interaction().resource_type().to_owned(),
                id: write.id.clone(),
                version_id: committed.version.to_string(),
                last_updated: write.now,
                created: write.old.is_none(),
            }),
        ),
        Err(WriteRefused::Changed) => (
            Outcome::Failed("conflict".to_owned()),
            Err(write.conflict(&store).await),
        ),
        Err(WriteRefused::Revoked) => (Outcome::Denied("revoked".to_owned()), Err(withdrawn())),
        Err(WriteRefused::TooLarge(too_large)) => (
            Outcome::Failed("too-large".to_owned()),
            Err(Refusal::Invalid(format!(
                "the resource cannot be stored: {too_large}"
            ))),
        ),
    };
    let settled = ledger.outcome(intent, write.event(Kind::WriteOutcome, outcome));
    settled.map_err(unavailable)?;
    result
}

impl Write {
    fn event(&self, kind: Kind, outcome: Outcome) -> Event {
        let interaction = self.permitted.interaction();
        Event::new(
            kind,
            interaction.kind().as_str(),
            self.session.subject.clone(),
            outcome,
        )
        .with("door", self.session.door.as_str())
        .with("type", interaction.resource_type())
        .with("id", self.id.as_str())
    }

    fn intent(&self) -> Event {
        let mut event = self.event(Kind::WriteIntent, Outcome::Ok);
        if let Some(old) = &self.old {
            event = event.with("old_version", old.version_id());
        }
        if let Some(resource) = self.permitted.interaction().resource() {
            let digest = glovebox_database::sha256(resource.bytes());
            event = event.with("content", digest.to_string());
        }
        record::with_authorities(event, &self.permitted)
    }

    /// Names the version that came in between, if the caller may still know of it.
    async fn conflict(&self, store: &FhirStore) -> Refusal {
        match store.head(&self.permitted).await {
            Ok(Some(head)) if membership::check(&self.permitted, &head.facts.view()).is_ok() => {
                Refusal::Conflict(head.version_id())
            }
            Ok(_) => Refusal::NotFound,
            Err(error) => unavailable(error),
        }
    }
}

/// A server-assigned logical id: 20 random bytes as hexadecimal digits.
fn new_id() -> Result<String, Refusal> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).map_err(unavailable)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
