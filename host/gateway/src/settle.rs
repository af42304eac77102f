//! What a start finds: intents that a crash left without an outcome are settled from the
//! store, and what an earlier version wrote is put in order.

use glovebox_database::ledger::Entry;
use glovebox_model::Digest;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};

use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;

impl Gateway {
    /// Puts data of an earlier version into the order that searches use. To be called once at
    /// start, before anything is served. Answers how many resources it concerned.
    pub async fn complete_orders(&self) -> Result<usize, Refusal> {
        let mut taken_in = 0;
        for store in self.stores.values() {
            taken_in += store.complete_newest().await.map_err(unavailable)?;
        }
        Ok(taken_in)
    }

    /// Records, for each intent that has no outcome, whether the store committed it. To be
    /// called once at start, before anything is served. Answers how many there were.
    pub async fn settle_intents(&self) -> Result<usize, Refusal> {
        let open = self.ledger.unresolved_intents();
        for entry in &open {
            let subject = subject_of(entry);
            let store = subject
                .tenant
                .as_ref()
                .and_then(|tenant| self.stores.get(tenant));
            let outcome = match store {
                // The tenant was taken away since: nobody can tell any more.
                None => Outcome::Failed("unknown".to_owned()),
                Some(store) => {
                    let committed = store.intent_was_committed(entry.seq).await;
                    if committed.map_err(unavailable)? {
                        Outcome::Ok
                    } else {
                        Outcome::Failed("not-committed".to_owned())
                    }
                }
            };
            let kind = if entry.kind == Kind::ImportIntent.as_str() {
                Kind::ImportOutcome
            } else {
                Kind::WriteOutcome
            };
            let event = Event::new(kind, "settle", subject, outcome);
            self.ledger.outcome(entry.seq, event).map_err(unavailable)?;
        }
        Ok(open.len())
    }
}

/// Whom the intent concerned, so that the outcome is found wherever the intent is.
fn subject_of(entry: &Entry) -> Subject {
    fn read<T: std::str::FromStr>(text: Option<&String>) -> Option<T> {
        text.and_then(|text| text.parse().ok())
    }
    Subject {
        tenant: read(entry.tenant.as_ref()),
        app: read(entry.app.as_ref()),
        version: read(entry.version.as_ref()),
        digest: entry.digest.as_deref().and_then(Digest::parse),
        session: read(entry.session.as_ref()),
        call: read(entry.call.as_ref()),
        user: read(entry.user.as_ref()),
        client: read(entry.client.as_ref()),
        patient: read(entry.patient.as_ref()),
        asserted_by: read(entry.asserted_by.as_ref()),
    }
}
