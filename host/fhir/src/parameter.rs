//! R4's search parameters, by type.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::expression::{self, Path};
use crate::types;

pub(crate) const TABLE_TEXT: &str = include_str!("../definitions/search-parameters.tsv");

/// `SearchParameter.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// Codes, identifiers, booleans.
    Token,
    /// References.
    Reference,
    /// Dates and periods.
    Date,
    /// Text.
    String,
    /// Amounts with units.
    Quantity,
    /// Plain numbers.
    Number,
    /// URIs.
    Uri,
    /// Several parameters in one.
    Composite,
    /// With a meaning of its own.
    Special,
}

impl ParameterKind {
    /// FHIR's code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Reference => "reference",
            Self::Date => "date",
            Self::String => "string",
            Self::Quantity => "quantity",
            Self::Number => "number",
            Self::Uri => "uri",
            Self::Composite => "composite",
            Self::Special => "special",
        }
    }

    fn parse(code: &str) -> Option<Self> {
        [
            Self::Token,
            Self::Reference,
            Self::Date,
            Self::String,
            Self::Quantity,
            Self::Number,
            Self::Uri,
            Self::Composite,
            Self::Special,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == code)
    }
}

/// A search parameter of one resource type.
#[derive(Clone, Debug)]
pub struct SearchParameter {
    code: &'static str,
    kind: ParameterKind,
    targets: Vec<&'static str>,
    paths: Vec<Path>,
}

impl SearchParameter {
    /// Its name in a query.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What it searches by.
    pub fn kind(&self) -> ParameterKind {
        self.kind
    }

    /// Types that a reference may point to; `*` stands for all.
    pub fn targets(&self) -> &[&'static str] {
        &self.targets
    }

    /// Whether the host can search by it.
    pub fn is_supported(&self) -> bool {
        !self.paths.is_empty()
            && self.code != "phonetic"
            && !matches!(self.kind, ParameterKind::Composite | ParameterKind::Special)
    }

    pub(crate) fn paths(&self) -> &[Path] {
        &self.paths
    }
}

static TABLE: OnceLock<HashMap<&'static str, Vec<SearchParameter>>> = OnceLock::new();

/// All search parameters of a type in R4, supported or not, sorted by code; empty for an
/// unknown type.
pub fn search_parameters(resource_type: &str) -> &'static [SearchParameter] {
    TABLE
        .get_or_init(build)
        .get(resource_type)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// One parameter of a type.
pub(crate) fn find(resource_type: &str, code: &str) -> Option<&'static SearchParameter> {
    let all = search_parameters(resource_type);
    let at = all.binary_search_by(|p| p.code.cmp(code)).ok()?;
    all.get(at)
}

fn build() -> HashMap<&'static str, Vec<SearchParameter>> {
    let mut table: HashMap<&'static str, Vec<SearchParameter>> = HashMap::new();
    for line in TABLE_TEXT.lines() {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let (bases, code, kind, expression, targets) = (next(), next(), next(), next(), next());
        let Some(kind) = ParameterKind::parse(kind) else {
            continue;
        };
        let paths = expression::parse(expression).unwrap_or_default();
        let named: Vec<&'static str> = bases.split(',').collect();
        let bases = if named == ["Resource"] || named == ["DomainResource"] {
            types::resource_types().to_vec()
        } else {
            named
        };
        for base in bases {
            table.entry(base).or_default().push(SearchParameter {
                code,
                kind,
                targets: targets.split(',').filter(|t| !t.is_empty()).collect(),
                paths: paths
                    .iter()
                    .filter(|path| [base, "Resource", "DomainResource"].contains(&path.root))
                    .cloned()
                    .collect(),
            });
        }
    }
    for parameters in table.values_mut() {
        parameters.sort_by_key(|p| p.code);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_its_own_parameters_and_the_common_ones() {
        let code = find("Observation", "code").unwrap();
        assert_eq!(code.kind(), ParameterKind::Token);
        assert_eq!(code.paths().len(), 1);
        assert_eq!(find("Patient", "_id").unwrap().kind(), ParameterKind::Token);
        assert_eq!(
            find("Observation", "patient").unwrap().targets(),
            ["Patient"]
        );
        assert!(find("Observation", "birthdate").is_none());
        assert!(
            !find("Observation", "code-value-quantity")
                .unwrap()
                .is_supported()
        );
        assert!(!find("Patient", "_text").unwrap().is_supported());
        assert!(search_parameters("Bot").is_empty());
    }

    #[test]
    fn no_type_has_a_code_twice() {
        for name in types::resource_types() {
            let codes: Vec<_> = search_parameters(name).iter().map(|p| p.code).collect();
            assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{name}");
        }
    }
}
