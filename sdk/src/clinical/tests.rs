use serde_json::json;

use super::*;

#[test]
fn dates_of_different_precision_and_offset_are_ordered() {
    let in_order = [
        "1969-12-31",
        "1970",
        "2024-02-29",
        "2024-03",
        "2024-03-01T00:30:00+02:00",
        "2024-03-01T00:00:00.5Z",
        "2024-03-01T01:00Z",
        "2024-02-29T23:00:00-05:00",
        "2024-03-02",
    ];
    let keys: Vec<i64> = in_order.iter().filter_map(|d| order_key(d)).collect();
    assert_eq!(keys.len(), in_order.len());
    assert_eq!(keys[1], 0);
    assert_eq!(order_key("2026-01-15T12:00:00Z"), Some(1_768_478_400));
    // "2024-03" counts as its first moment, which is after 00:30 in a zone east of UTC
    assert!(keys[4] < keys[3] && keys[5] == keys[3] && keys[6] < keys[7]);
    for text in [
        "",
        "x",
        "2024-13",
        "2024-1-1",
        "2024-01-01T",
        "é024-01-01",
        "2024-01-01T1",
        "-024",
    ] {
        assert_eq!(order_key(text), None, "{text}");
    }
}

#[test]
fn years_go_back_to_a_day_that_exists() {
    for (date, years, expected) in [
        ("2026-01-15T12:00:00Z", 1, Some("2025-01-15")),
        ("2024-02-29", 5, Some("2019-02-28")),
        ("2024", 1, Some("2023-01-01")),
        ("soon", 1, None),
    ] {
        assert_eq!(years_before(date, years).as_deref(), expected, "{date}");
    }
}

#[test]
fn decimals_keep_their_spelling() {
    for spelled in ["7.0", "0.10", "-3.50", "12345678901234567890.123"] {
        let text = format!(r#"{{"valueQuantity": {{"value": {spelled}, "code": "mg"}}}}"#);
        let resource: Value = serde_json::from_str(&text).unwrap();
        let Measured::Quantity { value, unit, .. } = Observation::new(&resource).value() else {
            panic!("{text}")
        };
        assert_eq!((value.as_str(), unit.as_str()), (spelled, "mg"));
    }
}

#[test]
fn resources_of_the_wrong_shape_have_no_value_and_never_panic() {
    for resource in [
        json!(null),
        json!([]),
        json!({"code": 3, "valueQuantity": "x", "interpretation": {}, "referenceRange": [1]}),
        json!({"name": [{"given": "x"}], "component": [null], "reaction": 1}),
    ] {
        let observation = Observation::new(&resource);
        assert_eq!(observation.value(), Measured::Absent(None));
        assert_eq!(observation.interpretation(), None);
        assert_eq!(observation.loinc(), None);
        assert_eq!(Patient::new(&resource).name(), None);
        assert_eq!(AllergyIntolerance::new(&resource).reactions(), "");
        assert!(MedicationRequest::new(&resource).medication().is_none());
    }
}

#[test]
fn a_reference_range_judges_and_reads_well() {
    let range = |low: Option<&str>, high: Option<&str>| ReferenceRange {
        low: low.map(str::to_owned),
        high: high.map(str::to_owned),
        text: None,
    };
    for (range, value, judged, words) in [
        (range(Some("1"), Some("2")), "2.0", Some("N"), "1 – 2"),
        (range(Some("1"), Some("2")), "2.1", Some("H"), "1 – 2"),
        (range(Some("1"), None), "0.9", Some("L"), "≥ 1"),
        (range(None, Some("2")), "x", None, "≤ 2"),
        (range(None, None), "1", None, ""),
    ] {
        assert_eq!(range.judge(value), judged);
        assert_eq!(range.words(), words);
    }
}

#[test]
fn a_name_is_the_official_one_and_never_an_old_one() {
    let patient = json!({"name": [
        {"use": "old", "family": "Bianchi"},
        {"use": "usual", "text": "Annie"},
        {"use": "official", "given": ["Anna", "M."], "family": "Rossi"}]});
    assert_eq!(
        Patient::new(&patient).name().as_deref(),
        Some("Anna M. Rossi")
    );
    let married = json!({"name": [{"use": "old", "family": "Bianchi"}]});
    assert_eq!(Patient::new(&married).name(), None);
}
