//! Batch and transaction: each entry is judged by itself, and answered as the same request
//! would be on its own.

use std::collections::BTreeMap;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use glovebox_fhir::bundle::{EntryResponse, ResponseSet};
use glovebox_fhir::{Interaction, InteractionKind, Submission, SubmissionError};
use glovebox_gateway::{Answer, EntryAnswer, Refusal, Released, Written};

use super::format::FHIR_JSON;
use super::preferences::Return;
use super::route_error::{RouteError, Told, refused};
use super::{Asked, history, search, write};

/// `POST [base]`.
pub(super) async fn carry_out(asked: Asked<'_>) -> Result<Response, RouteError> {
    asked.request.pairs.expect_none()?;
    let base = asked.base();
    let submission = Submission::split(&asked.request.body, &base);
    let submission = submission.map_err(|error| told(asked, error))?;
    let entries = submission.entries.iter().enumerate();
    let interactions: BTreeMap<usize, Interaction> = entries
        .filter_map(|(index, entry)| Some((index, entry.as_ref().ok()?.interaction().ok()?)))
        .collect();
    let (gateway, granted) = (&asked.app.gateway, asked.granted);
    let (session, pass) = (&granted.session, &granted.pass);
    let is_transaction = submission.is_transaction;
    let request = write::request_id(asked)?;
    let answers = if is_transaction {
        let done = gateway.transaction(session, pass, request.as_ref(), submission);
        done.await?
    } else {
        let done = gateway.batch(session, pass, request.as_ref(), submission);
        done.await
    };
    let answers = answers
        .release(pass, |answers| answers)
        .map_err(Refusal::from)?;
    let mut bundle = match is_transaction {
        true => ResponseSet::transaction(),
        false => ResponseSet::batch(),
    };
    for EntryAnswer { index, result } in answers {
        let entry = match (result, interactions.get(&index)) {
            // It is done: what goes wrong with its answer is told in its place.
            (Ok(answer), Some(interaction)) => {
                let answered = success(asked, interaction, answer).await;
                answered.unwrap_or_else(|refused| entry_of(refused.told()))
            }
            (Ok(_), None) => entry_of(RouteError::Failed.told()),
            (Err(refusal), _) => refusal_of(refusal),
        };
        entry.push_to(&mut bundle);
    }
    Ok(([(header::CONTENT_TYPE, FHIR_JSON)], bundle.to_bytes()).into_response())
}

fn told(asked: Asked<'_>, error: SubmissionError) -> RouteError {
    let SubmissionError::TooManyEntries(_) = error else {
        return RouteError::Invalid(error.to_string());
    };
    let (gateway, session) = (&asked.app.gateway, &asked.granted.session);
    let (kind, problem) = (InteractionKind::Create, error.to_string());
    match gateway.invalid(session, kind, "Bundle", &problem) {
        Refusal::Invalid(problem) => Refusal::TooCostly(problem).into(),
        unavailable => unavailable.into(),
    }
}

/// One entry of the answer.
#[derive(Default)]
struct Entry {
    status: StatusCode,
    location: Option<String>,
    version_id: Option<String>,
    last_modified: Option<String>,
    full_url: Option<String>,
    resource: Option<Bytes>,
    outcome: Option<Vec<u8>>,
}

impl Entry {
    fn push_to(&self, bundle: &mut ResponseSet) {
        let reason = self.status.canonical_reason().unwrap_or_default();
        bundle.push(&EntryResponse {
            status: &format!("{} {reason}", self.status.as_u16()),
            location: self.location.as_deref(),
            version_id: self.version_id.as_deref(),
            last_modified: self.last_modified.as_deref(),
            full_url: self.full_url.as_deref(),
            resource: self.resource.as_deref(),
            outcome: self.outcome.as_deref(),
            request: None,
        });
    }
}

fn refusal_of(refusal: Refusal) -> Entry {
    entry_of(refused(refusal))
}

fn entry_of(told: Told) -> Entry {
    Entry {
        status: told.status,
        outcome: Some(told.outcome.to_bytes()),
        ..Entry::default()
    }
}

async fn success(
    asked: Asked<'_>,
    interaction: &Interaction,
    answer: Answer,
) -> Result<Entry, RouteError> {
    Ok(match answer {
        Answer::Resource(released) => resource(asked, released),
        Answer::Page(page) => of_bytes(search::bundle_of(asked, interaction, &page)?),
        Answer::History(page) => of_bytes(history::bundle_of(asked, interaction, &page)?),
        Answer::Validated(issues) => of_bytes(glovebox_fhir::Issue::outcome(&issues).to_bytes()),
        Answer::Written(written) => stored(asked, interaction.kind(), &written).await?,
        Answer::Drafted(drafted) => Entry {
            status: StatusCode::ACCEPTED,
            location: Some(write::draft_url(asked, &drafted)),
            ..Entry::default()
        },
    })
}

fn of_bytes(bytes: Vec<u8>) -> Entry {
    Entry {
        resource: Some(bytes.into()),
        ..Entry::default()
    }
}

fn resource(asked: Asked<'_>, released: Released) -> Entry {
    Entry {
        full_url: Some(format!(
            "{}/{}/{}",
            asked.base(),
            released.resource_type,
            released.id
        )),
        version_id: Some(released.version_id),
        last_modified: Some(released.last_updated.to_string()),
        resource: Some(released.bytes),
        ..Entry::default()
    }
}

async fn stored(
    asked: Asked<'_>,
    kind: InteractionKind,
    written: &Written,
) -> Result<Entry, RouteError> {
    let is_gone = kind == InteractionKind::Delete;
    // Given back only if it is asked for: a long Bundle would be sent twice.
    let resource = match asked.request.preferences.answer {
        Some(Return::Representation) if !is_gone => write::representation(asked, written).await?,
        _ => None,
    };
    Ok(Entry {
        status: match (is_gone, written.created) {
            (true, _) => StatusCode::NO_CONTENT,
            (false, true) => StatusCode::CREATED,
            (false, false) => StatusCode::OK,
        },
        location: (!is_gone).then(|| write::version_url(asked, written)),
        version_id: Some(written.version_id.clone()),
        last_modified: Some(written.last_updated.to_string()),
        resource,
        ..Entry::default()
    })
}
