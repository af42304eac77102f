//! The order of matches.

use std::fmt;

use super::decimal::Decimal;
use crate::{FactsView, ParameterKind, ValueRef, parameter};

/// One key of `_sort`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortBy {
    /// The parameter's code.
    pub parameter: &'static str,
    /// Its kind: any but composite and special.
    pub kind: ParameterKind,
    /// Largest first.
    pub descending: bool,
}

impl fmt::Display for SortBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.descending { "-" } else { "" };
        write!(f, "{sign}{}", self.parameter)
    }
}

/// Where a match stands: compares as bytes in the order asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortKey(Vec<u8>);

impl SortKey {
    /// The key as bytes, for a cursor.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key that came back from a cursor.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// Dates by which people ask for what is newest, the most usual name first.
const MAIN_DATES: [&str; 10] = [
    "date",
    "authoredon",
    "recorded-date",
    "authored",
    "authored-on",
    "effective",
    "effective-time",
    "whenhandedover",
    "start-date",
    "collected",
];

/// The order of a type that a store may keep: its main date, the newest first. `None` for a
/// type without one.
pub fn newest_first(resource_type: &str) -> Option<SortBy> {
    let found = MAIN_DATES.iter().find_map(|code| {
        parameter::find(resource_type, code)
            .filter(|found| found.kind() == ParameterKind::Date && found.is_supported())
    })?;
    Some(SortBy {
        parameter: found.code(),
        kind: found.kind(),
        descending: true,
    })
}

impl SortBy {
    /// Where a resource stands in this order alone.
    pub fn key(&self, facts: &FactsView<'_>) -> SortKey {
        key(std::slice::from_ref(self), facts)
    }
}

const PRESENT: u8 = 1;
/// What has no value comes last in both directions.
const MISSING: u8 = 2;

pub(super) fn key(sort: &[SortBy], facts: &FactsView<'_>) -> SortKey {
    let mut out = Vec::with_capacity(16 * sort.len() + facts.id().len());
    for by in sort {
        let start = out.len();
        if write(by, facts, &mut out) {
            out.insert(start, PRESENT);
            if by.descending {
                for byte in out.iter_mut().skip(start + 1) {
                    *byte = !*byte;
                }
            }
        } else {
            out.push(MISSING);
        }
    }
    out.extend_from_slice(facts.id().as_bytes());
    SortKey(out)
}

/// Writes the smallest value (the largest when descending); false if there is none.
fn write(by: &SortBy, facts: &FactsView<'_>, out: &mut Vec<u8>) -> bool {
    match by.parameter {
        "_id" => {
            text(facts.id(), out);
            return true;
        }
        "_lastUpdated" => {
            return facts
                .last_updated()
                .map(|instant| number(instant.micros(), out))
                .is_some();
        }
        _ => {}
    }
    let values = facts.values(by.parameter);
    match by.kind {
        ParameterKind::Date => {
            let starts = values.filter_map(|value| match value {
                ValueRef::Date(range) => Some(range.start),
                _ => None,
            });
            first(by, starts).map(|micros| number(micros, out))
        }
        // Amounts go by their numbers: what they would be in another unit is not known.
        ParameterKind::Quantity | ParameterKind::Number => {
            let decimals = values.filter_map(|value| match value {
                ValueRef::Quantity { value, .. } | ValueRef::Number(value) => Decimal::parse(value),
                _ => None,
            });
            first(by, decimals).map(|decimal| decimal.write_ordered(out))
        }
        ParameterKind::Reference => {
            let targets = values.filter_map(|value| match value {
                ValueRef::Reference { resource_type, id } => Some((resource_type, id)),
                ValueRef::Url(url) => Some((url, "")),
                _ => None,
            });
            first(by, targets).map(|(resource_type, id)| {
                text(resource_type, out);
                text(id, out);
            })
        }
        _ => {
            let texts = values.filter_map(|value| match value {
                ValueRef::Text { normalised, .. } => Some(normalised),
                ValueRef::Token { code, .. } => Some(code),
                ValueRef::Uri(uri) | ValueRef::Url(uri) => Some(uri),
                _ => None,
            });
            first(by, texts).map(|found| text(found, out))
        }
    }
    .is_some()
}

/// The one of several values that stands first (R4, search, 3.1.1.5.1).
fn first<T: Ord>(by: &SortBy, values: impl Iterator<Item = T>) -> Option<T> {
    if by.descending {
        values.max()
    } else {
        values.min()
    }
}

fn number(value: i64, out: &mut Vec<u8>) {
    // Flipping the sign bit makes the bytes of signed numbers compare as the numbers do.
    out.extend_from_slice(&(value.cast_unsigned() ^ (1 << 63)).to_be_bytes());
}

fn text(value: &str, out: &mut Vec<u8>) {
    // A zero byte ends the text, below any other byte; one inside it is marked.
    for byte in value.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(1);
        }
    }
    out.extend_from_slice(&[0, 0]);
}
