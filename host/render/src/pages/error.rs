//! Pages for what cannot be shown: calm, with a next step, without internals.

use maud::{Markup, html};

use crate::pages::patient::back;
use crate::parts::Link;
use crate::shell::{Shell, Width};
use crate::text::shown;

/// An error page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPage {
    /// HTTP status, shown small.
    pub status: u16,
    /// What happened.
    pub headline: String,
    /// What it means and what to do next.
    pub explanation: String,
    /// What to tell support; it is in the log too.
    pub reference: Option<String>,
    /// Where to go.
    pub back: Option<Link>,
}

impl ErrorPage {
    /// 404, also for what exists but may not be known to exist.
    pub fn not_found() -> Self {
        Self::new(
            404,
            "This page is not here",
            "It may have moved, or it may not be open to you.",
        )
    }

    /// 403 for a place that this person's role does not open.
    pub fn forbidden() -> Self {
        Self::new(
            403,
            "You may not open this",
            "Your role does not include it. If you need it for your work, ask an administrator.",
        )
    }

    /// 403 for a form that is too old or comes from elsewhere.
    pub fn stale_form() -> Self {
        Self::new(
            403,
            "Please send that again",
            "The form was open for too long or was sent from another page. Nothing was changed.",
        )
    }

    /// 500 with the reference under which the log has the cause.
    pub fn internal(reference: impl Into<String>) -> Self {
        let page = Self::new(
            500,
            "Something went wrong on our side",
            "Nothing in any record was changed. Please try again; if it stays, give support the reference below.",
        );
        Self {
            reference: Some(reference.into()),
            ..page
        }
    }

    /// Any other status.
    pub fn new(status: u16, headline: &str, explanation: &str) -> Self {
        Self {
            status,
            headline: headline.to_owned(),
            explanation: explanation.to_owned(),
            reference: None,
            back: None,
        }
    }

    /// Says where to go.
    #[must_use]
    pub fn leading_to(mut self, back: Link) -> Self {
        self.back = Some(back);
        self
    }

    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        let start = Link::new(
            "Go to the start page",
            if shell.home_url.is_empty() {
                "/"
            } else {
                &shell.home_url
            },
        );
        shell.page(
            &self.headline,
            Width::Narrow,
            &html! {
                section class="card error-page" {
                    p class="eyebrow figures" { "Error " (self.status) }
                    h1 { (shown(&self.headline)) }
                    p { (shown(&self.explanation)) }
                    div class="buttons" { (back(self.back.as_ref().unwrap_or(&start))) }
                    @if let Some(reference) = &self.reference {
                        p class="muted small" { "Reference: " code { (shown(reference)) } }
                    }
                }
            },
        )
    }
}
