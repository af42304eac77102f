//! Writes: a durable intent, the store's commit that carries its sequence, the outcome.

use std::collections::BTreeMap;

use glovebox_database::Expect;
use glovebox_database::fence::{Held, Pass};
use glovebox_database::ledger::Ledger;
use glovebox_database::relations::Pending;
use glovebox_fhir_store::{Change, Commit, FhirStore, RequestMark, WriteRefused};
use glovebox_model::Timestamp;
use glovebox_model::ledger::{Event, Kind, Outcome};

use crate::answer::Written;
use crate::derivation::{Cause, Derivation, origin};
use crate::gateway::{Gateway, unavailable};
use crate::membership;
use crate::plan::Write;
use crate::record;
use crate::refusal::Refusal;
use crate::request_id::{self, RequestId};
use crate::session::Session;

/// Writes that were checked and are carried out together.
struct Together {
    session: Session,
    /// With the number of the entry that asked for it.
    writes: Vec<(usize, Write)>,
    /// What is there already, and answered with.
    unchanged: Vec<(usize, Written)>,
    now: Timestamp,
    expectations: Vec<(Vec<u8>, Expect)>,
    request: Option<RequestId>,
}

impl Gateway {
    /// Carries out planned writes, all or nothing. Each comes with the number of the entry
    /// that asked for it. `unchanged` is what other entries came to without a write: the
    /// answer, and that to a repetition, hold them too.
    pub(crate) async fn carry_out(
        &self,
        session: &Session,
        pass: &Pass,
        writes: Vec<(usize, Write)>,
        unchanged: Vec<(usize, Written)>,
        request: Option<&RequestId>,
    ) -> Result<Vec<(usize, Written)>, Refusal> {
        let Some((_, first)) = writes.first() else {
            return Ok(unchanged);
        };
        let interaction = first.permitted.interaction();
        let store = self.store(session, interaction)?.clone();
        let Some(expectations) = self.expectations(pass.held()) else {
            let denied = Outcome::Denied("revoked".to_owned());
            self.record(record::event(session, interaction, denied))?;
            return Err(withdrawn());
        };
        let together = Together {
            session: session.clone(),
            writes,
            unchanged,
            now: self.clock.now(),
            expectations,
            request: request.cloned(),
        };
        // A task of its own: whoever asked may stop waiting, and the outcome follows still.
        let carried_out = tokio::spawn(carry_out(
            self.ledger.clone(),
            self.derivation.clone(),
            store,
            together,
        ));
        carried_out.await.map_err(unavailable)?
    }

    /// What must hold at the commit, each key once. `None` if the pass holds two generations
    /// of one mark: then one of them is of the past.
    pub(crate) fn expectations(&self, held: &[Held]) -> Option<Vec<(Vec<u8>, Expect)>> {
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

async fn carry_out(
    ledger: Ledger,
    derivation: Derivation,
    store: FhirStore,
    together: Together,
) -> Result<Vec<(usize, Written)>, Refusal> {
    let tenant = &together.session.tenant;
    let mut pending = pending(together.writes.iter().map(|(_, write)| write));
    derivation.announce(tenant, &mut pending).await?;
    let intent = ledger
        .intent(together.intent())
        .await
        .map_err(unavailable)?;
    let written = together.written();
    let request = together.request.as_ref().map(|request| RequestMark {
        name: request.name().to_owned(),
        outcome: request_id::encode(request.content(), &written),
    });
    let changes = together.writes.iter().map(|(_, write)| Change {
        permitted: &write.permitted,
        id: &write.id,
        old: write.old.as_ref(),
    });
    let commit = Commit {
        changes: changes.collect(),
        now: together.now,
        intent,
        expectations: together.expectations.clone(),
        request,
    };
    let committed = match store.commit(commit).await {
        Ok(committed) => committed,
        // Whether it was committed is unknown: the intent stays open, the next start settles it.
        Err(error) => return Err(unavailable(error)),
    };
    let failed = |code: &str| Outcome::Failed(code.to_owned());
    let (outcome, result) = match committed {
        Ok(_) => (Outcome::Ok, Ok(written)),
        Err(WriteRefused::Changed) => (failed("conflict"), Err(together.conflict(&store).await)),
        Err(WriteRefused::Revoked) => (Outcome::Denied("revoked".to_owned()), Err(withdrawn())),
        // Somebody was a moment faster with the same request: theirs is the answer.
        Err(WriteRefused::Repeated) => (failed("repeated"), together.repeated(&store).await),
        Err(WriteRefused::TooLarge(too_large)) => {
            let why = format!("the resource cannot be stored: {too_large}");
            (failed("too-large"), Err(Refusal::Invalid(why)))
        }
    };
    let settled = ledger.outcome(intent, together.event(Kind::WriteOutcome, outcome));
    settled.map_err(unavailable)?;
    let cause = Cause::new(
        &together.session.subject,
        "the record was changed by an app",
    );
    derivation.follow(tenant, &store, &pending, &cause).await?;
    result
}

/// Those of the resources that are written from which relations follow. What an app writes
/// says nothing for itself: it narrows only.
pub(crate) fn pending<'a>(writes: impl Iterator<Item = &'a Write>) -> Vec<Pending> {
    let origins = writes.filter_map(|write| origin(&write.permitted, &write.id));
    origins
        .map(|origin| Pending::origin(&origin, None))
        .collect()
}

impl Together {
    /// A single write is named by itself, several by their list.
    fn event(&self, kind: Kind, outcome: Outcome) -> Event {
        let subject = self.session.subject.clone();
        let door = self.session.door.as_str();
        match self.writes.as_slice() {
            [(_, write)] => Event::new(kind, write.action.as_str(), subject, outcome)
                .with("door", door)
                .with("type", write.permitted.interaction().resource_type())
                .with("id", write.id.as_str()),
            several => Event::new(kind, "transaction", subject, outcome)
                .with("door", door)
                .with("count", u64::try_from(several.len()).unwrap_or(u64::MAX)),
        }
    }

