//! Ids, references and dates.

use std::collections::HashSet;

use serde_json::Value;

use super::{of, plan};
use crate::{calendar::day, patient, shared};

fn key(resource: &Value) -> String {
    format!(
        "{}/{}",
        resource["resourceType"].as_str().unwrap(),
        resource["id"].as_str().unwrap()
    )
}

/// Calls `visit` with every member name and string below a value.
fn strings(value: &Value, name: &str, visit: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(name, text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, name, visit)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| strings(field, name, visit)),
        Value::Null => panic!("null under {name}"),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn every_reference_resolves_in_the_chart_or_the_shared_resources() {
    let plan = plan(30);
    let shared = shared(&plan);
    let common: HashSet<String> = shared.iter().map(key).collect();
    let mut checked = 0;
    let mut check = |resources: &[Value], known: &HashSet<String>| {
        for resource in resources {
            strings(resource, "", &mut |name, text| {
                if name == "reference" || (name == "url" && text.starts_with("Binary/")) {
                    checked += 1;
                    assert!(known.contains(text), "{} refers to {text}", key(resource));
                }
            });
        }
    };
    check(&shared, &common);
    for index in 0..plan.count() {
        let chart = patient(&plan, index);
        let known: HashSet<String> = chart
            .iter()
            .map(key)
            .chain(common.iter().cloned())
            .collect();
        check(&chart, &known);
    }
    assert!(checked > 5_000, "{checked}");
}

#[test]
fn ids_are_valid_and_unique_in_the_whole_plan() {
    let plan = plan(30);
    let mut seen = HashSet::new();
    let charts = (0..plan.count()).flat_map(|index| patient(&plan, index));
    for resource in shared(&plan).into_iter().chain(charts) {
        let id = resource["id"].as_str().unwrap();
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        assert!(
            (1..=64).contains(&id.len()) && id.bytes().all(is_valid),
            "{id}"
        );
        assert!(seen.insert(key(&resource)), "{id} twice");
    }
}

#[test]
fn everything_about_a_patient_names_that_patient() {
    let plan = plan(12);
    for index in 0..plan.count() {
        let chart = patient(&plan, index);
        let own = key(of(&chart, "Patient")[0]);
        for resource in &chart {
            strings(resource, "", &mut |_, text| {
                assert!(
                    !text.starts_with("Patient/") || text == own,
                    "{} names {text}",
                    key(resource)
                );
            });
            let subject = ["subject", "patient", "beneficiary", "securityContext"]
                .into_iter()
                .find_map(|name| resource.get(name));
            let exempt = ["Patient", "Provenance", "Appointment"]
                .contains(&resource["resourceType"].as_str().unwrap());
            assert!(
                exempt || subject.is_some_and(|subject| subject["reference"] == own.as_str()),
                "{}",
                key(resource)
            );
        }
    }
}

#[test]
fn dates_are_well_formed_after_birth_and_not_in_the_future() {
    let plan = plan(30);
    let today = day(plan.today);
    let is_date = |text: &str| {
        let shape: String = text
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        shape == "9999-99-99" || shape == "9999-99-99T99:99:99Z"
    };
    for index in 0..plan.count() {
        let chart = patient(&plan, index);
        let birth = of(&chart, "Patient")[0]["birthDate"]
            .as_str()
            .unwrap()
            .to_owned();
        for resource in &chart {
            strings(resource, "", &mut |name, text| {
                let is_temporal = [
                    "start",
                    "end",
                    "date",
                    "issued",
                    "recorded",
                    "authoredOn",
                    "created",
                ]
                .contains(&name)
                    || name.ends_with("Date")
                    || name.ends_with("DateTime");
                if !is_temporal {
                    return;
                }
                let at = format!("{} {name} {text}", key(resource));
                assert!(is_date(text), "{at}");
                assert!(text >= birth.as_str(), "{at} is before birth on {birth}");
                let may_lie_ahead = name == "dueDate"
                    || (resource["resourceType"] == "Appointment"
                        && ["start", "end"].contains(&name));
                assert!(
                    may_lie_ahead || text < today.as_str(),
                    "{at} is in the future"
                );
            });
        }
        for appointment in of(&chart, "Appointment") {
            assert!(appointment["start"].as_str().unwrap() > today.as_str());
        }
    }
}
