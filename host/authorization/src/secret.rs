//! Secrets that are handed out: a public id and 256 random bits, written
//! `gb_<kind>_<id>.<secret>`. Records keep the hash of that whole text, so a hash that
//! is moved to another id or another kind matches nothing. The text uses unreserved
//! characters only (RFC 3986 section 2.3): it survives forms, headers and addresses as
//! it is.
//!
//! The only file that draws random bytes.

use std::fmt;

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glovebox_model::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::Error;

/// Longest text that is looked at, in bytes. Ours have fewer than 100.
const TEXT_BYTES_MAX: usize = 128;
const ID_BYTES: usize = 12;
const SECRET_BYTES: usize = 32;

/// What a secret is for. It stands in the text, so that a leaked one is recognised and
/// one kind is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BrowserSession,
    Visitor,
    ApiToken,
    Launch,
    AccessToken,
    RefreshToken,
    Code,
    ClientSecret,
    PushedRequest,
    Registration,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::BrowserSession => "gb_session_",
            Self::Visitor => "gb_visitor_",
            Self::ApiToken => "gb_api_",
            Self::Launch => "gb_launch_",
            Self::AccessToken => "gb_access_",
            Self::RefreshToken => "gb_refresh_",
            Self::Code => "gb_code_",
            Self::ClientSecret => "gb_client_",
            Self::PushedRequest => "gb_par_",
            Self::Registration => "gb_register_",
        }
    }
}

/// A secret in clear. It is wiped when dropped and never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one answer in which it is shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// A secret that was just made: its public id, for logs and lists, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The public id.
    pub id: String,
    /// The whole text, shown once.
    pub text: SecretText,
}

/// SHA-256 of a secret's text. Compared in constant time only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SecretHash(Digest);

impl SecretHash {
    fn of(text: &str) -> Self {
        Self(sha256(text.as_bytes()))
    }

    /// The hash as hexadecimal digits, for the key of a record.
    pub(crate) fn as_text(&self) -> String {
        self.0.to_string()
    }

    pub(crate) fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Serialize for SecretHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Digest::parse(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not a SHA-256 digest"))
    }
}

/// A secret on its way to the one who asked, and what is kept of it.
pub(crate) struct Minted {
    pub(crate) issued: Issued,
    pub(crate) hash: SecretHash,
}

/// Makes a secret.
pub(crate) fn mint(kind: Kind) -> Result<Minted, Error> {
    mint_for(kind, &random_id()?)
}

/// A secret whose random part comes from elsewhere: the successor of a refresh token.
pub(crate) fn derived(kind: Kind, id: &str, secret: &[u8]) -> Minted {
    let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret));
    let text = SecretText::new(format!("{}{id}.{}", kind.prefix(), *encoded));
    let hash = SecretHash::of(text.expose());
    Minted {
        issued: Issued {
            id: id.to_owned(),
            text,
        },
        hash,
    }
}

/// Makes a secret for a given id.
pub(crate) fn mint_for(kind: Kind, id: &str) -> Result<Minted, Error> {
    let secret = Zeroizing::new(random::<SECRET_BYTES>()?);
    Ok(derived(kind, id, &*secret))
}

/// What somebody presented: the id to look up and the hash to compare.
pub(crate) struct Presented<'a> {
    pub(crate) id: &'a str,
    pub(crate) hash: SecretHash,
}

/// Reads a presented text; `None` if it cannot be a secret of this kind.
pub(crate) fn read(kind: Kind, text: &str) -> Option<Presented<'_>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let (id, secret) = text.strip_prefix(kind.prefix())?.split_once('.')?;
    let is_id = id.len() == ID_BYTES * 2 && id.bytes().all(|b| b.is_ascii_hexdigit());
    (is_id && !secret.is_empty()).then(|| Presented {
        id,
        hash: SecretHash::of(text),
    })
}

/// A public id: 96 random bits as hexadecimal digits.
pub(crate) fn random_id() -> Result<String, Error> {
    let bytes = random::<ID_BYTES>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::Randomness)?;
    Ok(bytes)
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let mut result = [0; 32];
    result
        .iter_mut()
        .zip(digest::digest(&digest::SHA256, bytes).as_ref())
        .for_each(|(to, from)| *to = *from);
    Digest::from_bytes(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_recognised_by_its_kind_and_matches_itself_only() {
        let minted = mint(Kind::ApiToken).unwrap();
        let text = minted.issued.text.expose();
        let read_back = read(Kind::ApiToken, text).unwrap();
        assert_eq!(read_back.id, minted.issued.id);
        assert!(read_back.hash.matches(&minted.hash));
        assert!(read(Kind::AccessToken, text).is_none());

        let other = mint(Kind::ApiToken).unwrap();
        assert!(!other.hash.matches(&minted.hash));
        let (_, own_secret) = text.split_once('.').unwrap();
        let moved = format!("gb_api_{}.{own_secret}", other.issued.id);
        assert!(
            !read(Kind::ApiToken, &moved)
                .unwrap()
                .hash
                .matches(&minted.hash)
        );
    }

    #[test]
    fn a_secret_is_made_of_unreserved_characters_and_is_not_printed() {
        let minted = mint(Kind::Launch).unwrap();
        let text = minted.issued.text.expose();
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        );
        assert!(!format!("{:?}", minted.issued).contains(text));
    }

    #[test]
    fn a_text_that_cannot_be_ours_is_not_looked_up() {
        for text in [
            "",
            "gb_api_",
            "gb_api_.x",
            "gb_api_00112233445566778899aabb",
            "gb_api_00112233445566778899aabb.",
            "gb_api_../../../../../../etc/.x",
            "gb_api_00112233445566778899aab.x",
        ] {
            assert!(read(Kind::ApiToken, text).is_none(), "{text}");
        }
        let long = format!("gb_api_00112233445566778899aabb.{}", "x".repeat(200));
        assert!(read(Kind::ApiToken, &long).is_none());
    }
}
