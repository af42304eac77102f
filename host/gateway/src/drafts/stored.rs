//! The stored form of drafts: a short record that lists read, and the content in pieces.

use glovebox_database::fence::Held;
use glovebox_database::{Batch, Durability, Expect, Keyspace, RecordsError, Stored};
use glovebox_fhir::InteractionKind;
use glovebox_model::ledger::Subject;
use glovebox_model::scope::ScopeSet;
use glovebox_model::{Digest, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Draft, DraftStage, DraftSummary, DraftWrite, Drafted};
use crate::answer::Written;
use crate::request_id::{self, RequestId};

/// Bytes of one piece: below the largest value of a record.
const PIECE_BYTES: usize = 60 << 10;
/// Drafts that are looked at in one scan.
const SCAN: usize = 200;

#[derive(Serialize, Deserialize)]
struct StoredSubject {
    app: Option<String>,
    version: Option<String>,
    digest: Option<String>,
    session: Option<String>,
    user: Option<String>,
    client: Option<String>,
    patient: Option<String>,
    asserted_by: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum StoredStage {
    Waiting,
    Committed { by: String, at: i64 },
    Rejected { by: String, at: i64, reason: String },
}

#[derive(Serialize, Deserialize)]
struct StoredSummary {
    subject: StoredSubject,
    created: i64,
    expires: i64,
    writes: Vec<(String, String, String)>,
    stage: StoredStage,
    pieces: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredContent {
    scopes: String,
    held: Vec<String>,
    writes: Vec<StoredWrite>,
}

#[derive(Serialize, Deserialize)]
struct StoredWrite {
    kind: String,
    resource_type: String,
    id: String,
    expected: Option<String>,
    content: String,
}

fn damaged(id: &str) -> RecordsError {
    RecordsError::Unusable(format!("the draft {id} cannot be read"))
}

fn text<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

fn read<T: std::str::FromStr>(text: Option<String>) -> Option<T> {
    text.and_then(|text| text.parse().ok())
}

fn kind(text: &str) -> Option<InteractionKind> {
    [
        InteractionKind::Create,
        InteractionKind::Update,
        InteractionKind::Delete,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == text)
}

impl DraftSummary {
    fn to_stored(&self, pieces: u32) -> StoredSummary {
        let subject = &self.subject;
        StoredSummary {
            subject: StoredSubject {
                app: text(subject.app.as_ref()),
                version: text(subject.version.as_ref()),
                digest: text(subject.digest.as_ref()),
                session: text(subject.session.as_ref()),
                user: text(subject.user.as_ref()),
                client: text(subject.client.as_ref()),
                patient: text(subject.patient.as_ref()),
                asserted_by: text(subject.asserted_by.as_ref()),
            },
            created: self.created.micros(),
            expires: self.expires.micros(),
            writes: self
                .writes
                .iter()
                .map(|(kind, name, id)| (kind.as_str().to_owned(), name.clone(), id.clone()))
                .collect(),
            stage: match &self.stage {
                DraftStage::Waiting => StoredStage::Waiting,
                DraftStage::Committed { by, at } => StoredStage::Committed {
                    by: by.to_string(),
                    at: at.micros(),
                },
                DraftStage::Rejected { by, at, reason } => StoredStage::Rejected {
                    by: by.to_string(),
                    at: at.micros(),
                    reason: reason.clone(),
                },
            },
            pieces,
        }
    }

