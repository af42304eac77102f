//! Searches by what a resource refers to, where no patient narrows them.

use super::*;

impl Kit {
    async fn update(&self, json: &str, second: i64) {
        let resource = resource(json);
        let id = resource.id().unwrap().to_owned();
        let old = self.head(resource.resource_type(), &id).await;
        let update = Interaction::update(resource, None).unwrap();
        self.write(update, &id, old.as_ref(), second).await.unwrap();
    }
}

fn provenance(id: &str, target: &str) -> String {
    format!(r#"{{"resourceType":"Provenance","id":"{id}","target":[{{"reference":"{target}"}}]}}"#)
}

#[tokio::test]
async fn a_resource_is_found_by_what_its_current_version_refers_to() {
    let kit = Kit::new();
    for json in [
        &provenance("p1", "Observation/o1"),
        &provenance("p2", "Observation/o1"),
        &provenance("p3", "Observation/o11"),
        &provenance("p4", "Patient/anna"),
        r#"{"resourceType":"Device","id":"d","patient":{"reference":"Patient/anna"}}"#,
        r#"{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/dr"}}"#,
        r#"{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/anna"},"partOf":{"reference":"Encounter/whole"}}"#,
    ] {
        kit.put(json).await;
    }
    for (search, expected) in [
        ("Provenance?target=Observation/o1", "p1 p2"),
        (
            "Provenance?target=Observation/o1,Observation/o11",
            "p1 p2 p3",
        ),
        ("Provenance?target=Observation/o1,Patient/anna", "p1 p2 p4"),
        ("Provenance?target=Patient/anna", "p4"),
        ("Provenance?patient=anna", "p4"),
        ("Provenance?target=Observation/o", ""),
        ("Provenance?target=Observation/o1&_id=p2", "p2"),
        ("Provenance?target=o1", "p1 p2"),
        ("Device?patient=anna", "d"),
        ("PractitionerRole?practitioner=dr", "r"),
        ("Encounter?part-of=Encounter/whole", "e"),
        ("Encounter?part-of=Encounter/whole&patient=anna", "e"),
        ("Encounter?part-of=Encounter/whole&patient=tom", ""),
    ] {
        assert_eq!(kit.search(search).await.join(" "), expected, "{search}");
    }
    kit.update(&provenance("p1", "Observation/o2"), 1).await;
    assert_eq!(kit.search("Provenance?target=Observation/o1").await, ["p2"]);
    assert_eq!(kit.search("Provenance?target=Observation/o2").await, ["p1"]);
    let old = kit.head("Provenance", "p1").await;
    let delete = Interaction::delete("Provenance", "p1", None).unwrap();
    kit.write(delete, "p1", old.as_ref(), 2).await.unwrap();
    assert!(
        kit.search("Provenance?target=Observation/o2")
            .await
            .is_empty()
    );
    // what comes back is found again
    kit.update(&provenance("p1", "Observation/o2"), 3).await;
    assert_eq!(kit.search("Provenance?target=Observation/o2").await, ["p1"]);
}

#[tokio::test]
async fn the_targets_of_matches_are_told_once_each() {
    let kit = Kit::new();
    for json in [
        provenance("p1", "Observation/o1"),
        provenance("p2", "Observation/o1"),
        provenance("p3", "https://other.example/Observation/o2"),
        provenance("p4", "Condition/c"),
    ] {
        kit.put(&json).await;
    }
    let targets = |text: &'static str| {
        let permitted = everyone(query(text));
        let store = kit.store.clone();
        async move { store.targets(&permitted, "target").await.unwrap() }
    };
    let name = |of: &str, id: &str| (of.to_owned(), id.to_owned());
    let all = targets("Provenance?").await;
    assert_eq!(
        all.into_iter().collect::<Vec<_>>(),
        [name("Condition", "c"), name("Observation", "o1")]
    );
    let some = targets("Provenance?_id=p1,p3").await;
    assert_eq!(
        some.into_iter().collect::<Vec<_>>(),
        [name("Observation", "o1")]
    );
}

#[tokio::test]
async fn many_heads_are_read_in_the_order_asked_for() {
    let kit = Kit::new();
    kit.put(r#"{"resourceType":"Practitioner","id":"a"}"#).await;
    kit.put(r#"{"resourceType":"Organization","id":"b"}"#).await;
    let reads = [
        read("Organization", "b"),
        read("Organization", "none"),
        read("Practitioner", "a"),
    ];
    let heads = kit.store.heads(&reads).await.unwrap();
    let found: Vec<_> = heads
        .iter()
        .map(|head| head.as_ref().map(|head| head.facts.id().to_owned()))
        .collect();
    assert_eq!(found, [Some("b".to_owned()), None, Some("a".to_owned())]);
}

#[tokio::test]
async fn data_of_another_format_is_told_from_damaged_data() {
    let kit = Kit::new();
    kit.put(r#"{"resourceType":"Practitioner","id":"a"}"#).await;
    let records = kit.sled.keyspace(NAMESPACE);
    let stored = records.get(b"h/Practitioner/a").await.unwrap().unwrap();
    let mut other = stored.value.to_vec();
    let facts = glovebox_fhir::Facts::decode(&other[85..]).unwrap();
    assert_eq!(facts.id(), "a");
    other[85] = 1;
    let batch = glovebox_database::Batch::new().put(
        b"h/Practitioner/a".to_vec(),
        other,
        glovebox_database::Expect::Any,
    );
    let durability = glovebox_database::Durability::Relaxed;
    records.commit(batch, durability).await.unwrap().unwrap();
    let read = kit.store.head(&read("Practitioner", "a")).await;
    assert!(matches!(read, Err(crate::StoreError::OtherFormat(_))));
    let all = everyone(query("Practitioner?"));
    let search = kit.store.search(&all, None, 9);
    assert!(matches!(
        search.await,
        Err(crate::StoreError::OtherFormat(_))
    ));
}

/// What a search by a reference looks at does not grow with what refers elsewhere.
#[tokio::test]
async fn references_to_others_cost_a_search_nothing() {
    let kit = Kit::new();
    kit.put(&provenance("mine", "Observation/mine")).await;
    let search = || async {
        let permitted = everyone(query("Provenance?target=Observation/mine"));
        let found = kit.store.search(&permitted, None, 9).await.unwrap();
        assert_eq!(ids(&found), ["mine"]);
    };
    search().await;
    for n in 0..300 {
        kit.put(&provenance(&format!("p{n}"), &format!("Observation/o{n}")))
            .await;
    }
    // the index is what is looked at: a head that is damaged elsewhere is not met
    let records = kit.sled.keyspace(NAMESPACE);
    let batch = glovebox_database::Batch::new().put(
        b"h/Provenance/p7".to_vec(),
        b"damaged".to_vec(),
        glovebox_database::Expect::Any,
    );
    let durability = glovebox_database::Durability::Relaxed;
    records.commit(batch, durability).await.unwrap().unwrap();
    search().await;
    let all = everyone(query("Provenance?_total=accurate"));
    let all = kit.store.search(&all, None, 9).await;
    assert!(matches!(all, Err(crate::StoreError::Damaged(_))));
}
