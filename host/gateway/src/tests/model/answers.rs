//! What the policy makes of each question: the answers that are expected.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::query;
use super::{
    Expected, Name, No, Policy, Search, Stored, Version, compartment, element, references,
};

impl Policy {
    /// What can be said before anything is looked at.
    pub(in crate::tests) fn before(&self, letter: char, of: &str) -> Result<(), No> {
        if of == "AuditEvent" {
            return Err(No::NotSupported);
        }
        if self.grants(letter, of).is_empty() {
            return Err(No::NotGranted);
        }
        Ok(())
    }

    /// The version that a read gives (`wanted` for a vread), counted from 1.
    pub(in crate::tests) fn read(
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
    pub(in crate::tests) fn history(&self, all: &Stored, name: &Name) -> Result<Vec<usize>, No> {
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
    pub(in crate::tests) fn everything(
        &self,
        all: &Stored,
        patient: &str,
    ) -> Result<BTreeSet<Name>, No> {
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
    pub(in crate::tests) fn page(
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
        let sort = Some((search.of, search.sort.trim_start_matches('-')));
        let sort = sort.filter(|(_, by)| !by.is_empty());
        if asked
            .chain(sort)
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
            // What has no date comes last.
            "-date" => ordered.sort_by_key(|(_, version, _)| {
                std::cmp::Reverse(version.body["effectiveDateTime"].as_str())
            }),
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
    pub(in crate::tests) fn project(&self, of: &str, body: &Value) -> Value {
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
