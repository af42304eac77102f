//! What a person is offered to grant, item by item: the same set that is stored, in words.

#[cfg(test)]
mod tests;

use glovebox_model::scope::{Permissions, ResourceScope, Scope, ScopeSet, Syntax, TypeSelector};

use crate::{category, sentence};

const OBSERVATION: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const CONDITION: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
const US_CORE: &str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category";
const US_CORE_CONDITION: &str = "http://hl7.org/fhir/us/core/CodeSystem/condition-category";

/// The parts in which a type is offered: the categories that US Core requires servers to
/// tell apart (US Core, "Scopes").
const PARTS: [(&str, &str, &str); 9] = [
    ("Observation", OBSERVATION, "laboratory"),
    ("Observation", OBSERVATION, "vital-signs"),
    ("Observation", OBSERVATION, "social-history"),
    ("Observation", OBSERVATION, "survey"),
    ("Observation", OBSERVATION, "procedure"),
    ("Observation", US_CORE, "sdoh"),
    ("Condition", CONDITION, "problem-list-item"),
    ("Condition", CONDITION, "encounter-diagnosis"),
    ("Condition", US_CORE_CONDITION, "health-concern"),
];

/// Something that can be granted or left out by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedItem {
    /// What a form calls it.
    pub id: String,
    /// What it is, in words: a sentence, or the label of a part.
    pub sentence: String,
    /// What is granted with it.
    pub scope: Scope,
    /// What can be granted in its place, where less is wanted.
    pub parts: Vec<OfferedItem>,
}

/// What a person is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// What concerns the record, each to be granted or not.
    pub items: Vec<OfferedItem>,
    /// Whether the client may come back without the user; asked apart from the rest.
    pub lasting: Option<OfferedItem>,
    /// What goes with any grant, in words: who signed in, for whom it opens.
    pub always: Vec<String>,
    carried: Vec<Scope>,
    asked: ScopeSet,
}

impl Offer {
    /// What there is to grant of the scopes that were asked for. A scope for which there are
    /// no words is not offered: nobody can agree to what they cannot read.
    pub fn of(asked: &ScopeSet) -> Self {
        let mut offer = Self {
            asked: asked.clone(),
            ..Self::default()
        };
        for scope in asked.iter() {
            let Some(words) = sentence(scope) else {
                continue;
            };
            match scope {
                Scope::Resource(resource) => {
                    let id = offer.items.len().to_string();
                    offer.items.push(OfferedItem {
                        parts: parts(resource, &id),
                        id,
                        sentence: words,
                        scope: scope.clone(),
                    });
                }
                Scope::OfflineAccess | Scope::OnlineAccess => {
                    // Who asks for both is asked about the longer one.
                    if offer.lasting.is_none() || *scope == Scope::OfflineAccess {
                        offer.lasting = Some(OfferedItem {
                            id: "lasting".to_owned(),
                            sentence: words,
                            scope: scope.clone(),
                            parts: Vec::new(),
                        });
                    }
                }
                Scope::OpenId
                | Scope::FhirUser
                | Scope::Launch
                | Scope::LaunchPatient
                | Scope::LaunchEncounter => {
                    offer.always.push(words);
                    offer.carried.push(scope.clone());
                }
            }
        }
        offer
    }

    /// What is granted when these items are ticked, in the order in which it was asked for.
    /// What was not offered cannot be ticked. A whole stands for its parts.
    pub fn granted(&self, ticked: &[String]) -> ScopeSet {
        let is_ticked = |item: &&OfferedItem| ticked.contains(&item.id);
        let granted = |asked: &Scope| -> Vec<Scope> {
            let mut items = self.items.iter().chain(&self.lasting);
            match items.find(|item| item.scope == *asked) {
                Some(item) if is_ticked(&item) => vec![asked.clone()],
                Some(item) => {
                    let parts = item.parts.iter().filter(is_ticked);
                    parts.map(|part| part.scope.clone()).collect()
                }
                None if self.carried.contains(asked) => vec![asked.clone()],
                None => Vec::new(),
            }
        };
        ScopeSet::new(self.asked.iter().flat_map(granted))
    }

    /// What is granted when everything is.
    pub fn whole(&self) -> ScopeSet {
        let items = self.items.iter().chain(&self.lasting);
        let ids: Vec<String> = items.map(|item| item.id.clone()).collect();
        self.granted(&ids)
    }
}

/// The parts of a scope on a whole type, where US Core names some.
fn parts(whole: &ResourceScope, id: &str) -> Vec<OfferedItem> {
    let TypeSelector::Named(name) = &whole.resource_type else {
        return Vec::new();
    };
    let can_be_seen = Permissions::READ.union(Permissions::SEARCH);
    if !whole.parameters.is_empty() || whole.permissions.intersection(can_be_seen).is_empty() {
        return Vec::new();
    }
    let part = |(at, (_, system, code)): (usize, &(&str, &str, &str))| {
        let scope = Scope::Resource(ResourceScope {
            parameters: vec![("category".to_owned(), format!("{system}|{code}"))],
            // The first syntax has no parameters.
            syntax: Syntax::V2,
            ..whole.clone()
        });
        Some(OfferedItem {
            id: format!("{id}.{at}"),
            sentence: capitalised(category(scope.as_resource()?)?),
            scope,
            parts: Vec::new(),
        })
    };
    PARTS
        .iter()
        .filter(|(of, _, _)| of == name)
        .enumerate()
        .filter_map(part)
        .collect()
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}
