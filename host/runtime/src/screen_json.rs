//! A screen as JSON, for programs that draw it themselves: the `screen` member of the
//! API's session answers.
//!
//! The shape follows `wit/deps/view`: `{"title", "nodes": […], "root": […], "extras": {…}}`,
//! where `root` and `children` name nodes by their index. Each node and each cell is an
//! object with a `type`; absent optional values are left out; decimals stay text, as they
//! were written.

use glovebox_model::view::{Action, Cell, Field, FieldKind, Node, Tone, ValidDocument};
use serde_json::{Map, Value, json};

/// The JSON form of a screen.
pub fn screen_json(document: &ValidDocument) -> Value {
    let document = document.document();
    let extras: Map<String, Value> = document
        .extras
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "title": document.title,
        "nodes": document.nodes.iter().map(node).collect::<Vec<_>>(),
        "root": document.root,
        "extras": extras,
    })
}

fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "neutral",
        Tone::Good => "good",
        Tone::Caution => "caution",
        Tone::Danger => "danger",
    }
}

fn action(action: &Action) -> Value {
    json!({ "id": action.id, "label": action.label, "tone": tone(action.tone) })
}

fn cell(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => json!({ "type": "text", "text": text }),
        Cell::Quantity(value, unit) => json!({ "type": "quantity", "value": value, "unit": unit }),
        Cell::Date(date) => json!({ "type": "date", "date": date }),
        Cell::Badge(text, level) => json!({ "type": "badge", "text": text, "tone": tone(*level) }),
        Cell::Action(button) => json!({ "type": "action", "action": action(button) }),
        Cell::Other(json) => json!({ "type": "other", "json": json }),
    }
}

fn node(node: &Node) -> Value {
    match node {
        Node::Heading(text) => json!({ "type": "heading", "text": text }),
        Node::Paragraph(text) => json!({ "type": "paragraph", "text": text }),
        Node::Facts(facts) => json!({
            "type": "facts",
            "facts": facts.iter().map(|(label, value)| json!({ "label": label, "value": cell(value) })).collect::<Vec<_>>(),
        }),
        Node::Table(table) => json!({
            "type": "table",
            "caption": table.caption,
            "columns": table.columns.iter().map(|column| json!({ "label": column.label, "numeric": column.numeric })).collect::<Vec<_>>(),
            "rows": table.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>()).collect::<Vec<_>>(),
        }),
        Node::Chart(chart) => {
            let series: Vec<Value> = chart
                .series
                .iter()
                .map(|series| {
                    let points: Vec<Value> = series
                        .points
                        .iter()
                        .map(|point| {
                            with(
                                json!({ "at": point.at, "value": point.value }),
                                "flag",
                                &point.flag,
                            )
                        })
                        .collect();
                    json!({ "label": series.label, "points": points })
                })
                .collect();
            let drawn = json!({ "type": "chart", "title": chart.title, "unit": chart.unit, "series": series });
            with(with(drawn, "low", &chart.low), "high", &chart.high)
        }
        Node::Alert(level, text) => json!({ "type": "alert", "tone": tone(*level), "text": text }),
        Node::Actions(actions) => {
            json!({ "type": "actions", "actions": actions.iter().map(action).collect::<Vec<_>>() })
        }
        Node::Form(form) => json!({
            "type": "form",
            "submit": action(&form.submit),
            "fields": form.fields.iter().map(field).collect::<Vec<_>>(),
        }),
        Node::Section(title, children) => {
            json!({ "type": "section", "title": title, "children": children })
        }
        Node::Columns(children) => json!({ "type": "columns", "children": children }),
        Node::Details(summary, children) => {
            json!({ "type": "details", "summary": summary, "children": children })
        }
        Node::Divider => json!({ "type": "divider" }),
        Node::Other(json) => json!({ "type": "other", "json": json }),
    }
}

fn field(field: &Field) -> Value {
    let drawn = json!({
        "name": field.name,
        "label": field.label,
        "kind": field_kind(&field.kind),
        "value": field.value,
        "required": field.required,
    });
    with(with(drawn, "hint", &field.hint), "problem", &field.problem)
}

fn field_kind(kind: &FieldKind) -> Value {
    match kind {
        FieldKind::Text(chars_max) => with(json!({ "type": "text" }), "chars_max", chars_max),
        FieldKind::Multiline(chars_max) => {
            with(json!({ "type": "multiline" }), "chars_max", chars_max)
        }
        FieldKind::Number(low, high) => {
            with(with(json!({ "type": "number" }), "low", low), "high", high)
        }
        FieldKind::Date => json!({ "type": "date" }),
        FieldKind::Checkbox => json!({ "type": "checkbox" }),
        FieldKind::Select(choices) => json!({
            "type": "select",
            "choices": choices.iter().map(|choice| json!({ "value": choice.value, "label": choice.label })).collect::<Vec<_>>(),
        }),
        FieldKind::Other(json) => json!({ "type": "other", "json": json }),
    }
}

/// Adds a member where there is a value.
fn with<T: Clone + Into<Value>>(mut object: Value, name: &str, value: &Option<T>) -> Value {
    if let (Some(members), Some(value)) = (object.as_object_mut(), value) {
        members.insert(name.to_owned(), value.clone().into());
    }
    object
}

#[cfg(test)]
mod tests {
    use glovebox_model::view::{Chart, Document, Point, Series};

    use super::*;

    #[test]
    fn a_screen_is_tagged_nodes_with_decimals_as_text() {
        let chart = Chart {
            title: "Creatinine".to_owned(),
            unit: "mg/dL".to_owned(),
            series: vec![Series {
                label: "Creatinine".to_owned(),
                points: vec![Point {
                    at: "2026-01-01".to_owned(),
                    value: "1.10".to_owned(),
                    flag: None,
                }],
            }],
            low: Some("0.6".to_owned()),
            high: None,
        };
        let document = Document {
            title: "Labs".to_owned(),
            nodes: vec![
                Node::Section("Kidney".to_owned(), vec![1]),
                Node::Chart(chart),
            ],
            root: vec![0],
            extras: Vec::new(),
        };
        let expected = json!({
            "title": "Labs",
            "nodes": [
                { "type": "section", "title": "Kidney", "children": [1] },
                {
                    "type": "chart",
                    "title": "Creatinine",
                    "unit": "mg/dL",
                    "series": [{ "label": "Creatinine", "points": [{ "at": "2026-01-01", "value": "1.10" }] }],
                    "low": "0.6",
                },
            ],
            "root": [0],
            "extras": {},
        });
        assert_eq!(screen_json(&document.validate(1 << 18).unwrap()), expected);
    }
}
