//! From names and values to a search.

use glovebox_model::id::is_fhir_id;

use super::clause::{Clause, Matcher, TextMode};
use super::output::Output;
use super::sort::SortBy;
use super::value::{
    alternatives, composite, date, on_own_base, quantity, reference, texts, token, unescape,
};
use super::{
    COUNT_DEFAULT, COUNT_MAX, PAIRS_MAX, SearchError, SearchQuery, VALUE_BYTES_MAX, is_shape,
};
use crate::parameter::{self, ParameterKind, SearchParameter};
use crate::types;

/// Parameters of R4 that the host does not have, beside those of its tables.
const NOT_SUPPORTED: [&str; 12] = [
    "_contained",
    "_containedType",
    "_filter",
    "_format",
    "_has",
    "_in",
    "_list",
    "_pretty",
    "_query",
    "_score",
    "_text",
    "_type",
];

/// What becomes of a parameter that the host does not have (R4, search: `Prefer: handling`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handling {
    /// The search is refused.
    #[default]
    Strict,
    /// The parameter is left out and reported. Only ever a condition that the caller would
    /// have added: what narrows a search to the caller's patients is not in the query.
    Lenient,
}

/// How a search is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseOptions<'a> {
    /// What becomes of a parameter that the host does not have.
    pub handling: Handling,
    /// The own base URL without a slash at its end: references below it are local ones.
    pub base: Option<&'a str>,
}

/// A parameter that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its name as given, cut to 80 letters.
    pub parameter: String,
    /// Why.
    pub problem: SearchError,
}

pub(super) fn parse(
    resource_type: &str,
    given: &[(String, String)],
    options: ParseOptions<'_>,
) -> Result<SearchQuery, SearchError> {
    let resource_type =
        types::known(resource_type).ok_or_else(|| SearchError::UnknownType(cut(resource_type)))?;
    if given.len() > PAIRS_MAX {
        return Err(SearchError::TooMany {
            what: "search parameters",
            max: PAIRS_MAX,
        });
    }
    let mut query = SearchQuery {
        resource_type,
        clauses: Vec::new(),
        sort: Vec::new(),
        count: COUNT_DEFAULT,
        output: Output::default(),
        pairs: Vec::new(),
        ignored: Vec::new(),
    };
    for (name, value) in normalised(resource_type, given, options)? {
        match query.take(&name, &value) {
            Ok(()) => query.pairs.push((name, value)),
            Err(problem) if options.handling == Handling::Lenient && problem.is_about_a_name() => {
                query.ignored.push(Ignored {
                    parameter: cut(&name),
                    problem,
                });
            }
            Err(problem) => return Err(problem),
        }
    }
    query.settle_result_parameters();
    query.output.check()?;
    Ok(query)
}

/// The pairs in one order, so that equal searches are equal: conditions and includes sorted,
/// repeats dropped, own absolute references made local.
fn normalised(
    resource_type: &'static str,
    given: &[(String, String)],
    options: ParseOptions<'_>,
) -> Result<Vec<(String, String)>, SearchError> {
    let mut pairs = Vec::with_capacity(given.len());
    for (name, value) in given {
        if value.len() > VALUE_BYTES_MAX {
            return Err(SearchError::TooMany {
                what: "bytes in a value",
                max: VALUE_BYTES_MAX,
            });
        }
        let code = name.split(':').next().unwrap_or_default();
        let is_reference = parameter::find(resource_type, code)
            .is_some_and(|found| found.kind() == ParameterKind::Reference);
        let value = match options.base {
            Some(base) if is_reference => on_own_base(value, base),
            _ => value.clone(),
        };
        pairs.push((name.clone(), value));
    }
    pairs.sort();
    for neighbours in pairs.windows(2) {
        if let [(name, _), (next, _)] = neighbours
            && name == next
            && is_shape(name)
        {
            return Err(SearchError::Repeated(name.clone()));
        }
    }
    pairs.dedup();
    Ok(pairs)
}

impl SearchQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), SearchError> {
        match name {
            "_count" => self.count = count(value)?,
            "_sort" => self.sort = sort(self.resource_type, value)?,
            _ if name.starts_with("_include:") || name.starts_with("_revinclude:") => {
                let (parameter, modifier) = name.split_once(':').unwrap_or((name, ""));
                return Err(SearchError::UnsupportedModifier {
                    parameter: parameter.to_owned(),
                    modifier: cut(modifier),
                });
            }
            _ if self.output.take(self.resource_type, name, value)? => {}
            _ => self.clauses.push(clause(self.resource_type, name, value)?),
        }
        Ok(())
    }
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

pub(super) fn invalid(parameter: &str, rule: &'static str) -> SearchError {
    SearchError::InvalidValue {
        parameter: parameter.to_owned(),
        rule,
    }
}

/// 0 asks for the number of matches only (R4, search: `_count`).
fn count(value: &str) -> Result<u32, SearchError> {
    if value.is_empty() || value.len() > 18 || !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid("_count", "a whole number"));
    }
    let wanted = value.parse::<u64>().unwrap_or(u64::MAX);
    Ok(u32::try_from(wanted).unwrap_or(COUNT_MAX).min(COUNT_MAX))
}

