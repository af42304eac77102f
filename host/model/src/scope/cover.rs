//! What a union of scopes covers, and the one spelling of equal unions.
//!
//! A scope is taken apart into terms, letter by letter: one level and type, and one
//! alternative of each filter parameter. A term allows what matches all its conditions, a set of scopes
//! what any of its terms allows. One term covers another if it asks for less; the terms
//! that no other covers are the same for every way to write the set.

use std::collections::{BTreeMap, BTreeSet};

use super::filter::alternatives;
use super::{Level, Permissions, ResourceScope, Syntax, TypeSelector};

type Conditions = BTreeSet<(String, String)>;

/// The alternatives of a filter, each a set of conditions that must all hold.
fn ways(scope: &ResourceScope) -> Vec<Conditions> {
    let mut ways: Vec<Conditions> = vec![Conditions::new()];
    for (name, value) in &scope.parameters {
        let mut longer = Vec::new();
        for alternative in alternatives(value) {
            for way in &ways {
                let mut way = way.clone();
                way.insert((name.clone(), alternative.to_owned()));
                longer.push(way);
            }
        }
        ways = longer;
    }
    ways
}

fn selects(mine: &TypeSelector, other: &TypeSelector) -> bool {
    *mine == TypeSelector::Any || mine == other
}

/// Whether everything that `wanted` allows is allowed by one or other of `mine`.
pub(super) fn covers(mine: &[&ResourceScope], wanted: &ResourceScope) -> bool {
    let near: Vec<(Permissions, Vec<Conditions>)> = mine
        .iter()
        .filter(|scope| {
            scope.level == wanted.level
                && selects(&scope.resource_type, &wanted.resource_type)
                && !scope
                    .permissions
                    .intersection(wanted.permissions)
                    .is_empty()
        })
        .map(|scope| (scope.permissions, ways(scope)))
        .collect();
    ways(wanted).iter().all(|wanted_way| {
        let covering = near
            .iter()
            .filter(|(_, ways)| ways.iter().any(|way| way.is_subset(wanted_way)));
        covering
            .fold(Permissions::NONE, |letters, (more, _)| letters.union(*more))
            .contains(wanted.permissions)
    })
}

type Terms = BTreeMap<(Level, TypeSelector, Conditions), Permissions>;

/// The scopes that say the same as `scopes` in the one way in which it can be said
/// shortest, letter by letter, in order.
pub(super) fn canonical<'a>(scopes: impl Iterator<Item = &'a ResourceScope>) -> Vec<ResourceScope> {
    let mut all = Terms::new();
    for scope in scopes {
        for way in ways(scope) {
            let key = (scope.level, scope.resource_type.clone(), way);
            let known = all.entry(key).or_default();
            *known = known.union(scope.permissions);
        }
    }
    let own_letters = |term: &(Level, TypeSelector, Conditions), letters: Permissions| {
        let (level, resource_type, conditions) = term;
        let wider = all.iter().filter(|(other, _)| {
            other.0 == *level
                && *other != term
                && selects(&other.1, resource_type)
                && other.2.is_subset(conditions)
        });
        let idle = wider.fold(Permissions::NONE, |idle, (_, more)| idle.union(*more));
        letters.without(idle)
    };
    all.iter()
        .map(|(term, letters)| (term, own_letters(term, *letters)))
        .filter(|(_, letters)| !letters.is_empty())
        .map(
            |((level, resource_type, conditions), permissions)| ResourceScope {
                level: *level,
                resource_type: resource_type.clone(),
                permissions,
                parameters: conditions.iter().cloned().collect(),
                syntax: Syntax::V2,
            },
        )
        .collect()
}
