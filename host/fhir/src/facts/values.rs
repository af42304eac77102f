//! From FHIR data types to search values (R4, search: the tables per parameter type).
//! The data type is told by its members: a choice of types has already picked the member.

use serde_json::Value;

use super::ValueRef;
use super::codec::{Writer, write_value};
use crate::{DateRange, ParameterKind, Reference, search};

/// Writes what `node` gives for a parameter of `kind`; nothing if it is of another shape.
pub(super) fn write_values(out: &mut Writer, kind: ParameterKind, node: &Value) {
    match kind {
        ParameterKind::Token => tokens(out, node),
        ParameterKind::Reference => reference(out, node),
        ParameterKind::Date => dates(out, node),
        ParameterKind::String => texts(out, node),
        ParameterKind::Quantity => quantity(out, node),
        ParameterKind::Number => {
            if let Value::Number(number) = node {
                write_value(out, ValueRef::Number(&number.to_string()));
            }
        }
        ParameterKind::Uri => {
            if let Value::String(uri) = node {
                write_value(out, ValueRef::Uri(uri));
            }
        }
        ParameterKind::Composite | ParameterKind::Special => {}
    }
}

fn member<'a>(node: &'a Value, name: &str) -> &'a str {
    node.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn token(out: &mut Writer, system: &str, code: &str) {
    if !(system.is_empty() && code.is_empty()) {
        write_value(out, ValueRef::Token { system, code });
    }
}

fn tokens(out: &mut Writer, node: &Value) {
    match node {
        Value::String(code) => token(out, "", code),
        Value::Bool(value) => token(out, "", if *value { "true" } else { "false" }),
        Value::Number(number) => token(out, "", &number.to_string()),
        Value::Object(object) => {
            if let Some(Value::Array(codings)) = object.get("coding") {
                for coding in codings {
                    token(out, member(coding, "system"), member(coding, "code"));
                }
            } else if object.contains_key("value") && !object.contains_key("code") {
                // A ContactPoint's system is a code such as `phone`, not a namespace.
                let system = match member(node, "system") {
                    system if system.contains(':') => system,
                    _ => "",
                };
                token(out, system, member(node, "value"));
            } else {
                token(out, member(node, "system"), member(node, "code"));
            }
        }
        Value::Null | Value::Array(_) => {}
    }
}

fn reference(out: &mut Writer, node: &Value) {
    let text = match node {
        Value::String(canonical) => canonical.as_str(),
        _ => member(node, "reference"),
    };
    match Reference::parse(text) {
        Reference::Local {
            resource_type, id, ..
        } => write_value(out, ValueRef::Reference { resource_type, id }),
        Reference::Absolute { .. } | Reference::Urn(_) => write_value(out, ValueRef::Url(text)),
        Reference::Contained(_) | Reference::Conditional { .. } | Reference::Other(_) => {}
    }
}

fn date(out: &mut Writer, range: Option<DateRange>) {
    if let Some(range) = range {
        write_value(out, ValueRef::Date(range));
    }
}

fn dates(out: &mut Writer, node: &Value) {
    if let Value::String(text) = node {
        date(out, DateRange::parse(text));
        return;
    }
    date(out, period(node));
    let events = node.get("event").and_then(Value::as_array);
    for event in events.into_iter().flatten().filter_map(Value::as_str) {
        date(out, DateRange::parse(event));
    }
    date(out, node.pointer("/repeat/boundsPeriod").and_then(period));
}

/// A Period: from the start of its start to the end of its end; open where one is absent.
fn period(node: &Value) -> Option<DateRange> {
    let side = |name| match node.get(name) {
        None => Some(None),
        Some(text) => DateRange::parse(text.as_str()?).map(Some),
    };
    let (start, end) = (side("start")?, side("end")?);
    if start.is_none() && end.is_none() {
        return None;
    }
    let start = start.map_or(i64::MIN, |range| range.start);
    let end = end.map_or(i64::MAX, |range| range.end);
    (start < end).then_some(DateRange { start, end })
}

fn text(out: &mut Writer, original: &str) {
    // No search value is longer than this: what comes after can only matter to `:contains`.
    let original = original
        .get(..original.floor_char_boundary(search::VALUE_BYTES_MAX + 4))
        .unwrap_or(original);
    let normalised = search::normalise(original);
    if !normalised.is_empty() {
        write_value(
            out,
            ValueRef::Text {
                normalised: &normalised,
                original,
            },
        );
    }
}

/// Plain text, or the parts of a HumanName or Address.
fn texts(out: &mut Writer, node: &Value) {
    if let Value::String(plain) = node {
        text(out, plain);
        return;
    }
    for name in [
        "text",
        "family",
        "given",
        "prefix",
        "suffix",
        "line",
        "city",
        "district",
        "state",
        "postalCode",
        "country",
    ] {
        match node.get(name) {
            Some(Value::String(part)) => text(out, part),
            Some(Value::Array(parts)) => {
                for part in parts.iter().filter_map(Value::as_str) {
                    text(out, part);
                }
            }
            _ => {}
        }
    }
}

/// A Quantity, Money, Age or the like; a Range by its two ends.
fn quantity(out: &mut Writer, node: &Value) {
    amount(out, node);
    for end in ["low", "high"].iter().filter_map(|name| node.get(name)) {
        amount(out, end);
    }
}

fn amount(out: &mut Writer, node: &Value) {
    let Some(Value::Number(number)) = node.get("value") else {
        return;
    };
    let currency = member(node, "currency");
    let (system, code) = if currency.is_empty() {
        (member(node, "system"), member(node, "code"))
    } else {
        ("urn:iso:std:iso:4217", currency)
    };
    write_value(
        out,
        ValueRef::Quantity {
            value: &number.to_string(),
            system,
            code,
            unit: member(node, "unit"),
        },
    );
}
