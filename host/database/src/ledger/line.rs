//! One entry as one line: the canonical form that is hashed, and the way back.

use glovebox_model::ledger::{Detail, Event};
use glovebox_model::{Digest, Timestamp};
use serde::Deserialize;

use super::error::{Fault, LedgerError};

/// Longest line, in bytes, the newline included. Import intents list digests.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// `,"hash":"` + 64 hexadecimal digits + `"}`.
const TAIL_BYTES: usize = 9 + 64 + 2;

/// A stored entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Sequence number, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Hash of the entry before it.
    pub prev: Digest,
    /// Its own hash.
    pub hash: Digest,
    /// What it is about; see [`glovebox_model::ledger::Kind`].
    pub kind: String,
    /// What was done.
    pub action: String,
    /// How it ended: `ok`, `denied: …`, `not-found`, `failed: …`.
    pub outcome: String,
    /// The tenant.
    pub tenant: Option<String>,
    /// The app.
    pub app: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Digest of the component.
    pub digest: Option<String>,
    /// The app session.
    pub session: Option<String>,
    /// The call into the guest.
    pub call: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The OAuth client.
    pub client: Option<String>,
    /// The patient in context.
    pub patient: Option<String>,
    /// The service account that spoke for the user.
    pub asserted_by: Option<String>,
    /// Named values.
    pub detail: serde_json::Map<String, serde_json::Value>,
    /// The line as stored, without its newline: what an export hands out.
    pub raw: String,
}

/// The stored form; unknown members are refused, so that nothing hides in a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    seq: u64,
    at: String,
    prev: String,
    kind: String,
    action: String,
    outcome: String,
    tenant: Option<String>,
    app: Option<String>,
    version: Option<String>,
    digest: Option<String>,
    session: Option<String>,
    call: Option<String>,
    user: Option<String>,
    client: Option<String>,
    patient: Option<String>,
    asserted_by: Option<String>,
    #[serde(default)]
    detail: serde_json::Map<String, serde_json::Value>,
    hash: String,
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Digest {
    let mut hash = [0; 32];
    let found = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    for (to, from) in hash.iter_mut().zip(found.as_ref()) {
        *to = *from;
    }
    Digest::from_bytes(hash)
}

/// Writes the canonical line of an event, newline included, into `line` (cleared first)
/// and returns its hash.
pub(super) fn write_line(
    line: &mut Vec<u8>,
    seq: u64,
    at: Timestamp,
    prev: Digest,
    event: &Event,
) -> Result<Digest, LedgerError> {
    line.clear();
    line.extend_from_slice(b"{\"seq\":");
    line.extend_from_slice(seq.to_string().as_bytes());
    member(line, "at", &at.to_string());
    hash_member(line, "prev", prev);
    member(line, "kind", event.kind.as_str());
    member(line, "action", &event.action);
    member(line, "outcome", &event.outcome.text());
    let subject = &event.subject;
    optional(line, "tenant", subject.tenant.as_ref().map(|v| v.as_str()));
    optional(line, "app", subject.app.as_ref().map(|v| v.as_str()));
    optional(
        line,
        "version",
        subject.version.as_ref().map(|v| v.as_str()),
    );
    optional(
        line,
        "digest",
        subject.digest.as_ref().map(Digest::to_string).as_deref(),
    );
    optional(
        line,
        "session",
        subject.session.as_ref().map(|v| v.as_str()),
    );
    optional(line, "call", subject.call.as_ref().map(|v| v.as_str()));
    optional(line, "user", subject.user.as_ref().map(|v| v.as_str()));
    optional(line, "client", subject.client.as_ref().map(|v| v.as_str()));
    optional(
        line,
        "patient",
        subject.patient.as_ref().map(|v| v.as_str()),
    );
    optional(
        line,
        "asserted_by",
        subject.asserted_by.as_ref().map(|v| v.as_str()),
    );
    if !event.detail.is_empty() {
        line.extend_from_slice(b",\"detail\":{");
        for (position, (name, value)) in event.detail.iter().enumerate() {
            if position > 0 {
                line.push(b',');
            }
            string(line, name);
            line.push(b':');
            detail(line, value);
        }
        line.push(b'}');
    }
    line.push(b'}');
    let size = line.len() + TAIL_BYTES;
    if size > LINE_BYTES_MAX {
        return Err(LedgerError::TooLarge {
            size,
            max: LINE_BYTES_MAX,
        });
    }
    let hash = sha256(line);
    line.pop();
    hash_member(line, "hash", hash);
    line.extend_from_slice(b"}\n");
    Ok(hash)
}

