//! What people see of an authorization: signing in, choosing a patient and a visit,
//! deciding. Each page works on the request that is stored; a form says nothing but its id
//! and what was chosen.

use axum::extract::{Path, Query, RawForm, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::cookie::CookieJar;
use glovebox_authorization::{
    BrowserSession, Error as AuthorizationError, Grant, GrantContext, LaunchRefused,
    PendingRequest, RedirectError, Step,
};
use glovebox_fhir::SearchQuery;
use glovebox_gateway::{CursorBinding, Viewer};
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};
use glovebox_model::{PatientId, Role, TenantId};
use glovebox_policy::{Offer, OfferedItem};
use glovebox_render::pages::{ConsentItem, ConsentPage, EncounterPicker, PatientPicker};
use glovebox_render::{Csrf, PatientHead, PostForm, Shell};
use serde::Deserialize;

use super::patients;
use super::record;
use super::sign_in::see_other;
use crate::http::App;
use crate::http::headers::FormTarget;
use crate::http::identity::browser_session;
use crate::http::oauth::authorize::leave;
use crate::http::page::{PageError, PageResult, html, public_shell};

/// Patients on one page of the picker.
const ROWS: usize = 25;
/// Visits that are offered.
const ENCOUNTERS: usize = 12;
/// What the forms' tokens are made for; the request's id is a part of it, so that a form of
/// one request cannot decide on another.
const PURPOSE: &str = "authorize";

/// The address of each step.
#[derive(Deserialize)]
pub struct ContinueAddress {
    request: String,
    #[serde(default)]
    q: String,
    after: Option<String>,
}

/// `GET /oauth/{tenant}/continue`: whatever has to happen next.
pub async fn get(
    State(app): State<App>,
    jar: CookieJar,
    Path(tenant): Path<String>,
    Query(address): Query<ContinueAddress>,
) -> PageResult {
    let tenant = known_tenant(&app, &tenant)?;
    let session = browser_session(&app, &jar).await?;
    let request = find(&app, &tenant, &address.request).await?;
    if request.step(session.as_ref(), app.clock.now()) == Step::SignIn {
        return Err(PageError::SignIn {
            next: format!("/oauth/{tenant}/continue?request={}", request.id),
        });
    }
    // Only the browser that brought a request hears what becomes of it: whoever else knows
    // its id cannot end it either.
    let here = session.as_ref().map(|session| session.id.as_str());
    if request.browser_session.is_some() && request.browser_session.as_deref() != here {
        return Err(PageError::NotFound);
    }
    let Some(session) = session else {
        return refuse(&app, request, None, RedirectError::LoginRequired, "sign in").await;
    };
    if let Err(why) = may_authorize(&session, &tenant) {
        return refuse(
            &app,
            request,
            Some(&session),
            RedirectError::AccessDenied,
            why,
        )
        .await;
    }
    let requests = &app.authorization.requests;
    let bound = requests.bind(request.clone(), &session, app.clock.now());
    match bound.await {
        Ok(Ok(Some(request))) => go_on(&app, request, &session, &address).await,
        // It was begun in another browser, or before somebody else signed in.
        Ok(Ok(None)) => Err(PageError::NotFound),
        Ok(Err(refused)) => refuse_launch(&app, request, &session, refused).await,
        Err(problem) => changed_meanwhile(&request, problem),
    }
}

/// What is said when a launch handle is not taken: on a page, unless none may be shown.
async fn refuse_launch(
    app: &App,
    request: PendingRequest,
    session: &BrowserSession,
    refused: LaunchRefused,
) -> PageResult {
    let outcome = Outcome::Denied(refused.code().to_owned());
    let event = Event::new(
        Kind::Launch,
        "present",
        subject(&request, Some(session)),
        outcome,
    );
    append(app, event.with("request", request.id.as_str()))?;
    let shows_page = request.may_show_pages();
    let why = "the launch is not good (any more)";
    let left = refuse(
        app,
        request,
        Some(session),
        RedirectError::AccessDenied,
        why,
    )
    .await?;
    match shows_page {
        true => Err(PageError::Invalid(refused.to_string())),
        false => Ok(left),
    }
}

/// Two windows of one browser went on with a request at once: the later one looks again.
fn changed_meanwhile(request: &PendingRequest, problem: AuthorizationError) -> PageResult {
    match problem {
        AuthorizationError::Contended { .. } => Ok(see_other(&address_of(request)).into_response()),
        other => Err(other.into()),
    }
}

