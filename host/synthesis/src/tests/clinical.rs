//! What a clinician would notice.

use serde_json::Value;

use super::{code, in_category, number, of, plan};
use crate::{patient, shared};

/// What a living patient may have, by LOINC code; wider than any reference range.
fn survivable(loinc: &str) -> (f64, f64) {
    match loinc {
        "4548-4" => (4.0, 14.0),
        "2345-7" => (50.0, 450.0),
        "3094-0" => (3.0, 60.0),
        "2160-0" => (0.3, 4.0),
        "98979-8" => (12.0, 140.0),
        "2951-2" => (128.0, 150.0),
        "2823-3" => (2.9, 6.0),
        "2028-9" => (17.0, 36.0),
        "17861-6" => (8.0, 11.0),
        "1742-6" | "1920-8" => (5.0, 90.0),
        "2093-3" => (85.0, 340.0),
        "2085-9" => (22.0, 100.0),
        "13457-7" => (20.0, 240.0),
        "2571-8" => (30.0, 420.0),
        "718-7" => (7.0, 18.5),
        "4544-3" => (22.0, 56.0),
        "6690-2" => (2.5, 20.0),
        "777-3" => (110.0, 520.0),
        "787-2" => (60.0, 104.0),
        "3016-3" => (0.05, 15.0),
        "3024-7" => (0.3, 2.2),
        "6301-6" => (0.8, 5.5),
        "1988-5" => (0.1, 60.0),
        "2276-4" => (1.0, 450.0),
        "9318-7" => (1.0, 200.0),
        "30934-4" => (5.0, 400.0),
        "2857-1" => (0.1, 6.0),
        "5671-3" => (0.1, 5.0),
        "8480-6" => (70.0, 185.0),
        "8462-4" => (40.0, 115.0),
        "8867-4" => (45.0, 170.0),
        "9279-1" => (10.0, 50.0),
        "8310-5" => (36.0, 40.0),
        "59408-5" => (85.0, 100.0),
        "8302-2" => (44.0, 205.0),
        "29463-7" => (2.2, 160.0),
        "39156-5" => (11.5, 42.0),
        "9843-4" => (31.0, 54.0),
        other => panic!("no limits for {other}"),
    }
}

fn assert_survivable(what: &Value, at: &Value) {
    let (low, high) = survivable(code(what));
    let value = number(&what["valueQuantity"]["value"]);
    assert!(
        (low..=high).contains(&value),
        "{}: {} = {value}",
        at["id"],
        code(what)
    );
}

#[test]
fn every_value_is_one_that_a_living_patient_can_have() {
    let plan = plan(80);
    for index in 0..plan.count() {
        let chart = patient(&plan, index);
        for observation in in_category(&chart, "laboratory")
            .into_iter()
            .chain(in_category(&chart, "vital-signs"))
        {
            match observation["component"].as_array() {
                Some(parts) => parts
                    .iter()
                    .for_each(|part| assert_survivable(part, observation)),
                None => assert_survivable(observation, observation),
            }
        }
    }
}

#[test]
fn every_laboratory_result_has_code_unit_range_and_the_flag_that_follows() {
    let plan = plan(60);
    let mut flags = std::collections::BTreeMap::<String, usize>::new();
    for index in 0..plan.count() {
        for result in in_category(&patient(&plan, index), "laboratory") {
            assert_eq!(result["code"]["coding"][0]["system"], "http://loinc.org");
            let quantity = &result["valueQuantity"];
            assert_eq!(quantity["system"], "http://unitsofmeasure.org");
            assert!(
                quantity["code"]
                    .as_str()
                    .is_some_and(|ucum| !ucum.is_empty())
            );
            let range = &result["referenceRange"][0];
            let limit = |name: &str| range.get(name).map(|limit| number(&limit["value"]));
            assert!(limit("low").is_some() || limit("high").is_some());
            let value = number(&quantity["value"]);
            let expected = if limit("low").is_some_and(|low| value < low) {
                "L"
            } else if limit("high").is_some_and(|high| value > high) {
                "H"
            } else {
                "N"
            };
            let flag = result["interpretation"][0]["coding"][0]["code"]
                .as_str()
                .unwrap();
            assert_eq!(flag, expected, "{}", result["id"]);
            *flags.entry(flag.to_owned()).or_default() += 1;
        }
    }
    let flagged = (flags["H"] + flags["L"]) as f64 / flags.values().sum::<usize>() as f64;
    assert!((0.03..0.4).contains(&flagged), "{flags:?}");
}

#[test]
fn check_digits_of_codes_hold() {
    // A wrong digit in a LOINC or SNOMED CT code is caught by the code's own check digit.
    let plan = plan(60);
    let mut resources = shared(&plan);
    resources.extend((0..plan.count()).flat_map(|index| patient(&plan, index)));
    let mut checked = std::collections::BTreeSet::new();
    fn codings(value: &Value, into: &mut std::collections::BTreeSet<(String, String)>) {
        if let (Some(system), Some(code)) = (value["system"].as_str(), value["code"].as_str()) {
            into.insert((system.to_owned(), code.to_owned()));
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| codings(item, into)),
            Value::Object(fields) => fields.values().for_each(|field| codings(field, into)),
            _ => {}
        }
    }
    resources
        .iter()
        .for_each(|resource| codings(resource, &mut checked));
    let count = |system: &str| checked.iter().filter(|(of, _)| of == system).count();
    assert!(
        count("http://loinc.org") > 50 && count("http://snomed.info/sct") > 40,
        "{}",
        checked.len()
    );
    for (system, code) in &checked {
        match system.as_str() {
            "http://loinc.org" => assert!(is_mod10(code), "LOINC {code}"),
            "http://snomed.info/sct" => assert!(is_verhoeff(code), "SNOMED CT {code}"),
            _ => {}
        }
    }
}

