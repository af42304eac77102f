//! What goes with the matches, and the Provenance of what a session may read.

use super::*;

/// Anna's and tom's charts, with references across them and to what is shared.
async fn ward() -> Door {
    let door = Door::empty().await;
    let observation = |id: &str, of: &str, more: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},
            "subject":{{"reference":"Patient/{of}"}}{more}}}"#
        )
    };
    let provenance = |id: &str, targets: &str| {
        format!(
            r#"{{"resourceType":"Provenance","id":"{id}","recorded":"2026-01-01T00:00:00Z","target":[{targets}]}}"#
        )
    };
    let to = |target: &str| format!(r#"{{"reference":"{target}"}}"#);
    let resources = [
        r#"{"resourceType":"Patient","id":"anna"}"#.to_owned(),
        r#"{"resourceType":"Patient","id":"tom"}"#.to_owned(),
        r#"{"resourceType":"Practitioner","id":"dr"}"#.to_owned(),
        r#"{"resourceType":"Organization","id":"lab"}"#.to_owned(),
        r#"{"resourceType":"PractitionerRole","id":"role","practitioner":{"reference":"Practitioner/dr"},"organization":{"reference":"Organization/lab"}}"#.to_owned(),
        observation(
            "a1",
            "anna",
            r#","performer":[{"reference":"Practitioner/dr"},{"reference":"Organization/lab"}],
            "hasMember":[{"reference":"Observation/a2"},{"reference":"Observation/t1"},{"reference":"Observation/none"}]"#,
        ),
        observation("a2", "anna", r#","focus":[{"reference":"Patient/tom"}]"#),
        observation("t1", "tom", r#","hasMember":[{"reference":"Observation/a1"}],"focus":[{"reference":"Patient/anna"}]"#),
        r#"{"resourceType":"DiagnosticReport","id":"r","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/anna"},
            "result":[{"reference":"Observation/a1"},{"reference":"Observation/t1"},{"reference":"https://other.example/Observation/a2"}]}"#.to_owned(),
        r#"{"resourceType":"Coverage","id":"c","status":"active","beneficiary":{"reference":"Patient/anna"},"subscriber":{"reference":"Patient/tom"}}"#.to_owned(),
        r#"{"resourceType":"Observation","id":"a3","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/anna"},
            "meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}]},
            "hasMember":[{"reference":"Observation/a1"}]}"#.to_owned(),
        r#"{"resourceType":"AuditEvent","id":"audit","recorded":"2026-01-01T00:00:00Z","agent":[{"who":{"reference":"Patient/anna"},"requestor":true}],"entity":[{"what":{"reference":"Observation/a1"}}]}"#.to_owned(),
        provenance("pa", &to("Observation/a1")),
        provenance("pt", &to("Observation/t1")),
        provenance("both", &format!("{},{}", to("Observation/a1"), to("Observation/t1"))),
        provenance("anna", &to("Patient/anna")),
        provenance("gone", &format!("{},{}", to("Observation/a2"), to("Observation/none"))),
        provenance("away", &to("https://other.example/Observation/a1")),
        provenance("mixed", &format!("{},{}", to("Observation/a2"), to("https://other.example/Observation/9"))),
        provenance("again", &to("Provenance/pa")),
        r#"{"resourceType":"Provenance","id":"sealed","recorded":"2026-01-01T00:00:00Z","target":[{"reference":"Observation/a1"}],
            "meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}]}}"#.to_owned(),
        r#"{"resourceType":"DocumentReference","id":"doc","status":"current","subject":{"reference":"Patient/anna"},
            "content":[{"attachment":{"title":"x"}}],"context":{"related":[{"reference":"Provenance/pa"},{"reference":"Provenance/pt"},
            {"reference":"Provenance/both"},{"reference":"Provenance/sealed"},{"reference":"Provenance/none"}]}}"#.to_owned(),
    ];
    let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
    let imported = door.import(&resources, false).await;
    assert!(imported.refused.is_empty(), "{:?}", imported.refused);
    door.may("anna").await;
    door.may("tom").await;
    door
}

