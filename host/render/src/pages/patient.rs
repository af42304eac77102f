//! The patient's page: who it is, which apps may be opened, what the record says in short.

use glovebox_model::view::Tone;
use maud::{Markup, html};

use crate::icon::{Icon, icon};
use crate::moment::moment;
use crate::parts::{AppIdentity, Badge, Link, PatientHead, PostForm, badge, empty, patient_banner};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// A patient's page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatientPage {
    /// Who.
    pub patient: PatientHead,
    /// Back to the list.
    pub list_url: String,
    /// Apps of this tenant, those that may be opened first.
    pub apps: Vec<AppCard>,
    /// Problems, medications, allergies, recent results: in this order.
    pub facts: Vec<FactGroup>,
}

/// An app in the list of a patient's page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppCard {
    /// Which.
    pub app: AppIdentity,
    /// Its purpose in one line.
    pub purpose: String,
    /// What it can read, in plain words, such as `Test results`.
    pub can_read: Vec<String>,
    /// What it can write, in plain words.
    pub can_write: Vec<String>,
    /// FHIR date of the hospital's last review.
    pub reviewed: Option<String>,
    /// Posting this launches the app.
    pub launch: PostForm,
    /// Why it cannot be opened now, in one sentence; `None` when it can.
    pub disabled: Option<String>,
}

/// A short list from the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactGroup {
    /// Such as `Problems`.
    pub title: String,
    /// What stands there when the list is empty, such as `No known allergies`.
    pub empty: String,
    /// The newest or most important first.
    pub facts: Vec<Fact>,
    /// How many more the record holds.
    pub more: u64,
}

/// One line of a [`FactGroup`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// Such as `Type 2 diabetes mellitus` or `Hemoglobin A1c`.
    pub label: String,
    /// Such as `6.1 %` or `500 mg twice daily`.
    pub value: Option<String>,
    /// FHIR date.
    pub date: Option<String>,
    /// Such as `High`.
    pub flag: Option<Badge>,
}

impl PatientPage {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        shell.page(&self.patient.name, Width::Wide, &html! {
            nav class="crumbs" aria-label="Breadcrumb" { a href=(self.list_url) { "Patients" } span aria-hidden="true" { "/" } span aria-current="page" { (shown(&self.patient.name)) } }
            (patient_banner(&self.patient, true, &html! {}))
            section aria-labelledby="apps-title" {
                div class="section-head" {
                    h2 id="apps-title" { "Apps" }
                    p class="muted small" { (icon(Icon::Shield)) "Apps see only this patient, and only what is named here." }
                }
                @if self.apps.is_empty() {
                    (empty("No apps yet", "An administrator decides which apps are offered here."))
                } @else {
                    ul class="app-cards" { @for (index, card) in self.apps.iter().enumerate() { (card.draw(index)) } }
                }
            }
            section aria-labelledby="record-title" {
                div class="section-head" { h2 id="record-title" { "Record in short" } }
                div class="fact-groups" { @for group in &self.facts { (group.draw()) } }
            }
        })
    }
}

impl AppCard {
    fn draw(&self, index: usize) -> Markup {
        let id = format!("app-{index}");
        let reads = plain_list(&self.can_read);
        let writes = plain_list(&self.can_write);
        html! {
            li class={ "card app-card" @if self.disabled.is_some() { " disabled" } } {
                div class="app-card-head" {
                    span class="app-mark" aria-hidden="true" { (icon(Icon::App)) }
                    div {
                        h3 id=(id) { (shown(&self.app.name)) }
                        p class="muted small" { "by " (shown(&self.app.publisher)) }
                    }
                    @if self.app.hosted { (badge("Hosted", Tone::Neutral)) } @else { (badge("External", Tone::Caution)) }
                }
                p class="purpose" { (shown(&self.purpose)) }
                dl class="can" {
                    div { dt { "Can read" } dd { (shown(&reads)) } }
                    div { dt { "Can write" } dd { (shown(&writes)) } }
                }
                div class="app-card-foot" {
                    @if let Some(reason) = &self.disabled {
                        p class="small why" { (icon(Icon::Lock)) span { (shown(reason)) } }
                    } @else {
                        p class="muted small" {
                            @if let Some(reviewed) = &self.reviewed { "Reviewed " (moment(reviewed)) }
                        }
                        (self.launch.around("inline", &html! {
                            button type="submit" class="button primary" { "Open" span class="sr" { " " (shown(&self.app.name)) } }
                        }))
                    }
                }
            }
        }
    }
}

impl FactGroup {
    fn draw(&self) -> Markup {
        html! {
            section class="card fact-group" {
                h3 { (shown(&self.title)) @if !self.facts.is_empty() { span class="count" { (count(self.facts.len(), self.more)) } } }
                @if self.facts.is_empty() {
                    p class="muted" { (shown(&self.empty)) }
                } @else {
                    ul { @for fact in &self.facts { (fact.draw()) } }
                    @if self.more > 0 { p class="muted small" { "and " (self.more) " more in the record" } }
                }
            }
        }
    }
}

impl Fact {
    fn draw(&self) -> Markup {
        html! {
            li {
                span class="fact-label" dir="auto" { (shown(&self.label)) }
                span class="fact-value" {
                    @if let Some(value) = &self.value { span class="figures" { (shown(value)) } }
                    @if let Some(flag) = &self.flag { (badge(&flag.text, flag.tone)) }
                    @if let Some(date) = &self.date { span class="muted small figures" { (moment(date)) } }
                }
            }
        }
    }
}

/// Says `nothing` rather than leaving a gap: the absence is the point.
pub(crate) fn plain_list(items: &[String]) -> String {
    if items.is_empty() {
        "nothing".to_owned()
    } else {
        items.join(", ")
    }
}

fn count(listed: usize, more: u64) -> u64 {
    u64::try_from(listed)
        .unwrap_or(u64::MAX)
        .saturating_add(more)
}

/// Kept for pages that end with somewhere to go.
pub(crate) fn back(link: &Link) -> Markup {
    html! { a class="button" href=(link.url) { (shown(&link.label)) } }
}