fn member(line: &mut Vec<u8>, name: &str, value: &str) {
    line.push(b',');
    string(line, name);
    line.push(b':');
    string(line, value);
}

fn hash_member(line: &mut Vec<u8>, name: &str, hash: Digest) {
    line.push(b',');
    string(line, name);
    line.extend_from_slice(b":\"");
    line.extend_from_slice(&hex(hash));
    line.push(b'"');
}

/// The lowercase digits of a hash; in every line twice, so without the formatting
/// machinery.
fn hex(hash: Digest) -> [u8; 64] {
    let digit = |value: u8| {
        if value < 10 {
            b'0' + value
        } else {
            b'a' + value - 10
        }
    };
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(hash.as_bytes()) {
        if let [high, low] = pair {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
    text
}

fn optional(line: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        member(line, name, value);
    }
}

fn detail(line: &mut Vec<u8>, value: &Detail) {
    match value {
        Detail::Text(text) => string(line, text),
        Detail::Number(number) => line.extend_from_slice(number.to_string().as_bytes()),
        Detail::List(list) => {
            line.push(b'[');
            for (position, text) in list.iter().enumerate() {
                if position > 0 {
                    line.push(b',');
                }
                string(line, text);
            }
            line.push(b']');
        }
    }
}

/// A JSON string with exactly one spelling: only quote, backslash and control characters
/// are escaped.
fn string(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(plain) {
        line.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                b'"' => line.extend_from_slice(b"\\\""),
                b'\\' => line.extend_from_slice(b"\\\\"),
                0..=0x1f => line.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => line.push(byte),
            }
        }
    }
    line.push(b'"');
}

/// Reads a line without its newline and checks its hash. Whether it continues the chain
/// is for the caller to say.
pub(super) fn read_line(line: &[u8]) -> Result<Entry, Fault> {
    let shape = |what: &str| Fault::Shape(what.to_owned());
    if line.len() >= LINE_BYTES_MAX {
        return Err(shape("too long"));
    }
    let text = std::str::from_utf8(line).map_err(|_| Fault::Hash)?;
    let body = line
        .len()
        .checked_sub(TAIL_BYTES)
        .and_then(|at| text.split_at_checked(at));
    let Some((body, tail)) = body else {
        return Err(shape("too short"));
    };
    let stated = tail
        .strip_prefix(",\"hash\":\"")
        .and_then(|rest| rest.strip_suffix("\"}"));
    let Some(stated) = stated else {
        return Err(shape("it does not end with a hash"));
    };
    let hash = sha256(&[body.as_bytes(), b"}"].concat());
    // compared as text: another spelling of the same digits is a change too
    if hex(hash) != stated.as_bytes() {
        return Err(Fault::Hash);
    }
    let stored: Stored = serde_json::from_str(text).map_err(|error| shape(&error.to_string()))?;
    Ok(Entry {
        seq: stored.seq,
        at: Timestamp::parse(&stored.at).ok_or_else(|| shape("`at` is not an instant"))?,
        prev: Digest::parse(&stored.prev).ok_or_else(|| shape("`prev` is not a hash"))?,
        hash: Digest::parse(&stored.hash).ok_or_else(|| shape("`hash` is not a hash"))?,
        kind: stored.kind,
        action: stored.action,
        outcome: stored.outcome,
        tenant: stored.tenant,
        app: stored.app,
        version: stored.version,
        digest: stored.digest,
        session: stored.session,
        call: stored.call,
        user: stored.user,
        client: stored.client,
        patient: stored.patient,
        asserted_by: stored.asserted_by,
        detail: stored.detail,
        raw: text.to_owned(),
    })
}