fn names(found: &[crate::Released]) -> String {
    let mut names: Vec<String> = found
        .iter()
        .map(|found| format!("{}/{}", found.resource_type, found.id))
        .collect();
    names.sort();
    names.join(" ")
}

const ALL: &str = "patient/*.rs";

#[tokio::test]
async fn each_included_resource_is_one_that_the_session_may_read() {
    let door = ward().await.with(ALL);
    for (search, expected) in [
        (
            "Observation?_id=a1&_include=Observation:performer",
            "Organization/lab Practitioner/dr",
        ),
        (
            "Observation?_id=a1&_include=Observation:performer:Organization",
            "Organization/lab",
        ),
        (
            "Observation?_id=a1&_include=Observation:subject",
            "Patient/anna",
        ),
        // another patient's result, and one that does not exist, are not there
        (
            "Observation?_id=a1&_include=Observation:has-member",
            "Observation/a2",
        ),
        (
            "DiagnosticReport?_id=r&_include=DiagnosticReport:result",
            "Observation/a1",
        ),
        ("Coverage?_id=c&_include=Coverage:subscriber", ""),
        (
            "Coverage?_id=c&_include=Coverage:beneficiary",
            "Patient/anna",
        ),
        ("Observation?_id=a2&_include=Observation:focus", ""),
        // matches are not included once more
        ("Observation?_id=a1,a2&_include=Observation:has-member", ""),
        (
            "PractitionerRole?practitioner=dr&_include=PractitionerRole:practitioner&_include=PractitionerRole:organization",
            "Organization/lab Practitioner/dr",
        ),
        (
            "Observation?_id=a2&_revinclude=Observation:has-member",
            "Observation/a1",
        ),
        ("Patient?_revinclude=Observation:focus", ""),
        (
            "Observation?_id=a1&_revinclude=DiagnosticReport:result",
            "DiagnosticReport/r",
        ),
        (
            "Practitioner?_id=dr&_revinclude=PractitionerRole:practitioner",
            "PractitionerRole/role",
        ),
        ("Observation?_id=a1&_revinclude=AuditEvent:entity", ""),
        (
            "Observation?_id=a1&_revinclude=Provenance:target",
            "Provenance/pa",
        ),
        (
            "Observation?_id=a2&_revinclude=Provenance:target",
            "Provenance/mixed",
        ),
        // what says where something comes from is judged by all that it speaks of, and by its
        // own label, on whichever way it is reached
        (
            "DocumentReference?_id=doc&_include=DocumentReference:related",
            "Provenance/pa",
        ),
        (
            "Patient?_revinclude=Provenance:target&_revinclude=Coverage:beneficiary",
            "Coverage/c Provenance/anna",
        ),
        (
            "Observation?_id=a1&_include=Observation:subject&_revinclude=Provenance:target&_summary=count",
            "",
        ),
    ] {
        let page = door.page_of(search).await;
        assert_eq!(names(&page.included), expected, "{search}");
    }
}

