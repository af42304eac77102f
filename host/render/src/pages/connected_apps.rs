//! The apps that may act for somebody: what each may see, since when, until when, and the
//! button that stops it.

use maud::{Markup, html};

use crate::moment::moment;
use crate::parts::{PostForm, empty};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// The apps of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectedApps {
    /// What was granted, the newest first.
    pub apps: Vec<ConnectedApp>,
}

/// One grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectedApp {
    /// The app's name.
    pub name: String,
    /// Who answers for it.
    pub publisher: String,
    /// About whom, where it is about one patient.
    pub patient: Option<String>,
    /// What it may do, in words.
    pub sentences: Vec<String>,
    /// Since when (RFC 3339).
    pub since: String,
    /// Until when (RFC 3339).
    pub until: String,
    /// Ends it.
    pub stop: PostForm,
}

impl ConnectedApps {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        shell.page("Connected apps", Width::Wide, &html! {
            div class="page-head" {
                div {
                    h1 { "Connected apps" }
                    p class="muted" { "Apps that may act for you, and what each may see." }
                }
            }
            @if self.apps.is_empty() {
                (empty("No app acts for you", "When you allow an app to see a record, it is listed here, and you can stop it at any time."))
            }
            div class="stack" { @for app in &self.apps { (app.draw()) } }
        })
    }
}

impl ConnectedApp {
    fn draw(&self) -> Markup {
        html! {
            article class="card connected" {
                div {
                    h2 { (shown(&self.name)) }
                    p class="muted" {
                        "by " (shown(&self.publisher))
                        @if let Some(patient) = &self.patient { " · for " (shown(patient)) }
                    }
                    ul { @for sentence in &self.sentences { li { (shown(sentence)) } } }
                    p class="muted small" { "Since " (moment(&self.since)) ", until " (moment(&self.until)) " at the latest." }
                }
                (self.stop.button("Stop access", "button danger"))
            }
        }
    }
}
