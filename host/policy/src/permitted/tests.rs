use glovebox_fhir::{Facts, Limits, Resource};
use glovebox_model::scope::ScopeSet;

use super::*;
use crate::decision::{Decision, decide};
use crate::request::{AccessRequest, UserRights};
use crate::system::permit_system;

fn provenance(targets: &[&str]) -> Facts {
    let targets: Vec<String> = targets
        .iter()
        .map(|target| format!(r#"{{"reference":"{target}"}}"#))
        .collect();
    let json = format!(
        r#"{{"resourceType":"Provenance","id":"o1","recorded":"2026-01-01T00:00:00Z","target":[{}]}}"#,
        targets.join(",")
    );
    Facts::extract(&Resource::parse(json.as_bytes(), Limits::RESOURCE).unwrap())
}

fn read() -> Interaction {
    Interaction::read("Provenance", "o1").unwrap()
}

fn permitted(scopes: &str, rights: &UserRights) -> Permitted<Interaction> {
    let scopes = ScopeSet::parse(scopes).unwrap();
    let anna: PatientId = "anna".parse().unwrap();
    let request = AccessRequest {
        scopes: &scopes,
        patient: Some(&anna),
        rights,
        terms: &Arc::default(),
    };
    match decide(&request, read()) {
        Decision::Permit(permitted) => permitted,
        Decision::Deny(denial, _) => panic!("{denial:?}"),
    }
}

fn names(names: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    names
        .iter()
        .map(|(of, id)| ((*of).to_owned(), (*id).to_owned()))
        .collect()
}

#[test]
fn a_provenance_passes_only_with_all_its_local_targets() {
    let o1 = ("Observation", "1");
    let o2 = ("Observation", "2");
    let elsewhere = "https://other.example/Observation/9";
    let patient = "patient/Provenance.r";
    let system = "system/Provenance.r";
    for (scopes, targets, readable, expected) in [
        (patient, &["Observation/1"][..], &[o1][..], "permit"),
        (patient, &["Observation/1"], &[], "provenance-target"),
        (patient, &["Observation/1"], &[o2], "provenance-target"),
        (
            patient,
            &["Observation/1", "Observation/2"],
            &[o1],
            "provenance-target",
        ),
        (
            patient,
            &["Observation/1", "Observation/2"],
            &[o1, o2],
            "permit",
        ),
        (patient, &["Observation/1/_history/3"], &[o1], "permit"),
        // in the compartment by its target, and still asked for
        (patient, &["Patient/anna"], &[], "provenance-target"),
        (patient, &["Patient/anna"], &[("Patient", "anna")], "permit"),
        // what is elsewhere says nothing of whose it is
        (patient, &[elsewhere], &[o1], "compartment"),
        (patient, &["Observation/1", elsewhere], &[o1], "permit"),
        (patient, &[], &[o1], "compartment"),
        (system, &[elsewhere], &[], "permit"),
        (system, &["Observation/1"], &[], "provenance-target"),
        (
            "patient/Provenance.r?recorded=2020",
            &["Observation/1"],
            &[o1],
            "scope-filter",
        ),
    ] {
        let rights = if scopes == system {
            UserRights::NoUser
        } else {
            UserRights::Everyone
        };
        let permitted = permitted(scopes, &rights).with_readable_targets(names(readable));
        let facts = provenance(targets);
        let answer = match permitted.recheck(&facts.view()) {
            Ok(_) => "permit".to_owned(),
            Err(denial) => denial.rule.to_string(),
        };
        assert_eq!(answer, expected, "{scopes} {targets:?} {readable:?}");
    }
}

#[test]
fn a_permit_that_was_not_told_lets_no_provenance_with_targets_pass() {
    let permitted = permitted("patient/*.rs user/*.rs", &UserRights::Everyone);
    assert!(permitted.asks_for_targets());
    let facts = provenance(&["Patient/anna"]);
    assert!(permitted.recheck(&facts.view()).is_err());
}

#[test]
fn whose_a_provenance_is_to_write_its_compartment_says() {
    let anna = to_delete("patient/Provenance.cud");
    for (target, passes) in [
        ("Patient/anna", true),
        ("Patient/tom", false),
        ("Observation/1", false),
    ] {
        let facts = provenance(&[target]);
        assert_eq!(anna.recheck(&facts.view()).is_ok(), passes, "{target}");
    }
}

fn to_delete(scopes: &str) -> Permitted<Interaction> {
    let scopes = ScopeSet::parse(scopes).unwrap();
    let anna: PatientId = "anna".parse().unwrap();
    let request = AccessRequest {
        scopes: &scopes,
        patient: Some(&anna),
        rights: &UserRights::Everyone,
        terms: &Arc::default(),
    };
    let delete = Interaction::delete("Provenance", "o1", None).unwrap();
    match decide(&request, delete) {
        Decision::Permit(permitted) => permitted,
        Decision::Deny(denial, _) => panic!("{denial:?}"),
    }
}

#[test]
fn the_host_goes_by_the_compartment_alone() {
    let reach = Reach::patient(&"anna".parse().unwrap());
    let permitted = permit_system(SystemReason::Chart, reach, read());
    assert!(!permitted.asks_for_targets());
    for (target, passes) in [
        ("Patient/anna", true),
        ("Patient/tom", false),
        ("Observation/1", false),
    ] {
        let facts = provenance(&[target]);
        // telling it changes nothing
        let told = permitted
            .clone()
            .with_readable_targets(names(&[("Observation", "1")]));
        assert_eq!(permitted.recheck(&facts.view()).is_ok(), passes, "{target}");
        assert_eq!(told.recheck(&facts.view()).is_ok(), passes, "{target}");
    }
}

#[test]
fn apps_are_denied_every_audit_event() {
    for scopes in ["patient/*.cruds", "user/AuditEvent.rs", "system/*.cruds"] {
        let scopes = ScopeSet::parse(scopes).unwrap();
        for rights in [UserRights::Everyone, UserRights::NoUser] {
            let request = AccessRequest {
                scopes: &scopes,
                patient: None,
                rights: &rights,
                terms: &Arc::default(),
            };
            let interaction = Interaction::read("AuditEvent", "a").unwrap();
            let Decision::Deny(denial, _) = decide(&request, interaction) else {
                panic!("permitted");
            };
            assert_eq!(denial.rule, Rule::NotForApps);
        }
    }
}
