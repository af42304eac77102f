//! Result parameters, lenient handling, scope filters.

use super::*;

#[test]
fn result_parameters_shape_the_answer_and_add_no_condition() {
    let query = parse(
        "Observation",
        "_include=Observation:performer:Practitioner&_include=Observation:encounter\
         &_revinclude=Provenance:target&_summary=data&_total=none&_sort=-date",
    )
    .unwrap();
    assert!(query.clauses().is_empty());
    let output = query.output();
    assert_eq!(
        output.includes,
        [
            Include {
                source: "Observation",
                parameter: "encounter",
                target: None
            },
            Include {
                source: "Observation",
                parameter: "performer",
                target: Some("Practitioner")
            },
        ]
    );
    assert_eq!(output.revincludes.len(), 1);
    assert_eq!(
        (output.summary, output.total),
        (Summary::Data, Some(Total::None))
    );
    assert!(!output.is_whole());
    assert_eq!(
        query.canonical(),
        "Observation?_include=Observation:encounter&_include=Observation:performer:Practitioner\
         &_revinclude=Provenance:target&_summary=data&_total=none&_sort=-date&_count=50"
    );
    let count = parse("Patient", "_count=0").unwrap();
    assert_eq!(count.output().summary, Summary::Count);
    let elements = parse("Patient", "_elements=name,active,name").unwrap();
    assert_eq!(elements.output().elements, ["active", "name"]);
}

#[test]
fn a_lenient_reading_leaves_out_and_reports_what_the_host_does_not_have() {
    let lenient = |query: &str| {
        let options = ParseOptions {
            handling: Handling::Lenient,
            base: None,
        };
        SearchQuery::parse_with("Observation", &pairs(query), options)
    };
    for name in [
        "nonsense",
        "patient[]",
        "patient\0",
        "PATIENT",
        "_filter",
        "_query",
        "_text",
        "_content",
        "_list",
        "_type",
        "_has:Provenance:target:agent",
        "_has",
        "subject.name",
        "subject:Patient.identifier",
        "_include:iterate",
        "_contained",
    ] {
        let query = lenient(&format!("{name}=x&patient=1")).unwrap();
        assert_eq!(query.ignored().len(), 1, "{name}");
        assert_eq!(query.ignored()[0].parameter, name);
        assert_eq!(query.clauses().len(), 1, "{name}");
        assert_eq!(query.patient_restriction(), Some(vec!["1".to_owned()]));
        assert!(!query.canonical().contains("=x"), "{name}");
        assert_eq!(
            SearchQuery::parse("Observation", query.pairs())
                .unwrap()
                .pairs(),
            query.pairs()
        );
        // what is narrowed later keeps the report
        let narrowed = query.and(&pairs("code=a")).unwrap();
        assert_eq!(narrowed.ignored(), query.ignored());
    }
    for query in ["_include=*", "_revinclude=*:*", "_sort=_text"] {
        assert_eq!(lenient(query).unwrap().ignored().len(), 1, "{query}");
    }
    // a condition that was meant and cannot be read is a mistake in any reading
    for query in [
        "code:text=a",
        "subject:identifier=a|b",
        "date=yesterday",
        "date=xx2024",
        "code=",
        "_count=x",
        "_count=1&_count=2",
    ] {
        assert!(lenient(query).is_err(), "{query}");
    }
}

#[test]
fn a_scope_filters_by_conditions_without_modifiers_only() {
    let filter = |query: &str| SearchQuery::parse_filter("Observation", &pairs(query));
    for query in [
        "category=laboratory",
        "category=a,b&status=final",
        "patient=1",
    ] {
        assert!(filter(query).is_ok(), "{query}");
    }
    for query in [
        "category:not=laboratory",
        "category:missing=true",
        "subject:Patient=1",
        "_include=Observation:subject",
        "_revinclude=Provenance:target",
        "_count=5",
        "_sort=date",
        "_summary=true",
        "_elements=status",
        "_total=none",
        "subject.name=x",
        "_has:Observation:patient:code=x",
        "nonsense=x",
    ] {
        assert!(filter(query).is_err(), "{query}");
    }
}

#[test]
fn what_refers_to_resources_is_a_search_of_its_own() {
    let targets = || {
        [
            ("Observation", "1".to_owned()),
            ("Observation", "2".to_owned()),
        ]
    };
    let query = SearchQuery::referring("Provenance", "target", targets()).unwrap();
    assert_eq!(
        query.canonical(),
        "Provenance?target=Observation/1,Observation/2&_count=50"
    );
    let about = |target: &str| {
        facts(&json!({"resourceType": "Provenance", "target": [{"reference": target}]}))
    };
    assert!(query.matches(&about("Observation/2").view()));
    assert!(!query.matches(&about("Observation/3").view()));
    assert!(!query.matches(&about("Condition/1").view()));
    let named: Vec<_> = query.reference_targets().collect();
    assert_eq!(named, [[("Observation", "1"), ("Observation", "2")]]);
    assert!(SearchQuery::referring("Provenance", "recorded", targets()).is_none());
    assert!(SearchQuery::referring("Bot", "target", targets()).is_none());
}
