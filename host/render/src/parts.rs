//! Pieces that several pages share.

use std::fmt;

use glovebox_model::view::Tone;
use maud::{Markup, html};

use crate::icon::{Icon, icon};
use crate::moment::moment;
use crate::text::shown;

/// The token that a form must send back, in the field `csrf`. Debug output hides it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Csrf(pub String);

impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Csrf(…)")
    }
}

/// Where a form is posted and what it carries unseen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostForm {
    /// Address of the form's `action`.
    pub url: String,
    /// Sent as `csrf`.
    pub csrf: Csrf,
    /// Further hidden fields, such as `app` and `patient`.
    pub hidden: Vec<(String, String)>,
}

impl PostForm {
    /// A form without further hidden fields.
    pub fn new(url: impl Into<String>, csrf: &Csrf) -> Self {
        Self {
            url: url.into(),
            csrf: csrf.clone(),
            hidden: Vec::new(),
        }
    }

    /// Adds a hidden field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.hidden.push((name.to_owned(), value.into()));
        self
    }

    /// The form element around `body`.
    pub(crate) fn around(&self, class: &str, body: &Markup) -> Markup {
        html! {
            form method="post" action=(self.url) class=(class) {
                input type="hidden" name="csrf" value=(self.csrf.0);
                @for (name, value) in &self.hidden {
                    input type="hidden" name=(name) value=(value);
                }
                (body)
            }
        }
    }

    /// A form that is one button.
    pub(crate) fn button(&self, label: &str, class: &str) -> Markup {
        self.around(
            "inline",
            &html! { button type="submit" class=(class) { (shown(label)) } },
        )
    }
}

/// Somewhere to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// What the user reads.
    pub label: String,
    /// The address.
    pub url: String,
}

impl Link {
    /// A link.
    pub fn new(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            url: url.into(),
        }
    }
}

/// A short marked word, such as the state of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// The word.
    pub text: String,
    /// Its colour and mark.
    pub tone: Tone,
}

impl Badge {
    /// A badge.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }
}

/// Who the patient is, as every banner and list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatientHead {
    /// Full name.
    pub name: String,
    /// FHIR date.
    pub birth_date: Option<String>,
    /// Made by [`crate::age`].
    pub age: Option<String>,
    /// Administrative sex, in words.
    pub sex: Option<String>,
    /// Medical record number.
    pub mrn: Option<String>,
}

/// Which app it is and who made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppIdentity {
    /// Name from the manifest.
    pub name: String,
    /// Name of the publisher.
    pub publisher: String,
    /// Version, where it matters.
    pub version: Option<String>,
    /// Whether its code runs here, in the sandbox; else it is an external web app.
    pub hosted: bool,
}

impl AppIdentity {
    /// Where the app runs, in words.
    pub(crate) fn place(&self) -> &'static str {
        if self.hosted {
            "runs inside the hospital"
        } else {
            "runs outside the hospital"
        }
    }
}

/// Whether an act asks for a reason, in the field `reason`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// No field.
    #[default]
    None,
    /// A field that may stay empty.
    Optional,
    /// A field that must be filled in.
    Required,
}

pub(crate) const fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "neutral",
        Tone::Good => "good",
        Tone::Caution => "caution",
        Tone::Danger => "danger",
    }
}

const fn tone_icon(tone: Tone) -> Icon {
    match tone {
        Tone::Neutral => Icon::Info,
        Tone::Good => Icon::Good,
        Tone::Caution => Icon::Caution,
        Tone::Danger => Icon::Danger,
    }
}

/// What a screen reader says before the text, because it does not see the colour.
const fn tone_word(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Neutral => None,
        Tone::Good => Some("Good: "),
        Tone::Caution => Some("Caution: "),
        Tone::Danger => Some("Warning: "),
    }
}