fn sort(resource_type: &'static str, value: &str) -> Result<Vec<SortBy>, SearchError> {
    let keys: Vec<&str> = value.split(',').collect();
    if keys.len() > 8 {
        return Err(SearchError::TooMany {
            what: "keys in `_sort`",
            max: 8,
        });
    }
    keys.into_iter()
        .map(|key| {
            let (code, descending) = match key.strip_prefix('-') {
                Some(code) => (code, true),
                None => (key, false),
            };
            let parameter = find(resource_type, code)?;
            match parameter.kind() {
                // Labels are kept apart from the search values.
                _ if parameter.code() == "_security" => Err(SearchError::UnsupportedParameter(
                    "_sort=_security".to_owned(),
                )),
                ParameterKind::Composite | ParameterKind::Special => Err(
                    SearchError::UnsupportedParameter(cut(&format!("_sort={code}"))),
                ),
                kind => Ok(SortBy {
                    parameter: parameter.code(),
                    kind,
                    descending,
                }),
            }
        })
        .collect()
}

fn find(resource_type: &'static str, code: &str) -> Result<&'static SearchParameter, SearchError> {
    if code.contains('.') || code == "_has" {
        return Err(SearchError::Chained(cut(code)));
    }
    match parameter::find(resource_type, code) {
        Some(parameter) if parameter.is_supported() => Ok(parameter),
        Some(_) => Err(SearchError::UnsupportedParameter(cut(code))),
        None if NOT_SUPPORTED.contains(&code) => Err(SearchError::UnsupportedParameter(cut(code))),
        None => Err(SearchError::UnknownParameter {
            resource_type: resource_type.to_owned(),
            parameter: cut(code),
        }),
    }
}

fn clause(resource_type: &'static str, name: &str, value: &str) -> Result<Clause, SearchError> {
    let (code, modifier) = match name.split_once(':') {
        // `_has:Observation:patient:code` and `subject:Patient.name` are chains.
        Some((code, modifier)) if code == "_has" || modifier.contains('.') => {
            return Err(SearchError::Chained(cut(&format!("{code}:{modifier}"))));
        }
        Some((code, modifier)) => (code, Some(modifier)),
        None => (name, None),
    };
    let parameter = find(resource_type, code)?;
    let code = parameter.code();
    let values = alternatives(code, value)?;
    let refuse = || {
        Err(SearchError::UnsupportedModifier {
            parameter: code.to_owned(),
            modifier: cut(modifier.unwrap_or_default()),
        })
    };
    let matcher = match (parameter.kind(), modifier) {
        (_, Some("missing")) => Matcher::Missing(match value {
            "true" => true,
            "false" => false,
            _ => return Err(invalid(code, "true or false after `:missing`")),
        }),
        (ParameterKind::Token, None) if code == "_id" => Matcher::Id(each(&values, |v| {
            let id = unescape(v);
            is_fhir_id(&id)
                .then_some(id)
                .ok_or(invalid(code, "a FHIR id"))
        })?),
        (ParameterKind::Token, None) => Matcher::Token(each(&values, |v| token(code, v))?),
        (ParameterKind::Token, Some("not")) if code != "_id" => {
            Matcher::NotToken(each(&values, |v| token(code, v))?)
        }
        (ParameterKind::Reference, None) => {
            Matcher::Reference(each(&values, |v| reference(parameter, None, v))?)
        }
        (ParameterKind::Reference, Some(name)) => match types::known(name) {
            Some(target) => {
                Matcher::Reference(each(&values, |v| reference(parameter, Some(target), v))?)
            }
            None => return refuse(),
        },
        (ParameterKind::Date, None) => {
            let dates = each(&values, |v| date(code, v))?;
            if code == "_lastUpdated" {
                Matcher::LastUpdated(dates)
            } else {
                Matcher::Date(dates)
            }
        }
        (ParameterKind::String, None) => texts(code, TextMode::StartsWith, &values)?,
        (ParameterKind::String, Some("contains")) => texts(code, TextMode::Contains, &values)?,
        (ParameterKind::String, Some("exact")) => texts(code, TextMode::Exact, &values)?,
        (ParameterKind::Uri, None) => Matcher::Uri(values.iter().map(|v| unescape(v)).collect()),
        (ParameterKind::Quantity | ParameterKind::Number, None) => {
            Matcher::Quantity(each(&values, |v| quantity(parameter, v))?)
        }
        (ParameterKind::Composite, None) => {
            Matcher::Composite(each(&values, |v| composite(resource_type, parameter, v))?)
        }
        _ => return refuse(),
    };
    Ok(Clause {
        parameter: code,
        matcher,
    })
}

pub(super) fn each<T>(
    values: &[&str],
    read: impl Fn(&str) -> Result<T, SearchError>,
) -> Result<Vec<T>, SearchError> {
    values.iter().map(|value| read(value)).collect()
}
