//! What the ledger says of an interaction.

use glovebox_fhir::{Interaction, InteractionKind};
use glovebox_model::ledger::{Event, Kind, Outcome};
use glovebox_policy::{Denial, Permitted};

use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;
use crate::session::Session;

/// Ids listed in one entry at most; beyond it the count tells.
const IDS_MAX: usize = 100;
/// Authorities listed in one entry at most; each is a scope of at most 512 bytes.
const AUTHORITIES_MAX: usize = 20;
/// Longest text of a caller that is kept in full; a longer one is cut and its digest kept.
const TEXT_BYTES_MAX: usize = 2_000;

/// A caller's text, so short that nobody can fill the ledger with it.
fn bounded(text: String) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    let digest = glovebox_database::sha256(text.as_bytes());
    let start = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX));
    format!("{}… ({digest})", start.unwrap_or_default())
}

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
        event = event.with("query", bounded(query.canonical()));
    }
    event
}

/// Adds under which authorities an interaction was permitted.
pub(crate) fn with_authorities(event: Event, permitted: &Permitted<Interaction>) -> Event {
    let authorities: Vec<String> = permitted
        .bases()
        .iter()
        .take(AUTHORITIES_MAX)
        .map(|basis| basis.authority.to_string())
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

    /// Records that the store failed: logged once with its cause, which the caller never sees.
    pub(crate) fn broken(
        &self,
        session: &Session,
        interaction: &Interaction,
        error: &dyn std::error::Error,
    ) -> Refusal {
        tracing::error!(%error, "the store does not answer");
        self.failed(session, interaction, "unavailable", Refusal::Unavailable)
    }

    /// Records a request that was refused before it became an [`Interaction`]: an unknown
    /// type, an id that is none, a search that cannot be understood. `problem` is told to
    /// the caller.
    pub fn invalid(
        &self,
        session: &Session,
        kind: InteractionKind,
        resource_type: &str,
        problem: &str,
    ) -> Refusal {
        let failed = Outcome::Failed("invalid".to_owned());
        let event = Event::new(Kind::Fhir, kind.as_str(), session.subject.clone(), failed)
            .with("door", session.door.as_str())
            .with("type", bounded(resource_type.to_owned()))
            .with("problem", bounded(problem.to_owned()));
        let refusal = Refusal::Invalid(problem.to_owned());
        self.record(event).err().unwrap_or(refusal)
    }
}
