//! The authorization endpoint (RFC 6749 section 3.1), by GET and by POST with the same
//! meaning (OpenID Connect Core section 3.1.2.1). It checks and keeps the request; people
//! decide on pages of ours, which carry nothing but its id.

use axum::extract::{Path, RawQuery, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use glovebox_authorization::{AuthorizeRefused, Unredirectable};
use glovebox_model::TenantId;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_render::pages::ErrorPage;

use super::rate;
use crate::http::App;
use crate::http::page::{PageError, PageResult, html, public_shell};

/// Longest query or form that is read, in bytes.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// `GET /oauth/{tenant}/authorize`.
pub async fn get(
    State(app): State<App>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    extensions: Extensions,
    headers: HeaderMap,
) -> PageResult {
    if let Err(wait) = rate::check_address(&app, &extensions, &headers) {
        return Ok(too_many(wait));
    }
    begin(&app, &tenant, query.unwrap_or_default().as_bytes()).await
}

/// `POST /oauth/{tenant}/authorize`.
pub async fn post(
    State(app): State<App>,
    Path(tenant): Path<String>,
    extensions: Extensions,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> PageResult {
    if let Err(wait) = rate::check_address(&app, &extensions, &headers) {
        return Ok(too_many(wait));
    }
    if !super::form::is_form(&headers) {
        let problem = "Send the request as application/x-www-form-urlencoded.";
        return Ok(said_here(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem));
    }
    begin(&app, &tenant, &body).await
}

async fn begin(app: &App, tenant: &str, parameters: &[u8]) -> PageResult {
    let tenant: TenantId = tenant.parse().map_err(|_| PageError::NotFound)?;
    if app.settings.tenant_name(&tenant).is_none() {
        return Err(PageError::NotFound);
    }
    if parameters.len() > REQUEST_BYTES_MAX {
        let problem = "The request is larger than this server reads.";
        return Ok(said_here(StatusCode::PAYLOAD_TOO_LARGE, problem));
    }
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(parameters)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let claimed = pairs.iter().find(|(name, _)| name == "client_id");
    let claimed = claimed.map(|(_, value)| value.as_str());
    if let Err(wait) = rate::check_client(app, &tenant, claimed) {
        return Ok(too_many(wait));
    }
    let base = app.settings.fhir_url(&tenant);
    let requests = &app.authorization.requests;
    match requests
        .begin(&tenant, &base, &pairs, app.clock.now())
        .await?
    {
        Ok(request) => {
            let subject = Subject {
                tenant: Some(tenant.clone()),
                client: Some(request.client.id.clone()),
                ..Subject::default()
            };
            let event = Event::new(Kind::Authorize, "begin", subject, Outcome::Ok)
                .with("request", request.id.as_str())
                .with("scope", request.scope.to_string())
                .with("dropped", request.dropped.join(" "));
            record(app, event)?;
            let next = format!("/oauth/{tenant}/continue?request={}", request.id);
            Ok(Redirect::to(&next).into_response())
        }
        Err(AuthorizeRefused::Here(why)) => {
            refused(app, &tenant, None, why.code())?;
            let problem = match why {
                Unredirectable::Client => {
                    "The app that sent you here is not registered with this hospital. Whoever runs the app has to ask an administrator here to register it."
                }
                Unredirectable::RedirectUri => {
                    "The app that sent you here gave an address that is not registered for it. Whoever runs the app has to have it registered by an administrator here."
                }
                Unredirectable::RequestUri => {
                    "The request of the app that sent you here is not known, or was used already. Open the app once more."
                }
            };
            Ok(said_here(StatusCode::BAD_REQUEST, problem))
        }
        Err(AuthorizeRefused::There {
            error,
            redirect,
            client,
            ..
        }) => {
            refused(app, &tenant, Some(client.id.clone()), error.as_str())?;
            let issuer = app.settings.issuer(&tenant);
            Ok(leave(&redirect.address(&issuer)))
        }
    }
}

/// Sends the browser to an address of the client's. 303: a form that was posted here is
/// not posted there (RFC 9700 section 4.12).
pub(in crate::http) fn leave(address: &str) -> Response {
    match axum::http::HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        Err(_) => said_here(
            StatusCode::BAD_REQUEST,
            "The app gave an address that is none.",
        ),
    }
}

fn said_here(status: StatusCode, problem: &str) -> Response {
    let page = ErrorPage::new(status.as_u16(), "This app cannot be opened", problem);
    (status, html(page.page(&public_shell("Glovebox")))).into_response()
}

fn too_many(wait: std::time::Duration) -> Response {
    let problem = "Too many apps are being opened from here at this moment. Try again in a minute.";
    let mut response = said_here(StatusCode::TOO_MANY_REQUESTS, problem);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, rate::retry_after(wait));
    response
}

fn refused(
    app: &App,
    tenant: &TenantId,
    client: Option<glovebox_model::ClientId>,
    rule: &str,
) -> Result<(), PageError> {
    let subject = Subject {
        tenant: Some(tenant.clone()),
        client,
        ..Subject::default()
    };
    let outcome = Outcome::Denied(rule.to_owned());
    record(app, Event::new(Kind::Authorize, "begin", subject, outcome))
}

fn record(app: &App, event: Event) -> Result<(), PageError> {
    let appended = app.ledger.append(event);
    appended
        .map(|_| ())
        .map_err(|problem| PageError::internal(&problem))
}