    fn intent(&self) -> Event {
        let mut event = self.event(Kind::WriteIntent, Outcome::Ok);
        let digest = |write: &Write| {
            let resource = write.permitted.interaction().resource();
            resource.map(|resource| glovebox_database::sha256(resource.bytes()).to_string())
        };
        let old = |write: &Write| write.old.as_ref().map(|old| old.version_id());
        if let [(_, write)] = self.writes.as_slice() {
            if let Some(old) = old(write) {
                event = event.with("old_version", old);
            }
            if let Some(digest) = digest(write) {
                event = event.with("content", digest);
            }
            return record::with_authorities(event, &write.permitted);
        }
        let listing: Vec<String> = self
            .writes
            .iter()
            .map(|(_, write)| {
                let of = write.permitted.interaction().resource_type();
                format!(
                    "{} {of}/{} {} {}",
                    write.action,
                    write.id,
                    old(write).unwrap_or_else(|| "-".to_owned()),
                    digest(write).unwrap_or_else(|| "-".to_owned()),
                )
            })
            .collect();
        event.with("content", listing)
    }

    fn written(&self) -> Vec<(usize, Written)> {
        let written = |write: &Write| Written {
            resource_type: write.permitted.interaction().resource_type().to_owned(),
            id: write.id.clone(),
            version_id: (write.old.as_ref().map_or(0, |old| old.version) + 1).to_string(),
            last_updated: self.now,
            created: write.old.is_none(),
            changed: true,
        };
        self.writes
            .iter()
            .map(|(index, write)| (*index, written(write)))
            .chain(self.unchanged.iter().cloned())
            .collect()
    }

    async fn repeated(&self, store: &FhirStore) -> Result<Vec<(usize, Written)>, Refusal> {
        let request = self.request.as_ref().ok_or(Refusal::Unavailable)?;
        let kept = store.request_outcome(request.name()).await;
        let kept = kept.map_err(unavailable)?;
        match kept.and_then(|kept| request_id::decode(&kept)) {
            Some((content, written)) if content == request.content() => Ok(written),
            Some(_) => Err(Refusal::OtherRequest),
            None => Err(Refusal::Unavailable),
        }
    }

    /// Names the version that came in between, if the caller may still know of it.
    async fn conflict(&self, store: &FhirStore) -> Refusal {
        for (index, write) in &self.writes {
            let Some(old) = &write.old else {
                continue;
            };
            let refusal = match store.head(&write.permitted).await {
                Ok(Some(head)) if head.version == old.version => continue,
                Ok(Some(head))
                    if membership::check(&write.permitted, &head.facts.view()).is_ok() =>
                {
                    Refusal::Conflict(head.version_id())
                }
                Ok(_) => Refusal::NotFound,
                Err(error) => unavailable(error),
            };
            if self.writes.len() == 1 {
                return refusal;
            }
            return Refusal::InEntry {
                index: *index,
                refusal: Box::new(refusal),
            };
        }
        Refusal::Unavailable
    }
}

/// A server-assigned logical id: 20 random bytes as hexadecimal digits.
pub(crate) fn new_id() -> Result<String, Refusal> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).map_err(unavailable)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
