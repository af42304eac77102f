//! What a resource says of who may open whom. What is not said plainly is not said.

use glovebox_database::relations::{MEMBERS_MAX, Origin, OriginKind, Statement, Term};
use glovebox_fhir::date::DateRange;
use glovebox_fhir::{Reference, Resource};
use glovebox_model::{FhirUser, PatientId, Timestamp};
use serde_json::Value;

/// Reads a resource of one of the types from which relations follow:
///
/// - a CareTeam whose `status` is `active`: its participants that are Practitioners,
///   PractitionerRoles or RelatedPersons may open its subject, each within its own period
///   and the team's;
/// - a RelatedPerson whose `active` is true: it may open its patient, within its period;
/// - a PractitionerRole whose `active` is not false: it stands for its Practitioner.
///
/// References count if they are relative. A period that cannot be read is none.
pub(super) fn statement(origin: &Origin, resource: &Resource) -> Statement {
    let body = resource.value();
    let Some(whole) = term(body.get("period")) else {
        return Statement::default();
    };
    match origin.kind() {
        OriginKind::CareTeam => care_team(origin, body, whole),
        OriginKind::RelatedPerson => related_person(origin, body, whole),
        OriginKind::PractitionerRole => practitioner_role(body, whole),
    }
    .unwrap_or_default()
}

fn care_team(origin: &Origin, body: &Value, whole: Term) -> Option<Statement> {
    if body.get("status")?.as_str()? != "active" {
        return None;
    }
    let patient = patient(body.get("subject")?)?;
    let participants = body.get("participant")?.as_array()?;
    let mut statement = Statement {
        patient: Some(patient),
        ..Statement::default()
    };
    for participant in participants {
        let Some(member) = participant.get("member").and_then(member) else {
            continue;
        };
        let Some(term) = term(participant.get("period")).and_then(|own| own.within(whole)) else {
            continue;
        };
        if statement.members.len() >= MEMBERS_MAX {
            tracing::warn!(%origin, "has more than {MEMBERS_MAX} members: not all get a right");
            break;
        }
        statement.members.insert((member, term));
    }
    Some(statement)
}

fn related_person(origin: &Origin, body: &Value, whole: Term) -> Option<Statement> {
    if body.get("active") != Some(&Value::Bool(true)) {
        return None;
    }
    let own: FhirUser = origin.to_string().parse().ok()?;
    Some(Statement {
        patient: Some(patient(body.get("patient")?)?),
        members: [(own, whole)].into(),
    })
}

fn practitioner_role(body: &Value, whole: Term) -> Option<Statement> {
    if body.get("active") == Some(&Value::Bool(false)) {
        return None;
    }
    let practitioner = member(body.get("practitioner")?)?;
    practitioner
        .as_str()
        .starts_with("Practitioner/")
        .then(|| Statement {
            patient: None,
            members: [(practitioner, whole)].into(),
        })
}

fn patient(reference: &Value) -> Option<PatientId> {
    Reference::of(reference)?.local_id("Patient")?.parse().ok()
}

/// Somebody who may have an account: not a patient, an organization or another team.
fn member(reference: &Value) -> Option<FhirUser> {
    match Reference::of(reference)? {
        Reference::Local {
            resource_type: name @ ("Practitioner" | "PractitionerRole" | "RelatedPerson"),
            id,
            ..
        } => format!("{name}/{id}").parse().ok(),
        _ => None,
    }
}

/// A Period: from the beginning of its start to the end of its end. `None` if it is there
/// and cannot be read, or ends before it starts.
fn term(period: Option<&Value>) -> Option<Term> {
    let Some(period) = period else {
        return Some(Term::default());
    };
    let side = |name: &str| -> Option<Option<DateRange>> {
        match period.as_object()?.get(name) {
            None => Some(None),
            Some(text) => DateRange::parse(text.as_str()?).map(Some),
        }
    };
    let term = Term {
        starts: side("start")?.map(|range| Timestamp::from_micros(range.start)),
        expires: side("end")?.map(|range| Timestamp::from_micros(range.end)),
    };
    term.within(Term::default())
}

#[cfg(test)]
mod tests {
    use glovebox_fhir::Limits;
    use serde_json::json;

    use super::*;

    fn says(resource: &Value) -> Vec<String> {
        let bytes = resource.to_string();
        let resource = Resource::parse(bytes.as_bytes(), Limits::RESOURCE).unwrap();
        let origin = Origin::of(resource.resource_type(), resource.id().unwrap()).unwrap();
        let Statement { patient, members } = statement(&origin, &resource);
        let of = patient.map_or_else(String::new, |patient| format!("{patient}: "));
        let at = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        members
            .iter()
            .map(|(who, term)| format!("{of}{who} {} {}", at(term.starts), at(term.expires)))
            .collect()
    }

