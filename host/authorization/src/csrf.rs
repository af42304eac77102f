//! Form tokens: HMAC-SHA-256 over the form's purpose, keyed by what only the browser
//! has, its cookie. Nothing is stored, and a read of the records yields no token.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::{self, Issued, Kind};
use crate::{Error, SecretText};

/// What makes and checks the form tokens of one browser.
#[derive(Clone)]
pub struct CsrfKey(hmac::Key);

impl CsrfKey {
    /// The key of a cookie's value: a browser session's, or a visitor's.
    pub fn of_cookie(cookie: &str) -> Self {
        // The label keeps this key apart from every other use of the same text.
        let label = hmac::Key::new(hmac::HMAC_SHA256, b"glovebox csrf");
        let key = hmac::sign(&label, cookie.as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// The token for forms of one purpose, such as `sign-out`.
    pub fn token(&self, purpose: &str) -> SecretText {
        let tag = hmac::sign(&self.0, purpose.as_bytes());
        SecretText::new(URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    /// Whether a form carries the right token. Takes the same time for every wrong one.
    pub fn accepts(&self, purpose: &str, presented: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(presented)
            .is_ok_and(|tag| hmac::verify(&self.0, purpose.as_bytes(), &tag).is_ok())
    }
}

impl std::fmt::Debug for CsrfKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsrfKey(…)")
    }
}

/// A cookie for who has not signed in yet, so that the sign-in form has a token too
/// (without one, somebody could be signed in as somebody else).
pub fn visitor_cookie() -> Result<Issued, Error> {
    Ok(secret::mint(Kind::Visitor)?.issued)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_is_good_for_its_browser_and_purpose_only() {
        let mine = CsrfKey::of_cookie("gb_session_1.a");
        let token = mine.token("sign-out");
        assert!(mine.accepts("sign-out", token.expose()));
        assert!(!mine.accepts("launch", token.expose()));
        assert!(!CsrfKey::of_cookie("gb_session_1.b").accepts("sign-out", token.expose()));
        for wrong in ["", "x", &token.expose()[1..], "é"] {
            assert!(!mine.accepts("sign-out", wrong), "{wrong}");
        }
    }
}