/// Shows the page of the next step, or leaves.
async fn go_on(
    app: &App,
    request: PendingRequest,
    session: &BrowserSession,
    address: &ContinueAddress,
) -> PageResult {
    match request.step(Some(session), app.clock.now()) {
        Step::SignIn => Err(PageError::SignIn {
            next: format!("/oauth/{}/continue?request={}", request.tenant, request.id),
        }),
        Step::Patient => pick_patient(app, request, session, address).await,
        Step::Encounter => pick_encounter(app, &request, session).await,
        Step::Consent => {
            let page = consent_page(app, &request, session, None).await?;
            Ok(shown(
                &request,
                html(page.page(&frame(app, &request.tenant))),
            ))
        }
        Step::Grant => {
            let granted = request.scope.clone();
            grant(app, request, session, granted, None).await
        }
        Step::Refuse(error) => {
            let why = "a page would have to be shown";
            refuse(app, request, Some(session), error, why).await
        }
    }
}

/// A form of one of the steps, as fields in order: `item` may stand there several times.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(body: &[u8]) -> Self {
        let pairs = url::form_urlencoded::parse(body);
        Self(
            pairs
                .take(500)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.clone()).collect()
    }
}

/// A posted form, checked: its session, its request and its token belong together.
async fn posted(
    app: &App,
    jar: &CookieJar,
    tenant: &str,
    body: &[u8],
) -> Result<(PendingRequest, BrowserSession, Fields), PageError> {
    let tenant = known_tenant(app, tenant)?;
    let fields = Fields::read(body);
    let Some(session) = browser_session(app, jar).await? else {
        return Err(PageError::SignIn {
            next: "/".to_owned(),
        });
    };
    let request = find(app, &tenant, fields.get("request")).await?;
    if request.browser_session.as_deref() != Some(session.id.as_str()) {
        return Err(PageError::NotFound);
    }
    if !session.csrf.accepts(&purpose(&request), fields.get("csrf")) {
        return Err(PageError::StaleForm);
    }
    may_authorize(&session, &tenant).map_err(|_| PageError::Forbidden)?;
    Ok((request, session, fields))
}

/// `POST /oauth/{tenant}/continue/patient`.
pub async fn patient(
    State(app): State<App>,
    jar: CookieJar,
    Path(tenant): Path<String>,
    RawForm(body): RawForm,
) -> PageResult {
    let (request, session, fields) = posted(&app, &jar, &tenant, &body).await?;
    if request.is_ehr_launch {
        return Err(PageError::NotFound);
    }
    let patient: PatientId = fields
        .get("patient")
        .parse()
        .map_err(|_| PageError::Invalid("Choose a patient.".to_owned()))?;
    if !app
        .gateway
        .may_open(&viewer(&request, &session), &patient)
        .await?
    {
        let subject = subject(&request, Some(&session));
        let outcome = Outcome::Denied("relation".to_owned());
        append(
            &app,
            Event::new(Kind::Authorize, "patient", subject, outcome),
        )?;
        return Err(PageError::Forbidden);
    }
    let requests = &app.authorization.requests;
    match requests.choose_patient(request.clone(), &patient).await {
        Ok(request) => Ok(see_other(&address_of(&request)).into_response()),
        Err(problem) => changed_meanwhile(&request, problem),
    }
}

/// `POST /oauth/{tenant}/continue/encounter`.
pub async fn encounter(
    State(app): State<App>,
    jar: CookieJar,
    Path(tenant): Path<String>,
    RawForm(body): RawForm,
) -> PageResult {
    let (request, session, fields) = posted(&app, &jar, &tenant, &body).await?;
    if request.is_ehr_launch {
        return Err(PageError::NotFound);
    }
    let chosen = fields.get("encounter");
    if !chosen.is_empty() {
        let visits = encounters(&app, &request, &session).await?;
        if !visits.iter().any(|(id, _)| id == chosen) {
            return Err(PageError::Forbidden);
        }
    }
    let chosen = (!chosen.is_empty()).then_some(chosen);
    let requests = &app.authorization.requests;
    match requests.choose_encounter(request.clone(), chosen).await {
        Ok(request) => Ok(see_other(&address_of(&request)).into_response()),
        Err(problem) => changed_meanwhile(&request, problem),
    }
}

