//! What is hidden is not asked about either: a search by an element that is not shown
//! would tell what it holds.

use glovebox_fhir::{SearchParameter, search_parameters};

use super::{Keeping, Projection, Tree};

/// Parameters about what every resource keeps, and those that shape the answer only.
const HARMLESS: [&str; 12] = [
    "_id",
    "_lastUpdated",
    "_tag",
    "_profile",
    "_security",
    "_source",
    "_count",
    "_summary",
    "_elements",
    "_total",
    "_format",
    "_pretty",
];

impl Projection {
    /// Whether a search parameter of a type looks at an element that is hidden. What cannot
    /// be told counts as hidden.
    pub fn hides(&self, resource_type: &str, code: &str) -> bool {
        let Some(elements) = self.types.get(resource_type) else {
            return false;
        };
        if HARMLESS.contains(&code) {
            return false;
        }
        let parameter = search_parameters(resource_type)
            .iter()
            .find(|parameter| parameter.code() == code);
        let paths = parameter.map(SearchParameter::elements).unwrap_or_default();
        paths.is_empty()
            || paths.iter().any(|path| match elements.keeping {
                Keeping::Strip => touches(&elements.tree, path),
                Keeping::Only => !is_given(&elements.tree, path),
            })
    }

    /// The first parameter of a search of `resource_type` that looks at what is hidden, by
    /// its name in the query. Conditions, sorting and includes alike.
    pub fn hidden_parameter<'a>(
        &self,
        resource_type: &str,
        pairs: &'a [(String, String)],
    ) -> Option<&'a str> {
        if self.is_empty() {
            return None;
        }
        let hidden = |name: &str, value: &str| {
            let (base, rest) = match name.find([':', '.']) {
                Some(at) => name.split_at(at),
                None => (name, ""),
            };
            match base {
                "_sort" => value.split(',').any(|key| {
                    let key = key.trim_start_matches('-');
                    let key = key.split(':').next().unwrap_or_default();
                    self.hides(resource_type, key)
                }),
                "_include" | "_revinclude" => value.split(',').any(|path| {
                    let mut parts = path.split(':');
                    match (parts.next(), parts.next()) {
                        (Some(source), Some(code)) if source != "*" && code != "*" => {
                            self.hides(source, code)
                        }
                        // Everything would be followed, hidden references among it.
                        _ => true,
                    }
                }),
                // Another type is asked about on the way.
                "_has" | "_filter" | "_query" | "_list" | "_text" | "_content" => true,
                _ if rest.contains('.') => true,
                _ => self.hides(resource_type, base),
            }
        };
        pairs
            .iter()
            .find(|(name, value)| hidden(name, value))
            .map(|(name, _)| name.as_str())
    }
}

/// Whether a path from the root meets a stripped element, above it or below it.
fn touches(tree: &Tree, path: &[&str]) -> bool {
    if tree.whole {
        return true;
    }
    match path.split_first() {
        // The parameter reads all that stands below.
        None => !tree.below.is_empty(),
        Some((member, rest)) => tree.named(member).is_some_and(|tree| touches(tree, rest)),
    }
}

/// Whether all that a path reads is among the elements that are given.
fn is_given(tree: &Tree, path: &[&str]) -> bool {
    if tree.whole {
        return true;
    }
    match path.split_first() {
        None => false,
        Some((member, rest)) => {
            super::ALWAYS_KEPT.contains(member)
                || tree.named(member).is_some_and(|tree| is_given(tree, rest))
        }
    }
}
