//! The page around every page: head, top bar, sandbox watermark, notice, main, foot.

use glovebox_model::Role;
use glovebox_model::view::Tone;
use maud::{DOCTYPE, Markup, html};

use crate::assets::{ASSETS, address};
use crate::icon::{Icon, icon};
use crate::parts::{PostForm, alert};
use crate::text::shown;

/// What every page knows about who looks at it, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shell {
    /// Name of the tenant as people call it, such as `Example Hospital`.
    pub tenant: String,
    /// Whether its patients are synthetic: a banner and a watermark say so on every page.
    pub sandbox: bool,
    /// Where the product name leads.
    pub home_url: String,
    /// Who is signed in; `None` on public pages.
    pub viewer: Option<Viewer>,
    /// Made by [`nav`].
    pub nav: Vec<NavLink>,
    /// The same for other tenants that this person may enter, shown in the user menu.
    pub tenants: Vec<NavLink>,
    /// What the last act came to, after a redirect.
    pub notice: Option<Notice>,
}

/// A signed-in person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Name, or username where there is none.
    pub name: String,
    /// Roles in words, such as `Clinician`.
    pub roles: String,
    /// Posting this signs out.
    pub sign_out: PostForm,
}

/// A link of the top bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavLink {
    /// What the user reads.
    pub label: String,
    /// The address.
    pub url: String,
    /// Whether this page belongs to it.
    pub current: bool,
}

/// One line above the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How it went.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
}

/// The places of the top bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Patient list and charts.
    Patients,
    /// Apps and what may be done with them.
    Apps,
    /// App sessions, running and past.
    Sessions,
    /// The ledger.
    Audit,
    /// The apps that may act for this person.
    ConnectedApps,
}

impl Place {
    const ALL: [Self; 5] = [
        Self::Patients,
        Self::Apps,
        Self::Sessions,
        Self::Audit,
        Self::ConnectedApps,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Patients => "Patients",
            Self::Apps => "Apps",
            Self::Sessions => "Sessions",
            Self::Audit => "Audit",
            Self::ConnectedApps => "Connected apps",
        }
    }

    fn opens_for(self, role: Role) -> bool {
        match self {
            Self::Patients => matches!(role, Role::Clinician),
            Self::Apps | Self::Sessions => matches!(role, Role::Administrator),
            Self::Audit => matches!(role, Role::Administrator | Role::PrivacyOfficer),
            Self::ConnectedApps => {
                matches!(role, Role::Clinician | Role::Patient | Role::Proxy)
            }
        }
    }
}

/// The links that these roles see. Hiding a link protects nothing: the server checks.
pub fn nav(roles: &[Role], current: Option<Place>, url: impl Fn(Place) -> String) -> Vec<NavLink> {
    Place::ALL
        .into_iter()
        .filter(|place| roles.iter().any(|role| place.opens_for(*role)))
        .map(|place| NavLink {
            label: place.label().to_owned(),
            url: url(place),
            current: current == Some(place),
        })
        .collect()
}

/// How wide the main column is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// One card in the middle: sign-in, errors, notices.
    Narrow,
    /// Everything else.
    Wide,
}

impl Shell {
    /// A whole page around `body`.
    pub(crate) fn page(&self, title: &str, width: Width, body: &Markup) -> Markup {
        let [stylesheet, script, logo] = &ASSETS;
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (shown(title)) " · Glovebox" }
                    link rel="icon" type="image/svg+xml" href=(address(logo));
                    link rel="stylesheet" href=(address(stylesheet));
                    script src=(address(script)) defer {}
                }
                body class=[self.sandbox.then_some("sandbox")] {
                    a class="skip" href="#main" { "Skip to content" }
                    (self.top_bar())
                    @if self.sandbox {
                        aside class="sandbox-banner" aria-label="Sandbox" { p {
                            strong { "Sandbox." }
                            " Every patient here is made up. Nothing on this page is a real record." } }
                    }
                    main id="main" class=(if width == Width::Narrow { "narrow" } else { "wide" }) tabindex="-1" {
                        @if let Some(notice) = &self.notice {
                            (alert(notice.tone, &html! { p { (shown(&notice.text)) } }))
                        }
                        (body)
                    }
                    footer class="foot" {
                        p { (shown(&self.tenant)) " · Third-party apps run in a sandbox, and every access to a record is written to the audit ledger." }
                    }
                }
            }
        }
    }

    fn top_bar(&self) -> Markup {
        let home = if self.home_url.is_empty() {
            "/"
        } else {
            &self.home_url
        };
        html! {
            header class="top" {
                a class="brand" href=(home) {
                    (crate::shell::logo())
                    span { "Glovebox" }
                }
                @if !self.tenant.is_empty() {
                    span class="tenant" { span class="sr" { "Tenant: " } (shown(&self.tenant)) }
                }
                @if !self.nav.is_empty() {
                    nav class="main-nav" aria-label="Main" {
                        @for link in &self.nav {
                            a href=(link.url) aria-current=[link.current.then_some("page")] { (shown(&link.label)) }
                        }
                    }
                }
                @if let Some(viewer) = &self.viewer { (self.user_menu(viewer)) }
            }
        }
    }

    fn user_menu(&self, viewer: &Viewer) -> Markup {
        html! {
            details class="user-menu" {
                summary {
                    span class="user-name" { (shown(&viewer.name)) }
                    span class="user-roles" { (shown(&viewer.roles)) }
                    (icon(Icon::Chevron))
                }
                div class="menu" {
                    @if !self.tenants.is_empty() {
                        nav aria-label="Tenants" {
                            @for link in &self.tenants {
                                a href=(link.url) aria-current=[link.current.then_some("true")] { (shown(&link.label)) }
                            }
                        }
                    }
                    (viewer.sign_out.button("Sign out", "button quiet wide"))
                }
            }
        }
    }
}

/// The logo in the page itself: the same drawing as [`crate::assets::LOGO`].
pub(crate) fn logo() -> Markup {
    html! {
        svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            rect class="logo-box" x="1" y="1" width="30" height="30" rx="8" {}
            circle class="logo-port" cx="16" cy="16" r="11" {}
            @for hand in HANDS { path class="logo-hand" d=(hand) {} }
        }
    }
}

/// Two gloves that reach into the porthole.
const HANDS: [&str; 2] = [
    "M8.9 23.6 9.3 18 7.7 15.3a1.2 1.2 0 0 1 2-1.3l1.2 1.6V10.8a1.5 1.5 0 0 1 3 0V14a.7.7 0 0 1 .4.7v4.2l-.8 6.3a10 10 0 0 1-3.9-1.6z",
    "M23.1 23.6 22.7 18l1.6-2.7a1.2 1.2 0 0 0-2-1.3l-1.2 1.6V10.8a1.5 1.5 0 0 0-3 0V14a.7.7 0 0 0-.4.7v4.2l.8 6.3a10 10 0 0 0 3.9-1.6z",
];
