//! Where a search goes on: sealed, and bound to the session and the query.

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::gateway::{Gateway, unavailable};
use crate::refusal::Refusal;

/// A position in a search, for the session that made it. In memory only; what leaves the
/// host is the sealed text of [`crate::Gateway::seal_cursor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Resource type searched.
    pub(crate) resource_type: String,
    /// The search parameters, in the order given.
    pub(crate) parameters: Vec<(String, String)>,
    /// The last match that was given out, as the store orders them.
    pub(crate) after: Vec<u8>,
}

impl Cursor {
    /// Where a search begins.
    pub fn start(resource_type: &str, parameters: Vec<(String, String)>) -> Self {
        Self {
            resource_type: resource_type.to_owned(),
            parameters,
            after: Vec::new(),
        }
    }

    /// After which match to go on; `None` at the beginning.
    pub(crate) fn position(&self) -> Option<&[u8]> {
        (!self.after.is_empty()).then_some(self.after.as_slice())
    }

    /// The resource type that is searched.
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }
}

/// To whom a sealed cursor belongs: a session and component digest, or a client and token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorBinding(pub String);

/// What is sealed: type, parameters, position, and until when, in microseconds.
type Sealed = (String, Vec<(String, String)>, String, i64);

const NONCE_BYTES: usize = 12;
/// Longest sealed cursor that is made or read.
const SEALED_BYTES_MAX: usize = 16 << 10;
/// How long a sealed cursor can be opened.
const LIFE: Duration = Duration::from_secs(60 * 60);

impl Gateway {
    /// Seals a cursor (AES-256-GCM): it tells its holder nothing, cannot be changed, and
    /// opens only for the same binding, within an hour.
    pub fn seal_cursor(&self, binding: &CursorBinding, cursor: &Cursor) -> Result<String, Refusal> {
        let plain = serde_json::to_vec(&serde_json::json!([
            cursor.resource_type,
            cursor.parameters,
            URL_SAFE_NO_PAD.encode(&cursor.after),
            (self.clock.now() + LIFE).micros(),
        ]))
        .map_err(unavailable)?;
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(unavailable)?;
        let mut sealed = plain;
        self.cursor_cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(binding.0.as_bytes()),
                &mut sealed,
            )
            .map_err(unavailable)?;
        let mut whole = nonce.to_vec();
        whole.extend_from_slice(&sealed);
        let sealed = URL_SAFE_NO_PAD.encode(whole);
        if sealed.len() > SEALED_BYTES_MAX {
            return Err(Refusal::TooCostly(
                "the search is too long to be continued: give fewer or shorter parameters"
                    .to_owned(),
            ));
        }
        Ok(sealed)
    }

    /// Opens a sealed cursor for the binding under which it was sealed.
    pub fn open_cursor(&self, binding: &CursorBinding, sealed: &str) -> Result<Cursor, Refusal> {
        if sealed.len() > SEALED_BYTES_MAX {
            return Err(Refusal::BadCursor);
        }
        let whole = URL_SAFE_NO_PAD
            .decode(sealed)
            .map_err(|_| Refusal::BadCursor)?;
        let (nonce, sealed) = whole
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(Refusal::BadCursor)?;
        let mut sealed = sealed.to_vec();
        let plain = self
            .cursor_cipher()?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(binding.0.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| Refusal::BadCursor)?;
        let (resource_type, parameters, after, until): Sealed =
            serde_json::from_slice(plain).map_err(|_| Refusal::BadCursor)?;
        if self.clock.now().micros() >= until {
            return Err(Refusal::BadCursor);
        }
        let after = URL_SAFE_NO_PAD
            .decode(after)
            .map_err(|_| Refusal::BadCursor)?;
        Ok(Cursor {
            resource_type,
            parameters,
            after,
        })
    }

    fn cursor_cipher(&self) -> Result<LessSafeKey, Refusal> {
        let key = UnboundKey::new(&AES_256_GCM, &self.cursor_key).map_err(unavailable)?;
        Ok(LessSafeKey::new(key))
    }
}
