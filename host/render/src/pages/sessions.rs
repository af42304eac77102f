//! Admin: app sessions, running and past.

use maud::{Markup, html};

use crate::moment::moment;
use crate::pages::patient_list::shown_or_dash;
use crate::parts::{Badge, PostForm, badge, empty, pager};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// The list of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Running ones first.
    pub rows: Vec<SessionRow>,
    /// The page after.
    pub next_url: Option<String>,
}

/// One session of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Instant, RFC 3339.
    pub started: String,
    /// Name and version of the app.
    pub app: String,
    /// Who uses it.
    pub user: String,
    /// For whom.
    pub patient: Option<String>,
    /// Such as `Running`, `Closed`, `Stopped: fuel`.
    pub state: Badge,
    /// Calls so far.
    pub calls: u64,
    /// Its entries in the audit ledger.
    pub audit_url: Option<String>,
    /// Posting this ends it; `None` when it has ended.
    pub end: Option<PostForm>,
}

impl Sessions {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        shell.page("Sessions", Width::Wide, &html! {
            div class="page-head" { div { h1 { "Sessions" } p class="muted" { "Apps that run now, and those that have ended." } } }
            @if self.rows.is_empty() {
                (empty("No sessions yet", "A session begins when somebody opens an app from a chart."))
            } @else {
                div class="table-wrap card" role="region" aria-label="Sessions" tabindex="0" {
                    table class="data rows" {
                        caption class="sr" { "App sessions" }
                        thead { tr {
                            th scope="col" { "Started" }
                            th scope="col" { "App" }
                            th scope="col" { "User" }
                            th scope="col" { "Patient" }
                            th scope="col" { "State" }
                            th scope="col" class="numeric" { "Calls" }
                            th scope="col" { span class="sr" { "Actions" } }
                        } }
                        tbody { @for row in &self.rows { (row.draw()) } }
                    }
                }
                (pager(None, self.next_url.as_ref()))
            }
        })
    }
}

impl SessionRow {
    fn draw(&self) -> Markup {
        html! {
            tr {
                td class="figures" { (moment(&self.started)) }
                th scope="row" { (shown(&self.app)) }
                td { (shown(&self.user)) }
                td { (shown_or_dash(self.patient.as_deref())) }
                td { (badge(&self.state.text, self.state.tone)) }
                td class="numeric" { (self.calls) }
                td class="row-actions" {
                    @if let Some(url) = &self.audit_url { a href=(url) { "Calls" span class="sr" { " of " (shown(&self.app)) } } }
                    @if let Some(end) = &self.end {
                        (end.around("inline", &html! { button type="submit" class="button small danger" { "End" span class="sr" { " " (shown(&self.app)) " for " (shown(&self.user)) } } }))
                    }
                }
            }
        }
    }
}
