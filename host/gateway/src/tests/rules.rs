//! The rules of safe enforcement, one small test each, by number. Those that are not here
//! stand where their subject is: 1 and 12 with the scope grammar in the model, 11 and 18 in
//! `governing` (and in the policy), 20 in the policy, 22 in `property`.

use glovebox_fhir::{Limits, Submission};

use super::*;
use crate::{CursorBinding, Everything};

fn ids(page: &Page) -> String {
    let ids: Vec<&str> = page.matches.iter().map(|found| found.id.as_str()).collect();
    ids.join(" ")
}

fn unreadable(text: &str) -> bool {
    let (of, parameters) = text.split_once('?').unwrap();
    let pairs = parameters
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let pairs: Vec<_> = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    SearchQuery::parse(of, &pairs).is_err()
}

fn referring(id: &str, of: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},
        "subject":{{"reference":"Patient/{of}"}},{more}}}"#
    )
}

fn to(element: &str, targets: &[&str]) -> String {
    let each = |target: &&str| format!(r#"{{"reference":"{target}"}}"#);
    let all: Vec<String> = targets.iter().map(each).collect();
    format!(r#""{element}":[{}]"#, all.join(","))
}

#[tokio::test]
async fn rule_02_the_query_is_narrowed_and_what_it_finds_is_checked_again() {
    let door = Door::new()
        .await
        .with(&format!("patient/Observation.rs?category={LABS}"));
    let panel = referring(
        "panel",
        "anna",
        &to("hasMember", &["Observation/anna-0", "Observation/tom-0"]),
    );
    door.import(&[&panel], true).await;
    // narrowed: the work does not grow with what others have
    let work = async || {
        door.records.take();
        let page = door.page_of("Observation?").await;
        (ids(&page), door.records.take())
    };
    let before = work().await;
    let others: Vec<String> = (0..200)
        .map(|n| observation(&format!("j{n}"), "james", "laboratory"))
        .collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    door.import(&others, false).await;
    assert_eq!(work().await, before);
    // checked again: anna's own chart holds what the scope does not select
    assert_eq!(before.0, "anna-0 anna-2");
    // and no narrowing of the search covers what goes with its matches
    let door = door.with("patient/Observation.rs");
    let page = door
        .page_of("Observation?_id=panel&_include=Observation:has-member")
        .await;
    let included: Vec<&str> = page
        .included
        .iter()
        .map(|found| found.id.as_str())
        .collect();
    assert_eq!(included, ["anna-0"]);
}

#[tokio::test]
async fn rule_03_resources_are_decided_on_before_the_page_is_cut_and_again_on_the_next() {
    let door = Door::new()
        .await
        .with(&format!("patient/Observation.rs?category={LABS}"));
    // every second one is not selected: pages are full all the same, and counts are exact
    let page = door.page_of("Observation?_count=1&_total=accurate").await;
    assert_eq!((ids(&page), page.total), ("anna-0".to_owned(), Some(2)));
    let next = page.next.unwrap();
    let door = door.with("patient/Observation.rs?category=none");
    let pass = door.pass();
    let page = door
        .gateway
        .page(&door.session(), &pass, &next, 1)
        .await
        .unwrap();
    assert_eq!(ids(&page.release(&pass, |page| page).unwrap()), "");
    door.may_no_more("anna").await;
    let page = door.gateway.page(&door.session(), &pass, &next, 1).await;
    assert_eq!(page.err(), Some(Refusal::Relation));
}

#[tokio::test]
async fn rule_04_a_compartment_has_exactly_the_parameters_of_the_definition() {
    let door = Door::new().await.with("patient/*.rs");
    let focus = referring("focus", "james", &to("focus", &["Patient/anna"]));
    let performer = referring("performer", "james", &to("performer", &["Patient/anna"]));
    let member = referring(
        "member",
        "james",
        &to("derivedFrom", &["Observation/anna-0"]),
    );
    door.import(&[&focus, &performer, &member], false).await;
    for (id, is_in) in [("focus", false), ("performer", true), ("member", false)] {
        let read = door.call(read(&format!("Observation/{id}"))).await;
        assert_eq!(read.is_ok(), is_in, "{id}");
        let found = door.page_of(&format!("Observation?_id={id}")).await;
        assert_eq!(found.total, Some(u64::from(is_in)), "{id}");
    }
    assert_eq!(
        door.page_of("Observation?focus=Patient/anna").await.total,
        Some(0)
    );
    let page = door.page_of("Patient?_revinclude=Observation:focus").await;
    assert!(page.included.is_empty());
}

#[tokio::test]
async fn rule_05_shared_types_are_listed_and_never_whatever_has_no_patient() {
    let door = Door::new().await.with("patient/*.rs");
    let types = ["Organization", "Location", "Medication", "PractitionerRole"];
    let others = [
        "Device", "Basic", "Group", "List", "Binary", "Person", "Task", "Library",
    ];
    let all = types.iter().chain(&others);
    let all: Vec<String> = all
        .map(|of| format!(r#"{{"resourceType":"{of}","id":"x"}}"#))
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(door.import(&all, false).await.created, all.len());
    for (of, is_shared) in types
        .map(|of| (of, true))
        .into_iter()
        .chain(others.map(|of| (of, false)))
    {
        let answer = door.call(read(&format!("{of}/x"))).await;
        assert_eq!(answer.is_ok(), is_shared, "{of} {answer:?}");
        let total = door.page_of(&format!("{of}?")).await.total;
        assert_eq!(total, Some(u64::from(is_shared)), "{of}");
    }
}

#[tokio::test]
async fn rule_06_a_read_by_id_gives_what_a_search_by_id_gives() {
    for scopes in [
        "patient/*.rs",
        "user/*.rs",
        "patient/Observation.rs?category=vital-signs patient/Patient.rs",
        "patient/Practitioner.rs user/Observation.rs?category=laboratory user/Patient.rs",
    ] {
        let door = Door::new().await.with(scopes);
        let mut names = vec!["Practitioner/dr".to_owned(), "Patient/made-up".to_owned()];
        for of in ["anna", "tom", "james"] {
            names.push(format!("Patient/{of}"));
            names.extend((0..4).map(|n| format!("Observation/{of}-{n}")));
        }
        for name in names {
            let (of, id) = name.split_once('/').unwrap();
            let read = door.call(read(&name)).await;
            let found = door.call(search(&format!("{of}?_id={id}"))).await;
            match (read, found) {
                (Ok(Answer::Resource(read)), Ok(Answer::Page(page))) => {
                    assert_eq!(read.bytes, page.matches[0].bytes, "{scopes} {name}");
                }
                (Err(Refusal::NotFound), Ok(Answer::Page(page))) => {
                    assert_eq!(
                        (page.matches.len(), page.total),
                        (0, Some(0)),
                        "{scopes} {name}"
                    );
                }
                // refused before anything was looked at, for want of a scope
                (Err(read), Err(search)) => {
                    let both = (read, search);
                    assert!(
                        matches!(both, (Refusal::NotGranted(_), Refusal::NotGranted(_))),
                        "{both:?}"
                    );
                }
                different => panic!("{scopes} {name}: {different:?}"),
            }
        }
    }
}

#[tokio::test]
async fn rule_07_a_patient_that_does_not_exist_is_answered_like_one_that_is_hidden() {
    for scopes in [
        "patient/*.rs",
        "user/*.rs",
        "patient/Patient.rs user/Observation.rs",
    ] {
        let door = Door::new().await.with(scopes);
        for question in [
            "Patient/{}",
            "Patient?_id={}",
            "Observation?patient={}",
            "Observation?subject=Patient/{}",
        ] {
            let mut answers = Vec::new();
            for who in ["james", "nobody"] {
                let question = question.replace("{}", who);
                let asked = if question.contains('?') {
                    search(&question)
                } else {
                    read(&question)
                };
                door.records.take();
                let (answer, _) = door.recorded(asked).await;
                answers.push((
                    format!("{answer:?}").replace(who, "{}"),
                    door.records.take(),
                ));
            }
            assert_eq!(answers[0], answers[1], "{scopes} {question}");
        }
    }
}

#[tokio::test]
async fn rule_08_an_update_passes_before_and_after_a_create_after_a_delete_before() {
    let door = Door::new()
        .await
        .with(&format!("patient/Observation.cruds?category={LABS}"));
    let lab = |id: &str| observation(id, "anna", "laboratory");
    let vital = |id: &str| observation(id, "anna", "vital-signs");
    let delete = |id: &str| Interaction::delete("Observation", id, Some("1")).unwrap();
    for (interaction, is_done) in [
        (update(&vital("anna-0"), Some("1")), false),
        (update(&lab("anna-1"), Some("1")), false),
        (
            update(&observation("anna-0", "tom", "laboratory"), Some("1")),
            false,
        ),
        (update(&lab("tom-0"), Some("1")), false),
        (update(&lab("anna-0"), Some("1")), true),
        (Interaction::create(resource(&vital("new"))), false),
        (Interaction::create(resource(&lab("new"))), true),
        (delete("anna-1"), false),
        (delete("tom-0"), false),
        (delete("anna-2"), true),
    ] {
        let text = format!("{interaction:?}");
        let answer = door.call(interaction).await;
        assert_eq!(answer.is_ok(), is_done, "{text:.80} {answer:?}");
    }
}

#[tokio::test]
async fn rule_09_provenance_follows_its_targets_and_members_of_a_list_are_checked_again() {
    let door = Door::new().await.with("patient/*.rs");
    let provenance = |id: &str, targets: &[&str]| {
        format!(
            r#"{{"resourceType":"Provenance","id":"{id}",{}}}"#,
            to("target", targets)
        )
    };
    let list = r#"{"resourceType":"List","id":"list","status":"current","mode":"working","subject":{"reference":"Patient/anna"},
        "entry":[{"item":{"reference":"Observation/tom-0"}},{"item":{"reference":"Observation/anna-0"}}]}"#;
    let all = [
        provenance("own", &["Observation/anna-0"]),
        provenance("other", &["Observation/tom-0"]),
        provenance("both", &["Observation/anna-0", "Observation/tom-0"]),
        list.to_owned(),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(door.import(&all, false).await.created, all.len());
    for (id, is_seen) in [("own", true), ("other", false), ("both", false)] {
        let read = door.call(read(&format!("Provenance/{id}"))).await;
        assert_eq!(read.is_ok(), is_seen, "{id}");
    }
    let page = door
        .page_of("Observation?_id=anna-0&_revinclude=Provenance:target")
        .await;
    let included: Vec<&str> = page
        .included
        .iter()
        .map(|found| found.id.as_str())
        .collect();
    assert_eq!(included, ["own"]);
    let page = door.page_of("List?_include=List:item").await;
    let included: Vec<&str> = page
        .included
        .iter()
        .map(|found| found.id.as_str())
        .collect();
    assert_eq!((ids(&page), included), ("list".to_owned(), vec!["anna-0"]));
}

#[tokio::test]
async fn rule_10_scopes_of_one_type_are_joined_and_each_keeps_its_letters_and_filter() {
    let door = Door::new().await.with(
        "patient/Observation.r?category=laboratory patient/Observation.s?category=vital-signs",
    );
    assert!(door.call(read("Observation/anna-0")).await.is_ok());
    assert_eq!(
        door.call(read("Observation/anna-1")).await.err(),
        Some(Refusal::NotFound)
    );
    assert_eq!(ids(&door.page_of("Observation?").await), "anna-1 anna-3");
    assert_eq!(
        ids(&door.page_of("Observation?category=laboratory").await),
        ""
    );
    let door = door.with(
        "patient/Observation.rs?category=laboratory patient/Observation.s?category=vital-signs",
    );
    assert_eq!(
        ids(&door.page_of("Observation?").await),
        "anna-0 anna-1 anna-2 anna-3"
    );
    assert_eq!(
        door.call(read("Observation/anna-1")).await.err(),
        Some(Refusal::NotFound)
    );
}

#[tokio::test]
async fn rule_13_nothing_that_can_be_counted_or_compared_tells_what_is_hidden() {
    let door = Door::new().await.with("patient/*.rs");
    let panel = |id: &str, member: &str| referring(id, "anna", &to("hasMember", &[member]));
    door.import(
        &[
            &panel("p1", "Observation/james-0"),
            &panel("p2", "Observation/none"),
        ],
        false,
    )
    .await;
    for (hidden, absent) in [
        (
            "Observation?patient=james&_summary=count",
            "Observation?patient=none&_summary=count",
        ),
        (
            "Observation?_id=james-0&_total=accurate",
            "Observation?_id=none&_total=accurate",
        ),
        (
            "Patient?_id=james&_elements=id",
            "Patient?_id=none&_elements=id",
        ),
        (
            "Observation?_id=p1&_include=Observation:has-member",
            "Observation?_id=p2&_include=Observation:has-member",
        ),
    ] {
        let (hidden, absent) = (door.page_of(hidden).await, door.page_of(absent).await);
        assert_eq!(
            (hidden.matches.len(), hidden.total),
            (absent.matches.len(), absent.total)
        );
        assert_eq!(
            (hidden.included.len(), hidden.next),
            (absent.included.len(), absent.next)
        );
    }
    // Status, headers and `If-None-Match` are the endpoint's: it asks the gateway first.
    let refusals =
        [read("Observation/james-0"), read("Observation/none")].map(|asked| door.call(asked));
    for refusal in refusals {
        assert_eq!(refusal.await.err(), Some(Refusal::NotFound));
    }
}

/// No upstream over HTTP is there yet. What holds instead: neither the gateway nor its store
/// can send anything anywhere, and what a request says beside its interaction (headers,
/// tokens, cookies) has no place in what they are given.
#[test]
fn rule_14_nothing_of_a_request_but_its_interaction_goes_further() {
    let session = std::any::type_name::<Session>();
    assert!(session.starts_with("glovebox_gateway"));
    for manifest in [
        include_str!("../../Cargo.toml"),
        include_str!("../../../fhir-store/Cargo.toml"),
    ] {
        for client in [
            "reqwest",
            "hyper",
            "http.workspace",
            "outbound",
            "axum",
            "tonic",
        ] {
            assert!(!manifest.contains(client), "{client}");
        }
    }
}

/// `_format`, charsets and `Accept` are the endpoint's and tested there.
#[test]
fn rule_15_what_parsers_could_read_differently_is_refused() {
    let parse = |json: &str| Resource::parse(json.as_bytes(), Limits::RESOURCE);
    let deep = format!("{}{}", r#"{"resourceType":"Basic","a":"#, "[".repeat(500));
    for json in [
        r#"{"resourceType":"Patient","id":"a","id":"b"}"#,
        r#"{"resourceType":"Patient","resourceType":"Observation"}"#,
        r#"{"resourceType":"Patient","name":[{"text":"a","text":"b"}]}"#,
        r#"{"resourceType":"Patient","name":[{"text":"a","\u0074ext":"b"}]}"#,
        r#"{"resourceType":"Patient"} {"resourceType":"Patient"}"#,
        &deep,
    ] {
        assert!(parse(json).is_err(), "{json:.60}");
    }
    assert!(parse(r#"{"resourceType":"Patient","id":"a"}"#).is_ok());
}

#[tokio::test]
async fn rule_16_the_state_of_a_search_is_sealed_and_no_parameter_reaches_it() {
    let door = Door::new().await;
    for text in [
        "Patient?_getpages=1",
        "Patient?_getpagesoffset=5",
        "Patient?_bundletype=x",
        "Patient?_page=1",
    ] {
        assert!(unreadable(text), "{text}");
    }
    let next = door
        .page_of("Observation?patient=anna&_count=1")
        .await
        .next
        .unwrap();
    let binding = CursorBinding("one token".to_owned());
    let sealed = door.gateway.seal_cursor(&binding, &next).unwrap();
    let plain =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &sealed).unwrap();
    let plain = String::from_utf8_lossy(&plain);
    assert!(!plain.contains("Observation") && !plain.contains("anna"));
    let other = CursorBinding("another token".to_owned());
    assert_eq!(
        door.gateway.open_cursor(&other, &sealed),
        Err(Refusal::BadCursor)
    );
}

/// That the body of `POST _search` is merged with the URL is the endpoint's.
#[tokio::test]
async fn rule_17_parameters_given_twice_or_with_alternatives_never_widen() {
    let door = Door::new().await;
    for (text, expected) in [
        ("Observation?patient=anna&patient=james", ""),
        ("Observation?patient=anna,james&_count=1", "anna-0"),
        (
            "Observation?patient=james,anna&_id=james-0,anna-0",
            "anna-0",
        ),
        ("Observation?subject:Patient=james", ""),
        ("Observation?subject:Patient=james&subject=Patient/anna", ""),
        (
            "Observation?subject=Patient/james,Patient/anna&_id=anna-3",
            "anna-3",
        ),
        ("Observation?_id=anna-0&_id=tom-0", ""),
    ] {
        assert_eq!(ids(&door.page_of(text).await), expected, "{text}");
    }
    for text in [
        "Observation?_count=1&_count=2",
        "Observation?_sort=date&_sort=-date",
        "Observation?patient:Patient.identifier=x",
        "Observation?subject:identifier=x",
        "Observation?patient[]=james",
        "Observation?PATIENT=james",
        "Observation?patient%00=james",
    ] {
        assert!(unreadable(text), "{text}");
    }
}

#[tokio::test]
async fn rule_19_a_transaction_is_judged_in_its_final_order_and_its_conditions_are_narrowed() {
    let door = Door::new().await.with("patient/*.cruds");
    let identified = |of: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"{of}","identifier":[{{"system":"http://mrn","value":"{of}"}}]}}"#
        )
    };
    door.import(&[&identified("anna"), &identified("james")], true)
        .await;
    let transact = async |entries: &str| {
        let json =
            format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}"#);
        let submission = Submission::split(json.as_bytes(), "https://here.example/fhir").unwrap();
        let pass = door.pass();
        let session = door.session();
        let answers = door
            .gateway
            .transaction(&session, &pass, None, submission)
            .await?;
        Ok::<_, Refusal>(answers.release(&pass, |answers| answers).unwrap())
    };
    // deletions come first, reads last, whatever the order in the Bundle
    let answers = transact(
        r#"{"request":{"method":"GET","url":"Observation/anna-0"}},
        {"request":{"method":"DELETE","url":"Observation/anna-0","ifMatch":"W/\"1\""}}"#,
    );
    let answers = answers.await.unwrap();
    assert_eq!(answers[0].result.as_ref().err(), Some(&Refusal::Gone));
    // a reference by a condition finds whom the session may search, and nobody else
    let create = |whom: &str| {
        let reference = format!(
            "Patient/anna\"}},\"performer\":[{{\"reference\":\"Patient?identifier=http://mrn|{whom}"
        );
        let json = observation("x", "anna", "laboratory").replacen("Patient/anna\"", &format!("{reference}\"}}],\"focus\":[{{\"reference\":\"Patient/anna\"}}],\"device\":{{\"display\":\"x\""), 1);
        format!(r#"{{"request":{{"method":"POST","url":"Observation"}},"resource":{json}}}"#)
    };
    assert!(transact(&create("anna")).await.is_ok());
    let hidden = transact(&create("james")).await.unwrap_err();
    let absent = transact(&create("nobody")).await.unwrap_err();
    let text = |refusal: &Refusal, whom: &str| format!("{refusal:?}").replace(whom, "{}");
    assert_eq!(text(&hidden, "james"), text(&absent, "nobody"));
}

/// Bulk export and subscriptions do not exist here: there is no interaction for them.
#[tokio::test]
async fn rule_21_everything_is_what_searches_of_each_type_give() {
    for scopes in [
        "patient/*.rs",
        "patient/Patient.r patient/Observation.rs?category=laboratory",
    ] {
        let door = Door::new().await.with(scopes);
        let (pass, session) = (door.pass(), door.session());
        let everything = async |of: &str| {
            let all = door
                .gateway
                .everything(&session, &pass, of, &Everything::default())
                .await?;
            Ok::<_, Refusal>(all.release(&pass, |page| page).unwrap())
        };
        let expected = format!("anna {}", ids(&door.page_of("Observation?").await));
        assert_eq!(
            ids(&everything("anna").await.unwrap()),
            expected,
            "{scopes}"
        );
        for of in ["james", "nobody"] {
            assert_eq!(
                everything(of).await.err(),
                Some(Refusal::NotFound),
                "{scopes} {of}"
            );
        }
    }
}
