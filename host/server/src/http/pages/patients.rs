//! The patients whom the signed-in user may open.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use glovebox_fhir::SearchQuery;
use glovebox_gateway::{CursorBinding, Viewer};
use glovebox_model::Role;
use glovebox_render::pages::{PatientList, PatientRow};
use glovebox_render::shell::Place;
use serde::Deserialize;

use super::record;
use crate::http::App;
use crate::http::identity::SignedIn;
use crate::http::page::{PageError, PageResult, html, shell};

/// Patients on one page.
const ROWS: usize = 25;

/// Address of the list.
#[derive(Deserialize)]
pub struct ListAddress {
    tenant: Option<String>,
    #[serde(default)]
    q: String,
    after: Option<String>,
}

/// `GET /chart`.
pub async fn get(
    State(app): State<App>,
    who: SignedIn,
    Query(address): Query<ListAddress>,
) -> PageResult {
    who.require(&[Role::Clinician])?;
    let tenant = who.tenant(&app, address.tenant.as_deref())?;
    let pass = who.enter(&app, &tenant).await?;
    let viewer = Viewer {
        tenant: tenant.clone(),
        user: who.0.user.id.clone(),
    };
    let query = search(&address.q)?;
    let binding = CursorBinding(format!(
        "picker {tenant} {} {}",
        viewer.user,
        query.canonical()
    ));
    let after = match &address.after {
        // A page address that is too old or of another search starts from the beginning.
        Some(sealed) => app.gateway.open_cursor(&binding, sealed).ok(),
        None => None,
    };
    let page = app
        .gateway
        .patients(&viewer, query, after.as_ref(), ROWS)
        .await?;
    let today = app.clock.now().to_string();
    let rows = page.matches.iter().map(|released| PatientRow {
        patient: record::patient_head(&record::parse(&released.bytes), &today),
        url: format!("/chart/patients/{}?tenant={tenant}", released.id),
    });
    let next_url = match &page.next {
        Some(cursor) => {
            let sealed = app.gateway.seal_cursor(&binding, cursor)?;
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("tenant", tenant.as_str())
                .append_pair("q", &address.q)
                .append_pair("after", &sealed)
                .finish();
            Some(format!("/chart?{query}"))
        }
        None => None,
    };
    let list = PatientList {
        search_url: "/chart".to_owned(),
        search_hidden: vec![("tenant".to_owned(), tenant.to_string())],
        query: address.q.clone(),
        rows: rows.collect(),
        total: page.total,
        previous_url: after.map(|_| format!("/chart?tenant={tenant}")),
        next_url,
    };
    let response: Response =
        html(list.page(&shell(&app, &who, &tenant, Some(Place::Patients)))).into_response();
    pass.release(|| response).map_err(|_| PageError::NotFound)
}

/// What the search box means. A day is the date of birth, another word with a digit is a
/// whole identifier, and any other word is the beginning of a name.
pub(super) fn search(words: &str) -> Result<SearchQuery, PageError> {
    let words: String = words.chars().take(200).collect();
    let mut pairs: Vec<(String, String)> = words
        .split_whitespace()
        .take(8)
        .map(|word| {
            let name = if is_day(word) {
                "birthdate"
            } else if word.bytes().any(|byte| byte.is_ascii_digit()) {
                "identifier"
            } else {
                "name"
            };
            (
                name.to_owned(),
                word.replace('\\', "")
                    .replace(',', "\\,")
                    .replace('|', "\\|")
                    .replace('$', "\\$"),
            )
        })
        .collect();
    pairs.push(("_sort".to_owned(), "family,given".to_owned()));
    SearchQuery::parse("Patient", &pairs).map_err(|problem| PageError::Invalid(problem.to_string()))
}

/// Whether this is a day as FHIR writes it, which is also a valid value of a date search.
fn is_day(word: &str) -> bool {
    word.len() == "1980-02-29".len() && glovebox_fhir::DateRange::parse(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::search;

    #[test]
    fn a_word_is_a_name_a_birth_date_or_an_identifier() {
        let query = search("rossi 1980-02-29 MRN-100001 1980-13-01").unwrap();
        assert_eq!(
            query.canonical(),
            "Patient?birthdate=1980-02-29&identifier=1980-13-01&identifier=MRN-100001\
             &name=rossi&_sort=family,given&_count=50"
        );
    }

    #[test]
    fn whatever_is_typed_is_a_search() {
        for typed in [
            "",
            "anna rossi",
            "o'neil, x",
            "a|b",
            "$\\",
            &"x".repeat(5_000),
        ] {
            assert!(search(typed).is_ok(), "{typed}");
        }
    }
}
