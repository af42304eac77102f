//! Proof Key for Code Exchange (RFC 7636), S256 only: `plain` protects nobody.

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::secret;

/// A `code_challenge`: the SHA-256 of the verifier that only the client knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Challenge(String);

impl Challenge {
    /// Reads a challenge; `None` unless it is 32 bytes in base64url without padding.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// Whether this is the challenge of `verifier` (RFC 7636 section 4.6).
    pub(crate) fn is_met_by(&self, verifier: &str) -> bool {
        let is_well_formed = (43..=128).contains(&verifier.len())
            && verifier
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
        let of_verifier = URL_SAFE_NO_PAD.encode(secret::sha256(verifier.as_bytes()).as_bytes());
        let is_same =
            constant_time::verify_slices_are_equal(of_verifier.as_bytes(), self.0.as_bytes());
        is_well_formed && is_same.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_verifier_of_the_rfc_meets_its_challenge() {
        assert!(Challenge::parse(CHALLENGE).unwrap().is_met_by(VERIFIER));
    }

    #[test]
    fn every_other_verifier_fails() {
        let challenge = Challenge::parse(CHALLENGE).unwrap();
        let long = format!("{VERIFIER}{}", "a".repeat(128));
        for verifier in [
            "",
            &VERIFIER[1..],
            CHALLENGE,
            &long,
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX ",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl",
        ] {
            assert!(!challenge.is_met_by(verifier), "{verifier}");
        }
        // A verifier that hashes right but is not within the grammar counts as none.
        let short = "too-short";
        let of_short = URL_SAFE_NO_PAD.encode(secret::sha256(short.as_bytes()).as_bytes());
        assert!(!Challenge::parse(&of_short).unwrap().is_met_by(short));
    }

    #[test]
    fn what_is_no_sha_256_is_no_challenge() {
        for text in [
            "",
            &CHALLENGE[1..],
            &format!("{CHALLENGE}A"),
            &format!("{CHALLENGE}="),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
        ] {
            assert!(Challenge::parse(text).is_none(), "{text}");
        }
    }
}
