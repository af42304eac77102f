//! The policy once more, as plainly as it can be said: what of all that is stored a session
//! is given. It shares nothing with the gateway but the matcher of search conditions, so
//! that a mistake has to be made twice to stay unseen.

mod answers;

use std::collections::{BTreeMap, BTreeSet};

use glovebox_fhir::Facts;
use serde_json::Value;

use super::query;

/// Type and id.
pub(super) type Name = (&'static str, String);

/// One version as it was given, without what the server puts into `meta`. A deletion has
/// the content of the version before.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) deleted: bool,
    pub(super) body: Value,
    /// For the matcher of search conditions.
    pub(super) facts: Facts,
}

/// All versions of each resource, the first one first.
pub(super) type Stored = BTreeMap<Name, Vec<Version>>;

#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// `patient`, `user` or `system`.
    pub(super) level: &'static str,
    /// A type or `*`.
    pub(super) of: &'static str,
    /// As SMART v2 writes them, or v1's `read`, `write` and `*`.
    pub(super) letters: &'static str,
    /// The scope's own conditions, or nothing.
    pub(super) filter: &'static str,
}

#[derive(Clone, Debug)]
pub(super) enum Rights {
    NoUser,
    Everyone,
    These(BTreeSet<String>),
}

/// Elements of a type that are taken out, or the only ones that are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hiding {
    pub(super) of: &'static str,
    pub(super) only: bool,
    pub(super) elements: &'static [&'static str],
}

#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) grants: Vec<Grant>,
    pub(super) context: Option<String>,
    pub(super) rights: Rights,
    /// The most confidential that is given out.
    pub(super) ceiling: &'static str,
    /// A label that is withheld besides.
    pub(super) withheld: Option<(&'static str, &'static str)>,
    pub(super) hiding: Option<Hiding>,
}

/// Why nothing is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum No {
    /// No scope in force has this letter for this type.
    NotGranted,
    /// The question is about something hidden, or the type is not for apps.
    NotSupported,
    NotFound,
    Gone,
}

#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) of: &'static str,
    /// `name=value`.
    pub(super) conditions: Vec<String>,
    /// `_id`, `-_id`, `_lastUpdated`, `-_lastUpdated`, for Observations `-date`, or nothing.
    pub(super) sort: &'static str,
    pub(super) count: usize,
    /// `Type:parameter[:Target]`.
    pub(super) includes: Vec<&'static str>,
    pub(super) revincludes: Vec<&'static str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) matches: Vec<Name>,
    pub(super) included: BTreeSet<Name>,
    /// All matches, those of other pages among them.
    pub(super) total: usize,
    /// Whether there is another page.
    pub(super) more: bool,
}

pub(super) const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// Elements by which a resource is in a patient's compartment.
fn compartment(of: &str) -> &'static [&'static str] {
    match of {
        "Observation" => &["subject", "performer"],
        "Condition" => &["subject", "asserter"],
        "DocumentReference" => &["subject", "author"],
        _ => &[],
    }
}

/// Types without patients: whoever has the scope has all of them.
const SHARED: [&str; 2] = ["Practitioner", "Organization"];

/// Which element a search parameter looks at.
pub(super) const PARAMETERS: [(&str, &str, &str); 23] = [
    ("Patient", "name", "name"),
    ("Patient", "gender", "gender"),
    ("Patient", "link", "link"),
    ("Observation", "status", "status"),
    ("Observation", "category", "category"),
    ("Observation", "code", "code"),
    ("Observation", "date", "effectiveDateTime"),
    ("Observation", "subject", "subject"),
    ("Observation", "patient", "subject"),
    ("Observation", "performer", "performer"),
    ("Observation", "focus", "focus"),
    ("Observation", "has-member", "hasMember"),
    ("Condition", "category", "category"),
    ("Condition", "code", "code"),
    ("Condition", "subject", "subject"),
    ("Condition", "patient", "subject"),
    ("Condition", "asserter", "asserter"),
    ("Provenance", "target", "target"),
    ("Provenance", "patient", "target"),
    ("DocumentReference", "subject", "subject"),
    ("DocumentReference", "patient", "subject"),
    ("DocumentReference", "author", "author"),
    ("Device", "patient", "patient"),
];

fn element(of: &str, parameter: &str) -> Option<&'static str> {
    if parameter.starts_with('_') {
        return None;
    }
    let found = PARAMETERS
        .iter()
        .find(|(name, code, _)| *name == of && *code == parameter);
    let (_, _, element) = found.unwrap_or_else(|| panic!("the model lacks {of}.{parameter}"));
    Some(element)
}

/// What the References in an element name on this server: `Type/id`, with or without a
/// version, and nothing longer.
fn references(body: &Value, element: &str) -> Vec<(String, String)> {
    let given = &body[element];
    let each = given
        .as_array()
        .map_or(std::slice::from_ref(given), Vec::as_slice);
    let named = |reference: &Value| {
        let other = reference.get("other").unwrap_or(reference);
        let parts: Vec<&str> = other["reference"].as_str()?.split('/').collect();
        match parts.as_slice() {
            [of, id] | [of, id, "_history", _] => Some(((*of).to_owned(), (*id).to_owned())),
            _ => None,
        }
    };
    each.iter().filter_map(named).collect()
}

impl Grant {
    pub(super) fn has(&self, letter: char) -> bool {
        match self.letters {
            "read" => "rs".contains(letter),
            "write" => "cud".contains(letter),
            "*" => true,
            letters => letters.contains(letter),
        }
    }
}

