//! Properties of whole charts.

mod clinical;
mod references;

use serde_json::Value;
use time::{Date, Month};

use crate::{OKAFOR_WARD, Plan, Sex, patient, roster, shared};

const TODAY: (i32, Month, u8) = (2026, Month::May, 19);

fn plan(patients: usize) -> Plan {
    let (year, month, day) = TODAY;
    Plan {
        patients,
        seed: 7,
        today: Date::from_calendar_date(year, month, day).unwrap(),
    }
}

fn text(resources: &[Value]) -> String {
    resources
        .iter()
        .map(|resource| format!("{resource}\n"))
        .collect()
}

fn is(resource: &Value, resource_type: &str) -> bool {
    resource["resourceType"] == resource_type
}

fn of<'a>(resources: &'a [Value], resource_type: &str) -> Vec<&'a Value> {
    resources
        .iter()
        .filter(|resource| is(resource, resource_type))
        .collect()
}

fn code(resource: &Value) -> &str {
    resource["code"]["coding"][0]["code"]
        .as_str()
        .unwrap_or_default()
}

fn in_category<'a>(resources: &'a [Value], category: &str) -> Vec<&'a Value> {
    let observations = resources
        .iter()
        .filter(|resource| is(resource, "Observation"));
    observations
        .filter(|resource| resource["category"][0]["coding"][0]["code"] == category)
        .collect()
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    for index in [0, 1, 2, 3, 11] {
        assert_eq!(
            text(&patient(&plan(20), index)),
            text(&patient(&plan(20), index)),
            "patient {index}"
        );
    }
    assert_eq!(text(&shared(&plan(20))), text(&shared(&plan(20))));
}

#[test]
fn a_patient_does_not_depend_on_how_many_there_are() {
    for index in 0..12 {
        assert_eq!(
            text(&patient(&plan(12), index)),
            text(&patient(&plan(400), index)),
            "patient {index}"
        );
    }
    assert_eq!(roster(&plan(12)), roster(&plan(400))[..12]);
}

#[test]
fn another_seed_gives_other_people() {
    let other = Plan {
        seed: 8,
        ..plan(20)
    };
    assert_ne!(roster(&plan(20))[3..], roster(&other)[3..]);
    assert_ne!(text(&patient(&plan(20), 0)), text(&patient(&other, 0)));
}

#[test]
fn the_three_named_patients_always_exist() {
    for patients in [0, 1, 3, 50] {
        let roster = roster(&plan(patients));
        assert_eq!(roster.len(), patients.max(3));
        let named: Vec<&str> = roster
            .iter()
            .take(3)
            .map(|entry| entry.id.as_str())
            .collect();
        assert_eq!(named, ["anna-rossi", "tom-rossi", "james-miller"]);
        let wards: Vec<Option<&str>> = roster.iter().take(3).map(|entry| entry.ward).collect();
        assert_eq!(wards, [Some(OKAFOR_WARD), None, None]);
        assert_eq!(
            (roster[0].sex, roster[0].birth_date.year()),
            (Sex::Female, 1961)
        );
        assert_eq!(
            (roster[2].sex, roster[2].birth_date.year()),
            (Sex::Male, 1955)
        );
    }
}

#[test]
fn tom_is_a_child_whose_mother_is_maria_and_who_grows() {
    let chart = patient(&plan(3), 1);
    assert!((4..=6).contains(&(TODAY.0 - roster(&plan(3))[1].birth_date.year())));
    let mother = of(&chart, "RelatedPerson");
    assert_eq!(mother.len(), 1);
    assert_eq!(mother[0]["id"], "maria-rossi");
    assert_eq!(mother[0]["patient"]["reference"], "Patient/tom-rossi");
    let series = |loinc: &str| -> Vec<f64> {
        let vitals = in_category(&chart, "vital-signs");
        vitals
            .into_iter()
            .filter(|vital| code(vital) == loinc)
            .map(|vital| number(&vital["valueQuantity"]["value"]))
            .collect()
    };
    let heights = series("8302-2");
    assert!(heights.len() >= 12 && heights.is_sorted(), "{heights:?}");
    assert!(
        (46.0..54.0).contains(&heights[0]) && heights.last().unwrap() > &95.0,
        "{heights:?}"
    );
    assert!(series("29463-7").len() >= 12 && series("9843-4").len() >= 10);
    assert!(of(&chart, "Immunization").len() >= 25);
}

#[test]
fn the_roster_is_what_the_charts_say() {
    let plan = plan(20);
    for (index, entry) in roster(&plan).iter().enumerate() {
        let chart = patient(&plan, index);
        let patients = of(&chart, "Patient");
        assert_eq!(patients.len(), 1);
        assert_eq!(patients[0]["id"], entry.id.as_str());
        assert_eq!(patients[0]["name"][0]["text"], entry.name.as_str());
        assert_eq!(patients[0]["gender"], entry.sex.code());
        let team = of(&chart, "CareTeam")[0].to_string();
        assert!(team.contains("Practitioner/rivera"), "{}", entry.id);
        assert_eq!(
            team.contains("Practitioner/okafor"),
            entry.ward.is_some(),
            "{}",
            entry.id
        );
    }
}

#[test]
fn charts_have_the_promised_size_and_every_kind_of_resource() {
    let plan = plan(100);
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    let mut most = 0;
    for index in 0..plan.count() {
        let chart = patient(&plan, index);
        most = most.max(chart.len());
        for resource in &chart {
            *kinds
                .entry(resource["resourceType"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
    }
    let total: usize = kinds.values().sum();
    assert!(
        (120..=280).contains(&(total / 100)),
        "{total} resources: {kinds:?}"
    );
    assert!(most < 1200, "{most}");
    for kind in [
        "AllergyIntolerance",
        "Appointment",
        "Binary",
        "CarePlan",
        "CareTeam",
        "Condition",
        "Coverage",
        "DiagnosticReport",
        "DocumentReference",
        "Encounter",
        "Goal",
        "Immunization",
        "MedicationRequest",
        "Observation",
        "Patient",
        "Procedure",
        "Provenance",
        "RelatedPerson",
    ] {
        assert!(kinds.contains_key(kind), "no {kind}: {kinds:?}");
    }
}

/// A FHIR decimal; the spelling is kept, so it may be an integer or a fraction.
fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is not a number"))
}
