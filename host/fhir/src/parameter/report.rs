//! Every search parameter of R4: its expression is read and gives values, or it stands in
//! `definitions/unsupported-parameters.txt` with the reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::*;
use crate::expression::Step;
use crate::{Facts, Limits, Resource};

const LIST: &str = include_str!("../../definitions/unsupported-parameters.txt");
const LIST_PATH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/definitions/unsupported-parameters.txt"
);

/// The list as it should be: parameter, reason, types.
fn list() -> String {
    let mut by_code: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for name in types::resource_types() {
        for parameter in search_parameters(name) {
            if let Some(reason) = parameter.unsupported() {
                by_code
                    .entry((parameter.code, reason))
                    .or_default()
                    .push(name);
            }
        }
    }
    let mut text = String::new();
    for ((code, reason), names) in by_code {
        let names = if names.len() == types::resource_types().len() {
            "all types".to_owned()
        } else if names.len() > 20 {
            format!("{} types", names.len())
        } else {
            names.join(", ")
        };
        writeln!(text, "{code}: {reason} ({names})").unwrap();
    }
    text
}

#[test]
fn what_is_not_supported_is_listed_by_name_with_the_reason() {
    let list = list();
    if LIST != list {
        std::fs::write(LIST_PATH, &list).unwrap();
    }
    assert_eq!(
        LIST, list,
        "the list was written anew: read it and run again"
    );
}

/// A value of the data type that the kind reads most often.
fn leaf(kind: ParameterKind) -> Value {
    match kind {
        ParameterKind::Token => json!({"coding": [{"system": "s", "code": "c"}]}),
        ParameterKind::Reference => json!({"reference": "Patient/p"}),
        ParameterKind::Date => json!("2024-05-31"),
        ParameterKind::String => json!("text"),
        ParameterKind::Quantity => json!({"value": 1.50, "code": "mg"}),
        ParameterKind::Number => json!(1.50),
        ParameterKind::Uri => json!("http://a.example"),
        ParameterKind::Composite | ParameterKind::Special => json!({}),
    }
}

/// A value from which `steps` lead to `end`; what a filter demands is there.
fn around(steps: &[Step], end: Value) -> Value {
    let mut value = end;
    for step in steps.iter().rev() {
        value = match step {
            Step::Field(name) => json!({ *name: value }),
            Step::OneOf(names) => json!({ names[0].as_str(): value }),
            Step::Index(at) => json!(vec![value; at + 1]),
            Step::WhereEquals(name, literal) => {
                value[*name] = json!(literal);
                value
            }
            Step::WhereResolves(name) => json!({"reference": format!("{name}/p")}),
            Step::ExistsAndIsNotFalse => json!(true),
        };
    }
    value
}

/// Lays one value over another, member by member.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn values_of(name: &str, code: &str, body: Value) -> usize {
    let mut resource = json!({"resourceType": name});
    merge(&mut resource, body);
    let text = resource.to_string();
    let resource = Resource::parse(text.as_bytes(), Limits::RESOURCE).unwrap();
    Facts::extract(&resource).view().values(code).count()
}

#[test]
fn every_other_expression_of_every_type_gives_values() {
    let mut looked_at = 0;
    for name in types::resource_types() {
        for parameter in search_parameters(name) {
            let code = parameter.code;
            let in_header = ["_id", "_lastUpdated", "_security"].contains(&code);
            if in_header || parameter.unsupported().is_some() {
                continue;
            }
            looked_at += 1;
            if parameter.kind == ParameterKind::Composite {
                for group in parameter.groups() {
                    let mut element = json!({});
                    let mut whole = json!({});
                    for part in &group.parts {
                        let path = &part.paths[0];
                        let value = around(&path.steps, leaf(part.kind));
                        merge(
                            if path.from_resource {
                                &mut whole
                            } else {
                                &mut element
                            },
                            value,
                        );
                    }
                    merge(&mut whole, around(&group.path.steps, element));
                    assert_eq!(values_of(name, code, whole), 1, "{name} {code}");
                }
                continue;
            }
            for path in parameter.paths() {
                let end = leaf(parameter.kind);
                let found = values_of(name, code, around(&path.steps, end));
                assert!(found > 0, "{name} {code} {path:?}");
            }
        }
    }
    assert!(looked_at > 2_000, "{looked_at}");
}
