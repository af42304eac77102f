//! The audit ledger, searched. The search itself is an entry too, and the page says so.

use maud::{Markup, html};

use crate::moment::moment;
use crate::pages::patient_list::shown_or_dash;
use crate::parts::{Badge, badge, empty, pager};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// Search and result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Where the search goes.
    pub search_url: String,
    /// Hidden fields of the search, such as `tenant`.
    pub search_hidden: Vec<(String, String)>,
    /// What was searched for.
    pub search: AuditSearch,
    /// Values offered for `kind`.
    pub kinds: Vec<String>,
    /// Whether the hash chain was found whole, such as `Chain verified`.
    pub chain: Option<Badge>,
    /// The newest first.
    pub rows: Vec<AuditRow>,
    /// The page after.
    pub next_url: Option<String>,
}

/// The fields of the search, named as in the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSearch {
    /// App id.
    pub app: String,
    /// Patient id.
    pub patient: String,
    /// User id.
    pub user: String,
    /// Session id.
    pub session: String,
    /// One of [`Audit::kinds`], or empty.
    pub kind: String,
    /// First day, `YYYY-MM-DD`.
    pub from: String,
    /// Last day, `YYYY-MM-DD`.
    pub to: String,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Position in the chain.
    pub sequence: u64,
    /// Instant, RFC 3339.
    pub at: String,
    /// Kind and action, such as `fhir search-type`.
    pub what: String,
    /// App id.
    pub app: Option<String>,
    /// User id.
    pub user: Option<String>,
    /// Patient id.
    pub patient: Option<String>,
    /// Outcome as the ledger says it, such as `denied: compartment`.
    pub outcome: Badge,
    /// Named values.
    pub detail: Vec<(String, String)>,
}

impl Audit {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        shell.page("Audit", Width::Wide, &html! {
            div class="page-head" {
                div { h1 { "Audit" } p class="muted" { "Every access by an app or a person. Searching here is written down as well." } }
                @if let Some(chain) = &self.chain { (badge(&chain.text, chain.tone)) }
            }
            (self.form())
            @if self.rows.is_empty() {
                (empty("No entries match", "Widen the dates or leave a field empty."))
            } @else {
                (self.table())
                (pager(None, self.next_url.as_ref()))
            }
        })
    }

    fn form(&self) -> Markup {
        let texts = [
            ("app", "App", &self.search.app, "text"),
            ("patient", "Patient", &self.search.patient, "text"),
            ("user", "User", &self.search.user, "text"),
            ("session", "Session", &self.search.session, "text"),
            ("from", "From", &self.search.from, "date"),
            ("to", "To", &self.search.to, "date"),
        ];
        html! {
            form method="get" action=(self.search_url) class="card filter" role="search" {
                @for (name, value) in &self.search_hidden { input type="hidden" name=(name) value=(value); }
                @for (name, label, value, kind) in texts {
                    div class="field" {
                        label for={ "audit-" (name) } { (label) }
                        input type=(kind) id={ "audit-" (name) } name=(name) value=(value) maxlength="200" autocomplete="off";
                    }
                }
                div class="field" {
                    label for="audit-kind" { "Kind" }
                    select id="audit-kind" name="kind" {
                        option value="" { "Any" }
                        @for kind in &self.kinds { option value=(kind) selected[*kind == self.search.kind] { (shown(kind)) } }
                    }
                }
                button type="submit" class="button primary" { "Search" }
            }
        }
    }

    fn table(&self) -> Markup {
        html! {
            div class="table-wrap card" role="region" aria-label="Audit entries" tabindex="0" {
                table class="data rows audit" {
                    caption class="sr" { "Audit entries, the newest first" }
                    thead { tr {
                        th scope="col" class="numeric" { "No." }
                        th scope="col" { "When" }
                        th scope="col" { "What" }
                        th scope="col" { "App" }
                        th scope="col" { "User" }
                        th scope="col" { "Patient" }
                        th scope="col" { "Outcome" }
                        th scope="col" { "Detail" }
                    } }
                    tbody { @for row in &self.rows { (row.draw()) } }
                }
            }
        }
    }
}

impl AuditRow {
    fn draw(&self) -> Markup {
        html! {
            tr {
                td class="numeric" { (self.sequence) }
                td class="figures nowrap" { (moment(&self.at)) }
                td { code { (shown(&self.what)) } }
                td { (shown_or_dash(self.app.as_deref())) }
                td { (shown_or_dash(self.user.as_deref())) }
                td { (shown_or_dash(self.patient.as_deref())) }
                td { (badge(&self.outcome.text, self.outcome.tone)) }
                td class="detail" {
                    @for (name, value) in &self.detail { span class="pair" { span class="muted" { (shown(name)) "=" } (shown(value)) } " " }
                }
            }
        }
    }
}
