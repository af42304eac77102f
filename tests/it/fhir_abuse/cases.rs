//! The abuse cases of the patient compartment and of granular scopes, by their ids.

use serde_json::{Value, json};

use super::data::MRN_SYSTEM;

/// What must come of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 403 or 404, and the same for somebody made up.
    Hidden,
    /// Refused with a status below 500.
    Refused,
    /// 200, and nothing in it is B's; the least number of entries.
    OnlyA(usize),
    /// Any answer below 500 in which nothing is B's.
    Safe,
}

/// One attack.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) outcome: Outcome,
}

use Outcome::{Hidden, OnlyA, Refused, Safe};

fn get(id: &'static str, path: &str, outcome: Outcome) -> Case {
    Case {
        id,
        method: "GET",
        path: path.to_owned(),
        body: None,
        outcome,
    }
}

fn with(id: &'static str, method: &'static str, path: &str, body: Value, outcome: Outcome) -> Case {
    Case {
        id,
        method,
        path: path.to_owned(),
        body: Some(body),
        outcome,
    }
}

fn form(id: &'static str, path: &str, fields: &str, outcome: Outcome) -> Case {
    with(id, "POST", path, Value::String(fields.to_owned()), outcome)
}

/// Under `patient/*.cruds` for A.
pub(crate) fn of_patient_a() -> Vec<Case> {
    let mut cases = reads();
    cases.extend(searches());
    cases.extend(writes());
    cases.extend(operations());
    cases
}

fn reads() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in [
        "/Patient/abuse-b",
        "/Patient/abuse-b/_history/1",
        "/Patient/abuse-b/_history",
        "/Observation/abuse-b-lab",
        "/Observation/abuse-b-lab/_history/1",
        "/Observation/abuse-b-lab/_history",
        "/Condition/abuse-b-condition",
        "/Encounter/abuse-b-encounter",
    ] {
        cases.push(get("A-PC1", path, Hidden));
        cases.push(Case {
            method: "HEAD",
            ..get("A-PC1", path, Hidden)
        });
    }
    cases.extend([
        get("A-PC12", "/Observation/abuse-b-focus", Hidden),
        get("A-PC5", "/Observation/abuse-nobody", Hidden),
        get("A-PC50", "/Observation/abuse-elsewhere", Hidden),
        get("A-PC34", "/Binary/abuse-b-binary", Hidden),
        get("A-PC34", "/DocumentReference/abuse-b-document", Hidden),
        get("A-PC42", "/Provenance/abuse-b-provenance", Hidden),
        get("A-PC21", "/Patient/abuse-b/Observation", Hidden),
        get("A-PC21", "/Patient/abuse-b/Condition?code=x", Hidden),
        get("A-PC21", "/Patient/abuse-b/*", Refused),
        get("A-PC21", "/Encounter/abuse-b-encounter/Observation", Hidden),
        get("A-PC21", "/Practitioner/abuse-dr/Observation", Hidden),
        get(
            "A-PC21",
            "/Patient/abuse-a/Observation?patient=abuse-b",
            Hidden,
        ),
        get("A-PC21", "/Patient/abuse-a/Observation", OnlyA(2)),
        get("A-PC44", "/patient/abuse-b", Hidden),
        get("A-PC44", "/Patient/abuse-b/", Refused),
        get("A-PC44", "/Patient//abuse-b", Refused),
        get("A-PC44", "/Patient/abuse-b%2f_history", Refused),
        get("A-PC44", "/Patient;x/abuse-b", Refused),
        get("A-PC44", "/%50atient/abuse-b", Hidden),
        get("A-PC44", "/Patient/abuse-b?_format=json", Hidden),
    ]);
    cases
}

