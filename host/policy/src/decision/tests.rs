use glovebox_fhir::SearchQuery;
use std::collections::BTreeSet;

use glovebox_fhir::{Facts, Limits, Resource};
use glovebox_model::PatientId;
use glovebox_model::scope::ScopeSet;

use super::*;

const LABS: &str = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory";

fn patient(id: &str) -> PatientId {
    id.parse().unwrap()
}

fn facts(json: &str) -> Facts {
    Facts::extract(&Resource::parse(json.as_bytes(), Limits::RESOURCE).unwrap())
}

fn observation(subject: &str, category: &str) -> Facts {
    facts(&format!(
        r#"{{"resourceType":"Observation","id":"o1","status":"final",
            "category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"{category}"}}]}}],
            "code":{{"coding":[{{"system":"http://loinc.org","code":"718-7"}}]}},
            "subject":{{"reference":"Patient/{subject}"}}}}"#
    ))
}

fn read(resource_type: &str) -> Interaction {
    Interaction::read(resource_type, "o1").unwrap()
}

fn decided(
    scopes: &str,
    context: Option<&str>,
    rights: &UserRights,
    interaction: Interaction,
) -> Decision {
    let scopes = ScopeSet::parse(scopes).unwrap();
    let context = context.map(patient);
    let request = AccessRequest {
        scopes: &scopes,
        patient: context.as_ref(),
        rights,
        terms: &Arc::default(),
    };
    decide(&request, interaction)
}

fn rule(decision: Decision) -> String {
    match decision {
        Decision::Deny(denial, _) => denial.rule.to_string(),
        Decision::Permit(_) => "permit".to_owned(),
    }
}

fn ward() -> UserRights {
    UserRights::Patients(BTreeSet::from([patient("anna"), patient("tom")]))
}

#[test]
fn the_decision_before_the_fetch_follows_type_letter_level_and_rights() {
    let everyone = &UserRights::Everyone;
    let nobody = &UserRights::NoUser;
    for (scopes, context, rights, expected) in [
        ("", Some("anna"), everyone, "scope"),
        ("patient/Observation.s", Some("anna"), everyone, "scope"),
        ("patient/Condition.rs", Some("anna"), everyone, "scope"),
        ("patient/Observation.rs", Some("anna"), everyone, "permit"),
        (
            "patient/Observation.rs",
            None,
            everyone,
            "no-patient-in-context",
        ),
        ("patient/Observation.rs", Some("james"), &ward(), "relation"),
        ("patient/Observation.rs", Some("anna"), nobody, "relation"),
        ("user/Observation.rs", None, &ward(), "permit"),
        ("user/Observation.rs", None, nobody, "relation"),
        ("system/Observation.rs", None, nobody, "permit"),
        ("system/Observation.rs", Some("anna"), everyone, "relation"),
        (
            "patient/Observation.rs?no-such=1",
            Some("anna"),
            everyone,
            "scope-filter-unknown",
        ),
        (
            "user/Observation.rs",
            None,
            &UserRights::TooMany(BTreeSet::new()),
            "too-many-patients",
        ),
        (
            "user/Practitioner.rs",
            None,
            &UserRights::TooMany(BTreeSet::new()),
            "permit",
        ),
    ] {
        let name = if scopes.contains("Practitioner") {
            "Practitioner"
        } else {
            "Observation"
        };
        assert_eq!(
            rule(decided(scopes, context, rights, read(name))),
            expected,
            "{scopes} {context:?}"
        );
    }
}

#[test]
fn a_refusal_names_the_scope_that_would_satisfy_it() {
    let Decision::Deny(denial, _) =
        decided("", Some("anna"), &UserRights::Everyone, read("Observation"))
    else {
        panic!("expected a denial")
    };
    assert_eq!(
        denial.rule,
        Rule::ScopeMissing("patient/Observation.r".into())
    );
}

