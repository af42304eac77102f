//! Scopes in plain words: one function for consent, admin, vendor and chart pages.

#[cfg(test)]
mod tests;
mod words;

use glovebox_model::manifest::is_deceptive;
use glovebox_model::scope::{
    Level, Permissions, ResourceScope, Scope, ScopeSet, TypeSelector, alternatives,
};

/// Characters of a code that a sentence quotes at most.
const QUOTED_CHARS_MAX: usize = 60;
/// Codes that a sentence quotes at most.
const QUOTED_MAX: usize = 5;

/// The plain label of a scope, such as `test results` for an Observation with a laboratory
/// filter. `None` where no word exists: such a scope is not offered.
pub fn category(scope: &ResourceScope) -> Option<&'static str> {
    let TypeSelector::Named(name) = &scope.resource_type else {
        return Some("everything in the record");
    };
    let known = scope
        .parameters
        .iter()
        .find(|(parameter, _)| parameter == "category")
        .and_then(|(_, value)| words::of_category(name, value));
    known.or_else(|| words::of_type(name))
}

/// One sentence on what a scope allows. `None` where there are no words for it: such a
/// scope is not offered.
pub fn sentence(scope: &Scope) -> Option<String> {
    Some(match scope {
        Scope::Resource(resource) => format!(
            "Can {} {} {}.",
            verbs(resource.permissions),
            what(resource)?,
            whose(resource.level)
        ),
        Scope::OpenId => "Can learn that you signed in.".to_owned(),
        Scope::FhirUser => "Can learn who you are in the record.".to_owned(),
        Scope::Launch => "Opens for the patient and visit that are open now.".to_owned(),
        Scope::LaunchPatient => "Asks which patient it opens for.".to_owned(),
        Scope::LaunchEncounter => "Asks which visit it opens for.".to_owned(),
        Scope::OfflineAccess => {
            "Keeps its access when you are not using it, until the end date or until you stop it."
                .to_owned()
        }
        Scope::OnlineAccess => "Keeps its access while you are signed in.".to_owned(),
    })
}

/// What a set of scopes comes to: the labels that can be read and those that can be written.
pub fn access_summary(scopes: &ScopeSet) -> (Vec<&'static str>, Vec<&'static str>) {
    let labels = |wanted: fn(Permissions) -> bool| {
        let mut labels: Vec<&'static str> = Vec::new();
        for label in scopes
            .resources()
            .filter(|scope| wanted(scope.permissions))
            .filter_map(category)
        {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels
    };
    (labels(reads), labels(writes))
}

/// `see, add and change`.
fn verbs(permissions: Permissions) -> String {
    let words: Vec<String> = [
        (reads(permissions), "see"),
        (permissions.contains(Permissions::CREATE), "add"),
        (permissions.contains(Permissions::UPDATE), "change"),
        (permissions.contains(Permissions::DELETE), "delete"),
    ]
    .into_iter()
    .filter(|(allowed, _)| *allowed)
    .map(|(_, verb)| verb.to_owned())
    .collect();
    listed(&words, "and")
}

const fn whose(level: Level) -> &'static str {
    match level {
        Level::Patient => "of this patient only",
        Level::User => "of the patients whom the user may open",
        Level::System => "of every patient",
    }
}

/// The label, narrowed by each parameter of the filter. None of them is left out: a
/// sentence that says less than the filter would say more than is granted, and one that
/// hides a filter cannot be judged.
fn what(scope: &ResourceScope) -> Option<String> {
    let name = match &scope.resource_type {
        TypeSelector::Named(name) => name.as_str(),
        TypeSelector::Any => "",
    };
    let mut label = None;
    let mut conditions = Vec::new();
    for (parameter, value) in &scope.parameters {
        let known: Option<Vec<String>> = alternatives(value)
            .map(|value| words::of_category(name, value).map(str::to_owned))
            .collect();
        match known {
            Some(words) if parameter == "category" && label.is_none() => {
                label = Some(listed(&deduplicated(words), "and"));
            }
            _ => conditions.push(condition(parameter, value)),
        }
    }
    let label = match label {
        Some(label) => label,
        None if name.is_empty() => "everything in the record".to_owned(),
        None => words::of_type(name)?.to_owned(),
    };
    Some(if conditions.is_empty() {
        label
    } else {
        format!("{label} (only where {})", listed(&conditions, "and"))
    })
}

fn condition(parameter: &str, value: &str) -> String {
    let all: Vec<String> = alternatives(value).map(quoted).collect();
    let shown: Vec<String> = all.iter().take(QUOTED_MAX).cloned().collect();
    let more = all.len() - shown.len();
    let values = if more > 0 {
        format!("{} or one of {more} more", shown.join(", "))
    } else {
        listed(&shown, "or")
    };
    format!("{} is {values}", parameter.trim_start_matches('_'))
}

/// A code that there is no word for, so that it cannot be taken for part of the sentence.
fn quoted(value: &str) -> String {
    let safe = |c: char| {
        if is_deceptive(c) || matches!(c, '“' | '”') {
            '\u{fffd}'
        } else {
            c
        }
    };
    let shown: String = value.chars().take(QUOTED_CHARS_MAX).map(safe).collect();
    let cut = if value.chars().count() > QUOTED_CHARS_MAX {
        "…"
    } else {
        ""
    };
    format!("“{shown}{cut}”")
}

fn deduplicated(mut words: Vec<String>) -> Vec<String> {
    let mut seen = Vec::new();
    words.retain(|word| {
        let is_new = !seen.contains(word);
        seen.push(word.clone());
        is_new
    });
    words
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

fn reads(permissions: Permissions) -> bool {
    !permissions
        .intersection(Permissions::READ.union(Permissions::SEARCH))
        .is_empty()
}

fn writes(permissions: Permissions) -> bool {
    let write = Permissions::CREATE
        .union(Permissions::UPDATE)
        .union(Permissions::DELETE);
    !permissions.intersection(write).is_empty()
}
