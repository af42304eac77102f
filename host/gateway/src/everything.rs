//! `Patient/$everything`: one search per type of the patient's compartment, for the types
//! that the session may search. Nothing is passed on as an operation.

use glovebox_database::fence::Pass;
use glovebox_fhir::{
    Interaction, InteractionKind, SearchQuery, compartment, is_resource_type, resource_types,
    search_parameters,
};
use glovebox_model::scope::{Level, Permissions, ScopeSet};
use glovebox_model::{PatientId, Timestamp};
use glovebox_policy::{Decision, decide};

use crate::answer::{Page, Unreleased};
use crate::cursor::Cursor;
use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::session::Session;

/// Resources on a page unless the request says otherwise, and at most.
const COUNT_DEFAULT: usize = 100;
const COUNT_MAX: usize = 1_000;
/// What marks a cursor as one of `$everything`; no search parameter has this name.
const MARK: &str = "$everything";

/// What `$everything` is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Everything {
    /// Only these types (`_type`); all if empty.
    pub types: Vec<String>,
    /// Only what was changed at or after this instant (`_since`).
    pub since: Option<Timestamp>,
    /// Only care from this date on (`start`), for types that have a date.
    pub start: Option<String>,
    /// Only care up to this date (`end`), for types that have a date.
    pub end: Option<String>,
    /// Resources on a page (`_count`).
    pub count: Option<usize>,
}

impl Gateway {
    /// Everything about one patient that the session may see, page by page. A patient that
    /// the session may not see is answered like one that is not there.
    pub async fn everything(
        &self,
        session: &Session,
        pass: &Pass,
        patient: &str,
        asked: &Everything,
    ) -> Result<Unreleased<Page>, Refusal> {
        let of = InteractionKind::Search;
        for name in &asked.types {
            if !is_resource_type(name) {
                let why = "`_type` names a type that R4 does not have";
                return Err(self.invalid(session, of, "Patient", why));
            }
        }
        let page = self
            .everything_from(session, pass, patient, asked, None)
            .await?;
        Ok(Unreleased::new(page))
    }

    /// The next page of `$everything`.
    pub async fn everything_page(
        &self,
        session: &Session,
        pass: &Pass,
        cursor: &Cursor,
    ) -> Result<Unreleased<Page>, Refusal> {
        let Some((patient, asked)) = resumed(cursor) else {
            return Err(Refusal::BadCursor);
        };
        let page = self
            .everything_from(session, pass, &patient, &asked, Some(cursor))
            .await?;
        Ok(Unreleased::new(page))
    }

    async fn everything_from(
        &self,
        session: &Session,
        pass: &Pass,
        patient: &str,
        asked: &Everything,
        from: Option<&Cursor>,
    ) -> Result<Page, Refusal> {
        let invalid = |problem: &dyn std::fmt::Display| {
            let of = InteractionKind::Read;
            self.invalid(session, of, "Patient", &problem.to_string())
        };
        let read = Interaction::read("Patient", patient).map_err(|problem| invalid(&problem))?;
        let permitted = self.permit(session, pass, read).await?;
        // Also on later pages: who may not see the patient any more sees nothing.
        let own = self.read(session, &permitted).await?;
        let whose: PatientId = patient.parse().map_err(|problem| invalid(&problem))?;
        let narrowed = narrowed(session, &whose).ok_or(Refusal::Unavailable)?;
        let count = asked.count.unwrap_or(COUNT_DEFAULT).clamp(1, COUNT_MAX);
        let wanted =
            |name: &str| asked.types.is_empty() || asked.types.iter().any(|one| one == name);
        let mut page = Page {
            matches: Vec::new(),
            included: Vec::new(),
            next: None,
            total: None,
        };
        let changed = asked.since.is_none_or(|since| own.last_updated >= since);
        if from.is_none() && wanted("Patient") && changed {
            page.matches.push(own);
        }
        let types = resource_types()
            .iter()
            .copied()
            .filter(|name| *name != "Patient" && wanted(name) && may_search(&narrowed, name));
        let types = types.filter(|name| compartment::parameters(name).is_some());
        let start = from.map_or("", Cursor::resource_type);
        for name in types.filter(|name| *name >= start) {
            let room = count.saturating_sub(page.matches.len());
            if room == 0 {
                page.next = Some(paused(name, patient, asked, Vec::new()));
                break;
            }
            let mut conditions = conditions(name, asked);
            if name == "Provenance" && session.user.is_none() {
                // Whose targets a service reads says nothing of whom they are about.
                conditions.push(("patient".to_owned(), patient.to_owned()));
            }
            let query = SearchQuery::parse(name, &conditions);
            let query = query.map_err(|problem| invalid(&problem))?;
            let search = Interaction::search(query);
            let rights = self.rights(&narrowed, &search).await?;
            // What a search of the type would be refused is left out, not the rest with it.
            let Decision::Permit(permitted) = decide(&narrowed.request(&rights), search) else {
                continue;
            };
            let permitted = permitted.within(&whose);
            let after = from
                .filter(|from| from.resource_type() == name)
                .and_then(Cursor::position);
            let found = self.search(&narrowed, &permitted, after, room).await?;
            page.matches.extend(found.matches);
            if let Some(next) = found.next {
                page.next = Some(paused(name, patient, asked, next.after));
                break;
            }
        }
        Ok(page)
    }
}

