//! Events: what a user may answer to the document that is on the screen.

use super::{Action, Cell, Field, FieldKind, Form, Node, ValidDocument};

/// Longest submitted value, in bytes.
const VALUE_BYTES_MAX: usize = 16 << 10;

/// What the user did, checked against the current document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Pressed an action, perhaps of a form.
    Submitted(Submission),
    /// Asked for fresh data.
    Refreshed,
}

/// An action with the values of its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Id of the action.
    pub action: String,
    /// Field names and values, in the order of the form.
    pub values: Vec<(String, String)>,
}

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    /// The current document has no such action.
    #[error("this screen has no action `{0}`")]
    NoSuchAction(String),
    /// A value names a field that the action's form does not have, or names it twice.
    #[error("the form has no field `{0}`, or it was given twice")]
    NoSuchField(String),
    /// A value does not fit its field.
    #[error("`{field}`: {problem}")]
    BadValue {
        /// Label of the field.
        field: String,
        /// What is wrong.
        problem: String,
    },
}

impl ValidDocument {
    /// Checks a submission against this document: it may name only an action that is on
    /// the screen and fields of that action's form. A checkbox that was not sent is `false`.
    pub fn submission(
        &self,
        action: &str,
        values: &[(String, String)],
    ) -> Result<Event, InvalidEvent> {
        let form = self.forms().find(|form| form.submit.id == action);
        if form.is_none() && !self.plain_actions().any(|a| a.id == action) {
            return Err(InvalidEvent::NoSuchAction(
                action.chars().take(80).collect(),
            ));
        }
        let fields = form.map(|form| form.fields.as_slice()).unwrap_or_default();
        for (position, (name, _)) in values.iter().enumerate() {
            let known = fields.iter().any(|field| field.name == *name);
            let repeated = values
                .iter()
                .take(position)
                .any(|(earlier, _)| earlier == name);
            if !known || repeated {
                return Err(InvalidEvent::NoSuchField(name.chars().take(80).collect()));
            }
        }
        let values = fields
            .iter()
            .map(|field| {
                let sent = values.iter().find(|(name, _)| *name == field.name);
                let value = check_value(field, sent.map(|(_, value)| value.as_str()))?;
                Ok((field.name.clone(), value))
            })
            .collect::<Result<_, InvalidEvent>>()?;
        Ok(Event::Submitted(Submission {
            action: action.to_owned(),
            values,
        }))
    }

    fn forms(&self) -> impl Iterator<Item = &Form> {
        self.document().nodes.iter().filter_map(|node| match node {
            Node::Form(form) => Some(form),
            _ => None,
        })
    }

    fn plain_actions(&self) -> impl Iterator<Item = &Action> {
        fn in_cell(cell: &Cell) -> Option<&Action> {
            match cell {
                Cell::Action(action) => Some(action),
                _ => None,
            }
        }
        self.document()
            .nodes
            .iter()
            .flat_map(|node| -> Vec<&Action> {
                match node {
                    Node::Actions(actions) => actions.iter().collect(),
                    Node::Facts(facts) => {
                        facts.iter().filter_map(|(_, cell)| in_cell(cell)).collect()
                    }
                    Node::Table(table) => table.rows.iter().flatten().filter_map(in_cell).collect(),
                    _ => Vec::new(),
                }
            })
    }
}

fn check_value(field: &Field, sent: Option<&str>) -> Result<String, InvalidEvent> {
    let bad = |problem: &str| InvalidEvent::BadValue {
        field: field.label.clone(),
        problem: problem.to_owned(),
    };
    if let FieldKind::Checkbox = field.kind {
        return Ok(if matches!(sent, Some("true" | "on")) {
            "true"
        } else {
            "false"
        }
        .to_owned());
    }
    let value = sent.unwrap_or_default();
    if value.len() > VALUE_BYTES_MAX {
        return Err(bad("the value is too long"));
    }
    if value.is_empty() {
        return if field.required {
            Err(bad("please fill this in"))
        } else {
            Ok(String::new())
        };
    }
    let too_long = |max: &Option<u32>| {
        max.is_some_and(|max| value.chars().count() > usize::try_from(max).unwrap_or(usize::MAX))
    };
    match &field.kind {
        FieldKind::Text(max) | FieldKind::Multiline(max) if too_long(max) => {
            Err(bad("the value is too long"))
        }
        FieldKind::Number(low, high) => {
            let number: f64 = value.parse().map_err(|_| bad("please give a number"))?;
            let bound = |text: &Option<String>| text.as_ref().and_then(|t| t.parse::<f64>().ok());
            if !number.is_finite()
                || bound(low).is_some_and(|low| number < low)
                || bound(high).is_some_and(|high| number > high)
            {
                return Err(bad("the number is out of range"));
            }
            Ok(value.to_owned())
        }
        FieldKind::Select(choices) if !choices.iter().any(|choice| choice.value == value) => {
            Err(bad("please choose one of the values offered"))
        }
        FieldKind::Date if !is_date(value) => Err(bad("please give a date as YYYY-MM-DD")),
        _ => Ok(value.to_owned()),
    }
}

fn is_date(text: &str) -> bool {
    time::Date::parse(
        text,
        time::macros::format_description!("[year]-[month]-[day]"),
    )
    .is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    fn screen() -> ValidDocument {
        let action = |id: &str| Action {
            id: id.into(),
            label: "Go".into(),
            tone: Tone::Neutral,
        };
        let field = |name: &str, kind, required| Field {
            name: name.into(),
            label: name.into(),
            hint: None,
            kind,
            value: String::new(),
            required,
            problem: None,
        };
        let choices = vec![Choice {
            value: "a".into(),
            label: "A".into(),
        }];
        let form = Form {
            submit: action("save"),
            fields: vec![
                field("note", FieldKind::Text(Some(3)), true),
                field(
                    "dose",
                    FieldKind::Number(Some("0".into()), Some("10".into())),
                    false,
                ),
                field("agree", FieldKind::Checkbox, false),
                field("kind", FieldKind::Select(choices), false),
                field("day", FieldKind::Date, false),
            ],
        };
        Document {
            title: "t".into(),
            nodes: vec![Node::Form(form), Node::Actions(vec![action("back")])],
            root: vec![0, 1],
            extras: vec![],
        }
        .validate(1 << 18)
        .unwrap()
    }

    fn values(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect()
    }

    #[test]
    fn a_submission_carries_every_field_of_its_form() {
        let event = screen()
            .submission("save", &values(&[("note", "abc"), ("agree", "on")]))
            .unwrap();
        let Event::Submitted(submission) = event else {
            panic!()
        };
        assert_eq!(submission.values.len(), 5);
        assert_eq!(submission.values[2], ("agree".into(), "true".into()));
        assert!(screen().submission("back", &[]).is_ok());
    }

    #[test]
    fn what_is_not_on_the_screen_is_refused() {
        let refused = |action: &str, pairs: &[(&str, &str)]| {
            screen().submission(action, &values(pairs)).is_err()
        };
        assert!(refused("delete-all", &[]));
        assert!(refused("back", &[("note", "a")]));
        assert!(refused("save", &[("note", "a"), ("note", "b")]));
        assert!(refused("save", &[("note", "a"), ("other", "b")]));
        assert!(refused("save", &[]));
        assert!(refused("save", &[("note", "long")]));
        assert!(refused("save", &[("note", "a"), ("dose", "11")]));
        assert!(refused("save", &[("note", "a"), ("dose", "NaN")]));
        assert!(refused("save", &[("note", "a"), ("kind", "z")]));
        assert!(refused("save", &[("note", "a"), ("day", "2026-13-01")]));
    }
}
