//! The frame in which an app is shown: whose record it is, whose app it is, what it reads,
//! and a calm sentence whenever it ends.

use maud::{Markup, html};

use crate::icon::{Icon, icon};
use crate::moment::moment;
use crate::parts::{AppIdentity, Badge, PatientHead, PostForm, badge, patient_banner};
use crate::shell::{Shell, Width};
use crate::text::shown;

/// An app on the screen.
#[derive(Clone, Debug)]
pub struct AppFrame {
    /// Whose record.
    pub patient: PatientHead,
    /// Which app.
    pub app: AppIdentity,
    /// What it shows, or why it shows nothing.
    pub state: FrameState,
    /// Posting this ends the session and leads back to the chart.
    pub close: PostForm,
    /// Posting this asks the app for fresh data. `None` hides the button.
    pub refresh: Option<PostForm>,
    /// Back to the patient's page, for when the session has already ended.
    pub chart_url: String,
    /// What it has read lately, the newest first.
    pub calls: Vec<ReadCall>,
}

/// What stands in the frame.
#[derive(Clone, Debug)]
pub enum FrameState {
    /// Made by [`crate::draw`].
    Showing(Markup),
    /// Made by [`crate::draw`], with a sentence of ours above it: the last thing the user
    /// did was refused, and the screen is as it was.
    Kept(Markup, String),
    /// The app does not run any more.
    Stopped {
        /// Why.
        why: Stop,
        /// Posting this starts the app again; `None` where that would be in vain.
        again: Option<PostForm>,
        /// What to tell support.
        reference: Option<String>,
    },
}

/// Why an app is not on the screen, in the words of [`Stop::sentence`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It used up its fuel.
    ComputingTime,
    /// It missed its deadline.
    TookTooLong,
    /// It asked for more memory than allowed.
    Memory,
    /// It made more calls or moved more bytes than allowed.
    TooMuchData,
    /// Its code failed.
    Failed,
    /// It sent a view that is not valid.
    UnreadableScreen,
    /// It reported an error of its own, in these words.
    Reported(String),
    /// Something it needs was refused; the sentence says which permission.
    Refused(String),
    /// It was quarantined.
    Quarantined,
    /// It was revoked.
    Revoked,
    /// It has not been approved, or not for this.
    NotOffered,
    /// The session ran out.
    Expired,
    /// The user, or the EHR, closed it.
    Closed,
    /// The user may not open this patient any more.
    NoRelation,
    /// Too much is running at once.
    Busy,
    /// Glovebox itself failed.
    OurFault,
}

impl Stop {
    /// The headline and the sentence below it. None of them blames the user, and each says
    /// what it means for the record.
    pub fn sentence(&self, app: &str) -> (String, String) {
        let stopped = |why: &str| {
            (
                format!("{app} was stopped"),
                format!(
                    "It {why}. Your patient’s record is unaffected, and other apps keep working."
                ),
            )
        };
        let said = |headline: &str, sentence: &str| (headline.to_owned(), sentence.to_owned());
        match self {
            Self::ComputingTime => stopped("used more computing time than allowed"),
            Self::TookTooLong => stopped("took longer to answer than allowed"),
            Self::Memory => stopped("needed more memory than allowed"),
            Self::TooMuchData => stopped("asked for more data than allowed"),
            Self::Failed => stopped("ran into an error of its own"),
            Self::UnreadableScreen => stopped("sent a screen that could not be shown safely"),
            Self::Reported(words) => (
                format!("{app} could not show this"),
                format!("The app says: “{words}”"),
            ),
            Self::Refused(rule) => (
                format!("{app} may not see this"),
                format!("{rule} Your patient’s record is unaffected."),
            ),
            Self::Quarantined => (
                format!("{app} is not available"),
                "An administrator has put it in quarantine while it is being looked at. Your patient’s record is unaffected."
                    .to_owned(),
            ),
            Self::Revoked => (
                format!("{app} is no longer offered"),
                "The hospital has withdrawn it. Your patient’s record is unaffected.".to_owned(),
            ),
            Self::NotOffered => (
                format!("{app} cannot be opened here"),
                "It has not been approved for this. An administrator can change that.".to_owned(),
            ),
            Self::Expired => said(
                "This session has ended",
                "It was open for longer than allowed without being used. Nothing was lost from the record.",
            ),
            Self::Closed => (
                format!("{app} is closed"),
                "The session has ended, and the app can no longer see this record.".to_owned(),
            ),
            Self::NoRelation => said(
                "You may not open this patient",
                "Your right to open this record has ended, so the app was closed too.",
            ),
            Self::Busy => said(
                "Too many apps are running",
                "Please try again in a moment. Your patient’s record is unaffected.",
            ),
            Self::OurFault => said(
                "Something went wrong on our side",
                "The app was closed. Your patient’s record is unaffected.",
            ),
        }
    }
}

