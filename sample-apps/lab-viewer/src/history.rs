//! The second screen: one test over time.

use glovebox_sdk::View;
use glovebox_sdk::clinical::Measured;
use glovebox_sdk::fhir::Found;
use glovebox_sdk::view::{Action, Cell, Chart, Point, Table, Tone};

use crate::flag::Flag;
use crate::note_incomplete;
use crate::period::Period;
use crate::results::{LabResult, Test};

/// A point is no trend.
const POINTS_MIN: usize = 2;

pub(crate) fn view(test: &Test, period: Period, found: &Found) -> View {
    let mut view = View::new(test.name.clone());
    view.actions([Action::new("back", "All tests")]);
    view.form(period.form());
    note_incomplete(&mut view, found);
    let Some(latest) = test.results.first() else {
        view.heading("No results in this period")
            .paragraph("There are older results of this test: choose a longer period.");
        return view;
    };
    let mut facts = vec![
        ("Latest result", latest.cell()),
        ("Date", latest.date_cell()),
    ];
    if latest.flag.is_some() {
        facts.push(("Flag", Flag::cell(latest.flag.as_ref())));
    }
    if latest.range.is_some() {
        facts.push(("Reference range", Cell::text(latest.range_words())));
    }
    if let Some(loinc) = &test.loinc {
        facts.push(("LOINC", Cell::text(loinc.clone())));
    }
    view.facts(facts);
    trend(&mut view, test);
    view.table(table(test));
    view
}

/// Draws the values that share the newest unit: values in another unit on the same axis
/// would be a lie, and so would "below 5" drawn as 5.
fn trend(view: &mut View, test: &Test) {
    let Some(unit) = test.results.iter().find_map(|result| match &result.value {
        Measured::Quantity { unit, .. } => Some(unit.clone()),
        _ => None,
    }) else {
        return;
    };
    let points: Vec<Point> = test
        .results
        .iter()
        .rev()
        .filter_map(|result| point(result, &unit))
        .collect();
    let drawn = points.len();
    if drawn < POINTS_MIN {
        return;
    }
    let range = test.results.iter().find_map(|result| result.range.clone());
    let range = range.unwrap_or_default();
    view.chart(
        Chart::new(format!("{} over time", test.name), unit)
            .reference(range.low, range.high)
            .line(test.name.clone(), points),
    );
    let left_out = test.results.len() - drawn;
    if left_out > 0 {
        view.alert(
            Tone::Neutral,
            format!(
                "{left_out} of {} results cannot be drawn on this scale; the table has them all.",
                test.results.len()
            ),
        );
    }
}

fn point(result: &LabResult, wanted: &str) -> Option<Point> {
    match &result.value {
        Measured::Quantity {
            value,
            unit,
            comparator: None,
        } if unit == wanted && !result.date.is_empty() => Some(Point {
            at: result.date.clone(),
            value: value.clone(),
            flag: result.flag.as_ref().map(|flag| flag.code.clone()),
        }),
        _ => None,
    }
}

fn table(test: &Test) -> Table {
    let mut table = Table::new(format!("All results: {}", test.name))
        .column("Date")
        .numeric("Result")
        .column("Flag")
        .column("Reference range")
        .column("Remark");
    for result in &test.results {
        table.row([
            result.date_cell(),
            result.cell(),
            Flag::cell(result.flag.as_ref()),
            Cell::text(result.range_words()),
            Cell::text(result.remark.clone().unwrap_or_default()),
        ]);
    }
    table
}