    fn from_stored(tenant: &TenantId, id: &str, stored: StoredSummary) -> Option<Self> {
        let subject = stored.subject;
        Some(Self {
            id: id.to_owned(),
            subject: Subject {
                tenant: Some(tenant.clone()),
                app: read(subject.app),
                version: read(subject.version),
                digest: subject.digest.as_deref().and_then(Digest::parse),
                session: read(subject.session),
                call: None,
                user: read(subject.user),
                client: read(subject.client),
                patient: read(subject.patient),
                asserted_by: read(subject.asserted_by),
            },
            created: Timestamp::from_micros(stored.created),
            expires: Timestamp::from_micros(stored.expires),
            writes: stored
                .writes
                .into_iter()
                .map(|(written, name, id)| Some((kind(&written)?, name, id)))
                .collect::<Option<_>>()?,
            stage: match stored.stage {
                StoredStage::Waiting => DraftStage::Waiting,
                StoredStage::Committed { by, at } => DraftStage::Committed {
                    by: by.parse().ok()?,
                    at: Timestamp::from_micros(at),
                },
                StoredStage::Rejected { by, at, reason } => DraftStage::Rejected {
                    by: by.parse().ok()?,
                    at: Timestamp::from_micros(at),
                    reason,
                },
            },
        })
    }
}

/// The key of the short record.
fn head_key(tenant: &TenantId, id: &str) -> Vec<u8> {
    format!("draft/{tenant}/{id}").into_bytes()
}

fn piece_key(tenant: &TenantId, id: &str, number: u32) -> Vec<u8> {
    format!("content/{tenant}/{id}/{number:05}").into_bytes()
}

fn parse_head(
    tenant: &TenantId,
    id: &str,
    stored: &Stored,
) -> Result<(DraftSummary, u32), RecordsError> {
    let head: StoredSummary = serde_json::from_slice(&stored.value).map_err(|_| damaged(id))?;
    let pieces = head.pieces;
    let summary = DraftSummary::from_stored(tenant, id, head).ok_or_else(|| damaged(id))?;
    Ok((summary, pieces))
}

fn request_key(tenant: &TenantId, request: &RequestId) -> Vec<u8> {
    format!("request/{tenant}/{}", request.name()).into_bytes()
}

/// What putting a draft came to.
pub(super) enum Inserted {
    /// It is on disk.
    Done,
    /// The same request was kept before; nothing was put.
    Repeated,
}

/// A request that comes to a draft.
pub(super) struct Kept<'a> {
    pub(super) request: &'a RequestId,
    pub(super) drafted: &'a [(usize, Drafted)],
    /// What other entries came to without a write.
    pub(super) unchanged: &'a [(usize, Written)],
}

/// What a request came to, if it was kept: the draft, each entry's number, type and id, and
/// in [`crate::request_id`]'s form what was sent and what was there already.
type StoredRequest = (String, i64, Vec<(usize, String, String)>, String);

/// The digest of what was sent, and what it came to.
type Before = (String, Vec<(usize, Drafted)>, Vec<(usize, Written)>);

/// What a request came to before.
pub(super) async fn before(
    keyspace: &Keyspace,
    tenant: &TenantId,
    request: &RequestId,
) -> Result<Option<Before>, RecordsError> {
    let Some(stored) = keyspace.get(&request_key(tenant, request)).await? else {
        return Ok(None);
    };
    let lost = || damaged("of a request");
    let kept: StoredRequest = serde_json::from_slice(&stored.value).map_err(|_| lost())?;
    let (draft, created, entries, beside) = kept;
    let (content, unchanged) = request_id::decode(beside.as_bytes()).ok_or_else(lost)?;
    let entries = entries.into_iter().map(|(index, resource_type, id)| {
        let drafted = Drafted {
            draft: draft.clone(),
            resource_type,
            id,
            created: Timestamp::from_micros(created),
        };
        (index, drafted)
    });
    Ok(Some((content, entries.collect(), unchanged)))
}

/// Puts a new draft, on disk when this returns, and what its request came to beside it.
pub(super) async fn insert(
    keyspace: &Keyspace,
    tenant: &TenantId,
    draft: &Draft,
    request: Option<Kept<'_>>,
) -> Result<Inserted, RecordsError> {
    let id = &draft.summary.id;
    let content = StoredContent {
        scopes: draft.scopes.to_string(),
        held: draft.held.iter().map(ToString::to_string).collect(),
        writes: draft
            .writes
            .iter()
            .map(|write| StoredWrite {
                kind: write.kind.as_str().to_owned(),
                resource_type: write.resource_type.clone(),
                id: write.id.clone(),
                expected: write.expected.clone(),
                content: String::from_utf8_lossy(&write.content).into_owned(),
            })
            .collect(),
    };
    let content = serde_json::to_vec(&content).map_err(|_| damaged(id))?;
    let mut batch = Batch::new();
    let mut pieces = 0;
    for piece in content.chunks(PIECE_BYTES) {
        let key = piece_key(tenant, id, pieces);
        batch = batch.put(key, piece.to_vec(), Expect::Absent);
        pieces += 1;
    }
    let head = serde_json::to_vec(&draft.summary.to_stored(pieces)).map_err(|_| damaged(id))?;
    batch = batch.put(head_key(tenant, id), head, Expect::Absent);
    let repeatable = request.is_some();
    if let Some(Kept {
        request,
        drafted,
        unchanged,
    }) = request
    {
        let beside = request_id::encode(request.content(), unchanged);
        let entries = drafted
            .iter()
            .map(|(index, one)| (*index, one.resource_type.clone(), one.id.clone()));
        let kept: StoredRequest = (
            id.clone(),
            draft.summary.created.micros(),
            entries.collect(),
            String::from_utf8_lossy(&beside).into_owned(),
        );
        let kept = serde_json::to_vec(&kept).map_err(|_| damaged(id))?;
        batch = batch.put(request_key(tenant, request), kept, Expect::Absent);
    }
    match keyspace.commit(batch, Durability::Sync).await? {
        Ok(_) => Ok(Inserted::Done),
        Err(_) if repeatable => Ok(Inserted::Repeated),
        Err(_) => Err(damaged(id)),
    }
}

/// A draft, if there is one of that id.
pub(super) async fn get(
    keyspace: &Keyspace,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<Draft>, RecordsError> {
    let Some(stored) = keyspace.get(&head_key(tenant, id)).await? else {
        return Ok(None);
    };
    let (summary, pieces) = parse_head(tenant, id, &stored)?;
    let keys: Vec<_> = (0..pieces)
        .map(|number| piece_key(tenant, id, number))
        .collect();
    let mut content = Vec::new();
    for piece in keyspace.get_many(&keys).await? {
        content.extend_from_slice(&piece.ok_or_else(|| damaged(id))?.value);
    }
    let content: StoredContent = serde_json::from_slice(&content).map_err(|_| damaged(id))?;
    let writes = content.writes.into_iter().map(|write| {
        Some(DraftWrite {
            kind: kind(&write.kind)?,
            resource_type: write.resource_type,
            id: write.id,
            expected: write.expected,
            content: write.content.into_bytes().into(),
        })
    });
    let held = content.held.iter().map(|held| held.parse::<Held>().ok());
    Ok(Some(Draft {
        summary,
        scopes: ScopeSet::parse(&content.scopes).map_err(|_| damaged(id))?,
        held: held.collect::<Option<_>>().ok_or_else(|| damaged(id))?,
        writes: writes.collect::<Option<_>>().ok_or_else(|| damaged(id))?,
        pieces,
        record: stored.version,
    }))
}

/// The put that moves a draft to another stage, under its whole key; it expects the stage
/// that was read.
pub(super) fn moved(
    keyspace: &Keyspace,
    tenant: &TenantId,
    draft: &Draft,
    stage: DraftStage,
) -> Result<(Vec<u8>, Vec<u8>, Expect), RecordsError> {
    let id = &draft.summary.id;
    let summary = DraftSummary {
        stage,
        ..draft.summary.clone()
    };
    let head = serde_json::to_vec(&summary.to_stored(draft.pieces)).map_err(|_| damaged(id))?;
    let key = keyspace.absolute(&head_key(tenant, id));
    Ok((key, head, Expect::Version(draft.record)))
}

/// Summaries after `after`, in the order of their ids, oldest first.
pub(super) async fn page(
    keyspace: &Keyspace,
    tenant: &TenantId,
    after: Option<&str>,
) -> Result<Vec<DraftSummary>, RecordsError> {
    let prefix = head_key(tenant, "");
    let after = after.map(|id| head_key(tenant, id));
    let found = keyspace.scan(&prefix, after.as_deref(), SCAN).await?;
    let summary = |(key, stored): &(Vec<u8>, Stored)| {
        let id = key.strip_prefix(prefix.as_slice()).unwrap_or_default();
        let id = String::from_utf8_lossy(id).into_owned();
        Ok(parse_head(tenant, &id, stored)?.0)
    };
    found.iter().map(summary).collect()
}