#[tokio::test]
async fn a_type_that_no_scope_names_is_left_out_and_the_ledger_says_so() {
    let door = ward()
        .await
        .with("patient/Observation.s patient/Practitioner.r");
    let page = door
        .page_of(
            "Observation?_id=a1&_include=Observation:performer&_include=Observation:subject\
             &_include=Observation:has-member&_revinclude=Provenance:target",
        )
        .await;
    // `r` lets a target out, `s` alone does not
    assert_eq!(names(&page.matches), "Observation/a1");
    assert_eq!(names(&page.included), "Practitioner/dr");
    let entry = door.entries().pop().unwrap();
    let left_out = serde_json::to_string(&entry.detail["not_included"]).unwrap();
    for name in ["Observation", "Organization", "Patient", "Provenance"] {
        assert!(left_out.contains(name), "{left_out}");
    }
    let ids = serde_json::to_string(&entry.detail["ids"]).unwrap();
    assert_eq!(ids, r#"["a1","Practitioner/dr"]"#);
    // `s` lets out what refers to a match
    let door = ward()
        .await
        .with("patient/Observation.s patient/DiagnosticReport.s");
    let page = door
        .page_of("Observation?_id=a1&_revinclude=DiagnosticReport:result")
        .await;
    assert_eq!(names(&page.included), "DiagnosticReport/r");
    let door = ward()
        .await
        .with("patient/Observation.rs patient/DiagnosticReport.r");
    let page = door
        .page_of("Observation?_id=a1&_revinclude=DiagnosticReport:result")
        .await;
    assert_eq!(names(&page.included), "");
}

#[tokio::test]
async fn the_provenance_of_what_a_session_may_read_and_no_other_is_readable() {
    let door = ward().await.with(ALL);
    for (id, readable) in [
        ("pa", true),
        ("pt", false),
        ("both", false),
        ("anna", true),
        ("gone", false),
        ("away", false),
        ("mixed", true),
        ("again", false),
        ("sealed", false),
        ("none", false),
    ] {
        let answer = door.call(read(&format!("Provenance/{id}"))).await;
        assert_eq!(answer.is_ok(), readable, "{id} {answer:?}");
        if !readable {
            assert_eq!(answer.err(), Some(Refusal::NotFound), "{id}");
        }
    }
    for (search, expected) in [
        (
            "Provenance?",
            "Provenance/anna Provenance/mixed Provenance/pa",
        ),
        ("Provenance?target=Observation/a1", "Provenance/pa"),
        ("Provenance?target=Observation/t1", ""),
        ("Provenance?target=Observation/none", ""),
        ("Provenance?target=Patient/anna", "Provenance/anna"),
        ("Provenance?patient=anna", "Provenance/anna"),
        ("Provenance?_id=pa,pt,both", "Provenance/pa"),
        (
            "Provenance?recorded=2026",
            "Provenance/anna Provenance/mixed Provenance/pa",
        ),
    ] {
        let page = door.page_of(search).await;
        assert_eq!(names(&page.matches), expected, "{search}");
        let count = page.matches.len() as u64;
        assert_eq!(page.total, Some(count), "{search}");
    }
    // whoever may read both patients reads what is about both
    let door = ward().await.with("user/*.rs");
    let page = door.page_of("Provenance?").await;
    assert_eq!(
        names(&page.matches),
        "Provenance/anna Provenance/both Provenance/mixed Provenance/pa Provenance/pt"
    );
    // the scope for Provenance alone shows none: its targets cannot be read
    let door = ward().await.with("patient/Provenance.rs");
    assert_eq!(names(&door.page_of("Provenance?").await.matches), "");
    assert!(door.call(read("Provenance/pa")).await.is_err());
}

#[tokio::test]
async fn the_provenance_of_something_hidden_costs_what_one_that_does_not_exist_costs() {
    let door = ward().await.with(ALL);
    let mut work = Vec::new();
    for id in ["pt", "none"] {
        door.records.take();
        assert_eq!(
            door.call(read(&format!("Provenance/{id}"))).await.err(),
            Some(Refusal::NotFound)
        );
        work.push(door.records.take());
    }
    assert_eq!(work[0], work[1]);
}

#[tokio::test]
async fn apps_never_get_an_audit_event() {
    let door = ward().await.with("patient/*.cruds user/*.cruds");
    for interaction in [
        read("AuditEvent/audit"),
        search("AuditEvent?"),
        search("AuditEvent?patient=anna"),
    ] {
        let (answer, recorded) = door.recorded(interaction).await;
        assert!(
            matches!(answer, Err(Refusal::NotSupported(_))),
            "{answer:?}"
        );
        assert!(
            recorded[0].ends_with("denied: not-for-apps"),
            "{recorded:?}"
        );
    }
}

#[tokio::test]
async fn more_than_fits_a_page_is_refused_and_never_cut() {
    let door = Door::empty().await.with(ALL);
    let members: Vec<String> = (0..1_001)
        .map(|n| format!(r#"{{"reference":"Observation/m{n}"}}"#))
        .collect();
    let wide = format!(
        r#"{{"resourceType":"Observation","id":"wide","status":"final","code":{{"text":"x"}},
        "subject":{{"reference":"Patient/anna"}},"hasMember":[{}]}}"#,
        members.join(",")
    );
    let mut resources = vec![r#"{"resourceType":"Patient","id":"anna"}"#.to_owned(), wide];
    for n in 0..1_001 {
        resources.push(format!(
            r#"{{"resourceType":"Condition","id":"c{n}","subject":{{"reference":"Patient/anna"}},"encounter":{{"reference":"Encounter/e"}}}}"#
        ));
    }
    resources.push(r#"{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/anna"}}"#.to_owned());
    let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
    assert!(door.import(&resources, false).await.refused.is_empty());
    door.may("anna").await;
    for text in [
        "Observation?_include=Observation:has-member",
        "Encounter?_revinclude=Condition:encounter",
    ] {
        let (answer, recorded) = door.recorded(search(text)).await;
        assert!(matches!(answer, Err(Refusal::TooCostly(_))), "{answer:?}");
        assert!(recorded[0].ends_with("failed: too-costly"), "{recorded:?}");
    }
    assert_eq!(door.page_of("Encounter?").await.matches.len(), 1);
}

#[tokio::test]
async fn fewer_elements_go_out_tagged_and_the_count_alone_without_any() {
    let door = ward().await.with(ALL);
    let text = |bytes: &bytes::Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let page = door
        .page_of("Observation?_id=a1&_elements=status&_include=Observation:performer:Practitioner")
        .await;
    let one = text(&page.matches[0].bytes);
    assert!(one.contains("SUBSETTED") && one.contains("final"), "{one}");
    assert!(
        !one.contains("subject") && one.contains(r#""code""#),
        "{one}"
    );
    assert!(!text(&page.included[0].bytes).contains("SUBSETTED"));
    let page = door
        .page_of("Observation?_count=1&_summary=true&_total=accurate")
        .await;
    assert!(text(&page.matches[0].bytes).contains("SUBSETTED"));
    // the result that is labelled very restricted is not counted
    assert_eq!(page.total, Some(2));
    assert!(page.next.is_some());
    for query in ["Observation?_summary=count", "Observation?_count=0"] {
        let page = door.page_of(query).await;
        assert!(page.matches.is_empty() && page.next.is_none(), "{query}");
        assert_eq!(page.total, Some(2), "{query}");
    }
    for (query, total) in [
        ("Observation?_total=none", None),
        ("Observation?_total=accurate", Some(2)),
        ("Observation?_total=estimate", Some(2)),
        ("Observation?patient=tom&_summary=count", Some(0)),
        ("Patient?_summary=count", Some(1)),
    ] {
        assert_eq!(door.page_of(query).await.total, total, "{query}");
    }
}

#[tokio::test]
async fn the_next_page_has_its_own_includes_and_shape() {
    let door = ward().await.with(ALL);
    let search = "Observation?_id=a1,a2&_sort=-_id&_count=1&_elements=status\
                  &_revinclude=Provenance:target&_total=none";
    let page = door.page_of(search).await;
    assert_eq!(names(&page.matches), "Observation/a2");
    assert_eq!(names(&page.included), "Provenance/mixed");
    let pass = door.pass();
    let binding = crate::CursorBinding("b".to_owned());
    let sealed = door
        .gateway
        .seal_cursor(&binding, &page.next.unwrap())
        .unwrap();
    let cursor = door.gateway.open_cursor(&binding, &sealed).unwrap();
    let next = door.gateway.page(&door.session(), &pass, &cursor, 1).await;
    let next = next.unwrap().release(&pass, |page| page).unwrap();
    assert_eq!(names(&next.matches), "Observation/a1");
    assert_eq!(names(&next.included), "Provenance/pa");
    assert_eq!(next.total, None);
    let bytes = String::from_utf8(next.matches[0].bytes.to_vec()).unwrap();
    assert!(bytes.contains("SUBSETTED"));
    // what was granted is asked again for each page
    door.may_no_more("anna").await;
    let next = door.gateway.page(&door.session(), &pass, &cursor, 1).await;
    assert_eq!(next.err(), Some(Refusal::Relation));
}
