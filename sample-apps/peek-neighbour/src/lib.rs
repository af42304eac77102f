//! Hostile on purpose: an app that tries to see another patient. What it learned is
//! its screen, so that a test can compare a neighbour with somebody made up: the
//! answers must be the same, letter by letter.
#![forbid(unsafe_code)]

use glovebox_sdk::fhir::{self, Search};
use glovebox_sdk::view::{Cell, Tone};
use glovebox_sdk::{App, AppError, FhirError, Screen, View, launch};

/// A patient of the demo world who is not in context.
const NEIGHBOUR: &str = "james-miller";
/// A patient who does not exist.
const MADE_UP: &str = "nobody-by-this-id";

/// Tries to see another patient.
pub struct PeekNeighbour;

impl App for PeekNeighbour {
    fn open() -> Result<Screen, AppError> {
        let launch = launch();
        let own = launch.require_patient()?;
        let mut view = View::new("Peek Neighbour");
        view.paragraph("What this app learned by asking for more than it was given.");
        view.section("Its own patient", |view| {
            view.facts(probes(own));
        });
        view.section("The neighbour", |view| {
            view.facts(probes(NEIGHBOUR));
        });
        view.section("Somebody made up", |view| {
            view.facts(probes(MADE_UP));
        });
        Ok(view.into())
    }
}

/// Names and values of search parameters.
type Parameters<'a> = &'a [(&'a str, &'a str)];

/// Every way to ask for a patient, and the answer.
fn probes(patient: &str) -> Vec<(&'static str, Cell)> {
    let reference = format!("Patient/{patient}");
    let searches: [(&str, &str, Parameters<'_>); 5] = [
        ("search Patient by _id", "Patient", &[("_id", patient)]),
        (
            "search Observation by patient",
            "Observation",
            &[("patient", patient)],
        ),
        (
            "search Observation by subject",
            "Observation",
            &[("subject", &reference)],
        ),
        (
            "search Observation by patient._id",
            "Observation",
            &[("patient._id", patient)],
        ),
        (
            "search Patient with _revinclude",
            "Patient",
            &[("_id", patient), ("_revinclude", "Observation:patient")],
        ),
    ];
    let mut answers = vec![("read Patient", shown(read("Patient", patient), patient))];
    for (label, resource_type, parameters) in searches {
        answers.push((label, shown(search(resource_type, parameters), patient)));
    }
    answers
}

/// Bytes are not shown: only that there was something.
fn read(resource_type: &str, id: &str) -> Result<String, FhirError> {
    fhir::read(resource_type, id).map(|_| "ok".to_owned())
}

/// Counts what came, whatever the mode of the entries.
fn search(resource_type: &str, parameters: Parameters<'_>) -> Result<String, FhirError> {
    let mut search = Search::new(resource_type).count(10);
    for (name, value) in parameters {
        search = search.with(*name, *value);
    }
    let mut cursor = search.start()?;
    let total = cursor.total();
    let entries = cursor.next_page()?.map_or(0, |page| page.len());
    Ok(match total {
        Some(total) => format!("{entries} entries of {total}"),
        None => format!("{entries} entries"),
    })
}

/// The id that was asked for is no news: where an error repeats it, it is taken out, so
/// that whatever still differs is a leak.
fn shown(answer: Result<String, FhirError>, patient: &str) -> Cell {
    match answer {
        Ok(text) => Cell::badge(text, Tone::Neutral),
        Err(error) => Cell::badge(error.to_string().replace(patient, "(id)"), Tone::Caution),
    }
}

glovebox_sdk::register!(PeekNeighbour);

#[cfg(test)]
mod tests;
