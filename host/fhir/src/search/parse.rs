//! From names and values to a search.

use glovebox_model::id::is_fhir_id;

use super::clause::{Clause, Matcher, TextMode};
use super::sort::SortBy;
use super::value::{alternatives, date, quantity, reference, texts, token, unescape};
use super::{COUNT_DEFAULT, COUNT_MAX, PAIRS_MAX, SearchError, SearchQuery, VALUE_BYTES_MAX};
use crate::parameter::{self, ParameterKind, SearchParameter};
use crate::types;

/// Parameters of R4 that shape the answer and that the host does not have.
const RESULT_PARAMETERS: [&str; 13] = [
    "_contained",
    "_containedType",
    "_elements",
    "_filter",
    "_format",
    "_include",
    "_list",
    "_pretty",
    "_query",
    "_revinclude",
    "_summary",
    "_total",
    "_type",
];

pub(super) fn parse(
    resource_type: &str,
    pairs: &[(String, String)],
) -> Result<SearchQuery, SearchError> {
    let resource_type =
        types::known(resource_type).ok_or_else(|| SearchError::UnknownType(cut(resource_type)))?;
    if pairs.len() > PAIRS_MAX {
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
        pairs: pairs.to_vec(),
    };
    let mut counted = false;
    for (name, value) in pairs {
        if value.len() > VALUE_BYTES_MAX {
            return Err(SearchError::TooMany {
                what: "bytes in a value",
                max: VALUE_BYTES_MAX,
            });
        }
        match name.as_str() {
            "_count" if counted => return Err(SearchError::Repeated(name.clone())),
            "_count" => {
                counted = true;
                query.count = count(value)?;
            }
            "_sort" if !query.sort.is_empty() => return Err(SearchError::Repeated(name.clone())),
            "_sort" => query.sort = sort(resource_type, value)?,
            _ => query.clauses.push(clause(resource_type, name, value)?),
        }
    }
    Ok(query)
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

pub(super) fn invalid(parameter: &str, rule: &'static str) -> SearchError {
    SearchError::InvalidValue {
        parameter: parameter.to_owned(),
        rule,
    }
}

fn count(value: &str) -> Result<u32, SearchError> {
    if value.is_empty() || value.len() > 18 || !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid("_count", "a whole number"));
    }
    match value.parse::<u64>() {
        Ok(0) | Err(_) => Err(invalid("_count", "a whole number above 0")),
        Ok(wanted) => Ok(u32::try_from(wanted).unwrap_or(COUNT_MAX).min(COUNT_MAX)),
    }
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
                _ if parameter.code() == "_security" => {
                    Err(invalid("_sort", "a parameter other than `_security`"))
                }
                ParameterKind::Date | ParameterKind::String | ParameterKind::Token => Ok(SortBy {
                    parameter: parameter.code(),
                    kind: parameter.kind(),
                    descending,
                }),
                _ => Err(invalid("_sort", "a date, string or token parameter")),
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
        None if RESULT_PARAMETERS.contains(&code) => {
            Err(SearchError::UnsupportedParameter(cut(code)))
        }
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
        (ParameterKind::Token, None) if code == "_id" => Matcher::Id(each(&values, |v| {
            let id = unescape(v);
            is_fhir_id(&id)
                .then_some(id)
                .ok_or(invalid(code, "a FHIR id"))
        })?),
        (ParameterKind::Token, None) => Matcher::Token(each(&values, |v| token(code, v))?),
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
