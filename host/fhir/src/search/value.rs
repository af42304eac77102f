//! The values of search parameters, kind by kind (R4, search: escaping and the sections on
//! each kind).

use glovebox_model::id::is_fhir_id;

use super::clause::{
    Comparator, DateMatch, Matcher, QuantityMatch, ReferenceMatch, SystemMatch, TextMode,
    TokenMatch,
};
use super::decimal::Decimal;
use super::parse::{each, invalid};
use super::{SearchError, VALUES_MAX, text};
use crate::parameter::{self, ParameterKind, SearchParameter};
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
        "ap" => Comparator::Ap,
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
         eq, ne, gt, lt, ge, le, sa, eb or ap",
    ))?;
    let range = match comparator {
        Comparator::Ap => range.widened(),
        _ => range,
    };
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
    let exact = Some(number)
        .filter(|number| number.len() <= 40)
        .and_then(Decimal::parse)
        .ok_or(invalid(code, "a decimal number"))?;
    let range = match comparator {
        Comparator::Ap => exact.about(),
        _ => exact.implied(),
    };
    Ok(QuantityMatch {
        comparator,
        range,
        exact,
        system: of,
        code: unit,
    })
}

/// `a$b`: one value for each part of a composite.
pub(super) fn composite(
    resource_type: &'static str,
    parameter: &SearchParameter,
    value: &str,
) -> Result<Vec<Matcher>, SearchError> {
    let texts = split(value, '$');
    let wrong = || {
        invalid(
            parameter.code(),
            "one value for each part, with `$` between them",
        )
    };
    if texts.len() != parameter.parts().count() {
        return Err(wrong());
    }
    parameter
        .parts()
        .zip(texts)
        .map(|(part, text)| {
            if text.is_empty() {
                return Err(wrong());
            }
            let named = parameter::find(resource_type, part.code)
                .ok_or(SearchError::UnsupportedParameter(part.code.to_owned()))?;
            single(named, text)
        })
        .collect()
}

/// The matcher of one value without a modifier.
fn single(parameter: &SearchParameter, text: &str) -> Result<Matcher, SearchError> {
    let code = parameter.code();
    Ok(match parameter.kind() {
        ParameterKind::Token => Matcher::Token(vec![token(code, text)?]),
        ParameterKind::Reference => Matcher::Reference(vec![reference(parameter, None, text)?]),
        ParameterKind::Date => Matcher::Date(vec![date(code, text)?]),
        ParameterKind::String => texts(code, TextMode::StartsWith, &[text])?,
        ParameterKind::Uri => Matcher::Uri(vec![unescape(text)]),
        ParameterKind::Quantity | ParameterKind::Number => {
            Matcher::Quantity(vec![quantity(parameter, text)?])
        }
        ParameterKind::Composite | ParameterKind::Special => {
            return Err(SearchError::UnsupportedParameter(code.to_owned()));
        }
    })
}

/// Values of a reference parameter with absolute URLs on the own base made relative.
pub(super) fn on_own_base(value: &str, base: &str) -> String {
    let local = |part: &str| {
        part.strip_prefix(base)
            .and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or(part)
            .to_owned()
    };
    split(value, ',')
        .into_iter()
        .map(local)
        .collect::<Vec<_>>()
        .join(",")
}
