//! References that name this server by its whole address (R4, references, 2.3.0.1): they
//! mean what the relative ones mean, and are stored as those. A reference to anywhere else
//! is left as it is and leads nowhere here.

use std::ops::Range;

use crate::json::{edit, quote, scan};
use crate::{Limits, Reference, Resource};

/// The address of a tenant's FHIR API as it is configured, without a slash at its end.
/// Another spelling of it (upper case, a port that could be left out) is another address.
#[derive(Clone, Copy, Debug)]
pub struct OwnBase<'a>(&'a str);

impl<'a> OwnBase<'a> {
    /// An address such as `https://ehr.example/fhir/main`; with an empty one nothing is own.
    pub fn new(url: &'a str) -> Self {
        Self(url)
    }

    /// `Type/id` or `Type/id/_history/version` of an absolute reference to this server.
    pub fn relative<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.0.is_empty() {
            return None;
        }
        let rest = text.strip_prefix(self.0)?.strip_prefix('/')?;
        matches!(Reference::parse(rest), Reference::Local { .. }).then_some(rest)
    }

    /// A resource in which every `Reference.reference` to this server is relative; `None` if
    /// nothing had to change. Everything else stays byte for byte.
    pub fn with_relative_links(&self, resource: &[u8]) -> Option<Vec<u8>> {
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        let depth_max = Limits::RESOURCE.depth_max;
        let scanned = scan(resource, depth_max, &mut |path, span| {
            if path.last().is_none_or(|name| name != "reference") {
                return;
            }
            let text = resource.get(span.clone()).unwrap_or_default();
            if let Ok(text) = serde_json::from_slice::<String>(text)
                && let Some(relative) = self.relative(&text)
            {
                edits.push((span, quote(relative)));
            }
        });
        (scanned.is_ok() && !edits.is_empty()).then(|| edit(resource, edits))
    }

    /// The resource with relative links.
    pub fn localise(&self, resource: Resource) -> Resource {
        // A shorter text of the same structure passes the limits that the longer one passed.
        self.with_relative_links(resource.bytes())
            .and_then(|bytes| Resource::parse(&bytes, Limits::RESOURCE).ok())
            .unwrap_or(resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://ehr.example/fhir/main";

    #[test]
    fn only_the_own_address_is_taken_off() {
        let own = OwnBase::new(OWN);
        for (text, expected) in [
            ("https://ehr.example/fhir/main/Patient/a", Some("Patient/a")),
            (
                "https://ehr.example/fhir/main/Patient/a/_history/2",
                Some("Patient/a/_history/2"),
            ),
            ("Patient/a", None),
            ("https://ehr.example/fhir/main", None),
            ("https://ehr.example/fhir/main/", None),
            ("https://ehr.example/fhir/main/Patient", None),
            ("https://ehr.example/fhir/main/Nothing/a", None),
            ("https://ehr.example/fhir/main/Patient/a/b", None),
            ("https://ehr.example/fhir/main/x/Patient/a", None),
            ("https://ehr.example/fhir/main//Patient/a", None),
            ("https://ehr.example/fhir/main/../sandbox/Patient/a", None),
            ("https://ehr.example/fhir/main/Patient/a?x=y", None),
            ("https://ehr.example/fhir/main/Patient/a#b", None),
            ("https://ehr.example/fhir/main/Patient/%61", None),
            ("https://ehr.example/fhir/mainPatient/a", None),
            ("https://ehr.example/fhir/sandbox/Patient/a", None),
            ("http://ehr.example/fhir/main/Patient/a", None),
            ("https://EHR.example/fhir/main/Patient/a", None),
            ("https://ehr.example:443/fhir/main/Patient/a", None),
            ("https://x@ehr.example/fhir/main/Patient/a", None),
            (
                "https://evil.example/https://ehr.example/fhir/main/Patient/a",
                None,
            ),
            ("https://ehr.example.evil.example/fhir/main/Patient/a", None),
        ] {
            assert_eq!(own.relative(text), expected, "{text}");
        }
        assert_eq!(OwnBase::new("").relative("/Patient/a"), None);
    }

    #[test]
    fn links_become_relative_and_everything_else_stays() {
        let text = r#"{"resourceType":"Observation", "subject":{"reference":"https:\/\/ehr.example/fhir/main/Patient/a"},
            "contained":[{"resourceType":"Group","member":[{"entity":{"reference":"https://ehr.example/fhir/main/Patient/b"}}]}],
            "performer":[{"reference":"https://other.example/Practitioner/c"}],
            "note":[{"text":"https://ehr.example/fhir/main/Patient/a"}],"valueQuantity":{"value":1.00}}"#;
        let changed = OwnBase::new(OWN)
            .with_relative_links(text.as_bytes())
            .unwrap();
        let expected = text
            .replacen(r"https:\/\/ehr.example/fhir/main/", "", 1)
            .replacen("https://ehr.example/fhir/main/Patient/b", "Patient/b", 1);
        assert_eq!(String::from_utf8(changed).unwrap(), expected);
        let plain = br#"{"resourceType":"Observation","subject":{"reference":"Patient/a"}}"#;
        assert_eq!(OwnBase::new(OWN).with_relative_links(plain), None);
        assert_eq!(
            OwnBase::new(OWN).with_relative_links(b"{\"reference\":"),
            None
        );
    }
}
