//! The filter of a granular scope: names and values of search parameters. All must hold;
//! a comma in a value is "or".

/// Parameters in one filter at most.
const PARAMETERS_MAX: usize = 8;
/// Ways in which one filter can be met at most, multiplied over its parameters.
const WAYS_MAX: usize = 64;

/// Parameters that every resource type has and that describe a resource.
const COMMON: [&str; 6] = [
    "_id",
    "_lastUpdated",
    "_profile",
    "_security",
    "_source",
    "_tag",
];

pub(super) fn is_common_parameter(name: &str) -> bool {
    COMMON.contains(&name)
}

/// Reads `name=value`. A modifier (`code:not`) or a chain (`subject.name`) is refused, as
/// is everything that begins with `_` and shapes the result (`_include`, `_count`) or asks
/// elsewhere (`_has`, `_filter`): a scope says which resources, and nothing else.
pub(super) fn parse_parameter(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_plain && !is_common_parameter(name) {
        return None;
    }
    let value = percent_decode(value)?;
    is_value(&value).then(|| (name.to_owned(), value))
}

/// A value selects something, and no part of it could be taken for another scope or
/// another parameter where somebody decodes once too often.
fn is_value(value: &str) -> bool {
    !value
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '&' || c == '#')
        && alternatives(value).all(|alternative| !alternative.is_empty() && alternative != "|")
}

/// The alternatives of a value. A comma after a backslash belongs to the alternative (R4,
/// search: escaping).
pub fn alternatives(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut escaped = false;
        let comma = text.char_indices().find(|(_, c)| {
            let is_separator = *c == ',' && !escaped;
            escaped = *c == '\\' && !escaped;
            is_separator
        });
        let Some((at, _)) = comma else {
            rest = None;
            return Some(text);
        };
        let (first, after) = text.split_at(at);
        rest = after.get(1..);
        Some(first)
    })
}

pub(super) fn is_within_bounds(parameters: &[(String, String)]) -> bool {
    let ways = parameters.iter().try_fold(1_usize, |ways, (_, value)| {
        ways.checked_mul(alternatives(value).count())
            .filter(|ways| *ways <= WAYS_MAX)
    });
    parameters.len() <= PARAMETERS_MAX && ways.is_some()
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}

pub(super) fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b':'
            | b'/'
            | b'|'
            | b',' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}
