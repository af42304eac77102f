//! Refusals at the door, in the ledger: no other part has seen these requests.

use axum::extract::OriginalUri;
use axum::http::request::Parts;
use glovebox_database::ledger::Ledger;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{TenantId, UserId};

use super::App;

/// Longest address that is recorded, in bytes.
const ADDRESS_BYTES_MAX: usize = 300;

/// Somebody known who asks for something, and where refusals of it are recorded.
#[derive(Clone)]
pub(super) struct Caller {
    ledger: Ledger,
    user: UserId,
    /// Where the caller belongs first: under it the entry is found.
    home: Option<TenantId>,
    asked: String,
}

impl Caller {
    pub(super) fn new(app: &App, user: &UserId, tenants: &[TenantId], parts: &Parts) -> Self {
        Self {
            ledger: app.ledger.clone(),
            user: user.clone(),
            home: tenants.first().cloned(),
            asked: asked(parts),
        }
    }

    /// Records that this was refused, by the rule's stable name.
    pub(super) fn refused(&self, rule: &str) {
        let subject = Subject {
            tenant: self.home.clone(),
            user: Some(self.user.clone()),
            ..Subject::default()
        };
        append(&self.ledger, access(subject, rule, &self.asked));
    }
}

/// Records a credential that is not in force, as far as strangers are recorded at all. What
/// was presented is not: it may be the right one, sent to the wrong place.
pub(super) fn refused_stranger(app: &App, subject: Subject, parts: &Parts) {
    let Some(left_out) = app.strangers.next(app.clock.now()) else {
        return;
    };
    let mut event = access(subject, "credential", &asked(parts));
    if left_out > 0 {
        event = event.with("left_out", left_out);
    }
    append(&app.ledger, event);
}

fn access(subject: Subject, rule: &str, asked: &str) -> Event {
    let denied = Outcome::Denied(rule.to_owned());
    Event::new(Kind::Access, "refuse", subject, denied).with("asked", asked)
}

/// It is refused either way: a ledger that fails is the operator's to hear of.
fn append(ledger: &Ledger, event: Event) {
    if let Err(problem) = ledger.append(event) {
        tracing::error!(error = %problem, "a refusal could not be recorded");
    }
}

/// Method and path. The query is left out: launch handles and searches stand there.
fn asked(parts: &Parts) -> String {
    let whole = parts.extensions.get::<OriginalUri>();
    let uri = whole.map_or(&parts.uri, |OriginalUri(uri)| uri);
    let mut asked = format!("{} {}", parts.method, uri.path());
    asked.truncate(asked.floor_char_boundary(ADDRESS_BYTES_MAX));
    asked
}
