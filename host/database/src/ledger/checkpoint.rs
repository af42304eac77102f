//! Signed checkpoints: who rewrites the whole chain still cannot sign it.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{Digest, Timestamp};

use super::error::LedgerError;
use super::line::{Entry, sha256};

/// The text that a checkpoint signs: the entry before it, and when.
fn message(covered: u64, head: Digest, at: Timestamp) -> String {
    format!("glovebox-ledger-checkpoint-v1\n{covered}\n{head}\n{at}\n")
}

/// The ledger's Ed25519 key.
pub(super) struct Signer {
    pair: Ed25519KeyPair,
}

impl Signer {
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, LedgerError> {
        let pair =
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| LedgerError::Key)?;
        Ok(Self { pair })
    }

    pub(super) fn public_key(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// The event that certifies everything up to `covered`, whose hash is `head`.
    pub(super) fn event(&self, covered: u64, head: Digest, at: Timestamp) -> Event {
        let signature = self.pair.sign(message(covered, head, at).as_bytes());
        Event::new(Kind::Checkpoint, "sign", Subject::default(), Outcome::Ok)
            .with("covers", covered)
            .with("key", sha256(&self.public_key()).short())
            .with("signature", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

/// Whether an entry is a checkpoint.
pub(super) fn is_checkpoint(entry: &Entry) -> bool {
    entry.kind == Kind::Checkpoint.as_str()
}

/// Whether a checkpoint entry carries a valid signature over what precedes it.
pub(super) fn is_valid(entry: &Entry, public_key: &[u8]) -> bool {
    let signature = entry
        .detail
        .get("signature")
        .and_then(serde_json::Value::as_str)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let covered = entry.seq.saturating_sub(1);
    let claimed = entry
        .detail
        .get("covers")
        .and_then(serde_json::Value::as_u64);
    let message = message(covered, entry.prev, entry.at);
    claimed == Some(covered)
        && signature.is_some_and(|signature| {
            UnparsedPublicKey::new(&ED25519, public_key)
                .verify(message.as_bytes(), &signature)
                .is_ok()
        })
}