/// LOINC's check digit: Luhn over the number before the hyphen.
fn is_mod10(code: &str) -> bool {
    let digits = code.bytes().filter(u8::is_ascii_digit).rev().enumerate();
    let sum = digits.fold(0u32, |sum, (place, byte)| {
        let digit = u32::from(byte - b'0') * if place % 2 == 1 { 2 } else { 1 };
        sum + digit / 10 + digit % 10
    });
    sum.is_multiple_of(10)
}

/// The check digit of SNOMED CT identifiers: Verhoeff's dihedral scheme.
fn is_verhoeff(code: &str) -> bool {
    let times = |a: usize, b: usize| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let step = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let digits = code.bytes().rev().enumerate();
    digits.fold(0, |sum, (place, byte)| {
        let permuted = (0..place % 8).fold(usize::from(byte - b'0'), |digit, _| step[digit]);
        times(sum, permuted)
    }) == 0
}

#[test]
fn anna_has_a_rich_laboratory_record_that_shows_her_treatment() {
    let chart = patient(&plan(3), 0);
    let results = in_category(&chart, "laboratory");
    assert!((200..=360).contains(&results.len()), "{}", results.len());
    let series = |loinc: &str| -> Vec<f64> {
        let of_test = results.iter().filter(|result| code(result) == loinc);
        of_test
            .map(|result| number(&result["valueQuantity"]["value"]))
            .collect()
    };
    let a1c = series("4548-4");
    assert!(a1c.len() >= 22, "{a1c:?}");
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    // Found high, lower under metformin a year later.
    assert!(a1c[0] > 8.0 && mean(&a1c[3..6]) < a1c[0] - 1.0, "{a1c:?}");
    let ldl = series("13457-7");
    assert!(ldl[0] > ldl[2] + 25.0, "{ldl:?}");
    for test in ["2345-7", "2160-0", "98979-8", "2951-2", "2823-3"] {
        assert!(series(test).len() >= 22, "{test}");
    }
    for test in [
        "2093-3", "2085-9", "2571-8", "718-7", "6690-2", "777-3", "3016-3", "1742-6",
    ] {
        assert!(series(test).len() >= 7, "{test}");
    }
    let dates: Vec<&str> = results
        .iter()
        .map(|result| result["effectiveDateTime"].as_str().unwrap())
        .collect();
    assert!(dates.is_sorted() && dates[0] < "2018-01-01", "{}", dates[0]);
    let creatinine = results.iter().filter(|result| code(result) == "2160-0");
    for spelled in creatinine.map(|result| result["valueQuantity"]["value"].to_string()) {
        assert_eq!(
            spelled.split('.').nth(1).map(str::len),
            Some(2),
            "{spelled}"
        );
    }
    let problems: Vec<&str> = of(&chart, "Condition").into_iter().map(code).collect();
    assert!(
        problems.contains(&"44054006") && problems.contains(&"59621000"),
        "{problems:?}"
    );
}

/// The RxNorm code of a request, through the shared Medication if it refers to one.
fn rx_norm(request: &Value, shared: &[Value]) -> String {
    if let Some(reference) = request["medicationReference"]["reference"].as_str() {
        let id = reference.trim_start_matches("Medication/");
        let medications = of(shared, "Medication");
        let medication = medications
            .into_iter()
            .find(|medication| medication["id"] == id);
        return code(medication.unwrap()).to_owned();
    }
    let named = &request["medicationCodeableConcept"]["coding"][0]["code"];
    named.as_str().unwrap().to_owned()
}

#[test]
fn james_has_what_a_medication_check_must_find() {
    let plan = plan(3);
    let chart = patient(&plan, 2);
    let medications = shared(&plan);
    let requests = of(&chart, "MedicationRequest");
    let active: Vec<String> = requests
        .into_iter()
        .filter(|request| request["status"] == "active")
        .map(|request| rx_norm(request, &medications))
        .collect();
    let count = |code: &str| active.iter().filter(|active| *active == code).count();
    assert_eq!(count("6918"), 2, "metoprolol twice: {active:?}");
    assert_eq!(count("723"), 1, "amoxicillin: {active:?}");
    assert_eq!(count("11289"), 1, "warfarin: {active:?}");
    let allergies = of(&chart, "AllergyIntolerance");
    assert_eq!(allergies.len(), 1);
    assert_eq!(code(allergies[0]), "7980");
    assert_eq!(
        allergies[0]["reaction"][0]["substance"]["coding"][0]["code"],
        "723"
    );
    let inr = in_category(&chart, "laboratory")
        .into_iter()
        .filter(|result| code(result) == "6301-6")
        .count();
    assert!(inr > 20, "{inr}");
}

#[test]
fn nobody_else_takes_the_same_drug_twice_or_one_they_are_allergic_to() {
    let plan = plan(80);
    let shared = shared(&plan);
    for index in (0..plan.count()).filter(|index| *index != 2) {
        let chart = patient(&plan, index);
        let mut active = std::collections::BTreeSet::new();
        for request in of(&chart, "MedicationRequest")
            .into_iter()
            .filter(|request| request["status"] == "active")
        {
            let drug = rx_norm(request, &shared);
            assert!(
                active.insert(drug.clone()),
                "{}: {drug} twice",
                request["id"]
            );
        }
        for allergy in of(&chart, "AllergyIntolerance") {
            assert!(!active.contains(code(allergy)), "{}", allergy["id"]);
            let culprit = allergy["reaction"][0]["substance"]["coding"][0]["code"]
                .as_str()
                .unwrap_or_default();
            assert!(!active.contains(culprit), "{}", allergy["id"]);
        }
    }
}