/// The session with all that it was granted for users narrowed to one patient. What was
/// granted to a service stays as it is: each permit is narrowed.
fn narrowed(session: &Session, patient: &PatientId) -> Option<Session> {
    if session.user.is_none() {
        return Some(session.clone());
    }
    let in_context = session.patient.as_ref() == Some(patient);
    let scopes: Vec<String> = session
        .scopes
        .resources()
        .filter(|scope| match scope.level {
            Level::Patient => in_context,
            Level::User => true,
            Level::System => false,
        })
        .map(|scope| {
            let text = scope.to_string();
            match text.split_once('/') {
                Some((_, rest)) => format!("patient/{rest}"),
                None => text,
            }
        })
        .collect();
    Some(Session {
        scopes: ScopeSet::parse(&scopes.join(" ")).ok()?,
        patient: Some(patient.clone()),
        ..session.clone()
    })
}

fn may_search(session: &Session, name: &str) -> bool {
    session.scopes.resources().any(|scope| {
        scope.permissions.contains(Permissions::SEARCH) && scope.resource_type.matches(name)
    })
}

fn conditions(name: &str, asked: &Everything) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut pairs = Vec::new();
    pairs.extend(
        asked
            .since
            .map(|since| pair("_lastUpdated", format!("ge{since}"))),
    );
    let dated = search_parameters(name)
        .iter()
        .any(|parameter| parameter.code() == "date" && parameter.is_supported());
    if dated {
        pairs.extend(
            asked
                .start
                .iter()
                .map(|start| pair("date", format!("ge{start}"))),
        );
        pairs.extend(asked.end.iter().map(|end| pair("date", format!("le{end}"))));
    }
    pairs
}

fn paused(name: &str, patient: &str, asked: &Everything, after: Vec<u8>) -> Cursor {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut parameters = vec![pair(MARK, patient)];
    parameters.extend(asked.types.iter().map(|one| pair("_type", one)));
    let since = asked.since.map(|since| since.micros().to_string());
    let count = asked.count.map(|count| count.to_string());
    for (name, value) in [
        ("_since", since.as_ref()),
        ("start", asked.start.as_ref()),
        ("end", asked.end.as_ref()),
        ("_count", count.as_ref()),
    ] {
        parameters.extend(value.map(|value| pair(name, value)));
    }
    Cursor {
        resource_type: name.to_owned(),
        parameters,
        after,
    }
}

fn resumed(cursor: &Cursor) -> Option<(String, Everything)> {
    let mut patient = None;
    let mut asked = Everything::default();
    for (name, value) in &cursor.parameters {
        let text = Some(value.clone());
        match name.as_str() {
            MARK => patient = text,
            "_type" => asked.types.push(value.clone()),
            "_since" => asked.since = Some(Timestamp::from_micros(value.parse().ok()?)),
            "start" => asked.start = text,
            "end" => asked.end = text,
            "_count" => asked.count = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some((patient?, asked))
}
