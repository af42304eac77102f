//! An app: one trait, the screen it answers with, and why it may not.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::view::View;
use crate::{FhirError, Level, log_with};

/// An app with a screen.
///
/// Every call runs in a fresh instance with empty memory: what must survive from one
/// call to the next goes into the screen's [`State`].
pub trait App {
    /// The first screen. Who and what it is for: [`crate::launch`].
    fn open() -> Result<Screen, AppError>;

    /// The next screen, after the user did something on the last one. An app without
    /// actions need not write it: it opens again.
    fn handle(event: Event, state: State) -> Result<Screen, AppError> {
        let _ = (event, state);
        Self::open()
    }
}

/// What the user did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Pressed an action of the current document, perhaps with the values of its form.
    Submitted {
        /// Id of the action.
        action: String,
        /// Field names and values, in the order of the form.
        values: Vec<(String, String)>,
    },
    /// Asked for fresh data.
    Refreshed,
    /// Something that a later version of the host names.
    Other(String),
}

impl Event {
    /// Id of the action that was pressed.
    pub fn action(&self) -> Option<&str> {
        match self {
            Self::Submitted { action, .. } => Some(action),
            _ => None,
        }
    }

    /// What follows `prefix` in the id of the action that was pressed: with the prefix
    /// `open:` the action `open:718-7` gives `718-7`.
    pub fn action_after(&self, prefix: &str) -> Option<&str> {
        self.action()?.strip_prefix(prefix)
    }

    /// The value of a form field.
    pub fn value(&self, name: &str) -> Option<&str> {
        match self {
            Self::Submitted { values, .. } => values
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value.as_str()),
            _ => None,
        }
    }
}

/// What the app keeps between two calls: at most 64 KiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State(Vec<u8>);

impl State {
    /// Wraps bytes that the app encoded itself.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, owned.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Encodes a value as JSON.
    pub fn of<T: Serialize>(value: &T) -> Result<Self, AppError> {
        match serde_json::to_vec(value) {
            Ok(bytes) => Ok(Self(bytes)),
            Err(problem) => Err(AppError::Other(format!("state cannot be kept: {problem}"))),
        }
    }

    /// Decodes what [`State::of`] encoded; the default where nothing was kept.
    pub fn read<T: DeserializeOwned + Default>(&self) -> Result<T, AppError> {
        if self.0.is_empty() {
            return Ok(T::default());
        }
        serde_json::from_slice(&self.0)
            .map_err(|problem| AppError::Other(format!("state cannot be read: {problem}")))
    }
}

/// What the user sees next, and what the app will remember.
#[derive(Clone, Debug)]
pub struct Screen {
    pub(crate) view: View,
    pub(crate) state: State,
}

impl Screen {
    /// A screen that remembers nothing.
    pub fn new(view: View) -> Self {
        Self {
            view,
            state: State::default(),
        }
    }

    /// The same screen, remembering `value`.
    pub fn remember<T: Serialize>(mut self, value: &T) -> Result<Self, AppError> {
        self.state = State::of(value)?;
        Ok(self)
    }

    /// The same screen with bytes that the app encoded itself.
    #[must_use]
    pub fn with_state(mut self, state: State) -> Self {
        self.state = state;
        self
    }
}

impl From<View> for Screen {
    fn from(view: View) -> Self {
        Self::new(view)
    }
}

/// Why there is no screen. The host shows the user a calm sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppError {
    /// Shown to the user as it is, as plain text.
    Message(String),
    /// Something this app needs was not granted; names the scope.
    Needs(String),
    /// A fault of the app; kept in its log, not shown.
    Other(String),
}

impl AppError {
    /// A sentence for the user.
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }
}

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message(text) => f.write_str(text),
            Self::Needs(scope) => write!(f, "this app needs {scope}"),
            Self::Other(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for AppError {}

impl From<FhirError> for AppError {
    fn from(error: FhirError) -> Self {
        log_with(
            Level::Warn,
            "a FHIR call failed",
            &[("error", &error.to_string())],
        );
        match error {
            FhirError::NotGranted(scope) => Self::Needs(scope),
            FhirError::NotFound | FhirError::Gone => {
                Self::message("This record is not available here.")
            }
            FhirError::Conflict(_) => {
                Self::message("Somebody else changed this record. Open it again and repeat.")
            }
            FhirError::TooCostly(_) => {
                Self::message("There is too much data to show at once. Choose a shorter period.")
            }
            FhirError::Throttled(_) | FhirError::Unavailable => {
                Self::message("The record is not reachable just now. Try again in a moment.")
            }
            FhirError::Invalid(_) | FhirError::Terminated(_) | FhirError::Other(_) => {
                Self::Other(error.to_string())
            }
        }
    }
}
