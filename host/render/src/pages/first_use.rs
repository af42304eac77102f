//! The notice before a clinician's first use of an app: one screen, no scope strings.

use maud::{Markup, html};

use crate::icon::{Icon, icon};
use crate::moment::moment;
use crate::pages::patient::plain_list;
use crate::parts::{AppIdentity, PatientHead, PostForm};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// The first-use notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstUse {
    /// For whom it is about to open.
    pub patient: PatientHead,
    /// Which app.
    pub app: AppIdentity,
    /// Its purpose in one line.
    pub purpose: String,
    /// In plain words.
    pub can_read: Vec<String>,
    /// In plain words.
    pub can_write: Vec<String>,
    /// FHIR date of the hospital's last review.
    pub reviewed: Option<String>,
    /// Posting this opens the app.
    pub accept: PostForm,
    /// Where "Not now" leads.
    pub back_url: String,
}

impl FirstUse {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        let title = format!("Open {}?", self.app.name);
        let writes = if self.can_write.is_empty() {
            "nothing. It cannot change the record".to_owned()
        } else {
            plain_list(&self.can_write)
        };
        shell.page(&title, Width::Narrow, &html! {
            section class="card first-use" aria-labelledby="first-use-title" {
                p class="eyebrow" { "You have not used this app before" }
                h1 id="first-use-title" { (shown(&title)) }
                p { (shown(&self.purpose)) }
                dl class="can" {
                    div { dt { "Made by" } dd { (shown(&self.app.publisher)) ", which is not part of the hospital" } }
                    div { dt { "Opens for" } dd { (shown(&self.patient.name))
                        @if let Some(born) = &self.patient.birth_date { ", born " (moment(born)) } } }
                    div { dt { "Can read" } dd { (shown(&plain_list(&self.can_read))) } }
                    div { dt { "Can write" } dd { (shown(&writes)) } }
                    div { dt { "Cannot see" } dd { "any other patient" } }
                    div { dt { "Data goes" } dd {
                        @if self.app.hosted { "nowhere: it runs inside the hospital and cannot send anything out" }
                        @else { "to the publisher: this app runs outside the hospital" } } }
                    div { dt { "How long" } dd { "until you close it or leave the chart" } }
                    @if let Some(reviewed) = &self.reviewed { div { dt { "Reviewed" } dd { (moment(reviewed)) } } }
                }
                div class="buttons" {
                    (self.accept.button("Open app", "button primary"))
                    a class="button" href=(self.back_url) { "Not now" }
                }
                p class="muted small" { (icon(Icon::Shield)) "Every access is written to the audit ledger." }
            }
        })
    }
}
