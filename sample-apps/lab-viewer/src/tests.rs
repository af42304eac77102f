use glovebox_sdk::mock::{Host, Shown};
use glovebox_sdk::{AppError, FhirError, Value, json};

use super::*;

const HEMOGLOBIN: &str = "718-7";

fn observation(id: &str, loinc: &str, name: &str, date: &str, change: Value) -> Value {
    let mut resource = json!({
        "resourceType": "Observation", "id": id, "status": "final",
        "category": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc, "display": name}]},
        "subject": {"reference": "Patient/anna"},
        "effectiveDateTime": date,
    });
    for (key, value) in change.as_object().unwrap() {
        match value {
            Value::Null => {
                resource.as_object_mut().unwrap().remove(key);
            }
            value => resource[key] = value.clone(),
        }
    }
    resource
}

fn hemoglobin(id: &str, date: &str, value: &str, change: Value) -> Value {
    let number: Value = value.parse().unwrap();
    let mut full = json!({
        "valueQuantity": {"value": number, "unit": "g/dL"},
        "referenceRange": [{"low": {"value": 12.0}, "high": {"value": 16.0}}],
    });
    for (key, value) in change.as_object().unwrap() {
        full[key] = value.clone();
    }
    observation(id, HEMOGLOBIN, "Hemoglobin", date, full)
}

fn open(resources: impl IntoIterator<Item = Value>) -> Shown {
    Host::new("anna")
        .with_resources(resources)
        .run::<LabViewer>()
        .open()
        .unwrap()
}

#[test]
fn the_latest_value_of_each_test_is_listed_with_flag_range_and_date() {
    let screen = open([
        hemoglobin("1", "2024-01-01", "13.10", json!({})),
        hemoglobin("2", "2025-01-01", "11.90", json!({})),
        observation(
            "3",
            "2345-7",
            "Glucose",
            "2025-03-01",
            json!({"valueQuantity": {"value": 300, "unit": "mg/dL"},
                   "interpretation": [{"coding": [{"code": "HH"}]}]}),
        ),
    ]);
    let text = screen.text();
    assert!(
        text.contains("(Hemoglobin) | 11.90 g/dL | [caution] Low | 12.0 – 16.0 | 2025-01-01 | 2"),
        "{text}"
    );
    assert!(
        text.contains("(Glucose) | 300 mg/dL | [danger] Critically high |  | 2025-03-01 | 1"),
        "{text}"
    );
    assert!(text.contains("2 of 2 latest results are marked"), "{text}");
    assert_eq!(screen.actions(), ["period", "open:2345-7", "open:718-7"]);
}

#[test]
fn every_kind_of_value_is_shown() {
    for (value, shown) in [
        (json!({"valueString": "cloudy"}), "cloudy"),
        (
            json!({"valueCodeableConcept": {"coding": [{"code": "1", "display": "Positive"}]}}),
            "Positive",
        ),
        (json!({"valueQuantity": {"value": 7.0}}), "| 7.0 |"),
        (
            json!({"valueQuantity": {"value": 5, "comparator": "<", "unit": "mg/L"}}),
            "< 5 mg/L",
        ),
        (json!({"valueBoolean": true}), "| yes |"),
        (json!({"valueInteger": 3}), "| 3 |"),
        (
            json!({"valueRange": {"low": {"value": 1}, "high": {"value": 2}}}),
            "1 to 2",
        ),
        (
            json!({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}),
            "1 : 128",
        ),
        (
            json!({"dataAbsentReason": {"text": "sample haemolysed"}}),
            "not available: sample haemolysed",
        ),
        (json!({}), "not available"),
    ] {
        let text = open([observation("1", "x-1", "Test", "2025-01-01", value)]).text();
        assert!(text.contains(shown), "{shown}: {text}");
    }
}

#[test]
fn every_kind_of_date_is_understood() {
    for (change, shown) in [
        (json!({}), "| 2025-01-01 |"),
        (
            json!({"effectiveDateTime": null, "effectiveInstant": "2025-02-01T08:00:00Z"}),
            "2025-02-01T08:00:00Z",
        ),
        (
            json!({"effectiveDateTime": null,
                   "effectivePeriod": {"start": "2025-03-01", "end": "2025-03-02"}}),
            "2025-03-02",
        ),
        (
            json!({"effectiveDateTime": null, "issued": "2025-04-01T08:00:00Z"}),
            "2025-04-01T08:00:00Z",
        ),
        (json!({"effectiveDateTime": null}), "no date"),
    ] {
        let text = open([observation("1", "x-1", "Test", "2025-01-01", change)]).text();
        assert!(text.contains(shown), "{shown}: {text}");
    }
}

#[test]
fn components_of_a_panel_are_tests_of_their_own() {
    let screen = open([observation(
        "1",
        "24331-1",
        "Lipid panel",
        "2025-01-01",
        json!({"component": [
            {"code": {"coding": [{"system": "http://loinc.org", "code": "2093-3", "display": "Cholesterol"}]},
             "valueQuantity": {"value": 210, "unit": "mg/dL"}},
            {"code": {"text": "Remark"}, "valueString": "fasting"}]}),
    )]);
    assert_eq!(screen.actions(), ["period", "open:2093-3", "open:remark"]);
    assert!(!screen.contains("Lipid panel"));
}

