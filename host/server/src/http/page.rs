//! What all pages share: the shell around them, and what stands there when one fails.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use glovebox_gateway::Refusal;
use glovebox_model::{Role, TenantId};
use glovebox_registry::RegistryError;
use glovebox_render::pages::ErrorPage;
use glovebox_render::shell::Place;
use glovebox_render::{Link, Markup, PostForm, Shell, Viewer, nav};

use super::App;
use super::identity::SignedIn;

/// A page that could not be shown.
#[derive(Debug)]
pub enum PageError {
    /// Nobody is signed in; afterwards it goes on here.
    SignIn {
        /// Address on this server.
        next: String,
    },
    /// There is no such thing, or it may not be known whether there is.
    NotFound,
    /// The user's role does not open this.
    Forbidden,
    /// The form's token is not of this session.
    StaleForm,
    /// What was sent cannot be used; says how to mend it.
    Invalid(String),
    /// Too much at once.
    Busy,
    /// The server failed; the cause is in the log under the reference.
    Internal {
        /// What support is told.
        reference: String,
    },
}

impl PageError {
    /// Logs a cause, once, and keeps only its reference.
    pub(super) fn internal(cause: &dyn std::error::Error) -> Self {
        let reference = reference();
        tracing::error!(error = %cause, reference, "a page failed");
        Self::Internal { reference }
    }
}

impl From<glovebox_authorization::Error> for PageError {
    fn from(error: glovebox_authorization::Error) -> Self {
        match error {
            glovebox_authorization::Error::Busy => Self::Busy,
            other => Self::internal(&other),
        }
    }
}

impl From<RegistryError> for PageError {
    fn from(error: RegistryError) -> Self {
        Self::internal(&error)
    }
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(problem) | Refusal::TooCostly(problem) => Self::Invalid(problem),
            // The gateway has logged the cause.
            Refusal::Unavailable => Self::Internal {
                reference: reference(),
            },
            _ => Self::NotFound,
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let page = match self {
            Self::SignIn { next } => {
                let query = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("next", &next)
                    .finish();
                return Redirect::to(&format!("/sign-in?{query}")).into_response();
            }
            Self::NotFound => ErrorPage::not_found(),
            Self::Forbidden => ErrorPage::forbidden(),
            Self::StaleForm => ErrorPage::stale_form(),
            Self::Invalid(problem) => ErrorPage::new(400, "This could not be done", &problem),
            Self::Busy => ErrorPage::new(
                503,
                "Too busy",
                "Many people are signing in. Try again in a moment.",
            ),
            Self::Internal { reference } => ErrorPage::internal(reference),
        };
        let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let page = page.leading_to(Link::new("Back to the patients", "/chart"));
        (status, html(page.page(&public_shell("Glovebox")))).into_response()
    }
}

/// What a page's handler returns.
pub(super) type PageResult = Result<Response, PageError>;

/// Markup as a response.
pub(super) fn html(markup: Markup) -> Html<String> {
    Html(markup.into_string())
}

/// The shell of pages that nobody is signed in to.
pub(super) fn public_shell(tenant: &str) -> Shell {
    Shell {
        tenant: tenant.to_owned(),
        sandbox: false,
        home_url: "/".to_owned(),
        viewer: None,
        nav: Vec::new(),
        tenants: Vec::new(),
        notice: None,
    }
}

/// The shell of a signed-in page.
pub(super) fn shell(app: &App, who: &SignedIn, tenant: &TenantId, place: Option<Place>) -> Shell {
    let user = &who.0.user;
    let in_tenant = |address: &str, tenant: &TenantId| format!("{address}?tenant={tenant}");
    let address = |place: Place| match place {
        Place::Patients => "/chart",
        Place::Apps => "/admin/apps",
        Place::Sessions => "/admin/sessions",
        Place::Audit => "/admin/audit",
        Place::ConnectedApps => "/account/apps",
    };
    let here = place.map_or("/chart", address);
    let roles: Vec<String> = user.roles.iter().map(role_words).collect();
    Shell {
        tenant: app
            .settings
            .tenant_name(tenant)
            .unwrap_or("Glovebox")
            .to_owned(),
        sandbox: tenant.as_str() == "sandbox",
        home_url: in_tenant(here, tenant),
        viewer: Some(Viewer {
            name: user.display_name.clone(),
            roles: roles.join(", "),
            sign_out: PostForm::new("/sign-out", &who.csrf()),
        }),
        nav: nav(&user.roles, place, |place| {
            in_tenant(address(place), tenant)
        }),
        tenants: app
            .settings
            .tenants
            .iter()
            .filter(|(id, _)| user.tenants.contains(id))
            .map(|(id, name)| glovebox_render::NavLink {
                label: name.clone(),
                url: in_tenant(here, id),
                current: id == tenant,
            })
            .collect(),
        notice: None,
    }
}

fn role_words(role: &Role) -> String {
    match role {
        Role::Clinician => "Clinician",
        Role::Patient => "Patient",
        Role::Proxy => "Proxy",
        Role::Administrator => "Administrator",
        Role::PrivacyOfficer => "Privacy officer",
        Role::Vendor => "Vendor",
        Role::Ehr => "EHR",
    }
    .to_owned()
}

/// A short random text that joins an answer to a line of the log.
pub(super) fn reference() -> String {
    let mut bytes = [0_u8; 5];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Err(_) => "unknown".to_owned(),
    }
}
