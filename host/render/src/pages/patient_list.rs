//! The patient list of the built-in chart.

use maud::{Markup, html};

use crate::moment::moment;
use crate::parts::{PatientHead, empty, pager, search_box};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// Patients that the viewer may open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatientList {
    /// Where the search box goes, with `q`.
    pub search_url: String,
    /// Hidden fields of the search, such as `tenant`.
    pub search_hidden: Vec<(String, String)>,
    /// What was searched for.
    pub query: String,
    /// One page of patients.
    pub rows: Vec<PatientRow>,
    /// How many there are in all, where that is known.
    pub total: Option<u64>,
    /// The page before.
    pub previous_url: Option<String>,
    /// The page after.
    pub next_url: Option<String>,
}

/// One patient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatientRow {
    /// Who.
    pub patient: PatientHead,
    /// The patient's page.
    pub url: String,
}

impl PatientList {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        shell.page("Patients", Width::Wide, &html! {
            div class="page-head" {
                div {
                    h1 { "Patients" }
                    p class="muted" { (self.count()) }
                }
                (search_box(&self.search_url, "Name, birth date or MRN", &self.query, &self.search_hidden))
            }
            @if self.rows.is_empty() {
                @if self.query.is_empty() {
                    (empty("No patients to show", "You may open patients of your ward. Ask an administrator if somebody is missing."))
                } @else {
                    (empty("Nobody found", "Try fewer letters, a birth date such as 1980-02-29, or the whole medical record number."))
                }
            } @else {
                (self.table())
                (pager(self.previous_url.as_ref(), self.next_url.as_ref()))
            }
        })
    }

    fn count(&self) -> Markup {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        html! {
            @match self.total {
                Some(total) => { (total) " patient" (plural(total)) " you may open" },
                None => "Patients you may open",
            }
            @if !self.query.is_empty() { " matching “" (shown(&self.query)) "”" }
        }
    }

    fn table(&self) -> Markup {
        html! {
            div class="table-wrap card" role="region" aria-label="Patients" tabindex="0" {
                table class="data rows" {
                    caption class="sr" { "Patients you may open" }
                    thead { tr {
                        th scope="col" { "Name" }
                        th scope="col" { "Born" }
                        th scope="col" { "Age" }
                        th scope="col" { "Sex" }
                        th scope="col" { "MRN" }
                    } }
                    tbody { @for row in &self.rows { (row.draw()) } }
                }
            }
        }
    }
}

impl PatientRow {
    fn draw(&self) -> Markup {
        let text = |text: &Option<String>| shown_or_dash(text.as_deref());
        let date = |date: &Option<String>| match date {
            Some(date) => moment(date),
            None => shown_or_dash(None),
        };
        html! {
            tr {
                th scope="row" dir="auto" { a href=(self.url) { (shown(&self.patient.name)) } }
                td class="figures" { (date(&self.patient.birth_date)) }
                td class="figures" { (text(&self.patient.age)) }
                td { (text(&self.patient.sex)) }
                td class="figures" { (text(&self.patient.mrn)) }
            }
        }
    }
}

/// A missing value, said aloud as such.
pub(crate) fn shown_or_dash(text: Option<&str>) -> Markup {
    html! {
        @match text {
            Some(text) => (shown(text)),
            None => { span class="muted" aria-hidden="true" { "–" } span class="sr" { "not recorded" } }
        }
    }
}
