//! After a crash: intents without an outcome are settled from the store.

use glovebox_model::ledger::{Event, Kind, Outcome, Subject};

use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;

impl Gateway {
    /// Records, for each intent that has no outcome, whether the store committed it. To be
    /// called once at start, before anything is served. Answers how many there were.
    pub async fn settle_intents(&self) -> Result<usize, Refusal> {
        let open = self.ledger.unresolved_intents();
        for entry in &open {
            let mut committed = false;
            let tenant = entry.tenant.as_deref().and_then(|text| text.parse().ok());
            if let Some(store) = tenant.as_ref().and_then(|tenant| self.stores.get(tenant)) {
                committed = store
                    .intent_was_committed(entry.seq)
                    .await
                    .map_err(unavailable)?;
            }
            let outcome = if committed {
                Outcome::Ok
            } else {
                Outcome::Failed("not-committed".to_owned())
            };
            let kind = if entry.kind == Kind::ImportIntent.as_str() {
                Kind::ImportOutcome
            } else {
                Kind::WriteOutcome
            };
            let subject = Subject {
                tenant,
                ..Subject::default()
            };
            let event = Event::new(kind, "settle", subject, outcome);
            self.ledger.outcome(entry.seq, event).map_err(unavailable)?;
        }
        Ok(open.len())
    }
}
