//! `Prefer` (RFC 7240, R4 http "return" and "handling"). What is not understood is ignored,
//! as the RFC wants: `respond-async`, for one, changes nothing here.

use axum::http::HeaderMap;
use glovebox_fhir::search::Handling;

/// What a write answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Return {
    /// Headers only.
    Minimal,
    /// The resource as stored, for whoever may read it.
    Representation,
    /// An OperationOutcome.
    OperationOutcome,
}

/// The preferences of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Preferences {
    /// `return=…`; without it, a single write gives the resource back and a Bundle does not.
    pub(super) answer: Option<Return>,
    /// `handling=…`
    pub(super) handling: Handling,
}

impl Preferences {
    /// Reads every `Prefer` header; the first of a name counts (RFC 7240 section 2).
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut answer = None;
        let mut handling = None;
        for value in headers.get_all("prefer") {
            // R4 examples separate preferences by semicolons as well.
            for preference in value.to_str().unwrap_or_default().split([',', ';']) {
                let Some((name, value)) = preference.split_once('=') else {
                    continue;
                };
                let value = value.trim().trim_matches('"');
                if name.trim().eq_ignore_ascii_case("return") {
                    answer = answer.or(match value {
                        "minimal" => Some(Return::Minimal),
                        "representation" => Some(Return::Representation),
                        "OperationOutcome" => Some(Return::OperationOutcome),
                        _ => None,
                    });
                } else if name.trim().eq_ignore_ascii_case("handling") {
                    handling = handling.or(match value {
                        "strict" => Some(Handling::Strict),
                        "lenient" => Some(Handling::Lenient),
                        _ => None,
                    });
                }
            }
        }
        Self {
            answer,
            handling: handling.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_and_the_unknown_is_ignored() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("prefer", value.parse().unwrap());
            }
            let Preferences { answer, handling } = Preferences::read(&headers);
            (answer, handling)
        };
        let strict = Handling::Strict;
        assert_eq!(read(&[]), (None, strict));
        assert_eq!(read(&["respond-async"]), (None, strict));
        assert_eq!(read(&["return=minimal"]), (Some(Return::Minimal), strict));
        assert_eq!(
            read(&["respond-async, return=OperationOutcome; handling=lenient"]),
            (Some(Return::OperationOutcome), Handling::Lenient)
        );
        assert_eq!(
            read(&[
                "handling=\"lenient\"",
                "return=minimal, return=representation"
            ]),
            (Some(Return::Minimal), Handling::Lenient)
        );
        assert_eq!(
            read(&["return=everything", "handling=loose"]),
            (None, strict)
        );
    }
}
