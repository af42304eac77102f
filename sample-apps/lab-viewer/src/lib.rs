//! Lab Viewer: laboratory results by test, and how each one changed over time.
//!
//! It asks for laboratory observations and nothing else; the patient's name is in the
//! banner that the host draws.
#![forbid(unsafe_code)]

mod flag;
mod history;
mod overview;
mod period;
mod results;

use glovebox_sdk::fhir::{Found, Search};
use glovebox_sdk::{App, AppError, Event, Screen, State, launch, now};
use serde::{Deserialize, Serialize};

use period::Period;
use results::{Test, group};

/// Results that one screen looks at: beyond that the newest count.
const RESULTS_MAX: usize = 500;
const PAGE_RESULTS: u32 = 100;
const LABORATORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory";

/// Laboratory results over time.
pub struct LabViewer;

/// What is remembered from screen to screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    period: Period,
    /// Key of the test that is open.
    test: Option<String>,
}

impl App for LabViewer {
    fn open() -> Result<Screen, AppError> {
        draw(Remembered::default())
    }

    fn handle(event: Event, state: State) -> Result<Screen, AppError> {
        let mut remembered: Remembered = state.read()?;
        if let Some(test) = event.action_after("open:") {
            remembered.test = Some(test.to_owned());
        }
        match event.action() {
            Some("back") => remembered.test = None,
            Some("period") => {
                remembered.period = event
                    .value("period")
                    .and_then(Period::parse)
                    .unwrap_or_default();
            }
            _ => {}
        }
        draw(remembered)
    }
}

fn draw(remembered: Remembered) -> Result<Screen, AppError> {
    let launch = launch();
    let patient = launch.require_patient()?;
    let found = Search::new("Observation")
        .with("patient", patient)
        .with("category", LABORATORY)
        .newest_first()
        .count(PAGE_RESULTS)
        .all(RESULTS_MAX)?;
    let since = remembered.period.since(&now());
    let tests = group(&found.matches, since);
    let open = remembered
        .test
        .as_deref()
        .and_then(|key| tests.iter().find(|test| test.key == key));
    let view = match (open, &remembered.test) {
        (Some(test), _) => history::view(test, remembered.period, &found),
        // the test has no result in the chosen period: stay, so that the period can be changed
        (None, Some(key)) => match group(&found.matches, None)
            .into_iter()
            .find(|test| test.key == *key)
        {
            Some(test) => history::view(&emptied(test), remembered.period, &found),
            None => overview::view(&tests, remembered.period, &found),
        },
        (None, None) => overview::view(&tests, remembered.period, &found),
    };
    Screen::new(view).remember(&remembered)
}

fn emptied(mut test: Test) -> Test {
    test.results.clear();
    test
}

/// Says so when the record holds more than was looked at.
fn note_incomplete(view: &mut glovebox_sdk::View, found: &Found) {
    if !found.complete {
        view.alert(
            glovebox_sdk::view::Tone::Caution,
            format!("Only the newest {RESULTS_MAX} results are shown; there are older ones."),
        );
    }
}

glovebox_sdk::register!(LabViewer);

#[cfg(test)]
mod tests;
