//! `/`: what this is, and in the demo who can sign in. No passwords.

use maud::{Markup, html};

use crate::icon::{Icon, icon};
use crate::parts::Link;
use crate::shell::{Shell, Width, logo};
use crate::text::shown;

/// The start page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landing {
    /// Where the main button leads: sign-in, or the chart for those who are signed in.
    pub start: Link,
    /// Who can sign in to the demo; empty outside of it.
    pub people: Vec<Person>,
    /// Where the demo's passwords are to be found, such as a path; never a password.
    pub passwords_at: Option<String>,
    /// Further addresses, such as the SMART configuration.
    pub links: Vec<Link>,
}

/// Somebody of the demo world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// What is typed at sign-in.
    pub username: String,
    /// In words.
    pub role: String,
    /// What to try as this person, in one line.
    pub can: String,
}

impl Landing {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        let promises = [
            (
                Icon::Lock,
                "Nothing but a window",
                "App code runs in a WebAssembly sandbox. It has no network, no files and no token, only the questions it may ask about one patient.",
            ),
            (
                Icon::Shield,
                "One door to the record",
                "Every question is decided by scope, patient and the user’s own rights, and checked again on the way back.",
            ),
            (
                Icon::Search,
                "Everything is written down",
                "Each access stands in a hash-chained audit ledger. An administrator can stop an app everywhere at once.",
            ),
        ];
        shell.page("Welcome", Width::Wide, &html! {
            section class="hero" {
                (logo())
                h1 { "Third-party apps in your hospital, without handing over the record." }
                p class="lead" { "Glovebox lets a hospital run SMART on FHIR apps that it did not write. The app never touches the record; it reaches in through gloves." }
                div class="buttons center" { a class="button primary large" href=(self.start.url) { (shown(&self.start.label)) } }
            }
            section class="promises" aria-label="What it does" {
                @for (mark, title, text) in promises {
                    div class="card promise" { span class="app-mark" aria-hidden="true" { (icon(mark)) } h2 { (title) } p class="muted" { (text) } }
                }
            }
            @if !self.people.is_empty() { (self.people_table()) }
            @if !self.links.is_empty() {
                section class="link-list" aria-labelledby="links-title" {
                    h2 id="links-title" { "For programs" }
                    ul { @for link in &self.links { li { a href=(link.url) { (shown(&link.label)) } code { (shown(&link.url)) } } } }
                }
            }
        })
    }

    fn people_table(&self) -> Markup {
        html! {
            section aria-labelledby="people-title" {
                div class="section-head" {
                    h2 id="people-title" { "Who can sign in" }
                    @if let Some(place) = &self.passwords_at {
                        p class="muted small" { "Passwords are in " code { (shown(place)) } " and were printed at start." }
                    }
                }
                div class="table-wrap card" role="region" aria-label="Who can sign in" tabindex="0" {
                    table class="data rows" {
                        caption class="sr" { "People of the demo" }
                        thead { tr { th scope="col" { "Username" } th scope="col" { "Role" } th scope="col" { "What to try" } } }
                        tbody { @for person in &self.people {
                            tr { th scope="row" { code { (shown(&person.username)) } } td { (shown(&person.role)) } td { (shown(&person.can)) } }
                        } }
                    }
                }
            }
        }
    }
}
