//! An app's writes become a draft.

use bytes::Bytes;
use glovebox_database::RecordsError;
use glovebox_database::fence::Pass;
use glovebox_fhir::Interaction;
use glovebox_model::ledger::{Event, Kind, Outcome};

use super::stored::{self, Inserted, Kept};
use super::{BYTES_MAX, Draft, DraftStage, DraftSummary, DraftWrite, Drafted, LIFE, lasting};
use crate::answer::{Answer, Written};
use crate::gateway::{Gateway, unavailable};
use crate::plan::Write;
use crate::record;
use crate::refusal::Refusal;
use crate::request_id::RequestId;
use crate::session::Session;
use crate::write::new_id;

impl Gateway {
    /// Keeps planned writes until a clinician decides: one draft, whatever their number, so
    /// that what refers to each other is committed together or not at all. They were
    /// checked as if they were carried out now: the app learns at once what would never be
    /// accepted. A request that was kept before is not kept again.
    pub(crate) async fn draft(
        &self,
        session: &Session,
        pass: &Pass,
        writes: Vec<(usize, Write)>,
        unchanged: Vec<(usize, Written)>,
        request: Option<&RequestId>,
    ) -> Result<Vec<(usize, Answer)>, Refusal> {
        let Some((_, first)) = writes.first() else {
            return Ok(answers(Vec::new(), unchanged));
        };
        let first = first.permitted.interaction();
        let now = self.clock.now();
        let kept: Vec<DraftWrite> = writes.iter().map(|(_, write)| kept(write)).collect();
        let bytes: usize = kept.iter().map(|write| write.content.len()).sum();
        if bytes > BYTES_MAX {
            let refusal = Refusal::TooCostly(format!("a draft has at most {BYTES_MAX} bytes"));
            return Err(self.failed(session, first, "too-costly", refusal));
        }
        // Ids sort by time, and nobody can guess one.
        let id = format!("{:016x}{}", now.micros(), new_id()?);
        let drafted: Vec<(usize, Drafted)> = writes
            .iter()
            .map(|(index, write)| {
                let drafted = Drafted {
                    draft: id.clone(),
                    resource_type: write.permitted.interaction().resource_type().to_owned(),
                    id: write.id.clone(),
                    created: now,
                };
                (*index, drafted)
            })
            .collect();
        let draft = Draft {
            summary: DraftSummary {
                id,
                subject: session.subject.clone(),
                created: now,
                expires: now + LIFE,
                writes: kept
                    .iter()
                    .map(|write| (write.kind, write.resource_type.clone(), write.id.clone()))
                    .collect(),
                stage: DraftStage::Waiting,
            },
            scopes: session.scopes.clone(),
            held: lasting(pass.held()),
            writes: kept,
            pieces: 0,
            record: 0,
        };
        let appended = self
            .ledger
            .append_durable(event(session, &draft, &writes))
            .await;
        appended.map_err(unavailable)?;
        let keyspace = &self.drafts.keyspace;
        let kept = request.map(|request| Kept {
            request,
            drafted: &drafted,
            unchanged: &unchanged,
        });
        let inserted = stored::insert(keyspace, &session.tenant, &draft, kept).await;
        match inserted.map_err(|error| self.broken(session, first, &error))? {
            Inserted::Done => Ok(answers(drafted, unchanged)),
            // Somebody was a moment faster with the same request: theirs is the answer.
            Inserted::Repeated => {
                let request = request.ok_or(Refusal::Unavailable)?;
                let before = self.drafted_before(session, request).await;
                match before.map_err(unavailable)? {
                    Some((content, answers)) if content == request.content() => Ok(answers),
                    Some(_) => {
                        let refusal = Refusal::OtherRequest;
                        Err(self.failed(session, first, "other-request", refusal))
                    }
                    None => Err(Refusal::Unavailable),
                }
            }
        }
    }

    /// What was sent with a request and what it came to, by entry, if it was kept before.
    pub(crate) async fn drafted_before(
        &self,
        session: &Session,
        request: &RequestId,
    ) -> Result<Option<Before>, RecordsError> {
        let before = stored::before(&self.drafts.keyspace, &session.tenant, request).await?;
        Ok(before.map(|(content, drafted, unchanged)| (content, answers(drafted, unchanged))))
    }
}

/// The digest of what was sent, and the answers by entry.
pub(crate) type Before = (String, Vec<(usize, Answer)>);

fn answers(
    drafted: Vec<(usize, Drafted)>,
    unchanged: Vec<(usize, Written)>,
) -> Vec<(usize, Answer)> {
    let drafted = drafted
        .into_iter()
        .map(|(at, one)| (at, Answer::Drafted(one)));
    let unchanged = unchanged.into_iter();
    drafted
        .chain(unchanged.map(|(at, one)| (at, Answer::Written(one))))
        .collect()
}

fn kept(write: &Write) -> DraftWrite {
    let interaction = write.permitted.interaction();
    DraftWrite {
        kind: interaction.kind(),
        resource_type: interaction.resource_type().to_owned(),
        id: write.id.clone(),
        expected: write.old.as_ref().map(|old| old.version_id()),
        content: interaction.resource().map_or_else(Bytes::new, |resource| {
            Bytes::copy_from_slice(resource.bytes())
        }),
    }
}

fn event(session: &Session, draft: &Draft, writes: &[(usize, Write)]) -> Event {
    let of = |interaction: &Interaction, id: &str| {
        let kind = interaction.kind();
        match interaction.resource() {
            Some(resource) => {
                let digest = glovebox_database::sha256(resource.bytes());
                format!("{kind} {}/{id} {digest}", interaction.resource_type())
            }
            None => format!("{kind} {}/{id}", interaction.resource_type()),
        }
    };
    let content: Vec<String> = writes
        .iter()
        .map(|(_, write)| of(write.permitted.interaction(), &write.id))
        .collect();
    let subject = session.subject.clone();
    let event = Event::new(Kind::DraftCreated, "create", subject, Outcome::Ok)
        .with("door", session.door.as_str())
        .with("draft", draft.summary.id.as_str())
        .with("content", content);
    match writes.first() {
        Some((_, first)) => record::with_authorities(event, &first.permitted),
        None => event,
    }
}
