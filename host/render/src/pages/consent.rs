//! Consent: what an app asks for, in words, each to be granted or not. Fields `item` (one
//! checkbox each) and `decision` (`allow`, `deny`).

use glovebox_model::view::Tone;
use maud::{Markup, html};

use crate::parts::{PatientHead, PostForm, alert};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// What an app asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentPage {
    /// Where the decision is posted.
    pub form: PostForm,
    /// The app's name.
    pub app: String,
    /// Who answers for it.
    pub publisher: String,
    /// How they are reached about safety.
    pub contact: String,
    /// The host that the app sends people back to: where the data goes.
    pub destination: String,
    /// About whom, where it is about one patient.
    pub patient: Option<PatientHead>,
    /// Whether that is the person who is asked.
    pub is_own_record: bool,
    /// What can be granted.
    pub items: Vec<ConsentItem>,
    /// Whether the app may come back later; asked apart.
    pub lasting: Option<ConsentItem>,
    /// What goes with any grant.
    pub always: Vec<String>,
    /// What the app will not see, where that can be said.
    pub not_seen: Option<String>,
    /// How long it lasts, in words.
    pub duration: String,
    /// How it is stopped, in words.
    pub how_to_stop: String,
    /// The scopes as the app asked for them.
    pub technical: String,
    /// Why it is shown again.
    pub problem: Option<String>,
}

/// One checkbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentItem {
    /// Sent as `item`.
    pub id: String,
    /// What it is.
    pub sentence: String,
    /// What can be granted in its place.
    pub parts: Vec<ConsentItem>,
}

impl ConsentPage {
    /// The text of the page, line by line, as it is kept with the decision.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.question(), self.whose()];
        for item in self.items.iter().chain(&self.lasting) {
            lines.push(format!("[{}] {}", item.id, item.sentence));
            let part = |part: &ConsentItem| format!("[{}] only: {}", part.id, part.sentence);
            lines.extend(item.parts.iter().map(part));
        }
        lines.extend(self.always.iter().cloned());
        lines.extend(self.not_seen.iter().cloned());
        lines.extend([
            self.leaves(),
            self.duration.clone(),
            self.how_to_stop.clone(),
        ]);
        lines.push(format!("Asked for: {}", self.technical));
        lines
    }

    fn question(&self) -> String {
        format!("{} asks for access", self.app)
    }

    fn whose(&self) -> String {
        match &self.patient {
            Some(_) if self.is_own_record => "It concerns your own record.".to_owned(),
            Some(patient) => format!("It concerns the record of {}.", patient.name),
            None => "It concerns the patients whom you may open.".to_owned(),
        }
    }

    fn leaves(&self) -> String {
        format!(
            "What you allow leaves this hospital and goes to {} ({}). Safety contact: {}.",
            self.publisher,
            self.destination,
            self.contact
                .strip_prefix("mailto:")
                .unwrap_or(&self.contact)
        )
    }

    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        let fields = html! {
            @if let Some(problem) = &self.problem {
                (alert(Tone::Danger, &html! { p { (shown(problem)) } }))
            }
            fieldset class="stack" {
                legend { "What it asks for" }
                @for item in &self.items { (item.draw()) }
                @if self.items.is_empty() {
                    p class="muted" { "It does not ask for anything of the record." }
                }
            }
            @if let Some(lasting) = &self.lasting {
                fieldset class="stack" {
                    legend { "After you close it" }
                    (lasting.draw())
                }
            }
            @if !self.always.is_empty() {
                div class="small muted" {
                    p { "With whatever you allow:" }
                    ul { @for line in &self.always { li { (shown(line)) } } }
                }
            }
            div class="consent-terms small" {
                @if let Some(line) = &self.not_seen { p { (shown(line)) } }
                p { (shown(&self.leaves())) }
                p { (shown(&self.duration)) " " (shown(&self.how_to_stop)) }
            }
            div class="consent-decision" {
                button type="submit" class="button primary" name="decision" value="allow" { "Allow what is ticked" }
                button type="submit" class="button" name="decision" value="deny" { "Deny" }
            }
            details class="small" {
                summary { "Technical details" }
                p { "Scopes asked for: " code { (shown(&self.technical)) } }
            }
        };
        shell.page(
            "Allow access?",
            Width::Narrow,
            &html! {
                div class="card consent" {
                    h1 { (shown(&self.question())) }
                    p class="muted" { "by " (shown(&self.publisher)) }
                    p { strong { (shown(&self.whose())) } }
                    @if let Some(patient) = &self.patient {
                        p class="muted figures" {
                            @if let Some(born) = &patient.birth_date { "born " (shown(born)) }
                            @if let Some(mrn) = &patient.mrn { " · MRN " (shown(mrn)) }
                        }
                    }
                    (self.form.around("stack", &fields))
                }
            },
        )
    }
}

impl ConsentItem {
    fn draw(&self) -> Markup {
        html! {
            div class="consent-item" {
                (self.checkbox(true))
                @if !self.parts.is_empty() {
                    details class="small" {
                        summary { "Allow only a part" }
                        p class="muted" { "Take the tick above away, and tick what the app may see." }
                        @for part in &self.parts { (part.checkbox(false)) }
                    }
                }
            }
        }
    }

    fn checkbox(&self, is_ticked: bool) -> Markup {
        html! {
            label class="check" {
                input type="checkbox" name="item" value=(self.id) checked[is_ticked];
                span { (shown(&self.sentence)) }
            }
        }
    }
}
