//! View documents as apps would send them.

use glovebox_model::view::{
    Action, Cell, Chart, Choice, Column, Document, Field, FieldKind, Form, Node, Point, Series,
    Table, Tone, ValidDocument,
};

/// Generous: what the runtime allows is its own business.
const BYTES_MAX: u64 = 1 << 20;

fn action(id: &str, label: &str, tone: Tone) -> Action {
    Action {
        id: id.into(),
        label: label.into(),
        tone,
    }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn series(label: &str, start: i32, values: &[(&str, &str)]) -> Series {
    let points = values.iter().enumerate().map(|(index, (value, flag))| {
        let month = start + i32::try_from(index).unwrap_or(0) * 4;
        Point {
            at: format!(
                "{:04}-{:02}-{:02}T08:{:02}:00+01:00",
                2019 + month.div_euclid(12),
                month.rem_euclid(12) + 1,
                3 + (index * 7) % 22,
                (index * 13) % 60
            ),
            value: (*value).into(),
            flag: (!flag.is_empty()).then(|| (*flag).into()),
        }
    });
    Series {
        label: label.into(),
        points: points.collect(),
    }
}

fn checked(title: &str, nodes: Vec<Node>, root: Vec<u32>) -> ValidDocument {
    let document = Document {
        title: title.into(),
        nodes,
        root,
        extras: vec![],
    };
    document
        .validate(BYTES_MAX)
        .unwrap_or_else(|problem| unreachable!("sample documents are valid: {problem}"))
}

/// Results over time: filter, chart, facts, table.
pub(crate) fn lab_viewer() -> ValidDocument {
    let choices = [
        ("all", "All results"),
        ("5y", "Last 5 years"),
        ("1y", "Last 12 months"),
    ];
    let filter = Form {
        submit: action("filter", "Show", Tone::Neutral),
        fields: vec![Field {
            name: "period".into(),
            label: "Period".into(),
            hint: None,
            kind: FieldKind::Select(
                choices
                    .iter()
                    .map(|(value, label)| Choice {
                        value: (*value).into(),
                        label: (*label).into(),
                    })
                    .collect(),
            ),
            value: "all".into(),
            required: true,
            problem: None,
        }],
    };
    let a1c = [
        ("5.4", ""),
        ("5.6", ""),
        ("5.7", "H"),
        ("5.9", "H"),
        ("6.3", "H"),
        ("6.8", "H"),
        ("7.4", "HH"),
        ("7.1", "H"),
        ("6.6", "H"),
        ("6.2", "H"),
        ("6.0", "H"),
        ("5.8", "H"),
        ("5.6", ""),
        ("5.5", ""),
        ("5.6", ""),
        ("5.7", "H"),
        ("5.6", ""),
        ("5.50", ""),
        ("5.4", ""),
        ("5.5", ""),
        ("3.8", "L"),
    ];
    let chart = Chart {
        title: "Hemoglobin A1c".into(),
        unit: "%".into(),
        series: vec![series("Hemoglobin A1c", 0, &a1c)],
        low: Some("4.0".into()),
        high: Some("5.6".into()),
    };
    let facts = vec![
        (
            "Latest".to_owned(),
            Cell::Quantity("3.8".into(), "%".into()),
        ),
        (
            "Taken".to_owned(),
            Cell::Date("2025-09-17T08:20:00+01:00".into()),
        ),
        ("Flag".to_owned(), Cell::Badge("Low".into(), Tone::Caution)),
        (
            "Laboratory".to_owned(),
            text("Example Hospital, clinical chemistry"),
        ),
    ];
    let row = |name: &str,
               value: &str,
               unit: &str,
               date: &str,
               flag: Option<(&str, Tone)>,
               range: &str| {
        vec![
            text(name),
            Cell::Quantity(value.into(), unit.into()),
            text(range),
            flag.map_or(text(""), |(flag, tone)| Cell::Badge(flag.into(), tone)),
            Cell::Date(date.into()),
            Cell::Action(action(&format!("show-{name}"), "Trend", Tone::Neutral)),
        ]
    };
    let column = |label: &str, numeric| Column {
        label: label.into(),
        numeric,
    };
    let table = Table {
        caption: "Latest result of each test".into(),
        columns: vec![
            column("Test", false),
            column("Value", true),
            column("Reference", false),
            column("Flag", false),
            column("Taken", false),
            column("Trend", false),
        ],
        rows: vec![
            row(
                "Hemoglobin A1c",
                "3.8",
                "%",
                "2025-09-17",
                Some(("Low", Tone::Caution)),
                "4.0–5.6",
            ),
            row(
                "Creatinine",
                "1.42",
                "mg/dL",
                "2025-09-17",
                Some(("High", Tone::Danger)),
                "0.55–1.02",
            ),
            row("Potassium", "4.10", "mmol/L", "2025-09-17", None, "3.5–5.1"),
            row("Sodium", "139", "mmol/L", "2025-09-17", None, "136–145"),
            row(
                "Cholesterol in LDL",
                "96",
                "mg/dL",
                "2025-03-04",
                None,
                "< 130",
            ),
            row(
                "Thyrotropin",
                "2.31",
                "m[IU]/L",
                "2024-11-20",
                None,
                "0.4–4.0",
            ),
        ],
    };
    checked(
        "Laboratory results",
        vec![
            Node::Columns(vec![1, 2]),
            Node::Facts(facts),
            Node::Form(filter),
            Node::Chart(chart),
            Node::Section("All tests".into(), vec![5, 6]),
            Node::Paragraph(
                "Newest first. Values are shown as the laboratory reported them.".into(),
            ),
            Node::Table(table),
        ],
        vec![0, 3, 4],
    )
}

/// Every node and every kind of field.
pub(crate) fn kitchen_sink() -> ValidDocument {
    let field = |name: &str,
                 label: &str,
                 kind,
                 value: &str,
                 required,
                 hint: Option<&str>,
                 problem: Option<&str>| Field {
        name: name.into(),
        label: label.into(),
        kind,
        value: value.into(),
        required,
        hint: hint.map(Into::into),
        problem: problem.map(Into::into),
    };
    let form = Form {
        submit: action("save", "Save draft", Tone::Neutral),
        fields: vec![
            field(
                "title",
                "Title",
                FieldKind::Text(Some(80)),
                "Follow-up",
                true,
                None,
                None,
            ),
            field(
                "note",
                "Note",
                FieldKind::Multiline(Some(2000)),
                "Feels well.\nNo new complaints.",
                false,
                Some("At most 2,000 characters."),
                None,
            ),
            field(
                "dose",
                "Dose in mg",
                FieldKind::Number(Some("0".into()), Some("2000".into())),
                "5000",
                true,
                None,
                Some("The dose is above the limit."),
            ),
            field(
                "day",
                "Next visit",
                FieldKind::Date,
                "2026-12-03",
                false,
                None,
                None,
            ),
            field(
                "agree",
                "The patient agrees",
                FieldKind::Checkbox,
                "true",
                false,
                None,
                None,
            ),
        ],
    };
    let pressure = Chart {
        title: "Blood pressure".into(),
        unit: "mm[Hg]".into(),
        series: vec![
            series(
                "Systolic",
                60,
                &[
                    ("142", "H"),
                    ("138", ""),
                    ("145", "H"),
                    ("131", ""),
                    ("128", ""),
                    ("126", ""),
                ],
            ),
            series(
                "Diastolic",
                60,
                &[
                    ("92", "H"),
                    ("88", ""),
                    ("90", ""),
                    ("84", ""),
                    ("82", ""),
                    ("79", ""),
                ],
            ),
        ],
        low: None,
        high: Some("140".into()),
    };
    let single = Chart {
        title: "Ferritin".into(),
        unit: "ug/L".into(),
        series: vec![Series {
            label: "Ferritin".into(),
            points: vec![
                Point {
                    at: "2026-05-04".into(),
                    value: "48".into(),
                    flag: None,
                },
                Point {
                    at: "last spring".into(),
                    value: "51".into(),
                    flag: None,
                },
            ],
        }],
        low: None,
        high: None,
    };
    checked("Every part of a view", vec![
        Node::Alert(Tone::Danger, "Allergy: amoxicillin is on the list, and the record names a penicillin allergy.".into()),
        Node::Alert(Tone::Caution, "Two entries name the same substance.".into()),
        Node::Alert(Tone::Good, "No interactions found among 6 medications.".into()),
        Node::Alert(Tone::Neutral, "Doses were last checked on 12 March.".into()),
        Node::Columns(vec![5, 6]),
        Node::Chart(pressure),
        Node::Chart(single),
        Node::Divider,
        Node::Columns(vec![9, 10]),
        Node::Form(form),
        Node::Section("Nested".into(), vec![11, 12, 13, 14]),
        Node::Heading("A heading".into()),
        Node::Paragraph("Running text, over\ntwo lines, with <markup> that is only text.".into()),
        Node::Actions(vec![action("a", "Neutral", Tone::Neutral), action("b", "Good", Tone::Good), action("c", "Caution", Tone::Caution), action("d", "Danger", Tone::Danger)]),
        Node::Details("More about this".into(), vec![15, 16]),
        Node::Paragraph("Folded until opened.".into()),
        Node::Other(r#"{"kind":"body-map","body":{},"fallback":"A body map, which this version cannot draw."}"#.into()),
    ], vec![0, 1, 2, 3, 4, 7, 8])
}