/// `POST /oauth/{tenant}/continue/decision`.
pub async fn decision(
    State(app): State<App>,
    jar: CookieJar,
    Path(tenant): Path<String>,
    RawForm(body): RawForm,
) -> PageResult {
    let (request, session, fields) = posted(&app, &jar, &tenant, &body).await?;
    if fields.get("decision") != "allow" {
        let why = "the user said no";
        return refuse(
            &app,
            request,
            Some(&session),
            RedirectError::AccessDenied,
            why,
        )
        .await;
    }
    if request.step(Some(&session), app.clock.now()) != Step::Consent
        || fields.get("about") != about(&request)
    {
        // Something is still to be chosen, or the sign-in has become too old, or somebody
        // else was chosen in another window since this form was shown.
        return Ok(see_other(&address_of(&request)).into_response());
    }
    let granted = Offer::of(&request.scope).granted(&fields.all("item"));
    if granted.resources().next().is_none() && request.scope.resources().next().is_some() {
        let problem = "Tick what the app may see, or deny.";
        let page = consent_page(&app, &request, &session, Some(problem)).await?;
        let page = html(page.page(&frame(&app, &request.tenant)));
        return Ok(shown(&request, page));
    }
    let lines = consent_page(&app, &request, &session, None).await?.lines();
    grant(&app, request, &session, granted, Some(lines)).await
}

/// Answers with a code, once more after asking whether the user may open the patient.
async fn grant(
    app: &App,
    request: PendingRequest,
    session: &BrowserSession,
    granted: glovebox_model::scope::ScopeSet,
    shown: Option<Vec<String>>,
) -> PageResult {
    if let Some(patient) = &request.context.patient
        && !app
            .gateway
            .may_open(&viewer(&request, session), patient)
            .await?
    {
        let why = "the patient cannot be opened";
        return refuse(
            app,
            request,
            Some(session),
            RedirectError::AccessDenied,
            why,
        )
        .await;
    }
    let (tenant, asked) = (request.tenant.clone(), request.scope.to_string());
    let was_asked = shown.is_some();
    let now = app.clock.now();
    let requests = &app.authorization.requests;
    let answer = requests.grant(request, session, granted, shown, now).await;
    let (redirect, grant) = match answer {
        Ok(answer) => answer,
        // Answered before, by the same form or in another tab.
        Err(AuthorizationError::Unknown { .. }) => return Err(PageError::NotFound),
        Err(problem) => return Err(problem.into()),
    };
    let event = granted_event(&grant, was_asked).with("asked", asked);
    let recorded = app.ledger.append_durable(event).await;
    recorded.map_err(|problem| PageError::internal(&problem))?;
    Ok(leave(&redirect.address(&app.settings.issuer(&tenant))))
}

fn granted_event(grant: &Grant, was_asked: bool) -> Event {
    let subject = Subject {
        tenant: Some(grant.tenant.clone()),
        client: Some(grant.client.clone()),
        user: Some(grant.user.clone()),
        patient: grant.context.patient.clone(),
        ..Subject::default()
    };
    let kind = if was_asked {
        Kind::Consent
    } else {
        Kind::Authorize
    };
    Event::new(kind, "grant", subject, Outcome::Ok)
        .with("grant", grant.id.as_str())
        .with("granted", grant.scope.to_string())
        .with("until", grant.expires_at.to_string())
}

async fn refuse(
    app: &App,
    request: PendingRequest,
    session: Option<&BrowserSession>,
    error: RedirectError,
    why: &'static str,
) -> PageResult {
    let outcome = Outcome::Denied(error.as_str().to_owned());
    let event = Event::new(
        Kind::Authorize,
        "refuse",
        subject(&request, session),
        outcome,
    );
    append(app, event.with("request", request.id.as_str()))?;
    let tenant = request.tenant.clone();
    let requests = &app.authorization.requests;
    let redirect = match requests.refuse(request, error, why).await {
        Ok(redirect) => redirect,
        // Answered before, by the same form or in another tab.
        Err(AuthorizationError::Unknown { .. }) => return Err(PageError::NotFound),
        Err(problem) => return Err(problem.into()),
    };
    Ok(leave(&redirect.address(&app.settings.issuer(&tenant))))
}

