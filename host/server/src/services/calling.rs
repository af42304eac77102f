//! Calls to addresses that others supplied, in the ledger.

use glovebox_database::ledger::Ledger;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_outbound::{Call, CallSink};

/// Writes down each call.
pub(super) struct LedgerSink(pub(super) Ledger);

impl CallSink for LedgerSink {
    fn called(&self, call: &Call<'_>) {
        let outcome = match call.outcome {
            Ok(_) => Outcome::Ok,
            Err(problem) => Outcome::Failed(problem.code().to_owned()),
        };
        let millis = u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX);
        let event = Event::new(Kind::Outbound, call.purpose, Subject::default(), outcome)
            .with("origin", call.origin)
            .with("millis", millis);
        let event = match call.outcome {
            Ok(bytes) => event.with("bytes", u64::try_from(bytes).unwrap_or(u64::MAX)),
            Err(_) => event,
        };
        if let Err(problem) = self.0.append(event) {
            tracing::error!(error = %problem, "an outbound call could not be recorded");
        }
    }
}
