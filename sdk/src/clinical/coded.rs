//! CodeableConcept.

use serde_json::Value;

use super::{list, text};

/// One code of one code system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coding<'a> {
    /// Code system.
    pub system: &'a str,
    /// Code.
    pub code: &'a str,
    /// What the code means.
    pub display: Option<&'a str>,
}

/// A CodeableConcept: something said in codes, in words, or both.
#[derive(Clone, Copy, Debug)]
pub struct Coded<'a>(&'a Value);

impl<'a> Coded<'a> {
    /// Looks at a CodeableConcept.
    pub fn new(concept: &'a Value) -> Self {
        Self(concept)
    }

    /// The words: its text, else the first display, else the first code.
    pub fn words(self) -> Option<&'a str> {
        let codings = list(self.0, "coding");
        text(self.0, "text")
            .or_else(|| codings.iter().find_map(|coding| text(coding, "display")))
            .or_else(|| codings.iter().find_map(|coding| text(coding, "code")))
    }

    /// The codes that name their system.
    pub fn codings(self) -> impl Iterator<Item = Coding<'a>> {
        list(self.0, "coding").iter().filter_map(|coding| {
            Some(Coding {
                system: text(coding, "system")?,
                code: text(coding, "code")?,
                display: text(coding, "display"),
            })
        })
    }

    /// The code in one system.
    pub fn code_in(self, system: &str) -> Option<&'a str> {
        self.codings()
            .find(|coding| coding.system == system)
            .map(|coding| coding.code)
    }

    /// Any code, whatever its system: for value sets whose codes are unambiguous.
    pub fn any_code(self) -> Option<&'a str> {
        list(self.0, "coding")
            .iter()
            .find_map(|coding| text(coding, "code"))
    }
}
