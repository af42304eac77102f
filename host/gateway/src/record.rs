//! What the ledger says of an interaction.

use glovebox_fhir::Interaction;
use glovebox_model::ledger::{Event, Kind, Outcome};
use glovebox_policy::{Denial, Permitted};

use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;
use crate::session::Session;

/// Ids listed in one entry at most; beyond it the count tells.
const IDS_MAX: usize = 100;

/// An entry in the making: who, by which door, what.
pub(crate) fn event(session: &Session, interaction: &Interaction, outcome: Outcome) -> Event {
    let mut event = Event::new(
        Kind::Fhir,
        interaction.kind().as_str(),
        session.subject.clone(),
        outcome,
    )
    .with("door", session.door.as_str())
    .with("type", interaction.resource_type());
    if let Some(id) = interaction.id() {
        event = event.with("id", id);
    }
    if let Interaction::Search(query) = interaction {
        event = event.with("query", query.canonical());
    }
    event
}

/// Adds under which authorities an interaction was permitted.
pub(crate) fn with_authorities(event: Event, permitted: &Permitted<Interaction>) -> Event {
    let authorities: Vec<String> = permitted
        .bases()
        .iter()
        .map(|basis| basis.authority.clone())
        .collect();
    event.with("authority", authorities)
}

/// Adds what was given out.
pub(crate) fn with_released(
    event: Event,
    ids: impl Iterator<Item = String>,
    count: usize,
    bytes: usize,
) -> Event {
    event
        .with("ids", ids.take(IDS_MAX).collect::<Vec<_>>())
        .with("count", u64::try_from(count).unwrap_or(u64::MAX))
        .with("bytes", u64::try_from(bytes).unwrap_or(u64::MAX))
}

impl Gateway {
    /// Writes an entry to the kernel before anything is given out. If the ledger cannot be
    /// written, nothing is served.
    pub(crate) fn record(&self, event: Event) -> Result<(), Refusal> {
        self.ledger.append(event).map(|_| ()).map_err(unavailable)
    }

    /// Records a refusal with its true cause and gives the caller what it may know.
    pub(crate) fn deny(
        &self,
        session: &Session,
        interaction: &Interaction,
        denial: &Denial,
    ) -> Refusal {
        let event = event(
            session,
            interaction,
            Outcome::Denied(denial.rule.to_string()),
        );
        match self.record(event) {
            Ok(()) => Refusal::from_rule(&denial.rule),
            Err(unavailable) => unavailable,
        }
    }

    /// Records that there is nothing under that id.
    pub(crate) fn absent(&self, session: &Session, interaction: &Interaction) -> Refusal {
        match self.record(event(session, interaction, Outcome::NotFound)) {
            Ok(()) => Refusal::NotFound,
            Err(unavailable) => unavailable,
        }
    }

    /// Records a failure that is nobody's refusal.
    pub(crate) fn failed(
        &self,
        session: &Session,
        interaction: &Interaction,
        code: &str,
        refusal: Refusal,
    ) -> Refusal {
        let event = event(session, interaction, Outcome::Failed(code.to_owned()));
        self.record(event).err().unwrap_or(refusal)
    }
}
