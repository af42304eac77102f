//! Searches whose candidates stand in the order asked for: the same pages as if all had been
//! looked at, for less.

use glovebox_database::{Batch, Durability, Expect};
use proptest::prelude::*;

use super::*;

/// A day, none, or one that stands on the other side of 1970.
fn effective(day: u8) -> String {
    match day {
        0 => String::new(),
        1 => r#","effectiveDateTime":"1950-05""#.to_owned(),
        2 => r#","effectivePeriod":{"end":"2026-02-10"}"#.to_owned(),
        day => format!(r#","effectiveDateTime":"2026-02-{day:02}T08:00:00Z""#),
    }
}

fn observation(id: &str, patient: &str, status: &str, day: u8) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"{status}","code":{{"text":"x"}},
        "subject":{{"reference":"Patient/{patient}"}}{}}}"#,
        effective(day)
    )
}

/// What a write does: to which of a few resources, whose it is then, and its day; a
/// deletion where nobody's.
#[derive(Clone, Debug)]
struct Step {
    id: u8,
    patient: Option<bool>,
    is_final: bool,
    day: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let patient = prop_oneof![8 => any::<bool>().prop_map(Some), 1 => Just(None)];
    let step = (0_u8..24, patient, any::<bool>(), 0_u8..9);
    let step = step.prop_map(|(id, patient, is_final, day)| Step {
        id,
        patient,
        is_final,
        day,
    });
    prop::collection::vec(step, 1..60)
}

async fn carry_out(kit: &Kit, step: &Step) {
    let id = format!("o{}", step.id);
    match step.patient {
        Some(anna) => {
            let status = ["amended", "final"][usize::from(step.is_final)];
            let patient = ["tom", "anna"][usize::from(anna)];
            let update = resource(&observation(&id, patient, status, step.day));
            let update = everyone(Interaction::update(update, None).unwrap());
            let put = kit.store.consider(&update, true, at(0)).await.unwrap();
            if let Put::Write(planned) = put {
                kit.store.import(&[*planned], kit.intent()).await.unwrap();
            }
        }
        None => {
            let head = kit.head("Observation", &id).await;
            if let Some(head) = head.filter(|head| !head.deleted) {
                let delete = Interaction::delete("Observation", &id, None).unwrap();
                kit.write(delete, &id, Some(&head), 1).await.unwrap();
            }
        }
    }
}

const SEARCHES: [&str; 4] = [
    "Observation?patient=anna",
    "Observation?patient=anna&_sort=-date",
    "Observation?patient=anna&status=final&_sort=-date",
    "Observation?patient=tom&status=final",
];

/// The pages of each search, by the order that is kept and by a look at everything: `_total`
/// asks for the latter.
async fn check_pages(kit: &Kit) {
    for search in SEARCHES {
        let permitted = everyone(query(search));
        let counted = everyone(query(&format!("{search}&_total=accurate")));
        let all = kit.store.search(&counted, None, 1_000).await.unwrap();
        for count in [1, 3, 7] {
            assert_eq!(kit.pages(&permitted, count).await, ids(&all), "{search}");
            let first = kit.store.search(&counted, None, count).await.unwrap();
            assert_eq!(first.total, all.total);
            let same = kit.store.search(&permitted, None, count).await.unwrap();
            assert_eq!(ids(&first), ids(&same));
            assert_eq!(first.next, same.next, "{search}: the cursors differ");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_order_that_is_kept_is_the_order_asked_for(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let kit = Kit::new();
            for step in &steps {
                carry_out(&kit, step).await;
            }
            check_pages(&kit).await;
            // nothing is left behind, and nothing is twice
            let space = kit.sled.keyspace(NAMESPACE);
            let kept = space.scan(b"d/", None, 1_000).await.unwrap().len();
            let current = space.scan(b"p/", None, 1_000).await.unwrap().len();
            assert_eq!(kept, current);
        });
    }
}

#[tokio::test]
async fn a_page_of_what_is_newest_says_no_total_unless_it_is_asked_for_or_is_all() {
    let kit = Kit::new();
    for n in 0..9 {
        kit.put(&observation(&format!("o{n}"), "anna", "final", 10 + n))
            .await;
    }
    for (search, count, total) in [
        ("Observation?patient=anna&_sort=-date", 5, None),
        ("Observation?patient=anna&_sort=-date&_total=none", 5, None),
        ("Observation?patient=anna&_sort=-date", 9, Some(9)),
        ("Observation?patient=anna", 5, None),
        ("Observation?patient=anna&_total=accurate", 5, Some(9)),
        (
            "Observation?patient=anna&_sort=-date&_total=estimate",
            5,
            Some(9),
        ),
        ("Observation?patient=anna&_summary=count", 0, Some(9)),
        // an order that is not kept takes a look at everything
        ("Observation?patient=anna&_sort=date", 5, Some(9)),
        ("Observation?patient=anna&_sort=-date,status", 5, Some(9)),
    ] {
        let found = kit
            .store
            .search(&everyone(query(search)), None, count)
            .await;
        let found = found.unwrap();
        assert_eq!(found.total, total, "{search}");
        assert_eq!(found.hits.len(), count, "{search}");
    }
}

/// A store as an earlier version left it: without the order, and without its mark.
async fn without_order(kit: &mut Kit) {
    let space = kit.sled.keyspace(NAMESPACE);
    let mut batch = Batch::new().delete(b"m/newest".to_vec(), Expect::Any);
    for (key, _) in space.scan(b"d/", None, 1_000).await.unwrap() {
        batch = batch.delete(key, Expect::Any);
    }
    space
        .commit(batch, Durability::Sync)
        .await
        .unwrap()
        .unwrap();
    kit.store = FhirStore::new(space);
}

#[tokio::test]
async fn data_from_before_the_order_was_kept_is_found_all_the_same_and_put_into_it_once() {
    let mut kit = Kit::new();
    for n in 0..20 {
        let patient = ["anna", "tom"][usize::from(n % 3 == 0)];
        kit.put(&observation(&format!("o{n}"), patient, "final", n % 7))
            .await;
    }
    without_order(&mut kit).await;
    check_pages(&kit).await;
    // what is written meanwhile does not make the rest look whole
    kit.put(&observation("late", "anna", "final", 6)).await;
    check_pages(&kit).await;
    kit.store = FhirStore::new(kit.sled.keyspace(NAMESPACE));
    assert_eq!(kit.store.complete_newest().await.unwrap(), 21);
    assert_eq!(kit.store.complete_newest().await.unwrap(), 0);
    let found = kit
        .store
        .search(&everyone(query(SEARCHES[1])), None, 3)
        .await;
    assert_eq!(found.unwrap().total, None, "the order is not used");
    check_pages(&kit).await;
}