/// One thing that the app did with the record, from the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadCall {
    /// Instant, RFC 3339.
    pub at: String,
    /// In plain words: `Searched test results`.
    pub what: String,
    /// How many resources it got, where that was counted.
    pub count: Option<u64>,
    /// Such as `Allowed` or `Refused: another patient`.
    pub outcome: Badge,
}

impl AppFrame {
    /// Draws the page.
    pub fn page(&self, shell: &Shell) -> Markup {
        let title = format!("{}: {}", self.app.name, self.patient.name);
        shell.page(
            &title,
            Width::Wide,
            &html! {
                div class="frame" {
                    div class="frame-top" {
                        (patient_banner(&self.patient, false, &self.buttons()))
                        (self.app_bar())
                    }
                    @match &self.state {
                        FrameState::Showing(document) => div class="app-document" { (document) },
                        FrameState::Kept(document, sentence) => {
                            div class="alert caution" role="alert" {
                                (icon(Icon::Caution))
                                div class="alert-text" { p { (shown(sentence)) } }
                            }
                            div class="app-document" { (document) }
                        },
                        FrameState::Stopped { why, again, reference } => {
                            (self.stopped(why, again.as_ref(), reference.as_deref()))
                        },
                    }
                    (self.drawer())
                }
            },
        )
    }

    fn running(&self) -> bool {
        !matches!(self.state, FrameState::Stopped { .. })
    }

    fn app_bar(&self) -> Markup {
        html! {
            div class="app-bar" {
                span class="app-mark" aria-hidden="true" { (icon(Icon::App)) }
                p {
                    strong { (shown(&self.app.name)) }
                    span class="muted" {
                        " third-party app by " (shown(&self.app.publisher)) " · " (self.app.place())
                        @if let Some(version) = &self.app.version { " · version " (shown(version)) }
                    }
                }
            }
        }
    }

    fn buttons(&self) -> Markup {
        html! {
            div class="frame-buttons" {
                @if self.running() {
                    @if let Some(refresh) = &self.refresh {
                        (refresh.around("inline", &html! { button type="submit" class="button" { (icon(Icon::Refresh)) "Refresh" } }))
                    }
                    (self.close.around("inline", &html! { button type="submit" class="button" { (icon(Icon::Close)) "Close app" } }))
                } @else {
                    a class="button" href=(self.chart_url) { "Back to chart" }
                }
            }
        }
    }

    fn stopped(&self, why: &Stop, again: Option<&PostForm>, reference: Option<&str>) -> Markup {
        let (headline, sentence) = why.sentence(&self.app.name);
        html! {
            section class="stopped card" role="status" aria-labelledby="stopped-title" {
                span class="stopped-mark" aria-hidden="true" { (icon(Icon::Shield)) }
                h1 id="stopped-title" { (shown(&headline)) }
                p { (shown(&sentence)) }
                div class="buttons center" {
                    @if let Some(again) = again { (again.button("Try again", "button primary")) }
                    a class={ "button" @if again.is_none() { " primary" } } href=(self.chart_url) { "Back to chart" }
                }
                @if let Some(reference) = reference {
                    p class="muted small" { "Reference for support: " code { (shown(reference)) } }
                }
            }
        }
    }

    fn drawer(&self) -> Markup {
        html! {
            details class="drawer card" {
                summary {
                    (icon(Icon::Shield))
                    span { (if self.running() { "What is it reading?" } else { "What did it read?" }) }
                    span class="count" { (self.calls.len()) }
                }
                p class="muted small" { "Every access by this app is written to the audit ledger. These are the latest of this session." }
                @if self.calls.is_empty() {
                    p class="muted" { "It has not read anything." }
                } @else {
                    div class="table-wrap" role="region" aria-label="What the app has read" tabindex="0" {
                        table class="data" {
                            caption class="sr" { "What the app has read in this session" }
                            thead { tr {
                                th scope="col" { "When" }
                                th scope="col" { "What" }
                                th scope="col" class="numeric" { "Items" }
                                th scope="col" { "Decision" }
                            } }
                            tbody { @for call in &self.calls {
                                tr {
                                    td class="figures" { (moment(&call.at)) }
                                    td { (shown(&call.what)) }
                                    td class="numeric" { @if let Some(count) = call.count { (count) } @else { span class="muted" aria-hidden="true" { "–" } span class="sr" { "not counted" } } }
                                    td { (badge(&call.outcome.text, call.outcome.tone)) }
                                }
                            } }
                        }
                    }
                }
            }
        }
    }
}