fn searches() -> Vec<Case> {
    let identifier = format!("/Patient?identifier={MRN_SYSTEM}|abuse-b-mrn");
    vec![
        get("A-PC2", "/Patient", OnlyA(1)),
        get("A-PC2", "/Patient?_id=abuse-b", OnlyA(0)),
        get("A-PC2", "/Patient?_id=abuse-a,abuse-b", OnlyA(1)),
        get("A-PC2", &identifier, OnlyA(0)),
        get("A-PC2", "/Patient?name=PLANTED", OnlyA(0)),
        get("A-PC2", "/Patient?birthdate=1970-01-01", OnlyA(1)),
        get("A-PC4", "/Observation", OnlyA(2)),
        get("A-PC5", "/Observation?patient:not=abuse-a", Safe),
        get("A-PC5", "/Observation?patient:missing=true", Safe),
        get("A-PC5", "/Observation?subject:missing=true", Safe),
        get(
            "A-PC6",
            "/Observation?subject:identifier=http://hospital.example/mrn|abuse-b-mrn",
            Safe,
        ),
        get(
            "A-PC8",
            "/Patient?_has:Observation:patient:code-value-quantity=718-7$gt3",
            Refused,
        ),
        get(
            "A-PC9",
            "/Observation?subject:Patient.name=PLANTED",
            Refused,
        ),
        get("A-PC9", "/Observation?patient.name=PLANTED", Refused),
        get(
            "A-PC9",
            "/Patient?_has:Observation:patient:code=718-7",
            Refused,
        ),
        get("A-PC10", "/Coverage?_include=Coverage:subscriber", OnlyA(1)),
        get(
            "A-PC11",
            "/DiagnosticReport?_include=DiagnosticReport:result",
            OnlyA(1),
        ),
        get("A-PC12", "/Patient?_revinclude=Observation:focus", OnlyA(1)),
        get(
            "A-PC14",
            "/DiagnosticReport?_include=DiagnosticReport:result&_include:iterate=Observation:subject",
            Safe,
        ),
        get(
            "A-PC14",
            "/Patient?_revinclude:iterate=Observation:patient",
            Safe,
        ),
        get("A-PC15", "/DiagnosticReport?_include=*", Safe),
        get("A-PC15", "/DiagnosticReport?_include=Observation:*", Safe),
        get("A-PC15", "/Patient?_revinclude=*:*", Safe),
        form(
            "A-PC19",
            "/Observation/_search",
            "patient=abuse-b",
            OnlyA(0),
        ),
        form(
            "A-PC19",
            "/Observation/_search?patient=abuse-a",
            "patient=abuse-b",
            OnlyA(0),
        ),
        form(
            "A-PC19",
            "/Observation/_search?patient=abuse-b",
            "patient=abuse-a",
            OnlyA(0),
        ),
        form(
            "A-PC19",
            "/Observation/_search",
            "patient=abuse-a,abuse-b",
            OnlyA(2),
        ),
        form("A-PC20", "/_search", "_type=Patient,Observation", Refused),
        get("A-PC20", "?_type=Patient,Observation", Refused),
        get("A-PC20", "/_history", Refused),
        get("A-PC20", "/Observation/_history", Refused),
        get("A-PC39", "/Observation?_summary=count", Safe),
        get(
            "A-PC39",
            "/Observation?patient=abuse-b&_summary=count",
            Safe,
        ),
        get(
            "A-PC39",
            "/Observation?patient=abuse-b&_total=accurate",
            Safe,
        ),
        get("A-PC39", "/Observation?_elements=code", Safe),
        get("A-PC39", "/Observation?_sort=-date", OnlyA(2)),
        get("A-PC39", "/Observation?_score=1", Refused),
        get(
            "A-PC40",
            "/Observation?_filter=subject eq Patient/abuse-b",
            Refused,
        ),
        get("A-PC40", "/Observation?_query=x", Refused),
        get("A-PC40", "/Observation?_text=PLANTED", Refused),
        get("A-PC40", "/Observation?_content=PLANTED", Refused),
        get("A-PC40", "/Observation?_list=abuse-b", Refused),
        get("A-PC40", "/Observation?_in=abuse-b", Refused),
        get("A-PC41", "/Observation?_tag=x", OnlyA(0)),
        get("A-PC41", "/Observation?_security=x", OnlyA(0)),
        get("A-PC41", "/Observation?_profile=http://x.example", OnlyA(0)),
        get(
            "A-PC42",
            "/Observation?_revinclude=Provenance:target",
            OnlyA(2),
        ),
        get("A-PC42", "/AuditEvent", Safe),
        get("A-PC49", "/Observation?Patient=abuse-b", Refused),
        get("A-PC49", "/Observation?patient%00=abuse-b", Refused),
        get("A-PC49", "/Observation?patient%5B%5D=abuse-b", Refused),
        get("A-PC49", "/Observation?PATIENT=abuse-b", Refused),
        get("A-PC49", "/Observation?patient;=abuse-b", Refused),
        get(
            "A-PC50",
            "/Observation?subject=https://other.example/fhir/Patient/abuse-a",
            OnlyA(0),
        ),
        get(
            "A-PC50",
            "/Observation?subject=Patient/abuse-a/_history/1",
            Safe,
        ),
        get(
            "A-PC16",
            "/Observation?_include=Observation:performer",
            OnlyA(2),
        ),
    ]
}

/// An Observation as an app writes it.
pub(crate) fn observation(patient: &str) -> Value {
    json!({ "resourceType": "Observation", "status": "final", "code": { "text": "written" },
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory" }] }],
        "subject": { "reference": format!("Patient/{patient}") } })
}

