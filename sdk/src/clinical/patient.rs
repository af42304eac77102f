//! Patient.

use serde_json::Value;

use super::{list, text};

/// A patient.
#[derive(Clone, Copy, Debug)]
pub struct Patient<'a>(&'a Value);

impl<'a> Patient<'a> {
    /// Looks at a Patient resource.
    pub fn new(resource: &'a Value) -> Self {
        Self(resource)
    }

    /// Logical id.
    pub fn id(self) -> Option<&'a str> {
        text(self.0, "id")
    }

    /// The official name, else the first that is not old: its text, or given names and
    /// family name.
    pub fn name(self) -> Option<String> {
        let names = list(self.0, "name");
        let name = names
            .iter()
            .find(|name| text(name, "use") == Some("official"))
            .or_else(|| names.iter().find(|name| text(name, "use") != Some("old")))?;
        if let Some(words) = text(name, "text") {
            return Some(words.to_owned());
        }
        let mut words: Vec<&str> = list(name, "given")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        words.extend(text(name, "family"));
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// Date of birth.
    pub fn birth_date(self) -> Option<&'a str> {
        text(self.0, "birthDate")
    }

    /// Administrative gender.
    pub fn gender(self) -> Option<&'a str> {
        text(self.0, "gender")
    }
}
