//! Scopes in plain words: one function for consent, admin, vendor and chart pages.

use glovebox_model::scope::{Level, Permissions, ResourceScope, Scope, ScopeSet, TypeSelector};

/// The plain label of a resource type, such as `test results` for an Observation with a
/// laboratory filter. `None` where no sentence exists: such a scope is not offered.
pub fn category(scope: &ResourceScope) -> Option<&'static str> {
    let TypeSelector::Named(name) = &scope.resource_type else {
        return Some("everything in the record");
    };
    let filtered = |code: &str| {
        scope.parameters.iter().any(|(parameter, value)| {
            parameter == "category" && value.rsplit('|').next() == Some(code)
        })
    };
    Some(match name.as_str() {
        "Observation" if filtered("laboratory") => "test results",
        "Observation" if filtered("vital-signs") => "vital signs",
        "Observation" if filtered("social-history") => "lifestyle notes",
        "Observation" => "test results, vital signs and other measurements",
        "DiagnosticReport" | "Specimen" => "test reports",
        "MedicationRequest"
        | "MedicationDispense"
        | "MedicationStatement"
        | "Medication"
        | "MedicationAdministration" => "medicines",
        "Condition" => "health problems",
        "AllergyIntolerance" => "allergies",
        "Immunization" => "vaccinations",
        "Encounter" => "visits",
        "Appointment" | "Slot" | "Schedule" => "appointments",
        "Procedure" => "procedures",
        "DocumentReference" | "Binary" => "documents and notes",
        "CarePlan" | "Goal" | "CareTeam" => "care plans and goals",
        "Device" => "devices",
        "Coverage" | "ExplanationOfBenefit" => "insurance",
        "FamilyMemberHistory" => "family history",
        "QuestionnaireResponse" | "Questionnaire" => "questionnaires",
        "Patient" | "RelatedPerson" => "name, contact and birth date",
        "ServiceRequest" => "orders",
        "Practitioner" | "PractitionerRole" | "Organization" | "Location" => {
            "names of staff and places"
        }
        "Provenance" => "who entered what",
        _ => return None,
    })
}

/// One sentence on what a scope allows. `None` where it allows nothing in the record
/// (such as `openid`) or where no sentence exists.
pub fn sentence(scope: &Scope) -> Option<String> {
    let resource = scope.as_resource()?;
    let label = category(resource)?;
    let verb = match (reads(resource.permissions), writes(resource.permissions)) {
        (true, true) => "see and change",
        (true, false) => "see",
        (false, _) => "add or change",
    };
    let whose = match resource.level {
        Level::Patient => "of this patient only",
        Level::User => "of the patients whom the user may open",
        Level::System => "of every patient",
    };
    Some(format!("Can {verb} {label} {whose}."))
}

/// What a set of scopes comes to: the labels that can be read and those that can be written.
pub fn access_summary(scopes: &ScopeSet) -> (Vec<&'static str>, Vec<&'static str>) {
    let labels = |wanted: fn(Permissions) -> bool| {
        let mut labels: Vec<&'static str> = Vec::new();
        for label in scopes
            .resources()
            .filter(|scope| wanted(scope.permissions))
            .filter_map(category)
        {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels
    };
    (labels(reads), labels(writes))
}

fn reads(permissions: Permissions) -> bool {
    !permissions
        .intersection(Permissions::READ.union(Permissions::SEARCH))
        .is_empty()
}

fn writes(permissions: Permissions) -> bool {
    let write = Permissions::CREATE
        .union(Permissions::UPDATE)
        .union(Permissions::DELETE);
    !permissions.intersection(write).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_as_plain_sentences() {
        for (scope, expected) in [
            (
                "patient/Observation.rs?category=laboratory",
                Some("Can see test results of this patient only."),
            ),
            (
                "user/MedicationRequest.cruds",
                Some("Can see and change medicines of the patients whom the user may open."),
            ),
            (
                "patient/Goal.c",
                Some("Can add or change care plans and goals of this patient only."),
            ),
            (
                "system/*.rs",
                Some("Can see everything in the record of every patient."),
            ),
            ("openid", None),
            ("patient/Linkage.rs", None),
        ] {
            assert_eq!(
                sentence(&scope.parse().unwrap()).as_deref(),
                expected,
                "{scope}"
            );
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
}
