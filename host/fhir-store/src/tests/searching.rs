use std::collections::BTreeSet;

use super::*;

/// Observations `a00`… of anna and `t00`… of tom, dates going backwards.
async fn ward() -> Kit {
    let kit = Kit::new();
    for (patient, letter) in [("anna", 'a'), ("tom", 't')] {
        kit.put(&format!(
            r#"{{"resourceType":"Patient","id":"{patient}","gender":"female"}}"#
        ))
        .await;
        for n in 0..12 {
            let category = ["laboratory", "vital-signs"][n % 2];
            let code = ["718-7", "8867-4", "4548-4"][n % 3];
            let status = ["final", "amended"][usize::from(n > 8)];
            let day = 28 - n;
            kit.put(&format!(
                r#"{{"resourceType":"Observation","id":"{letter}{n:02}","status":"{status}",
                "category":[{{"coding":[{{"system":"http://cat","code":"{category}"}}]}}],
                "code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},
                "subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"2026-02-{day:02}"}}"#
            ))
            .await;
        }
    }
    kit
}

#[tokio::test]
async fn each_parameter_selects_what_it_says() {
    let kit = ward().await;
    for (search, expected) in [
        ("Observation?_id=a03,t04,none", "a03 t04"),
        ("Observation?_id=a03,t04&_id=t04", "t04"),
        (
            "Observation?patient=anna&code=http://loinc.org|718-7",
            "a00 a03 a06 a09",
        ),
        (
            "Observation?subject=Patient/anna&category=laboratory&code=718-7",
            "a00 a06",
        ),
        (
            "Observation?patient=Patient/anna,Patient/tom&status=amended",
            "a09 a10 a11 t09 t10 t11",
        ),
        ("Observation?patient=anna&patient=tom", ""),
        ("Observation?patient=anna&date=ge2026-02-27", "a00 a01"),
        ("Observation?patient=anna&date=2026-02-20", "a08"),
        (
            "Observation?patient=anna&status=amended&_sort=date",
            "a11 a10 a09",
        ),
        (
            "Observation?patient=anna&status=amended&_sort=-date",
            "a09 a10 a11",
        ),
        (
            "Observation?status=amended&_sort=status,-_id",
            "t11 t10 t09 a11 a10 a09",
        ),
        ("Observation?patient=nobody", ""),
        ("Patient?_id=anna", "anna"),
        ("Patient?gender=female", "anna tom"),
        ("Patient?gender=male", ""),
    ] {
        assert_eq!(kit.search(search).await.join(" "), expected, "{search}");
    }
}

#[tokio::test]
async fn the_pages_together_are_the_whole_result_once() {
    let kit = ward().await;
    for search in [
        "Observation?",
        "Observation?_sort=-date",
        "Observation?_sort=code,date",
    ] {
        let whole = kit.search(search).await;
        assert_eq!(whole.len(), 24);
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 24);
        for count in [1, 5, 23, 24, 25] {
            let permitted = everyone(query(search));
            assert_eq!(
                kit.pages(&permitted, count).await,
                whole,
                "{search} by {count}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_ends_when_it_has_many_bytes_and_the_next_one_goes_on() {
    let kit = Kit::new();
    let data = "A".repeat(3 << 20);
    for n in 0..7 {
        kit.put(&format!(
            r#"{{"resourceType":"Binary","id":"b{n}","contentType":"text/plain","data":"{data}"}}"#
        ))
        .await;
    }
    let all = everyone(query("Binary?_total=accurate"));
    let first = kit.store.search(&all, None, 1_000).await.unwrap();
    assert_eq!(first.hits.len(), 5);
    assert_eq!(first.total, Some(7));
    assert_eq!(kit.pages(&all, 1_000).await.len(), 7);
}

#[tokio::test]
async fn what_a_permit_does_not_reach_is_neither_found_nor_counted() {
    let kit = ward().await;
    for (search, expected, outside) in [
        ("Observation?_count=50", 12, false),
        ("Observation?patient=anna", 12, false),
        ("Observation?patient=tom", 0, true),
        ("Observation?patient=nobody", 0, true),
        ("Observation?patient=anna,tom", 12, true),
        ("Observation?_id=t00", 0, false),
        ("Observation?_id=t00,a00", 1, false),
        ("Patient?", 1, false),
        ("Patient?gender=female", 1, false),
        ("Patient?_id=tom", 0, true),
        ("Patient?_id=anna,tom", 1, true),
    ] {
        let found = kit
            .store
            .search(&of_patient("anna", query(search)), None, 50)
            .await;
        let found = found.unwrap();
        assert_eq!(found.total, Some(expected), "{search}");
        assert_eq!(found.hits.len() as u64, expected, "{search}");
        assert_eq!(found.outside_reach, outside, "{search}");
    }
}

#[tokio::test]
async fn a_resource_of_two_patients_is_found_once() {
    let kit = ward().await;
    kit.put(
        r#"{"resourceType":"Observation","id":"shared","status":"final",
        "subject":{"reference":"Patient/anna"},"performer":[{"reference":"Patient/tom"}]}"#,
    )
    .await;
    let reach = ["anna", "tom"].map(|id| id.parse().unwrap());
    let both = permit_system(
        SystemReason::PatientPicker,
        Reach::Patients(reach.into()),
        query("Observation?"),
    );
    assert_eq!(kit.pages(&both, 7).await.len(), 25);
    // by its performer it is in tom's compartment, but it is not about him
    assert_eq!(
        kit.search("Observation?patient=tom&_id=shared").await.len(),
        0
    );
    // who reaches tom may see it, and finds it also by the patient it is about
    let tom = of_patient("tom", query("Observation?patient=anna"));
    assert_eq!(kit.pages(&tom, 7).await, ["shared"]);
    let tom = of_patient("tom", query("Observation?_id=shared"));
    assert_eq!(kit.pages(&tom, 7).await, ["shared"]);
}

#[tokio::test]
async fn a_patient_who_links_to_another_is_not_found_with_them() {
    let kit = ward().await;
    kit.put(
        r#"{"resourceType":"Patient","id":"spy","link":[{"other":{"reference":"Patient/anna"},"type":"seealso"}]}"#,
    )
    .await;
    let found = kit.pages(&of_patient("anna", query("Patient?")), 9).await;
    assert_eq!(found, ["anna"]);
    let found = kit
        .pages(&of_patient("anna", query("Patient?_id=spy")), 9)
        .await;
    assert!(found.is_empty());
}

/// Who a search by patient finds through the index of compartments must be who it finds by
/// looking at everything.
#[test]
fn patient_parameters_select_within_the_compartment() {
    for resource_type in glovebox_fhir::resource_types() {
        let Some(named) = glovebox_fhir::compartment::parameters(resource_type) else {
            continue;
        };
        for code in ["patient", "subject"] {
            let known = glovebox_fhir::search_parameters(resource_type)
                .iter()
                .any(|parameter| parameter.code() == code);
            // a compartment parameter itself, or one that selects a part of one
            let covered = named.contains(&code)
                || named.iter().any(|other| {
                    [
                        "actor",
                        "subject",
                        "patient",
                        "participant",
                        "individual",
                        "recipient",
                        "target",
                        "link",
                        "beneficiary",
                    ]
                    .contains(other)
                });
            assert!(!known || covered, "{resource_type}:{code} {named:?}");
        }
    }
}