/// A badge: a mark, a word, and a colour that repeats them.
pub(crate) fn badge(text: &str, tone: Tone) -> Markup {
    html! {
        span class={ "badge " (tone_class(tone)) } {
            @if tone != Tone::Neutral { (icon(tone_icon(tone))) }
            @if let Some(word) = tone_word(tone) { span class="sr" { (word) } }
            (shown(text))
        }
    }
}

/// A message that stands out. Danger interrupts a screen reader, the others wait.
pub(crate) fn alert(tone: Tone, body: &Markup) -> Markup {
    let role = if tone == Tone::Danger {
        "alert"
    } else {
        "status"
    };
    html! {
        div class={ "alert " (tone_class(tone)) } role=(role) {
            (icon(tone_icon(tone)))
            div class="alert-text" {
                @if let Some(word) = tone_word(tone) { span class="sr" { (word) } }
                (body)
            }
        }
    }
}

/// The patient banner: name, birth date, sex, record number. `tag` is `h1` on the
/// patient's own page and `p` where an app has the heading.
pub(crate) fn patient_banner(patient: &PatientHead, heading: bool, right: &Markup) -> Markup {
    html! {
        section class="patient-banner" aria-label="Patient" {
            div class="patient-who" {
                span class="avatar" aria-hidden="true" { (shown(&initials(&patient.name))) }
                @if heading {
                    h1 class="patient-name" dir="auto" { (shown(&patient.name)) }
                } @else {
                    p class="patient-name" dir="auto" { (shown(&patient.name)) }
                }
            }
            dl class="patient-facts" {
                div { dt { "Born" } dd {
                    @match &patient.birth_date {
                        Some(date) => { (moment(date)) }
                        None => { "not recorded" }
                    }
                    @if let Some(age) = &patient.age { span class="muted" { " (" (shown(age)) ")" } }
                } }
                div { dt { "Sex" } dd { (shown(patient.sex.as_deref().unwrap_or("not recorded"))) } }
                div { dt { "MRN" } dd class="figures" { (shown(patient.mrn.as_deref().unwrap_or("not recorded"))) } }
            }
            (right)
        }
    }
}

/// First letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).collect()
}

/// A search box that works as a plain GET form.
pub(crate) fn search_box(
    url: &str,
    label: &str,
    value: &str,
    hidden: &[(String, String)],
) -> Markup {
    html! {
        form method="get" action=(url) class="search" role="search" {
            @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
            label for="q" class="sr" { (label) }
            (icon(Icon::Search))
            input type="search" id="q" name="q" value=(shown(value)) placeholder=(label) autocomplete="off" maxlength="200";
            button type="submit" class="button" { "Search" }
        }
    }
}

/// Previous and next page, where there are any.
pub(crate) fn pager(previous: Option<&String>, next: Option<&String>) -> Markup {
    html! {
        @if previous.is_some() || next.is_some() {
            nav class="pager" aria-label="Pages" {
                @if let Some(url) = previous { a class="button" rel="prev" href=(url) { "Previous" } }
                @if let Some(url) = next { a class="button" rel="next" href=(url) { "Next" } }
            }
        }
    }
}

/// What stands where a list would be: what is missing, and what to do next.
pub(crate) fn empty(title: &str, next_step: &str) -> Markup {
    html! { div class="empty" { p class="empty-title" { (title) } p { (next_step) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_come_from_the_first_and_the_last_word() {
        for (name, expected) in [
            ("Anna Rossi", "AR"),
            ("Anna Maria Rossi", "AR"),
            ("Prince", "P"),
            ("", ""),
        ] {
            assert_eq!(initials(name), expected);
        }
    }

    #[test]
    fn debug_output_hides_the_csrf_token() {
        let form = PostForm::new("/x", &Csrf("secret-token".into()));
        assert!(!format!("{form:?}").contains("secret-token"));
    }

    #[test]
    fn a_badge_says_its_tone_in_words_too() {
        let drawn = badge("H", Tone::Danger).into_string();
        assert!(
            drawn.contains("Warning: ") && drawn.contains("<svg"),
            "{drawn}"
        );
    }
}
