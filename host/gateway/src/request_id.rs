//! Requests that may be sent again. What a request came to is kept by the commit that carries
//! it out: there is no moment in which it is done and not known. It is kept for good, like
//! the versions that it stands for. An id stands for what was sent with it the first time:
//! with anything else it is refused.

use glovebox_fhir::{Interaction, Request};
use glovebox_model::Timestamp;
use glovebox_model::ledger::Outcome;
use serde_json::Value;

use crate::answer::{Answer, Written};
use crate::gateway::Gateway;
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;

/// Longest request id, in bytes.
const BYTES_MAX: usize = 64;

/// The id of one request, good for one session or grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    name: String,
    /// Digest of what was sent.
    content: String,
}

impl RequestId {
    /// The caller's own text, 1 to 64 bytes. Only a digest over it and whom it belongs to is
    /// kept.
    pub fn new(session: &Session, text: &str) -> Result<Self, Refusal> {
        if text.is_empty() || text.len() > BYTES_MAX {
            let why = format!("a request id has 1 to {BYTES_MAX} bytes");
            return Err(Refusal::Invalid(why));
        }
        let subject = &session.subject;
        let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
        // A session of an app, or else the client for its user and patient.
        let whose = match &subject.session {
            Some(id) => vec![id.as_str().to_owned()],
            None => vec![
                part(subject.client.as_ref().map(|id| id.as_str())),
                part(subject.app.as_ref().map(|id| id.as_str())),
                part(subject.user.as_ref().map(|id| id.as_str())),
                part(session.patient.as_ref().map(|id| id.as_str())),
            ],
        };
        let named = serde_json::json!([whose, text]).to_string();
        Ok(Self {
            name: glovebox_database::sha256(named.as_bytes()).to_string(),
            content: String::new(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn content(&self) -> &str {
        &self.content
    }

    /// The same id for this interaction. The version that is expected is no part of it: for
    /// whoever expects any (`If-Match: *`) it is another one the second time.
    pub(crate) fn over(&self, interaction: &Interaction) -> Self {
        let (resource, patch) = match interaction {
            Interaction::ConditionalCreate { resource, .. }
            | Interaction::ConditionalUpdate { resource, .. } => (Some(resource), None),
            Interaction::Patch { patch, .. } | Interaction::ConditionalPatch { patch, .. } => {
                (None, Some(format!("{patch:?}")))
            }
            other => (other.resource(), None),
        };
        let digest = |bytes: &[u8]| glovebox_database::sha256(bytes).to_string();
        let said = serde_json::json!([
            interaction.kind().as_str(),
            interaction.resource_type(),
            interaction.id(),
            interaction
                .query()
                .map(glovebox_fhir::SearchQuery::canonical),
            resource.map(|resource| digest(resource.bytes())),
            patch.map(|patch| digest(patch.as_bytes())),
        ]);
        self.with_content(&said.to_string())
    }

    /// The same id for a transaction of these entries.
    pub(crate) fn over_all(&self, entries: &[Request]) -> Self {
        let said = entries.iter().map(|entry| {
            let (asked, resource) = entry.content();
            format!("{asked} {}", glovebox_database::sha256(resource))
        });
        let said: Vec<String> = said.collect();
        self.with_content(&format!("transaction {}", said.join("\n")))
    }

    /// The id of one entry of a batch.
    pub(crate) fn of_entry(&self, index: usize) -> Self {
        let named = format!("{} entry {index}", self.name);
        Self {
            name: glovebox_database::sha256(named.as_bytes()).to_string(),
            content: String::new(),
        }
    }

    fn with_content(&self, said: &str) -> Self {
        Self {
            name: self.name.clone(),
            content: glovebox_database::sha256(said.as_bytes()).to_string(),
        }
    }
}

impl Gateway {
    /// What a request came to, by entry, if it was carried out or kept as a draft before. To
    /// be asked once the interaction is permitted: a repetition is a request like any other.
    pub(crate) async fn answered_before(
        &self,
        session: &Session,
        request: &RequestId,
        interaction: &Interaction,
    ) -> Result<Option<Vec<(usize, Answer)>>, Refusal> {
        let store = self.store(session, interaction)?;
        let broken = |error: &dyn std::error::Error| self.broken(session, interaction, error);
        let done = store.request_outcome(request.name()).await;
        let done = done.map_err(|error| broken(&error))?;
        let before = match done {
            Some(done) => decode(&done).map(|(content, written)| {
                let written = written.into_iter();
                let answers = written.map(|(index, one)| (index, Answer::Written(one)));
                (content, answers.collect())
            }),
            None => match self.drafted_before(session, request).await {
                Ok(None) => return Ok(None),
                Ok(kept) => kept,
                Err(error) => return Err(broken(&error)),
            },
        };
        let Some((content, answers)) = before else {
            return Err(self.failed(session, interaction, "unavailable", Refusal::Unavailable));
        };
        if content != request.content() {
            let refusal = Refusal::OtherRequest;
            return Err(self.failed(session, interaction, "other-request", refusal));
        }
        let entry = record::event(session, interaction, Outcome::Ok).with("repeated", "request");
        self.record(entry)?;
        Ok(Some(answers))
    }
}

pub(crate) fn encode(content: &str, written: &[(usize, Written)]) -> Vec<u8> {
    let list: Vec<Value> = written
        .iter()
        .map(|(index, one)| {
            serde_json::json!([
                index,
                one.resource_type,
                one.id,
                one.version_id,
                one.last_updated.micros(),
                one.created,
                one.changed,
            ])
        })
        .collect();
    serde_json::json!([content, list]).to_string().into_bytes()
}

/// The digest of what was sent, and what it came to.
pub(crate) fn decode(bytes: &[u8]) -> Option<(String, Vec<(usize, Written)>)> {
    type Kept = (usize, String, String, String, i64, bool, bool);
    let (content, list): (String, Vec<Kept>) = serde_json::from_slice(bytes).ok()?;
    let written = list.into_iter().map(
        |(index, resource_type, id, version_id, at, created, changed)| {
            let last_updated = Timestamp::from_micros(at);
            let written = Written {
                resource_type,
                id,
                version_id,
                last_updated,
                created,
                changed,
            };
            (index, written)
        },
    );
    Some((content, written.collect()))
}
