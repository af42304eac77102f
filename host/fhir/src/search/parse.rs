//! From names and values to a search.

use glovebox_model::id::is_fhir_id;

use super::clause::{
    Clause, Comparator, DateMatch, Matcher, QuantityMatch, ReferenceMatch, SystemMatch, TextMode,
    TokenMatch,
};
use super::sort::SortBy;
use super::{
    COUNT_DEFAULT, COUNT_MAX, PAIRS_MAX, SearchError, SearchQuery, VALUE_BYTES_MAX, VALUES_MAX,
    text,
};
use crate::parameter::{self, ParameterKind, SearchParameter};
use crate::{DateRange, Reference, types};

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

fn invalid(parameter: &str, rule: &'static str) -> SearchError {
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

fn each<T>(
    values: &[&str],
    read: impl Fn(&str) -> Result<T, SearchError>,
) -> Result<Vec<T>, SearchError> {
    values.iter().map(|value| read(value)).collect()
}

/// Splits at commas that no backslash precedes; the parts are still escaped.
fn alternatives<'a>(parameter: &str, value: &'a str) -> Result<Vec<&'a str>, SearchError> {
    let parts = split(value, ',');
    if parts.len() > VALUES_MAX {
        return Err(SearchError::TooMany {
            what: "alternatives in one parameter",
            max: VALUES_MAX,
        });
    }
    if parts.iter().any(|part| part.is_empty()) {
        return Err(invalid(parameter, "a value that is not empty"));
    }
    Ok(parts)
}

fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + c.len_utf8();
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// `\,`, `\$`, `\|` and `\\` are the characters themselves.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next @ (',' | '$' | '|' | '\\')) if c == '\\' => {
                out.push(*next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

fn system(text: &str) -> SystemMatch {
    if text.is_empty() {
        SystemMatch::Absent
    } else {
        SystemMatch::Is(unescape(text))
    }
}

fn token(parameter: &str, value: &str) -> Result<TokenMatch, SearchError> {
    match split(value, '|').as_slice() {
        [code] => Ok(TokenMatch {
            system: SystemMatch::Any,
            code: Some(unescape(code)),
        }),
        [of, code] if !(of.is_empty() && code.is_empty()) => Ok(TokenMatch {
            system: system(of),
            code: (!code.is_empty()).then(|| unescape(code)),
        }),
        _ => Err(invalid(parameter, "code, system|code, |code or system|")),
    }
}

fn reference(
    parameter: &SearchParameter,
    modifier: Option<&'static str>,
    value: &str,
) -> Result<ReferenceMatch, SearchError> {
    let code = parameter.code();
    let rule = "Type/id, an id, or an absolute URL";
    let value = unescape(value);
    match Reference::parse(&value) {
        Reference::Local {
            resource_type,
            id,
            version_id: None,
        } => {
            if modifier.is_some_and(|wanted| wanted != resource_type) {
                return Err(invalid(
                    code,
                    "a reference of the type that the modifier names",
                ));
            }
            Ok(ReferenceMatch::Typed {
                resource_type,
                id: id.to_owned(),
            })
        }
        Reference::Absolute { .. } | Reference::Urn(_) if modifier.is_none() => {
            Ok(ReferenceMatch::Url(value))
        }
        Reference::Other(id) if is_fhir_id(id) => {
            // `patient` selects references to a Patient wherever it exists, although
            // the definitions list further targets for some types.
            let only = match (modifier, parameter.targets()) {
                (Some(target), _) => Some(target),
                (None, _) if code == "patient" => Some("Patient"),
                (None, [only]) => types::known(only),
                (None, _) => None,
            };
            Ok(match only {
                Some(resource_type) => ReferenceMatch::Typed {
                    resource_type,
                    id: id.to_owned(),
                },
                None => ReferenceMatch::Id(id.to_owned()),
            })
        }
        _ => Err(invalid(code, rule)),
    }
}

/// Takes a prefix of two letters off the front.
fn comparator<'a>(parameter: &str, value: &'a str) -> Result<(Comparator, &'a str), SearchError> {
    let letters = value
        .get(..2)
        .filter(|prefix| prefix.bytes().all(|b| b.is_ascii_alphabetic()));
    let Some(prefix) = letters else {
        return Ok((Comparator::Eq, value));
    };
    let comparator = match prefix {
        "eq" => Comparator::Eq,
        "ne" => Comparator::Ne,
        "gt" => Comparator::Gt,
        "lt" => Comparator::Lt,
        "ge" => Comparator::Ge,
        "le" => Comparator::Le,
        "sa" => Comparator::Sa,
        "eb" => Comparator::Eb,
        _ => {
            return Err(SearchError::UnsupportedPrefix {
                parameter: parameter.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
    };
    Ok((comparator, value.get(2..).unwrap_or_default()))
}

fn date(parameter: &str, value: &str) -> Result<DateMatch, SearchError> {
    let (comparator, text) = comparator(parameter, value)?;
    let range = DateRange::parse(text).ok_or(invalid(
        parameter,
        "a date such as 2024, 2024-05, 2024-05-31 or 2024-05-31T10:00:00Z, optionally after \
         eq, ne, gt, lt, ge, le, sa or eb",
    ))?;
    Ok(DateMatch { comparator, range })
}

fn texts(parameter: &str, mode: TextMode, values: &[&str]) -> Result<Matcher, SearchError> {
    let wanted = each(values, |value| {
        let value = unescape(value);
        let wanted = match mode {
            TextMode::Exact => value,
            TextMode::StartsWith | TextMode::Contains => text::normalise(&value),
        };
        if wanted.is_empty() {
            Err(invalid(parameter, "a value that is not blank"))
        } else {
            Ok(wanted)
        }
    })?;
    Ok(Matcher::Text(mode, wanted))
}

fn quantity(parameter: &SearchParameter, value: &str) -> Result<QuantityMatch, SearchError> {
    let code = parameter.code();
    let (comparator, rest) = comparator(code, value)?;
    let parts = split(rest, '|');
    let (number, of, unit) = match (parameter.kind(), parts.as_slice()) {
        (_, [number]) => (*number, SystemMatch::Any, None),
        (ParameterKind::Quantity, [number, of, unit]) if !unit.is_empty() => {
            let of = if of.is_empty() {
                SystemMatch::Any
            } else {
                system(of)
            };
            (*number, of, Some(unescape(unit)))
        }
        (ParameterKind::Quantity, _) => {
            return Err(invalid(code, "number, number|system|code or number||code"));
        }
        _ => return Err(invalid(code, "a number")),
    };
    let (exact, half) =
        decimal(number).ok_or(invalid(code, "a decimal number of at most 18 digits"))?;
    Ok(QuantityMatch {
        comparator,
        range: (exact - half, exact + half),
        exact,
        system: of,
        code: unit,
    })
}

/// A decimal and half of its last digit's worth.
fn decimal(text: &str) -> Option<(f64, f64)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty()
        || whole.len() + fraction.len() > 18
        || !all_digits(whole)
        || !all_digits(fraction)
        || mantissa.ends_with('.')
        || exponent.abs() > 30
    {
        return None;
    }
    let value = text.parse::<f64>().ok().filter(|n| n.is_finite())?;
    let places = exponent - i32::try_from(fraction.len()).ok()?;
    Some((value, 0.5 * 10_f64.powi(places)))
}
