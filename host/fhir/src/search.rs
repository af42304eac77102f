//! Searches of one resource type (R4, search): parsed against the type's own parameters,
//! matched against facts. What the host does not understand is refused by name, never
//! dropped: a filter that is ignored shows more than was asked for.

mod clause;
mod decimal;
mod error;
mod output;
mod parse;
mod sort;
mod subset;
#[cfg(test)]
mod tests;
mod text;
mod value;

pub use clause::{
    Clause, Comparator, DateMatch, Matcher, QuantityMatch, ReferenceMatch, SystemMatch, TextMode,
    TokenMatch,
};
pub use decimal::Decimal;
pub use error::SearchError;
pub use output::{Include, Output, Summary, Total};
pub use parse::{Handling, Ignored, ParseOptions};
pub use sort::{SortBy, SortKey, newest_first};
pub use subset::subset;
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
    output: Output,
    pairs: Vec<(String, String)>,
    ignored: Vec<Ignored>,
}

impl SearchQuery {
    /// Parses names and values that are already percent-decoded. Every pair must be
    /// understood.
    pub fn parse(resource_type: &str, pairs: &[(String, String)]) -> Result<Self, SearchError> {
        parse::parse(resource_type, pairs, ParseOptions::default())
    }

    /// Parses as `options` say.
    pub fn parse_with(
        resource_type: &str,
        pairs: &[(String, String)],
        options: ParseOptions<'_>,
    ) -> Result<Self, SearchError> {
        parse::parse(resource_type, pairs, options)
    }

    /// Parses what a scope filters by (SMART App Launch 2.2, finer-grained constraints):
    /// conditions only, without modifiers. A modifier could widen what a filter means.
    pub fn parse_filter(
        resource_type: &str,
        pairs: &[(String, String)],
    ) -> Result<Self, SearchError> {
        if let Some((name, modifier)) = pairs.iter().find_map(|(name, _)| name.split_once(':')) {
            return Err(SearchError::UnsupportedModifier {
                parameter: parse::cut(name),
                modifier: parse::cut(modifier),
            });
        }
        let query = Self::parse(resource_type, pairs)?;
        match query.pairs.iter().find(|(name, _)| is_result(name)) {
            Some((name, _)) if pairs.iter().any(|(given, _)| given == name) => {
                Err(SearchError::UnsupportedParameter(name.clone()))
            }
            _ => Ok(query),
        }
    }

    /// The search for what refers, by `parameter`, to one of `targets`: what `_revinclude`
    /// asks for. `None` if the type has no such reference parameter.
    pub fn referring(
        resource_type: &str,
        parameter: &str,
        targets: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Option<Self> {
        let resource_type = crate::types::known(resource_type)?;
        let parameter = crate::parameter::find(resource_type, parameter)
            .filter(|found| found.kind() == crate::ParameterKind::Reference)?;
        let targets: Vec<ReferenceMatch> = targets
            .into_iter()
            .map(|(resource_type, id)| ReferenceMatch::Typed { resource_type, id })
            .collect();
        let mut query = Self::parse(resource_type, &[]).ok()?;
        let texts: Vec<String> = targets.iter().filter_map(ReferenceMatch::local).collect();
        query
            .pairs
            .insert(0, (parameter.code().to_owned(), texts.join(",")));
        query.clauses.push(Clause {
            parameter: parameter.code(),
            matcher: Matcher::Reference(targets),
        });
        Some(query)
    }

    /// This search with more conditions: its matches are matches of `self` too. Sorting,
    /// page size and the like stay unless `pairs` name them.
    pub fn and(&self, pairs: &[(String, String)]) -> Result<Self, SearchError> {
        let named = |name: &str| pairs.iter().any(|(other, _)| other == name);
        let mut all = self.pairs.clone();
        all.retain(|(name, _)| !is_shape(name) || !named(name));
        all.extend_from_slice(pairs);
        let mut narrowed = Self::parse(self.resource_type, &all)?;
        narrowed.ignored.clone_from(&self.ignored);
        Ok(narrowed)
    }

    /// Brings the result parameters to the end, in one spelling. The page size is always
    /// said: a cursor goes on with it.
    fn settle_result_parameters(&mut self) {
        if self.count == 0 {
            self.output.summary = Summary::Count;
        }
        if self.output.summary == Summary::Count {
            self.output.elements.clear();
        }
        let output = &self.output;
        self.pairs.retain(|(name, _)| !is_shape(name));
        let mut shape = |name: &str, value: String| self.pairs.push((name.to_owned(), value));
        if !output.elements.is_empty() {
            shape("_elements", output.elements.join(","));
        }
        if output.summary != Summary::False {
            shape("_summary", output.summary.as_str().to_owned());
        }
        if let Some(total) = output.total {
            shape("_total", total.as_str().to_owned());
        }
        if !self.sort.is_empty() {
            let keys: Vec<String> = self.sort.iter().map(SortBy::to_string).collect();
            shape("_sort", keys.join(","));
        }
        shape("_count", self.count.to_string());
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

    /// Matches per page, within [`COUNT_MAX`]; 0 where only their number is wanted.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// What is given out of the matches, and with them.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// What a lenient reading left out.
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// The parameters that were understood, in one order and spelling, for an upstream, a
    /// cursor or the self link.
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
    /// `subject` or another parameter of the compartment, or for Patient by `_id`: a match is
    /// in the compartment of one of them at least. Where several conditions say so, it is
    /// the one with the fewest patients: they do not intersect, because a resource may be
    /// about one patient by another's hand. `None` if it does not restrict to patients.
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
                if restriction
                    .as_ref()
                    .is_none_or(|known| ids.len() < known.len())
                {
                    restriction = Some(ids);
                }
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

    /// The reference conditions that name their targets by type and id, for a store that
    /// keeps an index: a match refers to one of them.
    pub fn reference_targets(&self) -> impl Iterator<Item = Vec<(&'static str, &str)>> {
        self.clauses
            .iter()
            .filter_map(|clause| match clause.matcher() {
                Matcher::Reference(targets) => targets
                    .iter()
                    .map(|target| match target {
                        ReferenceMatch::Typed { resource_type, id } => {
                            Some((*resource_type, id.as_str()))
                        }
                        ReferenceMatch::Id(_) | ReferenceMatch::Url(_) => None,
                    })
                    .collect(),
                _ => None,
            })
    }

    /// One spelling for equal searches, such as
    /// `Observation?code=http://loinc.org|4548-4&patient=1&_sort=-date&_count=50`: for
    /// cursors and digests in the ledger. Decoded, it parses to an equal search.
    pub fn canonical(&self) -> String {
        let pairs: Vec<String> = self
            .pairs
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect();
        format!("{}?{}", self.resource_type, pairs.join("&"))
    }
}

/// Whether a parameter shapes the answer and may be given once.
fn is_shape(name: &str) -> bool {
    ["_count", "_elements", "_sort", "_summary", "_total"].contains(&name)
}

/// Whether a parameter is no condition.
fn is_result(name: &str) -> bool {
    is_shape(name) || name == "_include" || name == "_revinclude"
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
