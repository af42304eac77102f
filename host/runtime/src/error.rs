//! How a call into a guest can end badly, with a stable code, a sentence for the user and
//! an outcome for the ledger.

use std::fmt;

use glovebox_model::Digest;
use glovebox_model::ledger::Outcome;
use glovebox_model::manifest::is_deceptive;
use glovebox_model::view::{InvalidDocument, InvalidEvent};

/// Longest text of an app that is shown in an error, in characters.
const APP_TEXT_CHARS_MAX: usize = 2_000;

/// Why a screen was not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// All fuel was used.
    CpuBudgetExceeded,
    /// The wall-clock deadline passed, in the guest or in a host call.
    DeadlineExceeded,
    /// Revoked, quarantined, closed or killed; says why.
    Terminated(String),
    /// More linear memory or table elements than allowed.
    MemoryLimit,
    /// The guest's stack is used up.
    StackOverflow,
    /// The guest trapped; names the trap.
    AppCrashed(&'static str),
    /// The guest broke the calling convention; names the trap.
    AbiViolation(&'static str),
    /// One message from guest to host was too large.
    MessageTooLarge,
    /// Too many live handles.
    TooManyHandles,
    /// Another limit of [`glovebox_model::limits::Limits`], by its name.
    OverBudget(&'static str),
    /// The guest's state or view is larger than allowed or not a valid document.
    InvalidView(InvalidDocument),
    /// No capacity within the queue's wait. Not the app's fault.
    Busy,
    /// Records or ledger do not answer. Not the app's fault.
    Unavailable,
    /// The host failed. Never blamed on the app.
    HostFault,
    /// The app says so itself, to the user.
    AppMessage(String),
    /// The app needs a scope that was not granted.
    AppNeeds(String),
    /// The app says so itself, in a way this host does not know.
    AppOther(String),
    /// There is no such session for this user.
    NoSuchSession,
    /// The event does not fit the current document.
    InvalidEvent(InvalidEvent),
    /// The component of this session is not prepared in this process: prepare it and ask again.
    NotPrepared(Digest),
}

impl RunError {
    /// The stable code, for APIs, ledgers and the documentation.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CpuBudgetExceeded => "cpu-budget-exceeded",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::Terminated(_) => "terminated",
            Self::MemoryLimit => "memory-limit",
            Self::StackOverflow => "stack-overflow",
            Self::AppCrashed(_) => "app-crashed",
            Self::AbiViolation(_) => "abi-violation",
            Self::MessageTooLarge => "message-too-large",
            Self::TooManyHandles => "too-many-handles",
            Self::OverBudget(_) => "over-budget",
            Self::InvalidView(_) => "invalid-view",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::HostFault => "host-fault",
            Self::AppMessage(_) => "app-message",
            Self::AppNeeds(_) => "app-needs",
            Self::AppOther(_) => "app-error",
            Self::NoSuchSession => "no-such-session",
            Self::InvalidEvent(_) => "invalid-event",
            Self::NotPrepared(_) => "not-prepared",
        }
    }

    /// One calm sentence for the person at the screen. `app` is the app's name.
    pub fn message_for_user(&self, app: &str) -> String {
        match self {
            Self::CpuBudgetExceeded => {
                format!("{app} was stopped because it used more computing time than allowed.")
            }
            Self::DeadlineExceeded => {
                format!("{app} was stopped because it took longer than allowed.")
            }
            Self::Terminated(reason) => format!("{app} was stopped: {reason}."),
            Self::MemoryLimit => {
                format!("{app} was stopped because it used more memory than allowed.")
            }
            Self::StackOverflow | Self::AppCrashed(_) | Self::AbiViolation(_) => {
                format!(
                    "{app} has a fault and was stopped. Nothing in the chart was changed by the fault."
                )
            }
            Self::MessageTooLarge | Self::TooManyHandles | Self::OverBudget(_) => {
                format!("{app} was stopped because it asked for more than allowed.")
            }
            Self::InvalidView(_) => format!("{app} gave back a screen that cannot be shown."),
            Self::Busy => "Too much is running right now. Please try again in a moment.".to_owned(),
            Self::Unavailable => {
                "The record is not available right now. Please try again in a moment.".to_owned()
            }
            Self::HostFault => {
                "Something went wrong here, not in the app. It was noted for the administrator."
                    .to_owned()
            }
            Self::AppMessage(text) => plain(text),
            Self::AppNeeds(scope) => {
                format!("{app} needs access that was not granted: {}.", plain(scope))
            }
            Self::AppOther(text) => format!("{app} reports: {}", plain(text)),
            Self::NoSuchSession => "This session does not exist or has ended.".to_owned(),
            Self::InvalidEvent(problem) => sentence(&problem.to_string()),
            Self::NotPrepared(_) => format!("{app} is being made ready. Please try again."),
        }
    }

    /// Whether the app is to blame, for the fault counter that leads to quarantine.
    pub fn is_app_fault(&self) -> bool {
        matches!(
            self,
            Self::CpuBudgetExceeded
                | Self::DeadlineExceeded
                | Self::MemoryLimit
                | Self::StackOverflow
                | Self::AppCrashed(_)
                | Self::AbiViolation(_)
                | Self::MessageTooLarge
                | Self::TooManyHandles
                | Self::OverBudget(_)
                | Self::InvalidView(_)
        )
    }

    /// How the ledger says it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Terminated(_) => Outcome::Denied("terminated".to_owned()),
            Self::NoSuchSession => Outcome::NotFound,
            other => Outcome::Failed(other.code().to_owned()),
        }
    }

    /// What an administrator may know beyond the code.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Terminated(reason) => Some(reason.clone()),
            Self::AppCrashed(trap) | Self::AbiViolation(trap) => Some((*trap).to_owned()),
            Self::OverBudget(limit) => Some((*limit).to_owned()),
            Self::InvalidView(problem) => Some(problem.to_string()),
            Self::AppNeeds(scope) => Some(plain(scope)),
            _ => None,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            Some(detail) => write!(f, "{}: {detail}", self.code()),
            None => f.write_str(self.code()),
        }
    }
}

impl std::error::Error for RunError {}

/// An app's text as one bounded line without control or direction characters.
fn plain(text: &str) -> String {
    let one_line = text
        .chars()
        .map(|c| if c == '\n' || c == '\t' { ' ' } else { c });
    one_line
        .filter(|c| !is_deceptive(*c))
        .take(APP_TEXT_CHARS_MAX)
        .collect()
}

fn sentence(text: &str) -> String {
    let mut characters = plain(text).chars().collect::<Vec<_>>();
    if let Some(first) = characters.first_mut() {
        *first = first.to_ascii_uppercase();
    }
    characters.into_iter().chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_reads_a_calm_sentence_without_the_apps_control_characters() {
        assert_eq!(
            RunError::CpuBudgetExceeded.message_for_user("Spin"),
            "Spin was stopped because it used more computing time than allowed."
        );
        let hostile = RunError::AppMessage("\u{1b}]0;x\u{7}bad\r\nnews\u{202e}".to_owned());
        assert_eq!(hostile.message_for_user("Spin"), "]0;xbad news");
        let long = RunError::AppMessage("x".repeat(1 << 20)).message_for_user("Spin");
        assert_eq!(long.len(), APP_TEXT_CHARS_MAX);
    }
}
