//! `/fhir/{tenant}`: the FHIR R4 API for apps with bearer tokens. What it does is decided
//! behind the one door; here is only the protocol.

mod binary;
mod body;
mod bundle;
mod capability;
mod docref;
mod everything;
mod format;
mod headers;
mod history;
mod preconditions;
mod preferences;
mod proof;
mod query;
mod read;
mod request;
mod route;
mod route_error;
mod search;
mod token;
mod validate;
mod well_known;
mod write;

use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use glovebox_gateway::Refusal;
use glovebox_model::TenantId;
use tower_http::catch_panic::CatchPanicLayer;

use super::App;
use request::FhirRequest;
use route::{Operation, Route};
use route_error::RouteError;
use token::Granted;

pub(super) use preconditions::is_known;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Every address below `/fhir`. One handler takes them all: the address is read once, by
/// our own parser, and not by whatever a router makes of it.
pub(super) fn router(app: App) -> Router<App> {
    Router::new()
        .fallback(door)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app, headers::layer))
}

fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let cause = cause.downcast_ref::<&str>().copied();
    tracing::error!(cause, "a FHIR request panicked");
    RouteError::Failed.into_response()
}

async fn door(State(app): State<App>, request: Request) -> Response {
    let answered = tokio::time::timeout(ANSWER_MAX, answer(&app, request));
    match answered.await {
        Ok(Ok(response)) => response,
        Ok(Err(refused)) => refused.into_response(),
        Err(_) => RouteError::TimedOut.into_response(),
    }
}

async fn answer(app: &App, request: Request) -> Result<Response, RouteError> {
    let (parts, body) = request.into_parts();
    let uri = parts.extensions.get::<OriginalUri>();
    let uri = uri.map_or_else(|| parts.uri.clone(), |OriginalUri(uri)| uri.clone());
    let (tenant, below) = below_tenant(uri.path()).ok_or(RouteError::NoSuchTenant)?;
    let tenant = known_tenant(app, tenant)?;
    let route = Route::parse(&parts.method, below);
    if route == Ok(Route::Metadata) {
        return capability::get(app, &tenant, &parts);
    }
    if let Some(name) = well_known::name(below) {
        return well_known::get(app, &tenant, &parts.method, name);
    }
    // Whoever has no token learns nothing but that one is needed.
    let granted = Granted::check(app, tenant, &parts).await?;
    let route = match route {
        Ok(route) => route,
        Err(problem) => {
            let refused = RouteError::from(problem);
            return Err(note_invalid(app, &granted, &parts, refused));
        }
    };
    let request = FhirRequest::read(&route, &parts, uri.query(), body).await;
    let request = match request {
        Ok(request) => request,
        Err(refused) => return Err(note_invalid(app, &granted, &parts, refused)),
    };
    let asked = Asked {
        app,
        granted: &granted,
        request: &request,
    };
    let answer = asked.dispatch(route).await;
    answer.map_err(|refused| match refused {
        // A Binary was read and recorded before it turned out to hold another format.
        RouteError::NotAcceptable => refused,
        refused => note_invalid(app, &granted, &parts, refused),
    })
}

/// The tenant and the path below it, both raw.
fn below_tenant(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/fhir/")?;
    let end = rest.find('/').unwrap_or(rest.len());
    rest.split_at_checked(end)
}

fn known_tenant(app: &App, text: &str) -> Result<TenantId, RouteError> {
    let tenant: Option<TenantId> = text.parse().ok();
    tenant
        .filter(|tenant| app.settings.tenant_name(tenant).is_some())
        .ok_or(RouteError::NoSuchTenant)
}

/// Records what was refused before it became an interaction: no other part has seen it.
fn note_invalid(app: &App, granted: &Granted, parts: &Parts, refused: RouteError) -> RouteError {
    use glovebox_fhir::InteractionKind as Kind;
    let problem = match &refused {
        RouteError::Invalid(problem) | RouteError::NotSupported(problem) => problem.as_str(),
        RouteError::Unknown(rule) => rule,
        RouteError::Method(_) => "the address does not have this method",
        RouteError::LongAddress => "the address is too long",
        RouteError::TooLarge(_) => "the body is too large",
        RouteError::SlowBody => "the body did not arrive in time",
        RouteError::UnsupportedMediaType => "the body is not what this address takes",
        RouteError::NotAcceptable => "another format than JSON was asked for",
        _ => return refused,
    };
    let kind = match parts.method {
        Method::POST => Kind::Create,
        Method::PUT | Method::PATCH => Kind::Update,
        Method::DELETE => Kind::Delete,
        _ => Kind::Read,
    };
    match app.gateway.invalid(&granted.session, kind, "-", problem) {
        Refusal::Invalid(_) => refused,
        unavailable => unavailable.into(),
    }
}

/// A request on somebody's behalf.
#[derive(Clone, Copy)]
struct Asked<'a> {
    app: &'a App,
    granted: &'a Granted,
    request: &'a FhirRequest,
}

impl Asked<'_> {
    /// A read is the most frequent by far, and does not carry the state of the longer ways.
    async fn dispatch(self, route: Route) -> Result<Response, RouteError> {
        match route {
            Route::Read(name, id) => read::current(self, name, &id).await,
            other => Box::pin(self.dispatch_others(other)).await,
        }
    }

    async fn dispatch_others(self, route: Route) -> Result<Response, RouteError> {
        match route {
            Route::Metadata | Route::Read(..) => Err(RouteError::Failed),
            Route::Page => search::page(self).await,
            Route::Vread(name, id, version) => read::version(self, name, &id, &version).await,
            Route::History(name, id) => history::of_instance(self, name, &id).await,
            Route::Call(Operation::Validate, name, id) => {
                validate::call(self, name, id.as_deref()).await
            }
            Route::Search(name) | Route::SearchForm(name) => search::of_type(self, name).await,
            Route::Compartment(patient, name) | Route::CompartmentForm(patient, name) => {
                search::of_compartment(self, &patient, name).await
            }
            Route::Ask(Operation::DocRef, ..) | Route::Call(Operation::DocRef, ..) => {
                docref::call(self).await
            }
            Route::Create(name) => write::create(self, name).await,
            Route::Update(name, id) => write::update(self, name, &id).await,
            Route::Delete(name, id) => write::delete(self, name, &id).await,
            Route::UpdateWhere(name) => write::update_where(self, name).await,
            Route::Patch(name, id) => write::patch(self, name, &id).await,
            Route::PatchWhere(name) => write::patch_where(self, name).await,
            Route::DeleteWhere(name) => write::delete_where(self, name).await,
            Route::Bundle => bundle::carry_out(self).await,
            Route::Ask(Operation::Everything, _, Some(id))
            | Route::Call(Operation::Everything, _, Some(id)) => everything::call(self, &id).await,
            Route::Ask(Operation::Everything | Operation::Validate, ..)
            | Route::Call(Operation::Everything, _, None) => Err(RouteError::Failed),
        }
    }

    /// The base of this tenant's addresses.
    fn base(self) -> String {
        self.app.settings.fhir_url(&self.granted.session.tenant)
    }
}
