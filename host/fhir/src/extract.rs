//! From a resource's JSON to the values that a path selects.

use serde_json::Value;

use crate::Reference;
use crate::expression::{Path, RelativePath, Step};

static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);

/// The values that the paths select, arrays opened.
pub(crate) fn select<'a>(resource: &'a Value, paths: &[Path]) -> Vec<&'a Value> {
    let mut found = Vec::new();
    for path in paths {
        let mut nodes = vec![resource];
        for step in &path.steps {
            nodes = advance(nodes, step);
        }
        found.extend(nodes);
    }
    found
}

/// The values that one part of a composite selects inside a group.
pub(crate) fn select_part<'a>(
    resource: &'a Value,
    group: &'a Value,
    paths: &[RelativePath],
) -> Vec<&'a Value> {
    let mut found = Vec::new();
    for path in paths {
        let mut nodes = vec![if path.from_resource { resource } else { group }];
        for step in &path.steps {
            nodes = advance(nodes, step);
        }
        found.extend(nodes);
    }
    found
}

fn advance<'a>(nodes: Vec<&'a Value>, step: &Step) -> Vec<&'a Value> {
    match step {
        Step::Field(name) => children(&nodes, name),
        Step::OneOf(names) => names
            .iter()
            .flat_map(|name| children(&nodes, name))
            .collect(),
        Step::Index(at) => nodes.get(*at).copied().into_iter().collect(),
        Step::WhereEquals(name, literal) => nodes
            .into_iter()
            .filter(|node| node.get(name).and_then(Value::as_str) == Some(literal))
            .collect(),
        Step::WhereResolves(name) => nodes
            .into_iter()
            .filter(|node| Reference::of(node).and_then(|r| r.resource_type()) == Some(name))
            .collect(),
        Step::ExistsAndIsNotFalse => {
            let known = nodes.iter().any(|node| **node != FALSE);
            vec![if known { &TRUE } else { &FALSE }]
        }
    }
}

fn children<'a>(nodes: &[&'a Value], name: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    for node in nodes {
        match node.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => found.extend(items.iter().filter(|i| !i.is_null())),
            Some(one) => found.push(one),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter;
    use serde_json::json;

    fn check(resource: &Value, code: &str, expected: Value) {
        let name = resource["resourceType"].as_str().unwrap();
        let parameter = parameter::find(name, code).unwrap();
        assert_eq!(
            json!(select(resource, parameter.paths())),
            expected,
            "{name} {code}"
        );
    }

    #[test]
    fn each_kind_of_step_selects_what_it_says() {
        let observation = json!({
            "resourceType": "Observation",
            "effectivePeriod": {"start": "2024"},
            "effectiveBot": "2020",
            "subject": {"reference": "Group/1"},
            "focus": [{"reference": "Patient/2"}],
            "valueQuantity": {"value": 1},
            "component": [{"valueQuantity": {"value": 2}}, {"valueString": "x"}],
        });
        check(&observation, "date", json!([{"start": "2024"}]));
        check(&observation, "subject", json!([{"reference": "Group/1"}]));
        check(&observation, "patient", json!([]));
        check(
            &observation,
            "combo-value-quantity",
            json!([{"value": 1}, {"value": 2}]),
        );
        let patient = |deceased: Value| {
            json!({
                "resourceType": "Patient", "deceasedBoolean": deceased,
                "telecom": [{"system": "email", "value": "a"}, {"system": "phone", "value": "b"}],
            })
        };
        check(&patient(json!(true)), "deceased", json!([true]));
        check(&patient(json!(false)), "deceased", json!([false]));
        check(&patient(Value::Null), "deceased", json!([false]));
        check(
            &patient(Value::Null),
            "phone",
            json!([{"system": "phone", "value": "b"}]),
        );
        let bundle = json!({
            "resourceType": "Bundle",
            "entry": [{"resource": {"resourceType": "Composition"}}, {"resource": {}}],
        });
        check(
            &bundle,
            "composition",
            json!([{"resourceType": "Composition"}]),
        );
    }
}
