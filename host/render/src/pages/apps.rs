//! Admin: every app version, its state, and the acts that change it.

use glovebox_model::view::Tone;
use maud::{Markup, html};

use crate::parts::{Badge, PostForm, Reason, alert, badge, empty, tone_class};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// The list of apps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Apps {
    /// One row per version, those that wait for somebody first.
    pub rows: Vec<AppRow>,
}

/// One version of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRow {
    /// Name from the manifest.
    pub name: String,
    /// Id of the app.
    pub id: String,
    /// Name of the publisher.
    pub publisher: String,
    /// Version number.
    pub version: String,
    /// First digits of the component's digest.
    pub digest: String,
    /// State in words.
    pub state: Badge,
    /// What it asks for, one plain sentence each.
    pub permissions: Vec<String>,
    /// Sessions that run now.
    pub sessions: u64,
    /// What is pending, such as `admin asked to release it; a second person must agree`.
    pub note: Option<String>,
    /// What may be done now.
    pub actions: Vec<AppAction>,
}

/// An act and its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppAction {
    /// Which.
    pub act: Act,
    /// Where it is posted.
    pub form: PostForm,
    /// Whether it asks for `reason`.
    pub reason: Reason,
    /// What it will do, such as `Ends 14 sessions; keeps the evidence.`
    pub consequence: Option<String>,
}

/// What an administrator can do with an app version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Offer it.
    Approve,
    /// Turn it down.
    Reject,
    /// Stop it and keep the evidence.
    Quarantine,
    /// Lift a quarantine.
    Release,
    /// Stop it for good.
    Revoke,
}

impl Act {
    const fn label(self) -> &'static str {
        match self {
            Self::Approve => "Approve",
            Self::Reject => "Reject",
            Self::Quarantine => "Quarantine",
            Self::Release => "Release",
            Self::Revoke => "Revoke",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Approve => Tone::Good,
            Self::Release | Self::Reject => Tone::Neutral,
            Self::Quarantine | Self::Revoke => Tone::Danger,
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Approve => "Offers the app. You are not giving it any patient’s data.",
            Self::Reject => "Turns this version down. The publisher sees the reason.",
            Self::Quarantine => {
                "Stops it everywhere at once, ends running sessions and keeps the evidence."
            }
            Self::Release => "Leads back to review. Two different people must agree.",
            Self::Revoke => "Stops it for good. This version cannot come back.",
        }
    }
}

impl Apps {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        shell.page("Apps", Width::Wide, &html! {
            div class="page-head" { div { h1 { "Apps" } p class="muted" { "Every version that was uploaded, and what may be done with it." } } }
            @if self.rows.is_empty() {
                (empty("No apps yet", "A vendor uploads a component; it appears here once it has been checked."))
            } @else {
                ul class="app-rows" { @for (index, row) in self.rows.iter().enumerate() { (row.draw(index)) } }
            }
        })
    }
}

impl AppRow {
    fn draw(&self, index: usize) -> Markup {
        html! {
            li class="card app-row" {
                div class="app-row-head" {
                    div {
                        h2 { (shown(&self.name)) " " span class="muted figures" { (shown(&self.version)) } }
                        p class="muted small" { "by " (shown(&self.publisher)) " · " code { (shown(&self.id)) } " · digest " code { (shown(&self.digest)) } }
                    }
                    p class="app-row-state" {
                        (badge(&self.state.text, self.state.tone))
                        span class="muted small figures" { (self.sessions) " running" }
                    }
                }
                @if let Some(note) = &self.note { (alert(Tone::Caution, &html! { p { (shown(note)) } })) }
                @if !self.permissions.is_empty() {
                    details class="fold" { summary { "What it asks for" span class="count" { (self.permissions.len()) } }
                        ul class="plain" { @for sentence in &self.permissions { li { (shown(sentence)) } } } }
                }
                @if !self.actions.is_empty() {
                    div class="acts" { @for action in &self.actions { (action.draw(&self.name, &format!("reason-{index}-{}", action.act.label()))) } }
                }
            }
        }
    }
}

impl AppAction {
    fn draw(&self, app: &str, field_id: &str) -> Markup {
        let label = self.act.label();
        let hint_id = format!("{field_id}-hint");
        html! {
            details class={ "act " (tone_class(self.act.tone())) } {
                summary class="button" { (label) "…" span class="sr" { " " (shown(app)) } }
                (self.form.around("stack act-form", &html! {
                    p id=(hint_id) { (self.act.meaning()) @if let Some(consequence) = &self.consequence { " " (shown(consequence)) } }
                    @if self.reason != Reason::None {
                        div class="field" {
                            label for=(field_id) { "Reason" @if self.reason == Reason::Optional { span class="muted" { " (optional)" } } }
                            input type="text" id=(field_id) name="reason" maxlength="500" autocomplete="off"
                                required[self.reason == Reason::Required] aria-describedby=(hint_id);
                        }
                    }
                    button type="submit" class={ "button " @if self.act.tone() == Tone::Danger { "danger" } @else { "primary" } } { (label) " " (shown(app)) }
                }))
            }
        }
    }
}
