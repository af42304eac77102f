//! Searches of one resource type (R4, search): parsed against the type's own parameters,
//! matched against facts. What the host does not understand is refused by name, never
//! dropped: a filter that is ignored shows more than was asked for.

mod clause;
mod error;
mod parse;
mod sort;
#[cfg(test)]
mod tests;
mod text;
mod value;

pub use clause::{
    Clause, Comparator, DateMatch, Matcher, QuantityMatch, ReferenceMatch, SystemMatch, TextMode,
    TokenMatch,
};
pub use error::SearchError;
pub use sort::{SortBy, SortKey};
pub(crate) use text::normalise;

use crate::{FactsView, compartment};

/// Most parameters in one search.
pub const PAIRS_MAX: usize = 64;
/// Most alternatives in one parameter.
pub const VALUES_MAX: usize = 100;
/// Longest value in bytes.
pub const VALUE_BYTES_MAX: usize = 8 * 1024;
/// Matches on a page unless the search says otherwise.
pub const COUNT_DEFAULT: u32 = 50;
/// Most matches on a page; a larger `_count` is lowered to it.
pub const COUNT_MAX: u32 = 1000;

/// A search of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchQuery {
    resource_type: &'static str,
    clauses: Vec<Clause>,
    sort: Vec<SortBy>,
    count: u32,
    pairs: Vec<(String, String)>,
}

impl SearchQuery {
    /// Parses names and values that are already percent-decoded. Every pair must be
    /// understood.
    pub fn parse(resource_type: &str, pairs: &[(String, String)]) -> Result<Self, SearchError> {
        parse::parse(resource_type, pairs)
    }

    /// This search with more conditions: its matches are matches of `self` too. Sorting
    /// and page size stay unless `pairs` name them.
    pub fn and(&self, pairs: &[(String, String)]) -> Result<Self, SearchError> {
        let mut all = self.pairs.clone();
        for pair in pairs {
            if pair.0 == "_sort" || pair.0 == "_count" {
                all.retain(|known| known.0 != pair.0);
            }
            all.push(pair.clone());
        }
        Self::parse(self.resource_type, &all)
    }

    /// The type searched.
    pub fn resource_type(&self) -> &'static str {
        self.resource_type
    }

    /// The conditions; all must hold.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// The order asked for.
    pub fn sort(&self) -> &[SortBy] {
        &self.sort
    }

    /// Matches per page, within [`COUNT_MAX`].
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The parameters as given, for an upstream or a cursor.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Whether a resource with these facts is a match.
    pub fn matches(&self, facts: &FactsView<'_>) -> bool {
        facts.resource_type() == self.resource_type
            && self.clauses.iter().all(|clause| clause.matches(facts))
    }

    /// Where a match stands in the order asked for. Keys compare as bytes, ties are broken
    /// by id, so the order is total and the same on every page.
    pub fn sort_key(&self, facts: &FactsView<'_>) -> SortKey {
        sort::key(&self.sort, facts)
    }

    /// The patients that the search itself restricts its matches to: by `patient`,
    /// `subject` or another parameter of the compartment, or for Patient by `_id`. Several
    /// such conditions intersect. `None` if it does not restrict to patients.
    pub fn patient_restriction(&self) -> Option<Vec<String>> {
        let of_compartment = compartment::parameters(self.resource_type).unwrap_or_default();
        let mut restriction: Option<Vec<String>> = None;
        for clause in &self.clauses {
            let code = clause.parameter();
            let named = match clause.matcher() {
                Matcher::Id(ids) if self.resource_type == "Patient" => Some(ids.clone()),
                Matcher::Reference(targets)
                    if ["patient", "subject"].contains(&code) || of_compartment.contains(&code) =>
                {
                    // A Patient's `link` names others than the match itself.
                    (self.resource_type != "Patient")
                        .then(|| targets.iter().map(ReferenceMatch::patient).collect())
                        .flatten()
                }
                _ => None,
            };
            if let Some(mut ids) = named {
                ids.sort();
                ids.dedup();
                restriction = Some(match restriction {
                    None => ids,
                    Some(known) => known.into_iter().filter(|id| ids.contains(id)).collect(),
                });
            }
        }
        restriction
    }

    /// The ids that the search itself restricts its matches to (`_id`), intersected.
    pub fn id_restriction(&self) -> Option<Vec<&str>> {
        let mut restriction: Option<Vec<&str>> = None;
        for clause in &self.clauses {
            if let Matcher::Id(ids) = clause.matcher() {
                restriction = Some(match restriction {
                    None => ids.iter().map(String::as_str).collect(),
                    Some(known) => known
                        .into_iter()
                        .filter(|id| ids.iter().any(|other| other == id))
                        .collect(),
                });
            }
        }
        restriction
    }

    /// The token conditions, for a store that keeps an index: a match has, for each, at
    /// least one of the alternatives.
    pub fn token_equalities(&self) -> impl Iterator<Item = (&str, &[TokenMatch])> {
        self.clauses
            .iter()
            .filter_map(|clause| match clause.matcher() {
                Matcher::Token(alternatives) => Some((clause.parameter(), alternatives.as_slice())),
                _ => None,
            })
    }

    /// One spelling for equal searches, such as
    /// `Observation?code=http://loinc.org|4548-4&patient=1&_sort=-date&_count=50`: for
    /// cursors and digests in the ledger.
    pub fn canonical(&self) -> String {
        let mut conditions: Vec<String> = self
            .pairs
            .iter()
            .filter(|(name, _)| name != "_sort" && name != "_count")
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect();
        conditions.sort();
        conditions.dedup();
        if !self.sort.is_empty() {
            let keys: Vec<String> = self.sort.iter().map(SortBy::to_string).collect();
            conditions.push(format!("_sort={}", keys.join(",")));
        }
        conditions.push(format!("_count={}", self.count));
        format!("{}?{}", self.resource_type, conditions.join("&"))
    }
}

/// Percent-encodes what would make two searches print alike.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '&' | '=' | '#' | '+') || c.is_whitespace() || c.is_control() {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}
