//! Choosing for whom, or for which visit, an app opens. Fields `patient` or `encounter`
//! (radio buttons).

use maud::{Markup, html};

use super::patient_list::shown_or_dash;
use crate::moment::moment;
use crate::parts::{PatientHead, PostForm, empty, pager, search_box};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// Patients to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatientPicker {
    /// Where the choice is posted.
    pub form: PostForm,
    /// Where it is said that the app shall not open.
    pub cancel: PostForm,
    /// The app's name.
    pub app: String,
    /// Where the search box goes, with `q`; without one there are few enough.
    pub search_url: Option<String>,
    /// Hidden fields of the search.
    pub search_hidden: Vec<(String, String)>,
    /// What was searched for.
    pub query: String,
    /// One page of patients, by id.
    pub rows: Vec<(String, PatientHead)>,
    /// The page after.
    pub next_url: Option<String>,
}

impl PatientPicker {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        let fields = html! {
            div class="table-wrap card" role="region" aria-label="Patients" tabindex="0" {
                table class="data rows picker" {
                    caption class="sr" { "Patients you may open" }
                    thead { tr {
                        th scope="col" { span class="sr" { "Choose" } }
                        th scope="col" { "Name" }
                        th scope="col" { "Born" }
                        th scope="col" { "Sex" }
                        th scope="col" { "MRN" }
                    } }
                    tbody { @for (at, (id, patient)) in self.rows.iter().enumerate() {
                        tr {
                            td { input type="radio" name="patient" value=(id) id=(format!("patient-{at}")) required; }
                            th scope="row" dir="auto" { label for=(format!("patient-{at}")) { (shown(&patient.name)) } }
                            td class="figures" { @match &patient.birth_date {
                                Some(date) => (moment(date)),
                                None => (shown_or_dash(None)),
                            } }
                            td { (shown_or_dash(patient.sex.as_deref())) }
                            td class="figures" { (shown_or_dash(patient.mrn.as_deref())) }
                        }
                    } }
                }
            }
            div { button type="submit" class="button primary" { "Open for this patient" } }
        };
        shell.page("Choose a patient", Width::Wide, &html! {
            div class="page-head" {
                div {
                    h1 { "Choose a patient" }
                    p class="muted" { (shown(&self.app)) " opens for one patient, and sees nobody else." }
                }
                @if let Some(url) = &self.search_url {
                    (search_box(url, "Name, birth date or MRN", &self.query, &self.search_hidden))
                }
            }
            @if self.rows.is_empty() {
                (empty("Nobody found", "You can open an app only for patients whom you may open."))
            } @else {
                (self.form.around("stack", &fields))
                (pager(None, self.next_url.as_ref()))
            }
            (self.cancel.button("Do not open the app", "button"))
        })
    }
}

/// Visits to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncounterPicker {
    /// Where the choice is posted.
    pub form: PostForm,
    /// The app's name.
    pub app: String,
    /// Whose visits.
    pub patient: PatientHead,
    /// Id and words of each.
    pub rows: Vec<(String, String)>,
}

impl EncounterPicker {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        let choice = |at: usize, id: &str, words: &str, is_chosen: bool| {
            html! {
                label class="check" for=(format!("encounter-{at}")) {
                    input type="radio" name="encounter" value=(id) id=(format!("encounter-{at}"))
                        checked[is_chosen];
                    span { (shown(words)) }
                }
            }
        };
        let fields = html! {
            fieldset class="stack" {
                legend { "Visits of " (shown(&self.patient.name)) }
                (choice(0, "", "No visit in particular", true))
                @for (at, (id, words)) in self.rows.iter().enumerate() {
                    (choice(at + 1, id, words, false))
                }
            }
            div { button type="submit" class="button primary" { "Go on" } }
        };
        shell.page(
            "Choose a visit",
            Width::Narrow,
            &html! {
                div class="card" {
                    h1 { "Choose a visit" }
                    p class="muted" { (shown(&self.app)) " can open for one visit." }
                    (self.form.around("stack", &fields))
                }
            },
        )
    }
}
