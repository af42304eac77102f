//! Medication Check: active medications, duplicates, and allergies matched by code.
//!
//! It points out what the record says about itself. It does not look up interactions,
//! and says so.
#![forbid(unsafe_code)]

mod findings;
mod record;
mod substance;

use glovebox_sdk::view::{Cell, Table, Tone};
use glovebox_sdk::{App, AppError, Screen, View, launch};

use findings::{Finding, findings};
use record::{Allergy, Medication};

/// Checks a patient's active medications.
pub struct MedCheck;

impl App for MedCheck {
    fn open() -> Result<Screen, AppError> {
        let launch = launch();
        let patient = launch.require_patient()?;
        let (medications, all_medications) = record::medications(patient)?;
        let (allergies, all_allergies) = record::allergies(patient)?;
        let mut view = View::new("Medication check");
        if !(all_medications && all_allergies) {
            view.alert(
                Tone::Caution,
                "The record holds more than this check could read: it is not complete.",
            );
        }
        warn(&mut view, &findings(&medications, &allergies), &medications);
        view.section("Active medications", |view| {
            list_medications(view, &medications)
        });
        view.section("Allergies and intolerances", |view| {
            list_allergies(view, &allergies)
        });
        view.paragraph(
            "Matches are made by RxNorm and SNOMED CT codes and by ingredient names. \
             Interactions and doses are not checked.",
        );
        Ok(view.into())
    }
}

fn warn(view: &mut View, findings: &[Finding], medications: &[Medication]) {
    for finding in findings {
        view.alert(finding.tone, finding.text.clone());
    }
    let unknown = medications
        .iter()
        .filter(|m| m.substances.is_empty())
        .count();
    if unknown > 0 {
        view.alert(
            Tone::Caution,
            format!(
                "{unknown} of {} medications could not be identified.",
                medications.len()
            ),
        );
    } else if findings.is_empty() && !medications.is_empty() {
        view.alert(
            Tone::Good,
            "No duplicates and no allergy matches were found.",
        );
    }
}

fn list_medications(view: &mut View, medications: &[Medication]) {
    if medications.is_empty() {
        view.paragraph("No active medications are recorded.");
        return;
    }
    let mut table = Table::new("Active medications")
        .column("Medication")
        .column("Dosage")
        .column("Prescribed");
    for medication in medications {
        table.row([
            Cell::text(medication.name.clone()),
            Cell::text(medication.dosage.clone()),
            date(medication.prescribed.as_deref()),
        ]);
    }
    view.table(table);
}

fn list_allergies(view: &mut View, allergies: &[Allergy]) {
    if allergies.is_empty() {
        view.paragraph("No active allergies are recorded.");
        return;
    }
    let mut table = Table::new("Active allergies and intolerances")
        .column("Substance")
        .column("Criticality")
        .column("Reaction");
    for allergy in allergies {
        table.row([
            Cell::text(allergy.name.clone()),
            criticality(allergy.criticality.as_deref()),
            Cell::text(allergy.reactions.clone()),
        ]);
    }
    view.table(table);
}

fn criticality(code: Option<&str>) -> Cell {
    match code {
        Some("high") => Cell::badge("High", Tone::Danger),
        Some("low") => Cell::badge("Low", Tone::Neutral),
        _ => Cell::text("not assessed"),
    }
}

fn date(date: Option<&str>) -> Cell {
    date.map_or_else(|| Cell::text(""), Cell::date)
}

glovebox_sdk::register!(MedCheck);

#[cfg(test)]
mod tests;