async fn pick_patient(
    app: &App,
    request: PendingRequest,
    session: &BrowserSession,
    address: &ContinueAddress,
) -> PageResult {
    let viewer = viewer(&request, session);
    let query = patients::search(&address.q)?;
    let binding = CursorBinding(format!(
        "authorize {} {} {} {}",
        request.id,
        viewer.tenant,
        viewer.user,
        query.canonical()
    ));
    let after = match &address.after {
        Some(sealed) => app.gateway.open_cursor(&binding, sealed).ok(),
        None => None,
    };
    let page = app
        .gateway
        .patients(&viewer, query, after.as_ref(), ROWS)
        .await?;
    let today = app.clock.now().to_string();
    // Whoever may open one person only is not asked which: a patient is their own.
    if let (true, None, None, [only]) = (
        address.q.is_empty(),
        &after,
        &page.next,
        page.matches.as_slice(),
    ) && !session.user.roles.contains(&Role::Clinician)
        && let Ok(patient) = only.id.parse::<PatientId>()
    {
        let requests = &app.authorization.requests;
        return match requests.choose_patient(request.clone(), &patient).await {
            Ok(request) => Ok(see_other(&address_of(&request)).into_response()),
            Err(problem) => changed_meanwhile(&request, problem),
        };
    }
    if page.matches.is_empty() && address.q.is_empty() && after.is_none() {
        let why = "there is no patient whom this user may open";
        return refuse(
            app,
            request,
            Some(session),
            RedirectError::AccessDenied,
            why,
        )
        .await;
    }
    let rows = page.matches.iter().map(|released| {
        let head = record::patient_head(&record::parse(&released.bytes), &today);
        (released.id.clone(), head)
    });
    let own = format!("/oauth/{}/continue", request.tenant);
    let next_url = match &page.next {
        Some(cursor) => {
            let sealed = app.gateway.seal_cursor(&binding, cursor)?;
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("request", &request.id)
                .append_pair("q", &address.q)
                .append_pair("after", &sealed)
                .finish();
            Some(format!("{own}?{query}"))
        }
        None => None,
    };
    let picker = PatientPicker {
        form: form(&request, session, "patient"),
        cancel: form(&request, session, "decision").with("decision", "deny"),
        app: request.client.name.clone(),
        search_url: Some(own),
        search_hidden: vec![("request".to_owned(), request.id.clone())],
        query: address.q.clone(),
        rows: rows.collect(),
        next_url,
    };
    let page = picker.page(&frame(app, &request.tenant));
    Ok(shown(&request, html(page)))
}

async fn pick_encounter(
    app: &App,
    request: &PendingRequest,
    session: &BrowserSession,
) -> PageResult {
    let picker = EncounterPicker {
        form: form(request, session, "encounter"),
        app: request.client.name.clone(),
        patient: patient_head(app, request, session)
            .await?
            .unwrap_or_default(),
        rows: encounters(app, request, session).await?,
    };
    let page = picker.page(&frame(app, &request.tenant));
    Ok(shown(request, html(page)))
}

