//! What is hidden costs what an absent resource costs: the same keys are looked at, by
//! whichever way it is asked for, and the same is answered.

use glovebox_fhir::Patch;

use super::*;
use crate::Everything;

/// Tom's chart, which the session may not see, and what refers to it from anna's own.
async fn ward() -> Door {
    let door = Door::new().await.with("patient/*.cruds");
    let anna = |id: &str, member: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},
            "subject":{{"reference":"Patient/anna"}},"hasMember":[{{"reference":"{member}"}}]}}"#
        )
    };
    let all = [
        anna("of-tom", "Observation/tom-0"),
        anna("of-nobody", "Observation/none"),
        r#"{"resourceType":"Provenance","id":"tom-0","target":[{"reference":"Observation/tom-0"}]}"#.to_owned(),
        r#"{"resourceType":"Binary","id":"tom-0","contentType":"text/plain","securityContext":{"reference":"Patient/tom"}}"#.to_owned(),
        r#"{"resourceType":"Binary","id":"tom-1","contentType":"text/plain"}"#.to_owned(),
        r#"{"resourceType":"DocumentReference","id":"tom-0","status":"current","subject":{"reference":"Patient/tom"},
            "content":[{"attachment":{"url":"Binary/tom-1"}}]}"#
            .to_owned(),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(door.import(&all, false).await.created, all.len());
    door
}

fn patch(id: &str) -> Interaction {
    let operations = br#"[{"op":"replace","path":"/status","value":"amended"}]"#;
    let patch = Patch::json(operations).unwrap();
    Interaction::patch("Observation", id, patch, Some("1")).unwrap()
}

#[tokio::test]
async fn what_is_hidden_costs_what_is_absent_costs() {
    let door = ward().await;
    let new = |_: &str| {
        let json = observation("x", "anna", "laboratory");
        resource(&json.replacen(r#""id":"x","#, "", 1))
    };
    let by_id = |of: &str, id: &str| query(&format!("{of}?_id={id}"));
    type Make<'a> = &'a dyn Fn(&str) -> Interaction;
    let ways: [(&str, Make<'_>); 17] = [
        ("read", &|id| read(&format!("Observation/{id}"))),
        ("read of a Provenance", &|id| {
            read(&format!("Provenance/{id}"))
        }),
        ("read of a Binary", &|id| read(&format!("Binary/{id}"))),
        ("vread", &|id| {
            Interaction::vread("Observation", id, "1").unwrap()
        }),
        ("vread of no version", &|id| {
            Interaction::vread("Observation", id, "9").unwrap()
        }),
        ("vread of a Binary", &|id| {
            Interaction::vread("Binary", id, "1").unwrap()
        }),
        ("history", &|id| {
            Interaction::history("Observation", id, None, None).unwrap()
        }),
        ("search", &|id| search(&format!("Observation?_id={id}"))),
        ("search of Provenance", &|id| {
            search(&format!("Provenance?_id={id}"))
        }),
        ("search by reference", &|id| {
            search(&format!(
                "Observation?has-member=Observation/{id}&patient=tom"
            ))
        }),
        ("count", &|id| {
            search(&format!("Observation?_id={id}&_summary=count"))
        }),
        ("update", &|id| {
            update(&observation(id, "anna", "laboratory"), Some("1"))
        }),
        ("patch", &patch),
        ("delete", &|id| {
            Interaction::delete("Observation", id, Some("1")).unwrap()
        }),
        ("conditional update", &|id| {
            Interaction::conditional_update(new(id), by_id("Observation", id)).unwrap()
        }),
        ("conditional delete", &|id| {
            Interaction::conditional_delete(by_id("Observation", id)).unwrap()
        }),
        ("conditional delete of a Binary", &|id| {
            Interaction::conditional_delete(by_id("Binary", id)).unwrap()
        }),
    ];
    for (way, make) in ways {
        let mut seen = Vec::new();
        for id in ["tom-0", "tom-1", "none"] {
            door.records.take();
            let (answer, _) = door.recorded(make(id)).await;
            let work = door.records.take();
            let answer = match answer {
                Ok(Answer::Page(page)) => format!("{} {:?}", page.matches.len(), page.total),
                // a new one, under an id of its own
                Ok(Answer::Written(written)) => {
                    format!("{} {}", written.created, written.version_id)
                }
                other => format!("{other:?}"),
            };
            seen.push((answer, work));
        }
        let same = seen.windows(2).all(|pair| pair[0] == pair[1]);
        assert!(same, "{way}: {seen:?}");
    }
}

#[tokio::test]
async fn what_goes_with_a_match_costs_the_same_whether_its_target_is_hidden_or_absent() {
    let door = ward().await;
    let mut seen = Vec::new();
    for id in ["of-tom", "of-nobody"] {
        door.records.take();
        let page = door
            .page_of(&format!(
                "Observation?_id={id}&_include=Observation:has-member"
            ))
            .await;
        seen.push((
            page.matches.len(),
            page.included.len(),
            page.total,
            door.records.take(),
        ));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!((seen[0].0, seen[0].1), (1, 0));
}

#[tokio::test]
async fn everything_of_a_hidden_patient_costs_what_an_absent_one_costs() {
    let door = ward().await;
    let mut seen = Vec::new();
    for of in ["tom", "nobody"] {
        door.records.take();
        let (pass, session) = (door.pass(), door.session());
        let asked = Everything::default();
        let all = door.gateway.everything(&session, &pass, of, &asked);
        seen.push((all.await.err(), door.records.take()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].0, Some(Refusal::NotFound));
}
