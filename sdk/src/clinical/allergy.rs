//! AllergyIntolerance.

use serde_json::Value;

use super::{Coded, list, text};

/// An allergy or intolerance.
#[derive(Clone, Copy, Debug)]
pub struct AllergyIntolerance<'a>(&'a Value);

impl<'a> AllergyIntolerance<'a> {
    /// Looks at an AllergyIntolerance resource.
    pub fn new(resource: &'a Value) -> Self {
        Self(resource)
    }

    /// To what.
    pub fn code(self) -> Option<Coded<'a>> {
        self.0.get("code").map(Coded::new)
    }

    /// Whether it counts: not resolved, not inactive, not refuted, not a mistake.
    pub fn is_active(self) -> bool {
        let status = |key: &str| self.0.get(key).map(Coded::new).and_then(Coded::any_code);
        !matches!(status("clinicalStatus"), Some("inactive" | "resolved"))
            && !matches!(
                status("verificationStatus"),
                Some("refuted" | "entered-in-error")
            )
    }

    /// `low`, `high` or `unable-to-assess`.
    pub fn criticality(self) -> Option<&'a str> {
        text(self.0, "criticality")
    }

    /// Substances that reactions name beyond [`AllergyIntolerance::code`].
    pub fn substances(self) -> impl Iterator<Item = Coded<'a>> {
        list(self.0, "reaction")
            .iter()
            .filter_map(|reaction| reaction.get("substance").map(Coded::new))
    }

    /// What happened, in words.
    pub fn reactions(self) -> String {
        let words: Vec<&str> = list(self.0, "reaction")
            .iter()
            .flat_map(|reaction| list(reaction, "manifestation"))
            .filter_map(|manifestation| Coded::new(manifestation).words())
            .collect();
        words.join(", ")
    }
}
