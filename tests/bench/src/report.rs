//! What is printed and written.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use crate::measure::Row;

/// A line on how it is going.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Why there is no result.
pub(crate) fn problem(problem: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "error: {problem:#}");
}

/// On what kind of day this was measured.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(1).collect();
    match load.concat() {
        load if load.is_empty() => format!("{cores} cores"),
        load => format!("{cores} cores, load {load} before the first line"),
    }
}

/// The table for people.
pub(crate) fn table(rows: &[Row]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "line",
        "unit",
        "median",
        "p99",
        "n",
        "floor",
        "floor p99",
        "ratio",
    ]);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in rows {
        table.add_row([
            row.name.to_owned(),
            row.unit.to_owned(),
            figure(row.median),
            figure(row.p99),
            row.n.to_string(),
            figure(row.floor),
            figure(row.floor_p99),
            format!("{:.2}x", row.median / row.floor),
        ]);
    }
    let _ = writeln!(std::io::stdout(), "{table}");
}

/// The same for programs: `{"rows": [{"name", "unit", "median", "p99", "n", "floor"}]}`.
pub(crate) fn json(rows: &[Row], file: &Path) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(&json!({
        "rows": rows.iter().map(json_row).collect::<Vec<_>>(),
    }))?;
    text.push('\n');
    std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

fn json_row(row: &Row) -> serde_json::Value {
    json!({
        "name": row.name,
        "unit": row.unit,
        "median": rounded(row.median),
        "p99": rounded(row.p99),
        "n": row.n,
        "floor": rounded(row.floor),
    })
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn figure(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_as_promised() {
        let row = Row {
            name: "open-screen",
            unit: "us",
            median: 412.345_67,
            p99: 700.0,
            n: 1_000,
            floor: 300.5,
            floor_p99: 500.0,
        };
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bench.json");
        json(&[row], &file).unwrap();
        let written: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let expected = r#"{"rows":[{"name":"open-screen","unit":"us","median":412.346,"p99":700.0,"n":1000,"floor":300.5}]}"#;
        assert_eq!(written.to_string(), expected);
    }
}
