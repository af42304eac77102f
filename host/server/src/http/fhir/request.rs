//! What was sent besides the address, checked and within bounds.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use bytes::Bytes;

use super::body;
use super::format::{BodyForm, body_form, check_accepted};
use super::preferences::Preferences;
use super::query::{Pairs, QUERY_BYTES_MAX};
use super::route::{Operation, Route};
use super::route_error::RouteError;

/// A request whose form is right. Whether it may be done is decided behind the door.
#[derive(Debug)]
pub(super) struct FhirRequest {
    /// The parameters of the address, and those of a `_search` form.
    pub(super) pairs: Pairs,
    /// Whether JSON will do; else the content of a Binary is asked for.
    pub(super) takes_json: bool,
    /// `Prefer`.
    pub(super) preferences: Preferences,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The body.
    pub(super) body: Bytes,
    /// What the body is.
    pub(super) form: Option<BodyForm>,
}

impl FhirRequest {
    /// Reads query, headers and body of a request for `route`.
    pub(super) async fn read(
        route: &Route,
        parts: &Parts,
        query: Option<&str>,
        body: Body,
    ) -> Result<Self, RouteError> {
        let query = query.unwrap_or_default();
        if query.len() > QUERY_BYTES_MAX {
            return Err(RouteError::LongAddress);
        }
        let mut pairs = Pairs::parse(query)?;
        let bytes_max = body::bytes_max(route);
        let form = match bytes_max {
            0 => None,
            _ => taken(route, body_form(&parts.headers)?)?,
        };
        let body = body::read(body, bytes_max).await?;
        if form == Some(BodyForm::Form) {
            let text = std::str::from_utf8(&body)
                .map_err(|_| RouteError::Invalid("the form is not in UTF-8".to_owned()))?;
            pairs.extend(Pairs::parse(text)?);
        } else if form.is_none() && !body.is_empty() {
            return Err(RouteError::UnsupportedMediaType);
        }
        let takes_json = match check_accepted(&parts.headers, &mut pairs) {
            Ok(()) => true,
            // A Binary may be given out as what it holds.
            Err(_) if matches!(route, Route::Read("Binary", _)) => false,
            Err(refused) => return Err(refused),
        };
        Ok(Self {
            takes_json,
            pairs,
            preferences: Preferences::read(&parts.headers),
            headers: parts.headers.clone(),
            body,
            form,
        })
    }
}

/// Refuses a body of a kind that the route does not take.
fn taken(route: &Route, form: Option<BodyForm>) -> Result<Option<BodyForm>, RouteError> {
    let fine = match (route, form) {
        (Route::SearchForm(_) | Route::CompartmentForm(..), form) => {
            matches!(form, None | Some(BodyForm::Form))
        }
        (Route::Patch(..) | Route::PatchWhere(_), form) => {
            matches!(form, Some(BodyForm::Resource | BodyForm::JsonPatch))
        }
        (Route::Call(Operation::Everything, ..), form) => {
            matches!(form, None | Some(BodyForm::Resource))
        }
        (_, form) => form == Some(BodyForm::Resource),
    };
    if fine {
        Ok(form)
    } else {
        Err(RouteError::UnsupportedMediaType)
    }
}
