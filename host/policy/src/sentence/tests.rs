use super::*;

const LABS: &str = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory";

/// The wording that every page shows: it changes here first.
#[test]
fn scopes_read_as_plain_sentences() {
    let labs = format!("patient/Observation.rs?category={LABS}");
    for (scope, expected) in [
        (labs.as_str(), "Can see test results of this patient only."),
        (
            "patient/Observation.rs?category=laboratory",
            "Can see test results of this patient only.",
        ),
        (
            "patient/Observation.rs?category=laboratory,vital-signs",
            "Can see test results and vital signs of this patient only.",
        ),
        (
            "patient/Observation.rs?category=social-history",
            "Can see lifestyle notes of this patient only.",
        ),
        (
            "patient/Observation.r",
            "Can see test results, vital signs and other measurements of this patient only.",
        ),
        (
            "patient/Observation.s",
            "Can see test results, vital signs and other measurements of this patient only.",
        ),
        (
            "patient/Condition.rs?category=problem-list-item",
            "Can see health problems on the problem list of this patient only.",
        ),
        (
            "patient/Condition.rs?category=encounter-diagnosis",
            "Can see diagnoses made at visits of this patient only.",
        ),
        (
            "patient/Condition.rs?category=health-concern&clinical-status=active",
            "Can see health concerns (only where clinical-status is “active”) of this patient only.",
        ),
        (
            "user/MedicationRequest.cruds",
            "Can see, add, change and delete medicines of the patients whom the user may open.",
        ),
        (
            "patient/Goal.c",
            "Can add care plans and goals of this patient only.",
        ),
        (
            "patient/Goal.cu",
            "Can add and change care plans and goals of this patient only.",
        ),
        (
            "patient/Goal.d",
            "Can delete care plans and goals of this patient only.",
        ),
        (
            "patient/Patient.read",
            "Can see name, contact and birth date of this patient only.",
        ),
        (
            "user/Appointment.write",
            "Can add, change and delete appointments of the patients whom the user may open.",
        ),
        (
            "patient/*.*",
            "Can see, add, change and delete everything in the record of this patient only.",
        ),
        (
            "system/*.rs",
            "Can see everything in the record of every patient.",
        ),
        (
            "patient/*.rs?_tag=shared",
            "Can see everything in the record (only where tag is “shared”) of this patient only.",
        ),
        (
            "patient/Observation.rs?code=http://loinc.org|4548-4",
            "Can see test results, vital signs and other measurements (only where code is “http://loinc.org|4548-4”) of this patient only.",
        ),
        (
            "patient/Observation.rs?category=http://example.org|laboratory",
            "Can see test results, vital signs and other measurements (only where category is “http://example.org|laboratory”) of this patient only.",
        ),
        (
            "patient/Observation.rs?code=1,2,3,4,5,6,7",
            "Can see test results, vital signs and other measurements (only where code is “1”, “2”, “3”, “4”, “5” or one of 2 more) of this patient only.",
        ),
        ("openid", "Can learn that you signed in."),
        ("fhirUser", "Can learn who you are in the record."),
        (
            "launch",
            "Opens for the patient and visit that are open now.",
        ),
        ("launch/patient", "Asks which patient it opens for."),
        ("launch/encounter", "Asks which visit it opens for."),
        (
            "offline_access",
            "Keeps its access when you are not using it, until the end date or until you stop it.",
        ),
        ("online_access", "Keeps its access while you are signed in."),
    ] {
        let words = sentence(&scope.parse().unwrap());
        assert_eq!(words.as_deref(), Some(expected), "{scope}");
    }
}

#[test]
fn a_type_without_words_has_no_sentence() {
    assert_eq!(sentence(&"patient/Linkage.rs".parse().unwrap()), None);
}

#[test]
fn both_grammars_say_the_same() {
    for (v1, v2) in [("read", "rs"), ("write", "cud"), ("*", "cruds")] {
        let say = |letters: &str| sentence(&format!("user/Condition.{letters}").parse().unwrap());
        assert_eq!(say(v1), say(v2));
    }
}

#[test]
fn a_code_cannot_speak_for_the_sentence() {
    let scope = "patient/Observation.rs?code=a%E2%80%AEb%E2%80%9D."
        .parse()
        .unwrap();
    let words = sentence(&scope).unwrap();
    assert!(!words.contains('\u{202e}'), "{words}");
    assert_eq!(words.matches('”').count(), 1, "{words}");
    let long = format!("patient/Observation.rs?code={}", "x".repeat(300));
    assert!(sentence(&long.parse().unwrap()).unwrap().chars().count() < 220);
}

#[test]
fn every_type_of_the_shipped_categories_has_words() {
    for name in [
        "Observation",
        "DiagnosticReport",
        "Specimen",
        "MedicationRequest",
        "MedicationDispense",
        "MedicationStatement",
        "Medication",
        "Condition",
        "AllergyIntolerance",
        "Immunization",
        "Encounter",
        "Appointment",
        "Slot",
        "Schedule",
        "Procedure",
        "DocumentReference",
        "Binary",
        "CarePlan",
        "Goal",
        "CareTeam",
        "Device",
        "Coverage",
        "ExplanationOfBenefit",
        "FamilyMemberHistory",
        "QuestionnaireResponse",
        "Questionnaire",
        "Patient",
        "RelatedPerson",
        "ServiceRequest",
        "Practitioner",
        "PractitionerRole",
        "Organization",
        "Location",
        "Provenance",
        "ImagingStudy",
        "Media",
        "Communication",
        "Task",
        "List",
    ] {
        let scope = format!("patient/{name}.rs").parse().unwrap();
        assert!(sentence(&scope).is_some(), "{name}");
    }
}

#[test]
fn the_summary_names_each_label_once() {
    let scopes =
        ScopeSet::parse("patient/Patient.r patient/Medication.r patient/MedicationRequest.rs")
            .unwrap();
    assert_eq!(
        access_summary(&scopes),
        (vec!["name, contact and birth date", "medicines"], vec![])
    );
}
