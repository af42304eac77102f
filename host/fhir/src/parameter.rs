//! R4's search parameters, by type.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::expression::{self, Path, RelativePath};
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
    groups: Vec<Group>,
}

/// The elements that a composite parameter looks into, and its parts inside each.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Each element that it selects is one group: the parts must be met in the same one.
    pub(crate) path: Path,
    pub(crate) parts: Vec<Part>,
}

/// One part of a composite parameter.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The parameter that gives the part its values' meaning.
    pub(crate) code: &'static str,
    pub(crate) kind: ParameterKind,
    pub(crate) paths: Vec<RelativePath>,
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
        self.unsupported().is_none()
    }

    /// Why the host cannot search by it; `None` if it can.
    pub fn unsupported(&self) -> Option<&'static str> {
        let in_bundle = || self.paths.iter().any(|path| path.root == "Bundle");
        match self.code {
            "_content" | "_text" => Some("full text: there is no index of the words"),
            "_query" => Some("named queries: there are none"),
            "phonetic" => Some("which words sound alike is left open by the definition"),
            "near" => Some("distances between places are not computed"),
            _ if self.kind == ParameterKind::Reference && in_bundle() => {
                Some("selects a resource inside the Bundle, not a reference")
            }
            _ if self.kind == ParameterKind::Composite && self.groups.is_empty() => {
                Some("its parts go beyond the expressions that are read")
            }
            _ if self.paths.is_empty() || self.kind == ParameterKind::Special => {
                Some("its expression goes beyond those that are read")
            }
            _ => None,
        }
    }

    /// A composite's groups; none for any other kind.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// A composite's parts, as parameters of the same type.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.groups.iter().take(1).flat_map(|group| &group.parts)
    }

    /// The members that it reads, as paths from the resource down: `name` then `family`. A
    /// choice element has one path for each of its types. An empty path stands for the
    /// whole resource; no path at all, for an expression that the host does not read.
    pub fn elements(&self) -> Vec<Vec<&str>> {
        let mut found = Vec::new();
        for path in &self.paths {
            found.extend(expression::members(&path.steps));
        }
        // A part of a composite may look beyond the element that its group is.
        let parts = self.groups.iter().flat_map(|group| &group.parts);
        for path in parts.flat_map(|part| &part.paths) {
            if path.from_resource {
                found.extend(expression::members(&path.steps));
            }
        }
        found
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
        let composed = next();
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
            let paths: Vec<Path> = paths
                .iter()
                .filter(|path| [base, "Resource", "DomainResource"].contains(&path.root))
                .cloned()
                .collect();
            table.entry(base).or_default().push(SearchParameter {
                code,
                kind,
                targets: targets.split(',').filter(|t| !t.is_empty()).collect(),
                groups: groups(&paths, composed).unwrap_or_default(),
                paths,
            });
        }
    }
    for parameters in table.values_mut() {
        parameters.sort_by_key(|p| p.code);
    }
    table
}

/// The groups of a composite: `code:kind:expression`, separated by semicolons, read inside
/// each path. `None` if a part goes beyond the subset.
fn groups(paths: &[Path], composed: &'static str) -> Option<Vec<Group>> {
    if composed.is_empty() {
        return Some(Vec::new());
    }
    paths
        .iter()
        .map(|path| {
            let parts = composed.split(';').map(|part| {
                let (code, rest) = part.split_once(':')?;
                let (kind, text) = rest.split_once(':')?;
                Some(Part {
                    code,
                    kind: ParameterKind::parse(kind)?,
                    paths: expression::parse_relative(path, text)?,
                })
            });
            Some(Group {
                path: path.clone(),
                parts: parts.collect::<Option<_>>()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod report;
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
        let combo = find("Observation", "combo-code-value-quantity").unwrap();
        assert!(combo.is_supported());
        assert_eq!(combo.groups().len(), 2);
        let beyond = find("MolecularSequence", "chromosome-variant-coordinate").unwrap();
        let elements = beyond.elements();
        assert!(elements.contains(&vec!["variant"]));
        assert!(elements.contains(&vec!["referenceSeq", "chromosome"]));
        let parts: Vec<_> = combo.parts().map(|part| part.code).collect();
        assert_eq!(parts, ["combo-code", "combo-value-quantity"]);
        assert!(!find("Patient", "_text").unwrap().is_supported());
        assert!(search_parameters("Bot").is_empty());
    }

    #[test]
    fn the_parts_of_a_composite_are_parameters_of_the_same_type_and_kind() {
        for name in types::resource_types() {
            for composite in search_parameters(name)
                .iter()
                .filter(|p| p.kind == ParameterKind::Composite)
            {
                assert!(composite.is_supported(), "{name} {}", composite.code);
                for part in composite.parts() {
                    let own = find(name, part.code).unwrap();
                    assert_eq!(own.kind, part.kind, "{name} {}", composite.code);
                }
            }
        }
    }

    #[test]
    fn no_type_has_a_code_twice() {
        for name in types::resource_types() {
            let codes: Vec<_> = search_parameters(name).iter().map(|p| p.code).collect();
            assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{name}");
        }
    }
}
