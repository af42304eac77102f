use glovebox_synthesis::Plan;
use proptest::prelude::*;
use time::macros::date;

use super::*;

async fn consider(kit: &Kit, json: &str, update: bool) -> Put {
    let interaction = Interaction::update(resource(json), None).unwrap();
    kit.store
        .consider(&everyone(interaction), update, at(0))
        .await
        .unwrap()
}

const ANNA: &str =
    r#"{"resourceType":"Patient","id":"anna","birthDate":"1975-04-02","multipleBirthInteger":1.0}"#;

#[tokio::test]
async fn an_equal_resource_is_unchanged_and_a_differing_one_is_refused_unless_updating() {
    let kit = Kit::new();
    kit.put(ANNA).await;
    let reordered = r#"{"multipleBirthInteger":1.0,"id":"anna", "birthDate":"1975-04-02",
        "meta":{"versionId":"17","lastUpdated":"2020-01-01T00:00:00Z"},"resourceType":"Patient"}"#;
    for equal in [ANNA, reordered] {
        assert!(matches!(consider(&kit, equal, false).await, Put::Unchanged));
        assert!(matches!(consider(&kit, equal, true).await, Put::Unchanged));
    }
    for other in [ANNA.replace("1975", "1976"), ANNA.replace("1.0", "1")] {
        assert!(matches!(consider(&kit, &other, false).await, Put::Differs));
        let Put::Write(planned) = consider(&kit, &other, true).await else {
            panic!("{other} should replace the first")
        };
        assert!(!planned.is_new());
    }
    assert_eq!(kit.head("Patient", "anna").await.unwrap().version, 1);
}

#[tokio::test]
async fn a_deleted_resource_can_be_imported_again_as_a_new_version() {
    let kit = Kit::new();
    kit.put(ANNA).await;
    let head = kit.head("Patient", "anna").await.unwrap();
    let delete = Interaction::delete("Patient", "anna", None).unwrap();
    kit.write(delete, "anna", Some(&head), 1).await.unwrap();
    let Put::Write(planned) = consider(&kit, ANNA, false).await else {
        panic!("it should be written")
    };
    assert!(planned.is_new());
    let imported = kit.store.import(&[*planned], 9).await.unwrap();
    assert_eq!(imported, Imported::Done);
    assert_eq!(kit.head("Patient", "anna").await.unwrap().version, 3);
    assert_eq!(kit.search("Patient?_id=anna").await, ["anna"]);
}

#[tokio::test]
async fn a_batch_that_was_overtaken_writes_nothing() {
    let kit = Kit::new();
    let Put::Write(anna) = consider(&kit, ANNA, false).await else {
        panic!("it should be written")
    };
    let Put::Write(tom) = consider(&kit, &ANNA.replace("anna", "tom"), false).await else {
        panic!("it should be written")
    };
    kit.put(&ANNA.replace("1975", "1980")).await;
    let imported = kit.store.import(&[*tom, *anna], 9).await.unwrap();
    assert_eq!(imported, Imported::Changed);
    assert!(kit.head("Patient", "tom").await.is_none());
    assert!(!kit.store.intent_was_committed(9).await.unwrap());
}

#[tokio::test]
async fn one_resource_twice_in_a_batch_is_refused() {
    let kit = Kit::new();
    let mut batch = Vec::new();
    for json in [ANNA.to_owned(), ANNA.replace("1975", "1976")] {
        let Put::Write(planned) = consider(&kit, &json, false).await else {
            panic!("it should be written")
        };
        batch.push(*planned);
    }
    assert!(kit.store.import(&batch, 9).await.is_err());
    assert!(kit.head("Patient", "anna").await.is_none());
}

#[tokio::test]
async fn a_whole_synthetic_chart_comes_back_as_it_went_in() {
    let kit = Kit::new();
    let plan = Plan {
        patients: 3,
        seed: 7,
        today: date!(2026 - 11 - 23),
    };
    let chart = glovebox_synthesis::patient(&plan, 0);
    assert!(chart.len() > 50);
    let mut batch = Vec::new();
    for value in &chart {
        let Put::Write(planned) = consider(&kit, &text(value), false).await else {
            panic!("{value} should be written")
        };
        assert!(planned.operations() >= 3 && planned.bytes() > 100);
        batch.push(*planned);
        if batch.len() == 100 {
            kit.store.import(&batch, kit.intent()).await.unwrap();
            batch.clear();
        }
    }
    kit.store.import(&batch, kit.intent()).await.unwrap();
    for value in &chart {
        let (name, id) = (&value["resourceType"], &value["id"]);
        let head = kit
            .head(name.as_str().unwrap(), id.as_str().unwrap())
            .await
            .unwrap();
        let bytes = kit.store.load(&head).await.unwrap();
        let stored = resource(std::str::from_utf8(&bytes).unwrap());
        assert!(glovebox_fhir::equal_content(
            &stored,
            &resource(&text(value))
        ));
        assert!(matches!(
            consider(&kit, &text(value), false).await,
            Put::Unchanged
        ));
    }
}

/// JSON values with unknown members and numbers in odd spellings.
fn anything() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec![
        "1.00",
        "1e3",
        "-0.0",
        "1E-7",
        "0.10",
        "100000000000000000000.10",
    ]);
    let leaf = prop_oneof![
        number.prop_map(str::to_owned),
        Just("null".to_owned()),
        "[a-zé\u{1F600} ]{0,8}".prop_map(|text| Value::from(text).to_string()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[ {} ]", items.join(" , "))),
            prop::collection::btree_map("[a-d]{1,2}", inner, 0..4).prop_map(|members| {
                let member = |(name, value): (&String, &String)| format!("\"{name}\" :{value}");
                let members: Vec<String> = members.iter().map(member).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_imported_comes_back_as_it_was(first in anything(), second in anything()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let json = format!(r#"{{"unknown":{first},"resourceType":"Basic" , "id":"b","_x":{second}}}"#);
        let stored = runtime.block_on(async {
            let kit = Kit::new();
            kit.put(&json).await;
            let head = kit.head("Basic", "b").await.unwrap();
            kit.store.load(&head).await.unwrap()
        });
        let text = std::str::from_utf8(&stored).unwrap();
        // not only equal: the very same characters
        let kept = text.contains(&format!(r#""unknown":{first},"#)) && text.ends_with(&format!(r#""_x":{second}}}"#));
        prop_assert!(kept, "{}", text);
        let stored = Resource::parse(&stored, Limits::RESOURCE).unwrap();
        prop_assert!(glovebox_fhir::equal_content(&stored, &resource(&json)));
    }
}
