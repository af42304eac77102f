//! Forms and their fields.

use super::{Action, Choice, Field, FieldKind, Form};

impl Form {
    /// A form without fields yet, and the button that submits it.
    pub fn new(submit: Action) -> Self {
        Self {
            submit,
            fields: Vec::new(),
        }
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }
}

impl Field {
    /// A field that may stay empty and has no value yet.
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: FieldKind) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            hint: None,
            kind,
            value: String::new(),
            required: false,
            problem: None,
        }
    }

    /// A choice among `(value, label)` pairs.
    pub fn select<V: Into<String>, L: Into<String>>(
        name: impl Into<String>,
        label: impl Into<String>,
        choices: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        let choices = choices
            .into_iter()
            .map(|(value, label)| Choice {
                value: value.into(),
                label: label.into(),
            })
            .collect();
        Self::new(name, label, FieldKind::Select(choices))
    }

    /// One line of text.
    pub fn text(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, FieldKind::Text(None))
    }

    /// Several lines of text.
    pub fn multiline(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self::new(name, label, FieldKind::Multiline(None))
    }

    /// The value at first.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// Help below the label.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Must be filled in.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// What is wrong with the value, shown beside the field.
    #[must_use]
    pub fn with_problem(mut self, problem: impl Into<String>) -> Self {
        self.problem = Some(problem.into());
        self
    }
}
