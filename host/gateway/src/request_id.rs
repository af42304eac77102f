//! Requests that may be sent again. What a request came to is kept by the commit that carries
//! it out: there is no moment in which it is done and not known.

use glovebox_database::fence::Pass;
use glovebox_fhir::Interaction;
use glovebox_model::Timestamp;
use glovebox_model::ledger::Outcome;
use serde_json::Value;

use crate::answer::Written;
use crate::gateway::Gateway;
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;

/// Longest request id, in bytes.
const BYTES_MAX: usize = 64;

/// The id of one request, good for one session or grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

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
        Ok(Self(
            glovebox_database::sha256(named.as_bytes()).to_string(),
        ))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl Gateway {
    /// What a request came to, by entry, if it was carried out before.
    pub(crate) async fn done_before(
        &self,
        session: &Session,
        pass: &Pass,
        request: &RequestId,
        interaction: &Interaction,
    ) -> Result<Option<Vec<(usize, Written)>>, Refusal> {
        if pass.is_revoked() {
            // The decision refuses it, and records that.
            return Ok(None);
        }
        let store = self.store(session, interaction)?;
        let kept = store.request_outcome(request.name()).await;
        let kept = kept.map_err(|error| self.broken(session, interaction, &error))?;
        let Some(kept) = kept else {
            return Ok(None);
        };
        let entry = record::event(session, interaction, Outcome::Ok).with("repeated", "request");
        self.record(entry)?;
        decode(&kept).map(Some).ok_or(Refusal::Unavailable)
    }
}

pub(crate) fn encode(written: &[(usize, Written)]) -> Vec<u8> {
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
    Value::from(list).to_string().into_bytes()
}

pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<(usize, Written)>> {
    type Kept = (usize, String, String, String, i64, bool, bool);
    let list: Vec<Kept> = serde_json::from_slice(bytes).ok()?;
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
    Some(written.collect())
}
