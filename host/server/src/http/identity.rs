//! Who is asking: a browser with a session, or a program with an API token.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use glovebox_authorization::csrf::CsrfKey;
use glovebox_authorization::{ApiIdentity, BrowserSession};
use glovebox_database::fence::{Mark, Pass};
use glovebox_model::ledger::Subject;
use glovebox_model::{Role, TenantId};
use glovebox_render::Csrf;

use super::App;
use super::caller::{Caller, refused_stranger};
use super::page::PageError;
use super::problem::Problem;
use crate::services::is_clinician;

/// Cookie of a signed-in browser.
pub(super) const SESSION_COOKIE: &str = "glovebox_session";
/// Cookie of a browser that is not signed in yet: it binds the sign-in form.
pub(super) const VISITOR_COOKIE: &str = "glovebox_visitor";
/// What the CSRF token of every signed-in form is made for.
const FORM_PURPOSE: &str = "form";

/// The name of a cookie. Over TLS it has the prefix with which browsers take it from this
/// very host only: a neighbour under the same domain cannot put one of its own in place.
pub(super) fn cookie_name(app: &App, name: &str) -> String {
    match app.settings.is_https() {
        true => format!("__Host-{name}"),
        false => name.to_owned(),
    }
}

/// A cookie with every protection that the address of the installation allows.
pub(super) fn cookie(app: &App, name: &str, value: String) -> Cookie<'static> {
    Cookie::build((cookie_name(app, name), value))
        .path("/")
        .http_only(true)
        .secure(app.settings.is_https())
        .same_site(SameSite::Lax)
        .build()
}

/// A browser whose user has signed in. Others are led to the sign-in page.
pub struct SignedIn(pub BrowserSession, Caller);

impl SignedIn {
    /// The token that every form of this session carries.
    pub(super) fn csrf(&self) -> Csrf {
        Csrf(self.0.csrf.token(FORM_PURPOSE).expose().to_owned())
    }

    /// Refuses a form that does not carry this session's token.
    pub(super) fn check_csrf(&self, presented: &str) -> Result<(), PageError> {
        if self.0.csrf.accepts(FORM_PURPOSE, presented) {
            Ok(())
        } else {
            self.1.refused("form-token");
            Err(PageError::StaleForm)
        }
    }

    /// Whether the user has one of these roles.
    pub(super) fn has(&self, roles: &[Role]) -> bool {
        self.0.user.roles.iter().any(|role| roles.contains(role))
    }

    /// Refuses a user without one of these roles.
    pub(super) fn require(&self, roles: &[Role]) -> Result<(), PageError> {
        if self.has(roles) {
            Ok(())
        } else {
            self.1.refused("role");
            Err(PageError::Forbidden)
        }
    }

    /// The way through the fence for a page about patients: what is withdrawn from this
    /// person while the page is made keeps it from being sent.
    pub(super) async fn enter(&self, app: &App, tenant: &TenantId) -> Result<Pass, PageError> {
        let user = &self.0.user.id;
        let held = app.fence.generations(&[
            Mark::Tenant(tenant.clone()),
            Mark::User(tenant.clone(), user.clone()),
            Mark::Relations(tenant.clone(), user.clone()),
        ]);
        // Looked at again under these generations: the session was, before them.
        let may_act = is_clinician(app, tenant, user).await;
        if !may_act.map_err(|cause| PageError::internal(cause.as_ref()))? {
            self.1.refused("role");
            return Err(PageError::Forbidden);
        }
        app.fence.enter(&held).map_err(|_| PageError::NotFound)
    }

    /// The tenant asked for (default `main`), if the user may enter it.
    pub(super) fn tenant(&self, app: &App, asked: Option<&str>) -> Result<TenantId, PageError> {
        let tenant = asked
            .unwrap_or("main")
            .parse()
            .map_err(|_| PageError::NotFound)?;
        let known = app.settings.tenant_name(&tenant).is_some();
        if known && self.0.user.tenants.contains(&tenant) {
            Ok(tenant)
        } else {
            self.1.refused("tenant");
            Err(PageError::NotFound)
        }
    }
}

/// The session of the request's cookie, if there is one in force.
pub(super) async fn browser_session(
    app: &App,
    jar: &CookieJar,
) -> Result<Option<BrowserSession>, PageError> {
    let Some(cookie) = jar.get(&cookie_name(app, SESSION_COOKIE)) else {
        return Ok(None);
    };
    let sessions = &app.authorization.browser_sessions;
    Ok(sessions.lookup(cookie.value(), app.clock.now()).await?)
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let jar = CookieJar::from_headers(&parts.headers);
        match browser_session(app, &jar).await? {
            Some(session) => {
                let caller = Caller::new(app, &session.user.id, &session.user.tenants, parts);
                Ok(Self(session, caller))
            }
            None => {
                // A form cannot be sent again by a redirect: only pages are returned to.
                let address = parts.uri.path_and_query();
                let address = address.filter(|_| parts.method == Method::GET);
                let next = address.map_or("/chart", |address| address.as_str());
                Err(PageError::SignIn {
                    next: next.to_owned(),
                })
            }
        }
    }
}

/// The CSRF key of a browser that is not signed in.
pub(super) fn visitor_key(app: &App, jar: &CookieJar) -> Option<CsrfKey> {
    jar.get(&cookie_name(app, VISITOR_COOKIE))
        .map(|cookie| CsrfKey::of_cookie(cookie.value()))
}

/// A program with a bearer token of the JSON API.
pub struct Bearer(pub ApiIdentity, Caller);

impl Bearer {
    /// Refuses a token without one of these roles.
    pub(super) fn require(&self, roles: &[Role]) -> Result<(), Problem> {
        if self.0.roles.iter().any(|role| roles.contains(role)) {
            return Ok(());
        }
        self.1.refused("role");
        let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        Err(Problem::forbidden(&format!(
            "this call needs the role {}",
            names.join(" or ")
        )))
    }

    /// The tenant asked for (default `main`), if the token covers it.
    pub(super) fn tenant(&self, app: &App, asked: Option<&str>) -> Result<TenantId, Problem> {
        let unknown = || Problem::not_found("there is no such tenant for this token");
        let tenant = asked.unwrap_or("main").parse().map_err(|_| unknown())?;
        let known = app.settings.tenant_name(&tenant).is_some();
        if known && self.0.tenants.contains(&tenant) {
            Ok(tenant)
        } else {
            self.1.refused("tenant");
            Err(unknown())
        }
    }

    /// Records that something else was refused, by the rule's stable name.
    pub(super) fn refused(&self, rule: &str) {
        self.1.refused(rule);
    }
}

/// The credential of an `Authorization: Bearer` header (RFC 6750 section 2.1).
pub(super) fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| credential.trim())
}

impl FromRequestParts<App> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Some(credential) = bearer(parts) else {
            return Err(Problem::unauthorized());
        };
        let tokens = &app.authorization.api_tokens;
        match tokens.verify(credential, app.clock.now()).await {
            Ok(Some(identity)) => {
                let caller = Caller::new(app, &identity.user, &identity.tenants, parts);
                Ok(Self(identity, caller))
            }
            Ok(None) => {
                refused_stranger(app, Subject::default(), parts);
                Err(Problem::unauthorized())
            }
            Err(problem) => Err(Problem::internal(&problem)),
        }
    }
}