#[test]
fn the_recheck_looks_at_compartment_and_filter_of_each_authority() {
    let scopes = format!("patient/Observation.rs?category={LABS}");
    let Decision::Permit(permitted) = decided(
        &scopes,
        Some("anna"),
        &UserRights::Everyone,
        read("Observation"),
    ) else {
        panic!("expected a permit")
    };
    let verdict = |facts: &Facts| {
        permitted
            .recheck(&facts.view())
            .map(|_| ())
            .map_err(|denial| denial.rule)
    };
    assert_eq!(verdict(&observation("anna", "laboratory")), Ok(()));
    assert_eq!(
        verdict(&observation("anna", "vital-signs")),
        Err(Rule::ScopeFilter)
    );
    assert_eq!(
        verdict(&observation("james", "laboratory")),
        Err(Rule::Compartment)
    );
}

#[test]
fn several_scopes_are_a_union_each_under_its_own_constraint() {
    let scopes = format!("patient/Observation.rs?category={LABS} user/Observation.r");
    let Decision::Permit(permitted) = decided(&scopes, Some("anna"), &ward(), read("Observation"))
    else {
        panic!("expected a permit")
    };
    assert!(
        permitted
            .recheck(&observation("tom", "vital-signs").view())
            .is_ok()
    );
    assert!(
        permitted
            .recheck(&observation("james", "laboratory").view())
            .is_err()
    );
}

