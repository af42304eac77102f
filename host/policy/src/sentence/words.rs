//! What resource types and their categories are called where patients read it.

/// Code systems in which the categories below are defined.
const CATEGORY_SYSTEMS: [&str; 8] = [
    "http://terminology.hl7.org/CodeSystem/observation-category",
    "http://terminology.hl7.org/CodeSystem/condition-category",
    "http://hl7.org/fhir/us/core/CodeSystem/condition-category",
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-category",
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
    "http://terminology.hl7.org/CodeSystem/v2-0074",
    "http://loinc.org",
];

/// The label of a type. `None` where there is no word for it: such a scope is not offered.
pub(super) fn of_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "Observation" => "test results, vital signs and other measurements",
        "DiagnosticReport" | "Specimen" => "test reports",
        "MedicationRequest"
        | "MedicationDispense"
        | "MedicationStatement"
        | "Medication"
        | "MedicationAdministration" => "medicines",
        "Condition" => "health problems",
        "AllergyIntolerance" => "allergies",
        "AdverseEvent" => "unwanted effects of treatment",
        "Immunization" | "ImmunizationRecommendation" | "ImmunizationEvaluation" => "vaccinations",
        "Encounter" | "EpisodeOfCare" => "visits",
        "Appointment" | "AppointmentResponse" | "Slot" | "Schedule" => "appointments",
        "Procedure" => "procedures",
        "DocumentReference" | "Binary" | "DocumentManifest" | "Composition" => {
            "documents and notes"
        }
        "CarePlan" | "Goal" | "CareTeam" => "care plans and goals",
        "Device" | "DeviceUseStatement" | "DeviceMetric" | "DeviceRequest" => "devices",
        "Coverage"
        | "ExplanationOfBenefit"
        | "CoverageEligibilityRequest"
        | "CoverageEligibilityResponse"
        | "InsurancePlan" => "insurance",
        "Account"
        | "ChargeItem"
        | "Claim"
        | "ClaimResponse"
        | "Invoice"
        | "PaymentNotice"
        | "PaymentReconciliation" => "bills and payments",
        "FamilyMemberHistory" => "family history",
        "QuestionnaireResponse" | "Questionnaire" => "questionnaires",
        "Patient" | "RelatedPerson" | "Person" => "name, contact and birth date",
        "ServiceRequest" | "SupplyRequest" | "SupplyDelivery" | "RequestGroup" => "orders",
        "NutritionOrder" => "diet orders",
        "VisionPrescription" => "prescriptions for glasses and lenses",
        "ImagingStudy" | "Media" => "images",
        "MolecularSequence" => "genetic data",
        "ClinicalImpression" | "RiskAssessment" | "GuidanceResponse" => "clinical assessments",
        "DetectedIssue" | "Flag" => "warnings and alerts",
        "BodyStructure" => "parts of the body",
        "Communication" | "CommunicationRequest" => "messages",
        "Consent" | "Contract" => "consents",
        "ResearchSubject" | "ResearchStudy" => "research studies",
        "Task" => "tasks",
        "List" => "lists in the record",
        "Group" => "groups of patients",
        "Practitioner"
        | "PractitionerRole"
        | "Organization"
        | "Location"
        | "HealthcareService"
        | "OrganizationAffiliation"
        | "Endpoint" => "names of staff and places",
        "Substance" | "MedicationKnowledge" => "reference data on medicines",
        "CodeSystem" | "ValueSet" | "ConceptMap" | "NamingSystem" => "lists of medical terms",
        "Provenance" => "who entered what",
        "AuditEvent" => "who looked at the record",
        _ => return None,
    })
}

/// The label of one category of a type, `system|code` or `code`. `None` where there is no
/// word for it: a code of another system may mean anything.
pub(super) fn of_category(name: &str, value: &str) -> Option<&'static str> {
    let (system, code) = value.rsplit_once('|').unwrap_or(("", value));
    if !system.is_empty() && !CATEGORY_SYSTEMS.contains(&system) {
        return None;
    }
    Some(match (name, code) {
        ("Observation", "laboratory") => "test results",
        ("Observation", "vital-signs") => "vital signs",
        ("Observation", "social-history") => "lifestyle notes",
        ("Observation", "survey") => "answers to questionnaires",
        ("Observation", "imaging") => "findings in images",
        ("Observation", "procedure") => "results of clinical tests",
        ("Observation", "exam") => "findings of examinations",
        ("Observation", "therapy") => "notes on therapies",
        ("Observation", "activity") => "physical activity",
        ("Observation" | "Condition" | "ServiceRequest" | "Procedure" | "Goal", "sdoh") => {
            "living conditions"
        }
        ("Observation", "functional-status") => "abilities in daily life",
        ("Observation", "disability-status") => "disabilities",
        ("Observation", "cognitive-status") => "memory and thinking",
        ("Observation", "treatment-intervention-preference" | "care-experience-preference") => {
            "wishes for care"
        }
        ("Condition", "problem-list-item") => "health problems on the problem list",
        ("Condition", "encounter-diagnosis") => "diagnoses made at visits",
        ("Condition", "health-concern") => "health concerns",
        ("DiagnosticReport", "LAB") => "laboratory reports",
        ("DiagnosticReport", "RAD" | "LP29684-5") => "imaging reports",
        ("DiagnosticReport", "LP29708-2") => "heart reports",
        ("DiagnosticReport", "LP7839-6") => "pathology reports",
        ("DocumentReference", "clinical-note") => "clinical notes",
        ("CarePlan", "assess-plan") => "assessments and care plans",
        _ => return None,
    })
}
