//! Views as they come over the boundary become the model's, and events go the other way.
//! Strings are moved, never copied.

use glovebox_model::view::{
    Action, Cell, Chart, Choice, Column, Document, Event, Field, FieldKind, Form, Node, Point,
    Series, Table, Tone,
};

use super::wit_view as wit;

/// The document that a guest gave back. Not yet validated.
pub(crate) fn document(document: wit::Document) -> Document {
    Document {
        title: document.title,
        nodes: document.nodes.into_iter().map(node).collect(),
        root: document.root,
        extras: document.extras,
    }
}

/// An event for the guest.
pub(crate) fn event(event: Event) -> wit::Event {
    match event {
        Event::Submitted(submission) => wit::Event::Submitted(wit::Submission {
            action: submission.action,
            values: submission.values,
        }),
        Event::Refreshed => wit::Event::Refreshed,
    }
}

fn node(node: wit::Node) -> Node {
    match node {
        wit::Node::Heading(text) => Node::Heading(text),
        wit::Node::Paragraph(text) => Node::Paragraph(text),
        wit::Node::Facts(facts) => Node::Facts(
            facts
                .into_iter()
                .map(|(label, value)| (label, cell(value)))
                .collect(),
        ),
        wit::Node::Table(table) => Node::Table(Table {
            caption: table.caption,
            columns: table
                .columns
                .into_iter()
                .map(|column| Column {
                    label: column.label,
                    numeric: column.numeric,
                })
                .collect(),
            rows: table
                .rows
                .into_iter()
                .map(|row| row.into_iter().map(cell).collect())
                .collect(),
        }),
        wit::Node::Chart(chart) => Node::Chart(Chart {
            title: chart.title,
            unit: chart.unit,
            series: chart.series.into_iter().map(series).collect(),
            low: chart.low,
            high: chart.high,
        }),
        wit::Node::Alert((level, text)) => Node::Alert(tone(level), text),
        wit::Node::Actions(actions) => Node::Actions(actions.into_iter().map(action).collect()),
        wit::Node::Form(form) => Node::Form(Form {
            submit: action(form.submit),
            fields: form.fields.into_iter().map(field).collect(),
        }),
        wit::Node::Section((title, children)) => Node::Section(title, children),
        wit::Node::Columns(children) => Node::Columns(children),
        wit::Node::Details((summary, children)) => Node::Details(summary, children),
        wit::Node::Divider => Node::Divider,
        wit::Node::Other(json) => Node::Other(json),
    }
}

fn tone(tone: wit::Tone) -> Tone {
    match tone {
        wit::Tone::Neutral => Tone::Neutral,
        wit::Tone::Good => Tone::Good,
        wit::Tone::Caution => Tone::Caution,
        wit::Tone::Danger => Tone::Danger,
    }
}

fn action(action: wit::Action) -> Action {
    Action {
        id: action.id,
        label: action.label,
        tone: tone(action.tone),
    }
}

fn cell(cell: wit::Cell) -> Cell {
    match cell {
        wit::Cell::Text(text) => Cell::Text(text),
        wit::Cell::Quantity((value, unit)) => Cell::Quantity(value, unit),
        wit::Cell::Date(date) => Cell::Date(date),
        wit::Cell::Badge((text, level)) => Cell::Badge(text, tone(level)),
        wit::Cell::Action(button) => Cell::Action(action(button)),
        wit::Cell::Other(json) => Cell::Other(json),
    }
}

fn series(series: wit::Series) -> Series {
    Series {
        label: series.label,
        points: series
            .points
            .into_iter()
            .map(|point| Point {
                at: point.at,
                value: point.value,
                flag: point.flag,
            })
            .collect(),
    }
}

fn field(field: wit::Field) -> Field {
    Field {
        name: field.name,
        label: field.label,
        hint: field.hint,
        kind: field_kind(field.kind),
        value: field.value,
        required: field.required,
        problem: field.problem,
    }
}

fn field_kind(kind: wit::FieldKind) -> FieldKind {
    match kind {
        wit::FieldKind::Text(chars_max) => FieldKind::Text(chars_max),
        wit::FieldKind::Multiline(chars_max) => FieldKind::Multiline(chars_max),
        wit::FieldKind::Number((low, high)) => FieldKind::Number(low, high),
        wit::FieldKind::Date => FieldKind::Date,
        wit::FieldKind::Checkbox => FieldKind::Checkbox,
        wit::FieldKind::Select(choices) => FieldKind::Select(
            choices
                .into_iter()
                .map(|choice| Choice {
                    value: choice.value,
                    label: choice.label,
                })
                .collect(),
        ),
        wit::FieldKind::Other(json) => FieldKind::Other(json),
    }
}