#[test]
fn mistakes_are_not_results_and_preliminary_ones_say_so() {
    let mut app = Host::new("anna")
        .with_resources([
            hemoglobin(
                "1",
                "2025-01-01",
                "1.0",
                json!({"status": "entered-in-error"}),
            ),
            hemoglobin("2", "2025-01-02", "2.0", json!({"status": "cancelled"})),
            hemoglobin("3", "2025-01-03", "13.5", json!({"status": "preliminary"})),
        ])
        .run::<LabViewer>();
    app.open().unwrap();
    let text = app.press("open:718-7", &[]).unwrap().text();
    assert!(text.contains("13.5 g/dL | [good] Normal | 12.0 – 16.0 | preliminary"));
    assert!(!text.contains("1.0 g/dL") && !text.contains("2.0 g/dL |"));
}

#[test]
fn a_test_opens_as_a_trend_in_order_of_time_and_closes_again() {
    let mut app = Host::new("anna")
        .with_resources([
            hemoglobin("1", "2025-03-01T00:30:00+02:00", "13.3", json!({})),
            hemoglobin("2", "2025-02-28T23:00:00Z", "13.2", json!({})),
            hemoglobin("3", "2025-01", "13.1", json!({})),
            hemoglobin(
                "4",
                "2025-04-01",
                "8.1",
                json!({"valueQuantity": {"value": 8.1, "unit": "mmol/L"}, "referenceRange": []}),
            ),
            hemoglobin("5", "2025-05-01", "13.9", json!({})),
        ])
        .run::<LabViewer>();
    app.open().unwrap();
    let text = app.press("open:718-7", &[]).unwrap().text();
    assert!(
        text.contains(
            "Hemoglobin: 2025-01=13.1 2025-03-01T00:30:00+02:00=13.3 2025-02-28T23:00:00Z=13.2 2025-05-01=13.9"
        ),
        "{text}"
    );
    assert!(text.contains("1 of 5 results cannot be drawn"), "{text}");
    assert!(text.contains("LOINC: 718-7"));
    assert_eq!(
        app.press("back", &[]).unwrap().title(),
        "Laboratory results"
    );
}

#[test]
fn the_period_counts_back_from_now_and_stays_while_moving_about() {
    let mut app = Host::new("anna")
        .with_now("2026-01-15T12:00:00Z")
        .with_resources([
            hemoglobin("1", "2025-01-15", "13.1", json!({})),
            hemoglobin("2", "2025-01-14", "13.2", json!({})),
            hemoglobin("3", "2020-01-01", "13.3", json!({})),
            observation(
                "4",
                "x-1",
                "Old test",
                "2019-01-01",
                json!({"valueString": "a"}),
            ),
        ])
        .run::<LabViewer>();
    assert!(app.open().unwrap().contains("Old test"));
    let year = app.press("period", &[("period", "1y")]).unwrap();
    assert!(!year.contains("Old test") && year.contains("13.1"));
    let test = app.press("open:718-7", &[]).unwrap();
    assert!(!test.contains("13.2"));
    let test = app.press("period", &[("period", "5y")]).unwrap();
    assert_eq!(test.title(), "Hemoglobin");
    assert!(test.contains("13.2") && !test.contains("13.3"));
    assert!(app.refresh().unwrap().contains("13.2"));
}

#[test]
fn an_open_test_without_results_in_the_period_stays_open() {
    let mut app = Host::new("anna")
        .with_resource(observation(
            "4",
            "x-1",
            "Old test",
            "2019-01-01",
            json!({"valueString": "a"}),
        ))
        .run::<LabViewer>();
    app.open().unwrap();
    app.press("open:x-1", &[]).unwrap();
    let screen = app.press("period", &[("period", "1y")]).unwrap();
    assert_eq!(screen.title(), "Old test");
    assert!(screen.contains("No results in this period"));
    let overview = app.press("back", &[]).unwrap();
    assert!(overview.contains("choose a longer period"));
}

#[test]
fn no_results_is_a_kind_sentence() {
    assert!(open([]).contains("No laboratory results yet"));
}

#[test]
fn more_results_than_are_looked_at_are_announced() {
    let many = (0..600).map(|i| {
        let date = format!("20{:02}-{:02}-01", 10 + i / 48, 1 + i % 12);
        hemoglobin(&i.to_string(), &date, "13.0", json!({}))
    });
    assert!(open(many).contains("Only the newest 500 results are shown"));
}

#[test]
fn what_was_not_granted_is_named_and_no_patient_is_explained() {
    let refused = FhirError::NotGranted("patient/Observation.rs".to_owned());
    let error = Host::new("anna")
        .with_failure("Observation", refused)
        .run::<LabViewer>()
        .open()
        .unwrap_err();
    assert_eq!(error, AppError::Needs("patient/Observation.rs".to_owned()));
    let error = Host::new("anna")
        .with_launch(|launch| launch.patient = None)
        .run::<LabViewer>()
        .open()
        .unwrap_err();
    assert!(matches!(error, AppError::Message(_)));
}
