//! A host for tests: `cargo test` on the developer's own machine, without WebAssembly.
//!
//! ```
//! use glovebox_sdk::{App, AppError, Screen, View, fhir, json, mock};
//!
//! struct Hello;
//! impl App for Hello {
//!     fn open() -> Result<Screen, AppError> {
//!         let patient = fhir::read("Patient", "anna")?;
//!         Ok(View::new(format!("Hello {}", patient["id"])).into())
//!     }
//! }
//!
//! let host = mock::Host::new("anna").with_resource(json!({"resourceType": "Patient", "id": "anna"}));
//! let screen = host.run::<Hello>().open().unwrap();
//! assert_eq!(screen.title(), "Hello \"anna\"");
//! ```
//!
//! It answers like the real one where apps would notice: only the patient in context is
//! there, everything else is not found; documents and events that the host would refuse
//! are errors.

mod check;
pub(crate) mod fhir;
mod matching;
mod shown;

pub use shown::Shown;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde_json::Value;

use crate::app::{App, AppError, Event, Screen, State};
use crate::{FhirError, Launch, Level};

/// What a test says about the world outside the app.
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) launch: Launch,
    pub(crate) now: String,
    pub(crate) resources: Vec<Value>,
    pub(crate) failures: BTreeMap<String, FhirError>,
    pub(crate) stored: BTreeMap<String, Vec<u8>>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) written: BTreeMap<String, Value>,
}

/// A line that the app logged.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// How urgent.
    pub level: Level,
    /// The text.
    pub message: String,
    /// Named values.
    pub fields: Vec<(String, String)>,
}

thread_local! {
    static CURRENT: RefCell<Host> = RefCell::new(Host::new("patient"));
}

/// Works on the host of this thread.
pub(crate) fn current<T>(work: impl FnOnce(&mut Host) -> T) -> T {
    CURRENT.with_borrow_mut(work)
}

pub(crate) fn record(level: Level, message: &str, fields: Vec<(String, String)>) {
    current(|host| {
        host.log.push(LogLine {
            level,
            message: message.to_owned(),
            fields,
        });
    });
}

impl Host {
    /// A host with this patient in context and nothing in the record. It is
    /// 2026-01-15T12:00:00Z.
    pub fn new(patient: impl Into<String>) -> Self {
        Self {
            launch: Launch {
                tenant: "sandbox".to_owned(),
                patient: Some(patient.into()),
                encounter: None,
                fhir_user: Some("Practitioner/tester".to_owned()),
                intent: None,
                fhir_context: Vec::new(),
                granted_scopes: Vec::new(),
                locale: "en".to_owned(),
                extras: Vec::new(),
            },
            now: "2026-01-15T12:00:00Z".to_owned(),
            resources: Vec::new(),
            failures: BTreeMap::new(),
            stored: BTreeMap::new(),
            log: Vec::new(),
            written: BTreeMap::new(),
        }
    }

    /// Adds a resource to the record.
    #[must_use]
    pub fn with_resource(mut self, resource: Value) -> Self {
        self.resources.push(resource);
        self
    }

    /// Adds resources to the record.
    #[must_use]
    pub fn with_resources(mut self, resources: impl IntoIterator<Item = Value>) -> Self {
        self.resources.extend(resources);
        self
    }

    /// Sets the time, an RFC 3339 instant in UTC.
    #[must_use]
    pub fn with_now(mut self, now: impl Into<String>) -> Self {
        self.now = now.into();
        self
    }

    /// Changes the launch, for example to take the patient away.
    #[must_use]
    pub fn with_launch(mut self, change: impl FnOnce(&mut Launch)) -> Self {
        change(&mut self.launch);
        self
    }

    /// Makes every call for this resource type fail.
    #[must_use]
    pub fn with_failure(mut self, resource_type: impl Into<String>, error: FhirError) -> Self {
        self.failures.insert(resource_type.into(), error);
        self
    }

    /// Becomes the host of this thread and launches the app.
    pub fn run<A: App>(self) -> Running<A> {
        current(|host| *host = self);
        Running {
            last: None,
            app: PhantomData,
        }
    }
}

/// A launched app: it keeps the last screen and its state, as the host does.
pub struct Running<A> {
    last: Option<Shown>,
    app: PhantomData<A>,
}

impl<A: App> Running<A> {
    /// Opens the app.
    pub fn open(&mut self) -> Result<Shown, AppError> {
        self.take(A::open())
    }

    /// Presses an action of the last screen, with values for its form's fields.
    pub fn press(&mut self, action: &str, values: &[(&str, &str)]) -> Result<Shown, AppError> {
        let last = self.last.as_ref().ok_or_else(not_open)?;
        if !last.actions().contains(&action) {
            return Err(AppError::Other(format!(
                "the screen has no action `{action}`"
            )));
        }
        let event = Event::Submitted {
            action: action.to_owned(),
            values: values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        self.handle(event)
    }

    /// Asks for fresh data.
    pub fn refresh(&mut self) -> Result<Shown, AppError> {
        self.handle(Event::Refreshed)
    }

    /// What the app logged so far.
    pub fn log(&self) -> Vec<LogLine> {
        current(|host| host.log.clone())
    }

    fn handle(&mut self, event: Event) -> Result<Shown, AppError> {
        let state = self.last.as_ref().ok_or_else(not_open)?.state().clone();
        self.take(A::handle(event, state))
    }

    fn take(&mut self, answer: Result<Screen, AppError>) -> Result<Shown, AppError> {
        let Screen { view, state } = answer?;
        let shown = Shown::new(view.into_document(), state);
        check::document(shown.document())?;
        check::state(shown.state())?;
        self.last = Some(shown.clone());
        Ok(shown)
    }
}

fn not_open() -> AppError {
    AppError::Other("open the app before anything else".to_owned())
}

impl State {
    pub(crate) fn len(&self) -> usize {
        self.as_bytes().len()
    }
}

#[cfg(test)]
mod tests;
