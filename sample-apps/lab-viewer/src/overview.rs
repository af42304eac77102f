//! The first screen: the latest value of each test.

use glovebox_sdk::View;
use glovebox_sdk::fhir::Found;
use glovebox_sdk::view::{Cell, Table, Tone};

use crate::flag::Flag;
use crate::note_incomplete;
use crate::period::Period;
use crate::results::Test;

pub(crate) fn view(tests: &[Test], period: Period, found: &Found) -> View {
    let mut view = View::new("Laboratory results");
    if found.matches.is_empty() {
        view.heading("No laboratory results yet")
            .paragraph("Results appear here as soon as a laboratory reports them.");
        return view;
    }
    view.form(period.form());
    note_incomplete(&mut view, found);
    if tests.is_empty() {
        view.heading("No results in this period")
            .paragraph("There are older results: choose a longer period.");
        return view;
    }
    let abnormal = tests
        .iter()
        .filter_map(|test| test.results.first()?.flag.as_ref())
        .filter(|flag| flag.is_abnormal())
        .count();
    if abnormal > 0 {
        view.alert(Tone::Caution, summary(abnormal, tests.len()));
    }
    view.table(table(tests));
    view
}

fn summary(abnormal: usize, tests: usize) -> String {
    let verb = if abnormal == 1 { "is" } else { "are" };
    format!("{abnormal} of {tests} latest results {verb} marked as out of the ordinary.")
}

fn table(tests: &[Test]) -> Table {
    let mut table = Table::new("Latest result of each test")
        .column("Test")
        .numeric("Result")
        .column("Flag")
        .column("Reference range")
        .column("Date")
        .numeric("Results");
    for test in tests {
        let Some(latest) = test.results.first() else {
            continue;
        };
        table.row([
            Cell::action(format!("open:{}", test.key), test.name.clone()),
            latest.cell(),
            Flag::cell(latest.flag.as_ref()),
            Cell::text(latest.range_words()),
            latest.date_cell(),
            Cell::text(test.results.len().to_string()),
        ]);
    }
    table
}