fn identified(id: &str, patient: &str) -> Value {
    let mut resource = observation(patient);
    resource["id"] = id.into();
    resource
}

fn patch(path: &str, value: Value) -> Value {
    json!([{ "op": "replace", "path": path, "value": value }])
}

fn writes() -> Vec<Case> {
    let mut performer = observation("abuse-b");
    performer["performer"] = json!([{ "reference": "Patient/abuse-a" }]);
    let link = json!({ "resourceType": "Patient", "id": "abuse-a", "name": [{ "family": "A" }],
        "link": [{ "other": { "reference": "Patient/abuse-b" }, "type": "seealso" }] });
    vec![
        with(
            "A-PC29",
            "POST",
            "/Observation",
            observation("abuse-b"),
            Refused,
        ),
        with("A-PC29", "POST", "/Observation", performer, Refused),
        with(
            "A-PC30",
            "PUT",
            "/Observation/abuse-a-lab",
            identified("abuse-a-lab", "abuse-b"),
            Refused,
        ),
        with(
            "A-PC30",
            "PUT",
            "/Observation/abuse-b-lab",
            identified("abuse-b-lab", "abuse-a"),
            Hidden,
        ),
        with(
            "A-PC30",
            "PATCH",
            "/Observation/abuse-a-lab",
            patch("/subject", json!({ "reference": "Patient/abuse-b" })),
            Refused,
        ),
        with(
            "A-PC30",
            "PATCH",
            "/Observation/abuse-b-lab",
            patch("/subject", json!({ "reference": "Patient/abuse-a" })),
            Hidden,
        ),
        with(
            "A-PC28",
            "PUT",
            "/Observation?patient=abuse-b&code=718-7",
            observation("abuse-b"),
            Refused,
        ),
        with(
            "A-PC28",
            "PATCH",
            "/Observation?patient=abuse-b&code=718-7",
            patch("/status", "amended".into()),
            Refused,
        ),
        Case {
            method: "DELETE",
            ..get("A-PC28", "/Observation?subject=Patient/abuse-b", Safe)
        },
        Case {
            method: "DELETE",
            ..get("A-PC28", "/Observation?_id=abuse-b-lab", Safe)
        },
        Case {
            method: "DELETE",
            ..get("A-PC30", "/Observation/abuse-b-lab", Hidden)
        },
        Case {
            method: "DELETE",
            ..get("A-PC30", "/Patient/abuse-b", Hidden)
        },
        with(
            "A-PC32",
            "POST",
            "/Patient",
            json!({ "resourceType": "Patient", "name": [{ "family": "New" }] }),
            Refused,
        ),
        with("A-PC32", "PUT", "/Patient/abuse-a", link, Refused),
        with(
            "A-PC58",
            "PUT",
            "/Observation/abuse-a-lab",
            identified("abuse-b-lab", "abuse-a"),
            Refused,
        ),
        with(
            "A-PC58",
            "PUT",
            "/Patient/abuse-a",
            json!({ "resourceType": "Patient", "id": "abuse-b" }),
            Refused,
        ),
        with(
            "A-PC40",
            "POST",
            "/SearchParameter",
            json!({ "resourceType": "SearchParameter", "url": "http://x.example", "name": "x", "status": "active",
                "description": "x", "code": "x", "base": ["Observation"], "type": "token" }),
            Refused,
        ),
        with(
            "A-PC54",
            "POST",
            "/Subscription",
            json!({ "resourceType": "Subscription", "status": "requested", "reason": "x",
                "criteria": "Observation?patient=abuse-b",
                "channel": { "type": "rest-hook", "endpoint": "http://169.254.169.254/" } }),
            Refused,
        ),
    ]
}

fn operations() -> Vec<Case> {
    let empty = || json!({ "resourceType": "Parameters" });
    let mut cases = vec![
        get("A-PC35", "/Patient/abuse-b/$everything", Hidden),
        get(
            "A-PC35",
            "/Patient/abuse-b/$everything?_type=Observation&_since=2020-01-01T00:00:00Z",
            Hidden,
        ),
        get("A-PC35", "/Group/abuse-b/$everything", Hidden),
        get("A-PC35", "/Encounter/abuse-b-encounter/$everything", Hidden),
        get("A-PC36", "/$export", Refused),
        get("A-PC36", "/Patient/$export", Refused),
        get("A-PC36", "/Group/abuse-b/$export", Hidden),
        get(
            "A-PC38",
            "/DocumentReference/$docref?patient=abuse-b",
            OnlyA(0),
        ),
        get(
            "A-PC38",
            "/DocumentReference/$docref?patient=abuse-a",
            OnlyA(1),
        ),
    ];
    for path in [
        "/Patient/$match",
        "/Observation/$lastn",
        "/Patient/$member-match",
        "/Patient/$merge",
        "/Patient/abuse-b/$expunge",
        "/$expunge",
        "/$reindex",
        "/Patient/abuse-b/$meta",
        "/$convert",
        "/$process-message",
        "/$hello",
    ] {
        cases.push(with("A-PC38", "POST", path, empty(), Refused));
    }
    cases
}