/// The latest visits of the patient in context: id and words.
async fn encounters(
    app: &App,
    request: &PendingRequest,
    session: &BrowserSession,
) -> Result<Vec<(String, String)>, PageError> {
    let Some(patient) = &request.context.patient else {
        return Ok(Vec::new());
    };
    let pairs = [("patient", patient.as_str()), ("_sort", "-date")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let query = SearchQuery::parse("Encounter", &pairs)
        .map_err(|problem| PageError::Invalid(problem.to_string()))?;
    let viewer = viewer(request, session);
    let found = app
        .gateway
        .chart_search(&viewer, patient, query, ENCOUNTERS)
        .await?;
    let visit = |released: &glovebox_gateway::Released| {
        let words = record::visit_words(&record::parse(&released.bytes));
        (released.id.clone(), words)
    };
    Ok(found.matches.iter().map(visit).collect())
}

async fn consent_page(
    app: &App,
    request: &PendingRequest,
    session: &BrowserSession,
    problem: Option<&str>,
) -> Result<ConsentPage, PageError> {
    let offer = Offer::of(&request.scope);
    let user = &session.user;
    let own = match (&request.context.patient, &user.fhir_user) {
        (Some(patient), Some(own)) => own.to_string() == format!("Patient/{patient}"),
        _ => false,
    };
    let lasts = match offer.lasting.as_ref().map(|item| &item.scope) {
        Some(glovebox_model::scope::Scope::OfflineAccess) => {
            "The access ends after a year at the latest."
        }
        Some(_) => "The access ends when you sign out.",
        None => "The access ends after an hour.",
    };
    let destination = url::Url::parse(request.redirect_uri())
        .ok()
        .and_then(|uri| uri.host_str().map(str::to_owned));
    Ok(ConsentPage {
        form: form(request, session, "decision").with("about", about(request)),
        app: request.client.name.clone(),
        publisher: request.client.owner.clone(),
        contact: request.client.security_contact.clone(),
        destination: destination.unwrap_or_else(|| "an app on your device".to_owned()),
        patient: patient_head(app, request, session).await?,
        is_own_record: own,
        items: offer.items.iter().map(item).collect(),
        lasting: offer.lasting.as_ref().map(item),
        always: offer.always.clone(),
        not_seen: not_seen(&request.context),
        duration: lasts.to_owned(),
        how_to_stop: "You can stop it at any time, on the page Connected apps of this hospital."
            .to_owned(),
        technical: request.scope.to_string(),
        problem: problem.map(str::to_owned),
    })
}

fn not_seen(context: &GrantContext) -> Option<String> {
    context
        .patient
        .as_ref()
        .map(|_| "It does not see any other patient through this, nor your password.".to_owned())
}

fn item(offered: &OfferedItem) -> ConsentItem {
    ConsentItem {
        id: offered.id.clone(),
        sentence: offered.sentence.clone(),
        parts: offered.parts.iter().map(item).collect(),
    }
}

async fn patient_head(
    app: &App,
    request: &PendingRequest,
    session: &BrowserSession,
) -> Result<Option<PatientHead>, PageError> {
    let Some(patient) = &request.context.patient else {
        return Ok(None);
    };
    let viewer = viewer(request, session);
    let released = app.gateway.chart_patient(&viewer, patient).await?;
    let today = app.clock.now().to_string();
    Ok(Some(record::patient_head(
        &record::parse(&released.bytes),
        &today,
    )))
}

/// A page whose forms may lead to the client's address: browsers hold `form-action` against
/// the redirect that answers a form, too.
fn shown(request: &PendingRequest, page: axum::response::Html<String>) -> Response {
    let mut response = page.into_response();
    response
        .extensions_mut()
        .insert(FormTarget::of(request.redirect_uri()));
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

fn form(request: &PendingRequest, session: &BrowserSession, step: &str) -> PostForm {
    let url = format!("/oauth/{}/continue/{step}", request.tenant);
    let csrf = session.csrf.token(&purpose(request));
    PostForm::new(url, &Csrf(csrf.expose().to_owned())).with("request", request.id.as_str())
}

/// What a decision is about, said by its form: a decision is good for what its page showed.
fn about(request: &PendingRequest) -> String {
    let context = &request.context;
    let patient = context.patient.as_ref().map_or("", PatientId::as_str);
    let encounter = context.encounter.as_deref().unwrap_or_default();
    format!("{patient}/{encounter}")
}

fn purpose(request: &PendingRequest) -> String {
    format!("{PURPOSE} {}", request.id)
}

fn address_of(request: &PendingRequest) -> String {
    format!("/oauth/{}/continue?request={}", request.tenant, request.id)
}

fn viewer(request: &PendingRequest, session: &BrowserSession) -> Viewer {
    Viewer {
        tenant: request.tenant.clone(),
        user: session.user.id.clone(),
    }
}

fn subject(request: &PendingRequest, session: Option<&BrowserSession>) -> Subject {
    Subject {
        tenant: Some(request.tenant.clone()),
        client: Some(request.client.id.clone()),
        user: session.map(|session| session.user.id.clone()),
        patient: request.context.patient.clone(),
        ..Subject::default()
    }
}

/// The shell of a page that belongs to no place of the top bar; made-up patients are marked
/// as such here too.
fn frame(app: &App, tenant: &TenantId) -> Shell {
    let name = app.settings.tenant_name(tenant).unwrap_or("Glovebox");
    Shell {
        sandbox: tenant.as_str() == "sandbox",
        ..public_shell(name)
    }
}

fn known_tenant(app: &App, tenant: &str) -> Result<TenantId, PageError> {
    let tenant: TenantId = tenant.parse().map_err(|_| PageError::NotFound)?;
    match app.settings.tenant_name(&tenant) {
        Some(_) => Ok(tenant),
        None => Err(PageError::NotFound),
    }
}

async fn find(app: &App, tenant: &TenantId, id: &str) -> Result<PendingRequest, PageError> {
    let requests = &app.authorization.requests;
    let found = requests.get(tenant, id, app.clock.now()).await?;
    found.ok_or_else(|| {
        let problem = "This request was answered already or has run out. Open the app again.";
        PageError::Invalid(problem.to_owned())
    })
}

/// Whether somebody may let an app act for them here: people who treat, and people whom the
/// record is about.
fn may_authorize(session: &BrowserSession, tenant: &TenantId) -> Result<(), &'static str> {
    let roles = [Role::Clinician, Role::Patient, Role::Proxy];
    let user = &session.user;
    if !user.tenants.contains(tenant) {
        return Err("the user does not belong to this tenant");
    }
    if !user.roles.iter().any(|role| roles.contains(role)) {
        return Err("the user has no role with which apps are used");
    }
    Ok(())
}

fn append(app: &App, event: Event) -> Result<(), PageError> {
    let appended = app.ledger.append(event);
    appended
        .map(|_| ())
        .map_err(|problem| PageError::internal(&problem))
}
