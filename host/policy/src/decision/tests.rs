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