impl Policy {
    fn may_open(&self, patient: &str) -> bool {
        match &self.rights {
            Rights::NoUser => false,
            Rights::Everyone => true,
            Rights::These(patients) => patients.contains(patient),
        }
    }

    fn hides(&self, of: &str, parameter: &str) -> bool {
        // Looked up in any case, so that what the model lacks is seen at once.
        let element = element(of, parameter);
        let Some(hiding) = self.hiding.filter(|hiding| hiding.of == of) else {
            return false;
        };
        element.is_some_and(|element| hiding.elements.contains(&element) != hiding.only)
    }

    /// The grants in force, whatever is stored.
    fn grants(&self, letter: char, of: &str) -> Vec<&Grant> {
        let is_in_force = |grant: &&Grant| {
            let filters = grant
                .filter
                .split('&')
                .filter_map(|pair| pair.split_once('='));
            let stands = match grant.level {
                "patient" => self
                    .context
                    .as_ref()
                    .is_some_and(|patient| self.may_open(patient)),
                "user" => !matches!(self.rights, Rights::NoUser),
                _ => matches!(self.rights, Rights::NoUser),
            };
            stands
                && grant.has(letter)
                && ["*", of].contains(&grant.of)
                && filters.into_iter().all(|(name, _)| !self.hides(of, name))
        };
        self.grants.iter().filter(is_in_force).collect()
    }

    /// The patients whom a grant in force reaches; `None` for everybody.
    fn reach(&self, grant: &Grant) -> Option<BTreeSet<String>> {
        match (grant.level, &self.rights) {
            ("patient", _) => Some(self.context.iter().cloned().collect()),
            ("user", Rights::These(patients)) => Some(patients.clone()),
            _ => None,
        }
    }

    fn admits(&self, body: &Value) -> bool {
        let rank = |code: &str| "ULMNRV".find(code);
        let labels = body["meta"]["security"].as_array();
        labels.into_iter().flatten().all(|label| {
            let system = label["system"].as_str().unwrap_or_default();
            let code = label["code"].as_str().unwrap_or_default();
            let level = match system {
                CONFIDENTIALITY => rank(code).unwrap_or(5),
                "" => rank(code).unwrap_or(0),
                _ => 0,
            };
            let withheld = self
                .withheld
                .is_some_and(|(of, known)| known == code && (of == system || system.is_empty()));
            Some(level) <= rank(self.ceiling) && !withheld
        })
    }

    /// Whether this letter gives out this version.
    fn gives(&self, all: &Stored, letter: char, name: &Name, version: &Version) -> bool {
        let (of, id) = (name.0, name.1.as_str());
        let body = &version.body;
        let targets = references(body, "target");
        let is_about_what_is_seen = of == "Provenance"
            && !targets.is_empty()
            && targets
                .iter()
                .all(|(of, id)| of != "Provenance" && self.can_read(all, of, id));
        if of == "AuditEvent" || !self.admits(body) {
            return false;
        }
        self.grants(letter, of).into_iter().any(|grant| {
            let within = match self.reach(grant) {
                _ if of == "Provenance" && !targets.is_empty() => is_about_what_is_seen,
                None => true,
                Some(patients) if of == "Binary" && letter == 'r' => {
                    let is_current = std::ptr::eq(version, all[name].last().unwrap());
                    is_current && self.shows(all, id, &patients)
                }
                Some(patients) if of == "Patient" => patients.contains(id),
                Some(patients) => {
                    let concerns = compartment(of).iter().any(|element| {
                        references(body, element)
                            .iter()
                            .any(|(of, id)| of == "Patient" && patients.contains(id))
                    });
                    SHARED.contains(&of) || concerns
                }
            };
            let selected =
                || query(&format!("{of}?{}", grant.filter)).matches(&version.facts.view());
            within && (grant.filter.is_empty() || selected())
        })
    }

    /// Whether a Binary, as it is now, is shown by what the session can read of these
    /// patients. Where it has a security context, that alone counts.
    fn shows(&self, all: &Stored, id: &str, patients: &BTreeSet<String>) -> bool {
        let binary = &all[&("Binary", id.to_owned())].last().unwrap().body;
        let of_them = |of: &str, id: &str, body: &Value| {
            SHARED.contains(&of)
                || (of == "Patient" && patients.contains(id))
                || compartment(of).iter().any(|element| {
                    references(body, element)
                        .iter()
                        .any(|(of, id)| of == "Patient" && patients.contains(id))
                })
        };
        if let Some((of, id)) = references(binary, "securityContext").first() {
            return of_them(of, id, &Value::Null) && self.can_read(all, of, id);
        }
        let url = format!("Binary/{id}");
        all.iter().any(|((of, id), versions)| {
            let body = &versions.last().unwrap().body;
            let content = body["content"].as_array().into_iter().flatten();
            content
                .into_iter()
                .any(|content| content["attachment"]["url"] == url.as_str())
                && of_them(of, id, body)
                && self.can_read(all, of, id)
        })
    }

    fn can_read(&self, all: &Stored, of: &str, id: &str) -> bool {
        let found = all.iter().find(|(name, _)| name.0 == of && name.1 == id);
        found.is_some_and(|(name, versions)| {
            let last = versions.last().unwrap();
            !last.deleted && self.gives(all, 'r', name, last)
        })
    }
}