#[test]
fn a_universal_type_passes_without_a_patient() {
    let Decision::Permit(permitted) = decided(
        "patient/*.rs",
        Some("anna"),
        &UserRights::Everyone,
        read("Practitioner"),
    ) else {
        panic!("expected a permit")
    };
    let practitioner = facts(r#"{"resourceType":"Practitioner","id":"p"}"#);
    assert!(permitted.recheck(&practitioner.view()).is_ok());
}

#[test]
fn a_link_to_the_patient_in_context_opens_nobody_elses_record() {
    let Decision::Permit(permitted) = decided(
        "patient/Patient.rs",
        Some("anna"),
        &UserRights::Everyone,
        read("Patient"),
    ) else {
        panic!("expected a permit")
    };
    let record = |id: &str, link: &str| {
        facts(&format!(
            r#"{{"resourceType":"Patient","id":"{id}","link":[{{"other":{{"reference":"Patient/{link}"}},"type":"seealso"}}]}}"#
        ))
    };
    assert!(permitted.recheck(&record("anna", "james").view()).is_ok());
    assert!(permitted.recheck(&record("james", "anna").view()).is_err());
}

#[test]
fn rule_20_deny_wins_a_withheld_label_refuses_whatever_the_scopes_allow() {
    let Decision::Permit(permitted) = decided(
        "patient/*.rs user/*.rs",
        Some("anna"),
        &UserRights::Everyone,
        read("Observation"),
    ) else {
        panic!("expected a permit")
    };
    let restricted = facts(
        r#"{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/anna"},
            "meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}}"#,
    );
    let denied = permitted.recheck(&restricted.view());
    assert_eq!(denied.map(drop), Err(Denial::new(Rule::Label)));
}

fn under(terms: &serde_json::Value, scopes: &str, interaction: Interaction) -> String {
    let scopes = ScopeSet::parse(scopes).unwrap();
    let anna = patient("anna");
    let request = AccessRequest {
        scopes: &scopes,
        patient: Some(&anna),
        rights: &UserRights::Everyone,
        terms: &Arc::new(crate::Terms::from_json(terms).unwrap()),
    };
    rule(decide(&request, interaction))
}

#[test]
fn rule_18_what_an_approval_hides_is_neither_asked_about_nor_changed() {
    let terms = serde_json::json!({ "projection": { "Patient": { "strip": ["telecom"] } } });
    let search = |name: &str, value: &str| {
        let pairs = [(name.to_owned(), value.to_owned())];
        Interaction::search(SearchQuery::parse("Patient", &pairs).unwrap())
    };
    let patient = Resource::parse(
        br#"{"resourceType":"Patient","id":"anna"}"#,
        Limits::RESOURCE,
    );
    let patient = patient.unwrap();
    let conditional = |name: &str| {
        let pairs = [(name.to_owned(), "1".to_owned())];
        let query = SearchQuery::parse("Patient", &pairs).unwrap();
        Interaction::conditional_create(patient.clone(), query).unwrap()
    };
    let update = Interaction::update(patient.clone(), None).unwrap();
    let delete = Interaction::delete("Patient", "anna", None).unwrap();
    for (interaction, expected) in [
        (search("phone", "1"), "hidden-element"),
        (search("_sort", "phone"), "hidden-element"),
        (search("family", "rossi"), "permit"),
        (Interaction::read("Patient", "anna").unwrap(), "permit"),
        (update, "partly-shown"),
        (delete, "partly-shown"),
        (Interaction::create(patient.clone()), "permit"),
        // a condition is a question too
        (conditional("phone"), "hidden-element"),
        (conditional("family"), "permit"),
    ] {
        let shown = format!("{interaction:?}");
        assert_eq!(
            under(&terms, "patient/*.cruds", interaction),
            expected,
            "{shown}"
        );
    }
    let filter = "patient/Patient.rs?phone=1";
    assert_eq!(
        under(&terms, filter, search("family", "a")),
        "hidden-element"
    );
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn scopes() -> impl Strategy<Value = ScopeSet> {
        let scope = (
            prop_oneof![Just("patient"), Just("user")],
            prop_oneof![Just("Observation"), Just("Condition"), Just("*")],
            prop_oneof![
                Just("r"),
                Just("rs"),
                Just("s"),
                Just("cruds"),
                Just("read")
            ],
            prop_oneof![
                Just(""),
                Just("?category=laboratory"),
                Just("?category=laboratory,vital-signs"),
                Just("?code=718-7"),
                Just("?category=vital-signs&code=718-7"),
            ],
        );
        prop::collection::vec(scope, 0..4).prop_map(|scopes| {
            ScopeSet::new(
                scopes
                    .into_iter()
                    .filter_map(|(level, name, letters, filter)| {
                        let filter = if letters == "read" || name == "*" {
                            ""
                        } else {
                            filter
                        };
                        format!("{level}/{name}.{letters}{filter}").parse().ok()
                    }),
            )
        })
    }

    /// Which of a handful of resources these scopes let through, read and searched.
    fn allowed(scopes: &ScopeSet) -> Vec<bool> {
        let anna = patient("anna");
        let rights = ward();
        let mut allowed = Vec::new();
        for subject in ["anna", "tom", "james"] {
            for category in ["laboratory", "vital-signs", "survey"] {
                let facts = observation(subject, category);
                for interaction in [
                    read("Observation"),
                    Interaction::search(SearchQuery::parse("Observation", &[]).unwrap()),
                ] {
                    let request = AccessRequest {
                        scopes,
                        patient: Some(&anna),
                        rights: &rights,
                        terms: &Arc::default(),
                    };
                    allowed.push(match decide(&request, interaction) {
                        Decision::Permit(permitted) => permitted.recheck(&facts.view()).is_ok(),
                        Decision::Deny(..) => false,
                    });
                }
            }
        }
        allowed
    }

    fn within(inner: &ScopeSet, outer: &ScopeSet) -> bool {
        allowed(inner)
            .into_iter()
            .zip(allowed(outer))
            .all(|(inner, outer)| !inner || outer)
    }

    proptest! {
        #[test]
        fn what_covers_allows_whatever_is_covered(a in scopes(), b in scopes()) {
            if a.covers_all(&b) {
                prop_assert!(within(&b, &a));
            }
        }

        #[test]
        fn narrowing_allows_what_both_allow_and_nothing_else(a in scopes(), b in scopes()) {
            let narrow = a.narrow(&b);
            prop_assert!(within(&narrow, &a) && within(&narrow, &b));
        }

        #[test]
        fn the_canonical_form_decides_the_same(a in scopes()) {
            prop_assert_eq!(allowed(&a), allowed(&a.canonical()));
        }
    }
}