/// Under `patient/Observation.cruds?category=…|laboratory` for A.
pub(crate) fn of_laboratory_only() -> Vec<Case> {
    let mut vital = observation("abuse-a");
    vital["category"][0]["coding"][0]["code"] = "vital-signs".into();
    let mut moved = identified("abuse-a-lab", "abuse-a");
    moved["category"][0]["coding"][0]["code"] = "vital-signs".into();
    vec![
        get("A-GS1", "/Observation/abuse-a-vital", Hidden),
        get("A-GS1", "/Observation/abuse-a-vital/_history/1", Hidden),
        get("A-GS1", "/Observation/abuse-a-vital/_history", Hidden),
        get("A-GS2", "/Observation?category=vital-signs", OnlyA(0)),
        get("A-GS2", "/Observation", OnlyA(1)),
        get("A-GS2", "/Observation?category:not=laboratory", Safe),
        get(
            "A-GS2",
            "/Observation?category=laboratory,vital-signs",
            OnlyA(1),
        ),
        get("A-GS2", "/Observation?code=718-7", OnlyA(1)),
        get(
            "A-GS4",
            "/Patient?_has:Observation:patient:code=718-7",
            Refused,
        ),
        get("A-GS4", "/DiagnosticReport?result.code=718-7", Refused),
        with("A-GS5", "POST", "/Observation", vital, Refused),
        with("A-GS5", "PUT", "/Observation/abuse-a-lab", moved, Refused),
        with(
            "A-GS5",
            "PATCH",
            "/Observation/abuse-a-lab",
            json!([{ "op": "remove", "path": "/category" }]),
            Refused,
        ),
        with(
            "A-GS5",
            "PATCH",
            "/Observation/abuse-a-vital",
            patch("/status", "amended".into()),
            Hidden,
        ),
        get("A-GS10", "/Condition", Refused),
    ]
}

/// Cases that this table does not hold, and why.
pub(crate) const ELSEWHERE: &[(&str, &str)] = &[
    (
        "A-PC18",
        "fhir_protocol: the_links_of_a_search_show_what_was_searched_and_lead_on_for_this_token",
    ),
    (
        "A-PC22",
        "fhir_abuse: a_batch_decides_each_entry_for_itself",
    ),
    (
        "A-PC24",
        "fhir_abuse: an_entry_whose_address_is_not_one_of_ours_is_refused",
    ),
    (
        "A-PC25",
        "fhir_abuse: without_a_token_nothing_is_carried_out",
    ),
    (
        "A-PC26",
        "fhir_abuse: a_reference_by_search_finds_nobody_else",
    ),
    ("A-PC31", "fhir_abuse: letters_are_not_each_others"),
    (
        "A-PC45",
        "fhir_protocol: a_method_cannot_be_overridden_and_an_unknown_one_is_refused",
    ),
    (
        "A-PC46",
        "fhir_protocol: whoever_has_the_version_is_told_so_and_only_after_the_decision",
    ),
    (
        "A-PC48",
        "no token of this server carries two patients, and none is refreshed yet: the token endpoint gives backend tokens only",
    ),
    (
        "A-PC51",
        "a soft-deleted or merged patient is read like any other until relations say otherwise: policy, not protocol",
    ),
    (
        "A-PC52",
        "fhir_abuse: run, which compares B with somebody made up in every case",
    ),
    (
        "A-PC55",
        "fhir_abuse: what_a_browser_could_run_is_an_attachment",
    ),
    ("A-PC56", "fhir_protocol: only_json_in_utf_8_is_spoken"),
    (
        "A-GS6",
        "the scope's filter is a token search: its rules are tested where tokens are matched",
    ),
    (
        "A-GS8",
        "no consent page yet; the union of scopes is tested in policy",
    ),
    ("A-GS9", "the scope grammar has its own tests"),
    ("A-GS11", "the token endpoint does not refresh yet"),
    (
        "A-GS12",
        "no consent page and no introspection yet; the sentences of scopes are tested in policy",
    ),
];
