//! The values of search parameters, kind by kind (R4, search: escaping and the sections on
//! each kind).

use glovebox_model::id::is_fhir_id;

use super::clause::{
    Comparator, DateMatch, Matcher, QuantityMatch, ReferenceMatch, SystemMatch, TextMode,
    TokenMatch,
};
use super::parse::{each, invalid};
use super::{SearchError, VALUES_MAX, text};
use crate::parameter::{ParameterKind, SearchParameter};
use crate::{DateRange, Reference, types};

/// Splits at commas that no backslash precedes; the parts are still escaped.
pub(super) fn alternatives<'a>(
    parameter: &str,
    value: &'a str,
) -> Result<Vec<&'a str>, SearchError> {
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
pub(super) fn unescape(text: &str) -> String {
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

pub(super) fn token(parameter: &str, value: &str) -> Result<TokenMatch, SearchError> {
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

pub(super) fn reference(
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

pub(super) fn date(parameter: &str, value: &str) -> Result<DateMatch, SearchError> {
    let (comparator, text) = comparator(parameter, value)?;
    let range = DateRange::parse(text).ok_or(invalid(
        parameter,
        "a date such as 2024, 2024-05, 2024-05-31 or 2024-05-31T10:00:00Z, optionally after \
         eq, ne, gt, lt, ge, le, sa or eb",
    ))?;
    Ok(DateMatch { comparator, range })
}

pub(super) fn texts(
    parameter: &str,
    mode: TextMode,
    values: &[&str],
) -> Result<Matcher, SearchError> {
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

pub(super) fn quantity(
    parameter: &SearchParameter,
    value: &str,
) -> Result<QuantityMatch, SearchError> {
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
