//! Searching one type.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::bundle::EntryMode;
use glovebox_fhir::{Interaction, InteractionKind, SearchQuery, SearchSet};
use glovebox_gateway::{Answer, CursorBinding, Page, Refusal};

use super::FHIR_JSON;
use super::route_error::RouteError;
use super::token::Granted;
use crate::http::App;

/// Our own parameter in `next` links: where the page starts.
const CURSOR: &str = "_cursor";

/// `GET /fhir/{tenant}/{type}?…`.
pub async fn get(
    State(app): State<App>,
    granted: Granted,
    Path((_, resource_type)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, RouteError> {
    let mut pairs = pairs(query.as_deref());
    check_format(&headers, &mut pairs)?;
    let base = app.settings.fhir_url(&granted.session.tenant);
    let binding = CursorBinding(format!("token {}", granted.token_id));
    let invalid = |problem: &str| {
        let kind = InteractionKind::Search;
        app.gateway
            .invalid(&granted.session, kind, &resource_type, problem)
    };
    let position = pairs
        .iter()
        .position(|(name, _)| name == CURSOR)
        .map(|index| pairs.swap_remove(index).1);
    let (page, count) = match position {
        Some(sealed) => {
            let count = match pairs.as_slice() {
                [(name, value)] if name == "_count" => value.parse().ok(),
                _ => None,
            };
            let cursor = app.gateway.open_cursor(&binding, &sealed).ok();
            let cursor = cursor.filter(|cursor| cursor.resource_type() == resource_type);
            let (Some(count), Some(cursor)) = (count, cursor) else {
                let problem = "a page link of another token or search, or too old";
                return Err(match invalid(problem) {
                    Refusal::Invalid(_) => Refusal::BadCursor.into(),
                    unavailable => unavailable.into(),
                });
            };
            (
                app.gateway
                    .page(&granted.session, &granted.pass, &cursor, count)
                    .await?,
                count,
            )
        }
        None => {
            let query = SearchQuery::parse(&resource_type, &pairs)
                .map_err(|problem| invalid(&problem.to_string()))?;
            let count = usize::try_from(query.count()).unwrap_or(1);
            let answer = app
                .gateway
                .execute(&granted.session, &granted.pass, Interaction::search(query))
                .await?;
            let page = answer.map(|answer| match answer {
                Answer::Page(page) => page,
                Answer::Resource(_) | Answer::Written(_) => Page {
                    matches: Vec::new(),
                    next: None,
                    total: None,
                },
            });
            (page, count)
        }
    };
    let page = page
        .release(&granted.pass, |page| page)
        .map_err(Refusal::from)?;
    let encoded = |pairs: &[(String, String)]| {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        out.extend_pairs(pairs);
        out.finish()
    };
    let own = query
        .as_deref()
        .map_or(String::new(), |query| format!("?{query}"));
    let mut bundle = SearchSet::new(&format!("{base}/{resource_type}{own}"));
    if let Some(cursor) = &page.next {
        let sealed = app.gateway.seal_cursor(&binding, cursor)?;
        let query = encoded(&[
            ("_count".to_owned(), count.to_string()),
            (CURSOR.to_owned(), sealed),
        ]);
        bundle = bundle.next(&format!("{base}/{resource_type}?{query}"));
    }
    if let Some(total) = page.total {
        bundle = bundle.total(total);
    }
    for found in &page.matches {
        let url = format!("{base}/{}/{}", found.resource_type, found.id);
        bundle.push(&url, &found.bytes, EntryMode::Match);
    }
    Ok(([(header::CONTENT_TYPE, FHIR_JSON)], bundle.to_bytes()).into_response())
}

/// The query as decoded pairs, in order, with repeats.
pub(super) fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// JSON only: `_format` and `Accept` may ask for nothing else (FHIR R4, http, 3.1.0.1.11).
/// Takes `_format` and `_pretty` out of the pairs.
pub(super) fn check_format(
    headers: &HeaderMap,
    pairs: &mut Vec<(String, String)>,
) -> Result<(), RouteError> {
    let is_json = |text: &str| {
        let name = text
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
            // A plus sign that was not escaped in an address arrives as a space.
            .replace(' ', "+");
        matches!(
            name.as_str(),
            "" | "json"
                | "application/json"
                | "application/fhir+json"
                | "application/*"
                | "*/*"
                | "text/json"
        )
    };
    let asked = pairs
        .iter()
        .find(|(name, _)| name == "_format")
        .map(|(_, value)| value.clone());
    pairs.retain(|(name, _)| name != "_format" && name != "_pretty");
    let fine = match asked {
        Some(format) => is_json(&format),
        None => {
            let accepts = headers
                .get(header::ACCEPT)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("*/*");
            // A browser's own list is answered with JSON: it is somebody having a look.
            accepts.split(',').any(is_json)
        }
    };
    if fine {
        Ok(())
    } else {
        Err(RouteError::NotAcceptable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_given_to_whoever_takes_it_and_nothing_else_is_promised() {
        let asked = |accept: Option<&'static str>, query: &str| {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, axum::http::HeaderValue::from_static(accept));
            }
            check_format(&headers, &mut pairs(Some(query))).is_ok()
        };
        for (accept, query) in [
            (None, ""),
            (Some("application/fhir+json; fhirVersion=4.0"), ""),
            (Some("text/html,*/*;q=0.8"), ""),
            (Some("application/fhir+xml"), "_format=json"),
            (None, "_format=application/fhir+json"),
            (None, "_format=application%2Ffhir%2Bjson"),
        ] {
            assert!(asked(accept, query), "{accept:?} {query}");
        }
        for (accept, query) in [
            (Some("application/fhir+xml"), ""),
            (None, "_format=xml"),
            (None, "_format=application/fhir+xml"),
        ] {
            assert!(!asked(accept, query), "{accept:?} {query}");
        }
    }
}