    fn team(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut team = json!({
            "resourceType": "CareTeam", "id": "t", "status": "active",
            "subject": { "reference": "Patient/anna" },
            "participant": [{ "member": { "reference": "Practitioner/okafor" } }],
        });
        change(&mut team);
        says(&team)
    }

    #[test]
    fn a_team_names_its_members_only_while_it_is_active_and_of_one_patient() {
        assert_eq!(team(|_| {}), ["anna: Practitioner/okafor - -"]);
        for status in [
            "proposed",
            "suspended",
            "inactive",
            "entered-in-error",
            "Active",
        ] {
            assert!(
                team(|team| team["status"] = status.into()).is_empty(),
                "{status}"
            );
        }
        assert!(team(|team| team["status"] = Value::Null).is_empty());
        for subject in [
            "Group/g",
            "https://elsewhere.example/Patient/anna",
            "#anna",
            "Patient?x=y",
        ] {
            let subject = json!({ "reference": subject });
            assert!(
                team(|team| team["subject"] = subject.clone()).is_empty(),
                "{subject}"
            );
        }
        let identified = json!({ "identifier": { "value": "anna" } });
        assert!(team(|team| team["subject"] = identified).is_empty());
    }

    #[test]
    fn only_members_who_may_have_an_account_count() {
        let members = [
            "PractitionerRole/r",
            "RelatedPerson/p",
            "Patient/anna",
            "Organization/o",
            "CareTeam/u",
            "https://elsewhere.example/Practitioner/okafor",
            "Practitioner/okafor/_history/2",
        ];
        let named = members.map(|who| json!({ "member": { "reference": who } }));
        assert_eq!(
            team(|team| team["participant"] = json!(named)),
            [
                "anna: Practitioner/okafor - -",
                "anna: PractitionerRole/r - -",
                "anna: RelatedPerson/p - -",
            ]
        );
    }

    #[test]
    fn a_term_is_what_team_and_participant_agree_on() {
        let until = |team: &mut Value, whole: &Value, own: &Value| {
            team["period"] = whole.clone();
            team["participant"][0]["period"] = own.clone();
        };
        let cases = [
            (
                json!({ "start": "2026" }),
                json!({ "end": "2026-02" }),
                "anna: Practitioner/okafor 2026-01-01T00:00:00Z 2026-03-01T00:00:00Z",
            ),
            (
                json!({ "end": "2026-01-01" }),
                json!({ "end": "2027" }),
                "anna: Practitioner/okafor - 2026-01-02T00:00:00Z",
            ),
            (json!({}), json!({}), "anna: Practitioner/okafor - -"),
        ];
        for (whole, own, expected) in cases {
            assert_eq!(team(|team| until(team, &whole, &own)), [expected]);
        }
        for (whole, own) in [
            (json!({ "end": "2025" }), json!({ "start": "2026" })),
            (json!({ "end": "soon" }), json!({})),
            (json!({}), json!({ "end": 2026 })),
            (json!({}), json!("2026")),
            (json!(null), json!({})),
            (json!({ "start": "2026", "end": "2025" }), json!({})),
        ] {
            assert!(
                team(|team| until(team, &whole, &own)).is_empty(),
                "{whole} {own}"
            );
        }
    }

    #[test]
    fn no_more_members_are_taken_than_are_allowed() {
        let members: Vec<Value> = (0..=MEMBERS_MAX)
            .map(|n| json!({ "member": { "reference": format!("Practitioner/p{n}") } }))
            .collect();
        let taken = team(|team| team["participant"] = json!(members));
        assert_eq!(taken.len(), MEMBERS_MAX);
    }

    #[test]
    fn a_related_person_is_active_by_saying_so() {
        let mut mother = json!({
            "resourceType": "RelatedPerson", "id": "maria", "active": true,
            "patient": { "reference": "Patient/tom" }, "period": { "end": "2030" },
        });
        assert_eq!(
            says(&mother),
            ["tom: RelatedPerson/maria - 2031-01-01T00:00:00Z"]
        );
        for active in [json!(false), json!("true"), Value::Null] {
            mother["active"] = active;
            assert!(says(&mother).is_empty(), "{mother}");
        }
    }

    #[test]
    fn a_role_stands_for_a_practitioner_and_for_no_patient() {
        let mut role = json!({
            "resourceType": "PractitionerRole", "id": "r",
            "practitioner": { "reference": "Practitioner/okafor" },
        });
        assert_eq!(says(&role), ["Practitioner/okafor - -"]);
        role["active"] = false.into();
        assert!(says(&role).is_empty());
        role["active"] = true.into();
        for who in ["PractitionerRole/s", "RelatedPerson/p"] {
            role["practitioner"]["reference"] = who.into();
            assert!(says(&role).is_empty(), "{who}");
        }
    }
}
