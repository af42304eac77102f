//! References between resources (R4, references).

use glovebox_model::id::is_fhir_id;
use serde_json::Value;

use crate::types;

/// What the text of `Reference.reference` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// `Type/id` or `Type/id/_history/version` on this server.
    Local {
        /// Type of the target.
        resource_type: &'static str,
        /// Id of the target.
        id: &'a str,
        /// The version named, if any.
        version_id: Option<&'a str>,
    },
    /// `http(s)://base/Type/id`, or a URL of another shape.
    Absolute {
        /// The whole text.
        url: &'a str,
        /// Type and id, where the URL ends in them.
        target: Option<(&'static str, &'a str)>,
    },
    /// `urn:uuid:…` or `urn:oid:…`: another entry of the same Bundle.
    Urn(&'a str),
    /// `#id`: a resource inside this one; empty for the container itself.
    Contained(&'a str),
    /// `Type?query`: resolved by searching.
    Conditional {
        /// Type searched.
        resource_type: &'static str,
        /// What follows the question mark.
        query: &'a str,
    },
    /// Anything else.
    Other(&'a str),
}

impl<'a> Reference<'a> {
    /// Reads the text of a reference. Never fails: what is none of the forms is `Other`.
    pub fn parse(text: &'a str) -> Self {
        if let Some(id) = text.strip_prefix('#') {
            return Self::Contained(id);
        }
        if text.starts_with("urn:") {
            return Self::Urn(text);
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            let target = last_two(text).map(|(resource_type, id, _)| (resource_type, id));
            return Self::Absolute { url: text, target };
        }
        if let Some((name, query)) = text.split_once('?') {
            return match types::known(name) {
                Some(resource_type) => Self::Conditional {
                    resource_type,
                    query,
                },
                None => Self::Other(text),
            };
        }
        match last_two(text) {
            Some((resource_type, id, version_id))
                if text.starts_with(resource_type)
                    && text.as_bytes().get(resource_type.len()) == Some(&b'/')
                    && text.matches('/').count() == if version_id.is_some() { 3 } else { 1 } =>
            {
                Self::Local {
                    resource_type,
                    id,
                    version_id,
                }
            }
            _ => Self::Other(text),
        }
    }

    /// Reads a `Reference` element; `None` if it has no `reference` text.
    pub fn of(element: &'a Value) -> Option<Self> {
        element.get("reference")?.as_str().map(Self::parse)
    }

    /// The target's type, where the text tells.
    pub fn resource_type(&self) -> Option<&'static str> {
        match self {
            Self::Local { resource_type, .. } | Self::Conditional { resource_type, .. } => {
                Some(resource_type)
            }
            Self::Absolute { target, .. } => target.map(|(resource_type, _)| resource_type),
            Self::Urn(_) | Self::Contained(_) | Self::Other(_) => None,
        }
    }

    /// The id of a target on this server, if it is of this type.
    pub fn local_id(&self, wanted: &str) -> Option<&'a str> {
        match self {
            Self::Local {
                resource_type, id, ..
            } if *resource_type == wanted => Some(id),
            _ => None,
        }
    }
}

/// `…/Type/id` or `…/Type/id/_history/version`.
fn last_two(text: &str) -> Option<(&'static str, &str, Option<&str>)> {
    let (rest, last) = text.rsplit_once('/')?;
    let (rest, id, version_id) = match rest.strip_suffix("/_history") {
        Some(rest) if is_fhir_id(last) => {
            let (rest, id) = rest.rsplit_once('/')?;
            (rest, id, Some(last))
        }
        _ => (rest, last, None),
    };
    let name = rest.rsplit_once('/').map_or(rest, |(_, name)| name);
    let resource_type = types::known(name)?;
    is_fhir_id(id).then_some((resource_type, id, version_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_a_reference_is_told_from_the_others() {
        let local = |resource_type, id, version_id| Reference::Local {
            resource_type,
            id,
            version_id,
        };
        for (text, expected) in [
            ("Patient/1", local("Patient", "1", None)),
            ("Patient/1/_history/2", local("Patient", "1", Some("2"))),
            ("#p", Reference::Contained("p")),
            ("urn:uuid:c757873d", Reference::Urn("urn:uuid:c757873d")),
            (
                "https://ehr.example/fhir/Patient/1",
                Reference::Absolute {
                    url: "https://ehr.example/fhir/Patient/1",
                    target: Some(("Patient", "1")),
                },
            ),
            (
                "https://ehr.example/fhir/Patient/1/_history/2",
                Reference::Absolute {
                    url: "https://ehr.example/fhir/Patient/1/_history/2",
                    target: Some(("Patient", "1")),
                },
            ),
            (
                "http://ehr.example/",
                Reference::Absolute {
                    url: "http://ehr.example/",
                    target: None,
                },
            ),
            (
                "Practitioner?identifier=s|1",
                Reference::Conditional {
                    resource_type: "Practitioner",
                    query: "identifier=s|1",
                },
            ),
            ("Bot/1", Reference::Other("Bot/1")),
            ("Patient/", Reference::Other("Patient/")),
            ("Patient/a b", Reference::Other("Patient/a b")),
            ("/Patient/1", Reference::Other("/Patient/1")),
            ("x/Patient/1", Reference::Other("x/Patient/1")),
            (
                "Patient/1/_history/",
                Reference::Other("Patient/1/_history/"),
            ),
            (
                "Patient/1/Observation/2",
                Reference::Other("Patient/1/Observation/2"),
            ),
            ("", Reference::Other("")),
        ] {
            assert_eq!(Reference::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn only_a_local_reference_has_a_local_id() {
        assert_eq!(Reference::parse("Patient/1").local_id("Patient"), Some("1"));
        assert_eq!(Reference::parse("Group/1").local_id("Patient"), None);
        let elsewhere = Reference::parse("https://other.example/Patient/1");
        assert_eq!(elsewhere.local_id("Patient"), None);
        assert_eq!(elsewhere.resource_type(), Some("Patient"));
    }
}
