//! The policy once more, as plainly as it can be said: what of all that is stored a session
//! is given. It shares nothing with the gateway but the matcher of search conditions, so
//! that a mistake has to be made twice to stay unseen.

use std::collections::{BTreeMap, BTreeSet};

use glovebox_fhir::Facts;
use serde_json::{Value, json};

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
    /// `_id`, `-_id`, `_lastUpdated`, `-_lastUpdated`, or nothing.
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
pub(super) const PARAMETERS: [(&str, &str, &str); 21] = [
    ("Patient", "name", "name"),
    ("Patient", "gender", "gender"),
    ("Patient", "link", "link"),
    ("Observation", "status", "status"),
    ("Observation", "category", "category"),
    ("Observation", "code", "code"),
    ("Observation", "subject", "subject"),
    ("Observation", "patient", "subject"),
    ("Observation", "performer", "performer"),
    ("Observation", "focus", "focus"),
    ("Observation", "has-member", "hasMember"),
    ("Condition", "category", "category"),
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
    let found = PARAMETERS
        .iter()
        .find(|(name, code, _)| *name == of && *code == parameter);
    found.map(|(_, _, element)| *element)
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
        let Some(hiding) = self.hiding.filter(|hiding| hiding.of == of) else {
            return false;
        };
        element(of, parameter)
            .is_some_and(|element| hiding.elements.contains(&element) != hiding.only)
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

    /// What can be said before anything is looked at.
    pub(super) fn before(&self, letter: char, of: &str) -> Result<(), No> {
        if of == "AuditEvent" {
            return Err(No::NotSupported);
        }
        if self.grants(letter, of).is_empty() {
            return Err(No::NotGranted);
        }
        Ok(())
    }

    /// The version that a read gives (`wanted` for a vread), counted from 1.
    pub(super) fn read(
        &self,
        all: &Stored,
        name: &Name,
        wanted: Option<usize>,
    ) -> Result<usize, No> {
        self.before('r', name.0)?;
        let versions = all.get(name).ok_or(No::NotFound)?;
        let wanted = wanted.unwrap_or(versions.len());
        let asked = wanted
            .checked_sub(1)
            .and_then(|at| versions.get(at))
            .ok_or(No::NotFound)?;
        let current = versions.last().unwrap();
        if ![asked, current]
            .into_iter()
            .all(|version| self.gives(all, 'r', name, version))
        {
            return Err(No::NotFound);
        }
        if asked.deleted {
            Err(No::Gone)
        } else {
            Ok(wanted)
        }
    }

    /// The versions that a history gives, the newest first.
    pub(super) fn history(&self, all: &Stored, name: &Name) -> Result<Vec<usize>, No> {
        self.before('r', name.0)?;
        let versions = all.get(name).ok_or(No::NotFound)?;
        if !self.gives(all, 'r', name, versions.last().unwrap()) {
            return Err(No::NotFound);
        }
        let given = (1..=versions.len()).rev();
        Ok(given
            .filter(|number| self.gives(all, 'r', name, &versions[number - 1]))
            .collect())
    }

    /// What `$everything` of a patient gives, whatever the order.
    pub(super) fn everything(&self, all: &Stored, patient: &str) -> Result<BTreeSet<Name>, No> {
        let own = ("Patient", patient.to_owned());
        self.read(all, &own, None)?;
        let in_context = self.context.as_deref() == Some(patient);
        let mut narrowed = self.clone();
        narrowed.context = Some(patient.to_owned());
        narrowed
            .grants
            .retain(|grant| grant.level == "user" || (grant.level == "patient" && in_context));
        narrowed
            .grants
            .iter_mut()
            .for_each(|grant| grant.level = "patient");
        let is_given = |(name, versions): &(&Name, &Vec<Version>)| {
            let last = versions.last().unwrap();
            let is_of_patient = name.0 == "Provenance" || !compartment(name.0).is_empty();
            is_of_patient && !last.deleted && narrowed.gives(all, 's', name, last)
        };
        let others = all.iter().filter(is_given).map(|(name, _)| name.clone());
        Ok(others.chain([own.clone()]).collect())
    }

    /// The page of a search after the resource of this id.
    pub(super) fn page(
        &self,
        all: &Stored,
        search: &Search,
        after: Option<&str>,
    ) -> Result<Expected, No> {
        self.before('s', search.of)?;
        let names = search.conditions.iter().map(|condition| {
            let name = condition.split(['=', ':']).next().unwrap();
            (search.of, name)
        });
        let includes = search.includes.iter().chain(&search.revincludes);
        let asked = names.chain(includes.filter_map(|include| {
            let mut parts = include.split(':');
            Some((parts.next()?, parts.next()?))
        }));
        if asked
            .into_iter()
            .any(|(of, parameter)| self.hides(of, parameter))
        {
            return Err(No::NotSupported);
        }
        let mut ordered: Vec<(&Name, &Version, usize)> = all
            .iter()
            .filter(|(name, _)| name.0 == search.of)
            .map(|(name, versions)| (name, versions.last().unwrap(), versions.len()))
            .collect();
        // Each round of versions is an hour later than the one before; ties go by id.
        match search.sort {
            "-_id" => ordered.reverse(),
            "_lastUpdated" => ordered.sort_by_key(|(_, _, version)| *version),
            "-_lastUpdated" => ordered.sort_by_key(|(_, _, version)| std::cmp::Reverse(*version)),
            _ => {}
        }
        let start = after.map_or(0, |after| {
            1 + ordered
                .iter()
                .position(|(name, ..)| name.1 == after)
                .unwrap()
        });
        let wanted = query(&format!("{}?{}", search.of, search.conditions.join("&")));
        let found = |entry: &&(&Name, &Version, usize)| {
            let (name, version, _) = entry;
            !version.deleted
                && wanted.matches(&version.facts.view())
                && self.gives(all, 's', name, version)
        };
        let total = ordered.iter().filter(found).count();
        let mut rest: Vec<Name> = ordered[start..]
            .iter()
            .filter(found)
            .map(|(name, ..)| (*name).clone())
            .collect();
        let more = rest.len() > search.count;
        rest.truncate(search.count);
        let included = self.included(all, search, &rest);
        Ok(Expected {
            matches: rest,
            included,
            total,
            more,
        })
    }

    fn included(&self, all: &Stored, search: &Search, matches: &[Name]) -> BTreeSet<Name> {
        let goes_with = |name: &Name, body: &Value| {
            let by_include = search.includes.iter().any(|include| {
                let parts: Vec<&str> = include.split(':').collect();
                let element = element(parts[0], parts[1]).unwrap();
                let fits = parts.get(2).is_none_or(|only| *only == name.0);
                let names = |found: &Name| {
                    let body = &all[found].last().unwrap().body;
                    references(body, element)
                        .iter()
                        .any(|(of, id)| of == name.0 && *id == name.1)
                };
                fits && matches.iter().any(names)
            });
            let by_revinclude = search.revincludes.iter().any(|include| {
                let (of, code) = include.split_once(':').unwrap();
                let targets = references(body, element(of, code).unwrap());
                let is_match = |(of, id): &(String, String)| {
                    matches.iter().any(|name| name.0 == of && name.1 == *id)
                };
                of == name.0 && targets.iter().any(is_match)
            });
            (by_include, by_revinclude)
        };
        let given = |(name, versions): (&Name, &Vec<Version>)| {
            let last = versions.last().unwrap();
            let (by_include, by_revinclude) = goes_with(name, &last.body);
            let seen = (by_include && self.gives(all, 'r', name, last))
                || (by_revinclude && self.gives(all, 's', name, last));
            (seen && !last.deleted && !matches.contains(name)).then(|| name.clone())
        };
        all.iter().filter_map(given).collect()
    }

    /// A resource as the session gets it.
    pub(super) fn project(&self, of: &str, body: &Value) -> Value {
        let mut body = body.clone();
        let Some(hiding) = self.hiding.filter(|hiding| hiding.of == of) else {
            return body;
        };
        let members = body.as_object_mut().unwrap();
        members.retain(|name, _| match name.as_str() {
            "resourceType" | "id" | "meta" => true,
            "text" if !hiding.only => false,
            name => hiding.elements.contains(&name) == hiding.only,
        });
        let tag = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED" });
        let meta = members.entry("meta").or_insert_with(|| json!({}));
        meta["tag"] = json!([tag]);
        body
    }
}
