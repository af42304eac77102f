//! Observations become tests with results.

use std::collections::BTreeMap;

use glovebox_sdk::Value;
use glovebox_sdk::clinical::{Measured, Observation, ReferenceRange, order_key};
use glovebox_sdk::view::Cell;

use crate::flag::Flag;

/// Longest key, well below the host's limit for action ids.
const KEY_CHARS_MAX: usize = 40;

/// One test with its results, newest first.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// Names the test in actions and in the state: a LOINC code, else its name.
    pub(crate) key: String,
    /// As on the newest result.
    pub(crate) name: String,
    /// LOINC code.
    pub(crate) loinc: Option<String>,
    /// Newest first.
    pub(crate) results: Vec<LabResult>,
}

/// One result.
#[derive(Clone, Debug)]
pub(crate) struct LabResult {
    /// FHIR date; empty where the record has none.
    pub(crate) date: String,
    pub(crate) value: Measured,
    pub(crate) flag: Option<Flag>,
    pub(crate) range: Option<ReferenceRange>,
    /// Status, where it is not simply final.
    pub(crate) remark: Option<String>,
    order: Option<i64>,
}

impl LabResult {
    /// The value as it is shown.
    pub(crate) fn cell(&self) -> Cell {
        match &self.value {
            Measured::Quantity {
                value,
                unit,
                comparator: None,
            } => Cell::quantity(value.clone(), unit.clone()),
            Measured::Quantity {
                value,
                unit,
                comparator: Some(comparator),
            } => Cell::text(format!("{comparator} {value} {unit}").trim_end().to_owned()),
            Measured::Words(words) => Cell::text(words.clone()),
            Measured::Absent(Some(reason)) => Cell::text(format!("not available: {reason}")),
            Measured::Absent(None) => Cell::text("not available"),
        }
    }

    /// The reference range in words.
    pub(crate) fn range_words(&self) -> String {
        self.range
            .as_ref()
            .map(ReferenceRange::words)
            .unwrap_or_default()
    }

    /// When, as it is shown.
    pub(crate) fn date_cell(&self) -> Cell {
        if self.date.is_empty() {
            Cell::text("no date")
        } else {
            Cell::date(self.date.clone())
        }
    }
}

/// Groups results by test and leaves out what lies before `since`. What was entered in
/// error or cancelled is no result.
pub(crate) fn group(observations: &[Value], since: Option<i64>) -> Vec<Test> {
    let mut tests: BTreeMap<String, Test> = BTreeMap::new();
    for resource in observations {
        let whole = Observation::new(resource);
        if matches!(whole.status(), Some("entered-in-error" | "cancelled")) {
            continue;
        }
        let date = whole.effective().unwrap_or_default();
        let order = order_key(date);
        if since.is_some_and(|since| order.is_some_and(|order| order < since)) {
            continue;
        }
        let has_parts = whole.components().next().is_some() || whole.has_members();
        for part in std::iter::once(whole).chain(whole.components()) {
            let value = part.value();
            let is_panel = part.id() == whole.id() && has_parts;
            if is_panel && matches!(value, Measured::Absent(_)) {
                continue;
            }
            add(&mut tests, part, value, whole.status(), date, order);
        }
    }
    let mut tests: Vec<Test> = tests.into_values().collect();
    for test in &mut tests {
        test.results
            .sort_by_key(|result| std::cmp::Reverse(result.order));
    }
    tests.sort_by_cached_key(|test| (test.name.to_lowercase(), test.key.clone()));
    tests
}

fn add(
    tests: &mut BTreeMap<String, Test>,
    part: Observation<'_>,
    value: Measured,
    status: Option<&str>,
    date: &str,
    order: Option<i64>,
) {
    let name = part
        .code()
        .and_then(|code| code.words())
        .unwrap_or("Unnamed test");
    let key = match part.loinc() {
        Some(loinc) => key(loinc),
        None => key(&name.to_lowercase()),
    };
    let result = LabResult {
        date: date.to_owned(),
        value,
        flag: Flag::of(part),
        range: part.reference_range(),
        remark: status
            .filter(|status| *status != "final")
            .map(str::to_owned),
        order,
    };
    let test = tests.entry(key.clone()).or_insert_with(|| Test {
        key,
        name: name.to_owned(),
        loinc: part.loinc().map(str::to_owned),
        results: Vec::new(),
    });
    test.results.push(result);
}

/// Action ids carry no control characters and are short.
fn key(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(KEY_CHARS_MAX)
        .collect()
}
