//! How the granted scopes narrow a search, as far as its own address can say it: the self
//! link shows what was really searched. The narrowing itself is the gateway's.

use glovebox_fhir::{SearchQuery, compartment, search_parameters};
use glovebox_gateway::Session;
use glovebox_model::PatientId;
use glovebox_model::scope::{Level, Permissions, ResourceScope};

fn scopes<'a>(session: &'a Session, resource_type: &str) -> Vec<&'a ResourceScope> {
    let granted = session.scopes.resources().filter(|scope| {
        scope.permissions.contains(Permissions::SEARCH)
            && scope.resource_type.matches(resource_type)
    });
    granted.collect()
}

/// The patient beyond whom no scope for this type reaches, if there is one.
pub(super) fn only_patient<'a>(session: &'a Session, resource_type: &str) -> Option<&'a PatientId> {
    let mut scopes = scopes(session, resource_type).into_iter();
    let only_patient = scopes.all(|scope| scope.level == Level::Patient);
    session.patient.as_ref().filter(|_| only_patient)
}

/// The search's own parameters and those that the scopes add.
pub(super) fn shown(session: &Session, query: &SearchQuery) -> Vec<(String, String)> {
    let resource_type = query.resource_type();
    let mut shown = query.pairs().to_vec();
    let mut add = |name: &str, value: String| {
        let pair = (name.to_owned(), value);
        if !shown.contains(&pair) {
            shown.push(pair);
        }
    };
    if let Some(patient) = only_patient(session, resource_type)
        && !names_only(query, patient)
    {
        let known = |code: &str| {
            search_parameters(resource_type)
                .iter()
                .any(|p| p.code() == code)
        };
        match compartment::parameters(resource_type) {
            _ if resource_type == "Patient" => add("_id", patient.to_string()),
            Some(_) if known("patient") => add("patient", patient.to_string()),
            Some([first, ..]) => add(first, format!("Patient/{patient}")),
            _ => {}
        }
    }
    if let Some((name, values)) = filter(&scopes(session, resource_type)) {
        add(name, values.join(","));
    }
    shown
}

fn names_only(query: &SearchQuery, patient: &PatientId) -> bool {
    let named = query.patient_restriction();
    named.is_some_and(|named| named.iter().all(|id| id == patient.as_str()))
}

/// What every scope demands, where one parameter can say it: each scope has one, and it is
/// the same. Alternatives of one parameter are joined as a search writes them.
fn filter<'a>(scopes: &[&'a ResourceScope]) -> Option<(&'a str, Vec<&'a str>)> {
    let mut common: Option<&str> = None;
    let mut values = Vec::new();
    for scope in scopes {
        let [(name, value)] = scope.parameters.as_slice() else {
            return None;
        };
        if common.is_some_and(|common| common != name) {
            return None;
        }
        common = Some(name);
        if !values.contains(&value.as_str()) {
            values.push(value);
        }
    }
    common.map(|name| (name, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use glovebox_gateway::Door;
    use glovebox_model::ledger::Subject;
    use glovebox_model::scope::ScopeSet;

    fn shown_for(scope: &str, resource_type: &str, pairs: &[(&str, &str)]) -> String {
        let session = Session {
            scopes: ScopeSet::parse(scope).unwrap(),
            ..session()
        };
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        let query = SearchQuery::parse(resource_type, &pairs).unwrap();
        let shown = shown(&session, &query);
        let texts: Vec<String> = shown
            .iter()
            .filter(|(name, _)| name != "_count")
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        texts.join("&")
    }

    fn session() -> Session {
        Session {
            tenant: "main".parse().unwrap(),
            subject: Subject::default(),
            scopes: ScopeSet::default(),
            patient: Some("a".parse().unwrap()),
            user: None,
            door: Door::Http,
            terms: std::sync::Arc::default(),
        }
    }

    #[test]
    fn what_the_scopes_add_is_shown() {
        for (scope, resource_type, pairs, shown) in [
            ("patient/*.rs", "Observation", &[][..], "patient=a"),
            (
                "patient/*.rs",
                "Observation",
                &[("code", "x")],
                "code=x&patient=a",
            ),
            (
                "patient/*.rs",
                "Observation",
                &[("patient", "a")],
                "patient=a",
            ),
            (
                "patient/*.rs",
                "Observation",
                &[("subject", "Patient/a")],
                "subject=Patient/a",
            ),
            (
                "patient/*.rs",
                "Observation",
                &[("patient", "b")],
                "patient=b&patient=a",
            ),
            ("patient/*.rs", "Patient", &[], "_id=a"),
            ("patient/*.rs", "Practitioner", &[], ""),
            ("user/*.rs", "Observation", &[], ""),
            ("patient/*.rs user/Observation.rs", "Observation", &[], ""),
            (
                "patient/*.rs user/Observation.r",
                "Observation",
                &[],
                "patient=a",
            ),
            (
                "system/Observation.rs?category=laboratory",
                "Observation",
                &[],
                "category=laboratory",
            ),
            (
                "system/Observation.rs?category=laboratory system/Observation.rs?category=survey",
                "Observation",
                &[],
                "category=laboratory,survey",
            ),
            (
                "system/Observation.rs?category=laboratory system/*.rs",
                "Observation",
                &[],
                "",
            ),
        ] {
            assert_eq!(
                shown_for(scope, resource_type, pairs),
                shown,
                "{scope} {resource_type} {pairs:?}"
            );
        }
    }
}
