//! Which elements of a resource an app gets to see, where its approval says so.
//!
//! An element is named as FHIR names it, with dots: `telecom`, `name.text`. A choice
//! element goes by its base (`value`) or by one of its types (`valueQuantity`), and a
//! primitive's extensions (`_birthDate`) go with it. What is hidden is hidden everywhere:
//! it is not given out, not searched, sorted or included by, and nobody who sees a resource
//! in part replaces it as a whole.

mod apply;
mod query;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

/// Types that one projection names at most.
const TYPES_MAX: usize = 150;
/// Elements that it names for one type at most.
const ELEMENTS_MAX: usize = 100;
/// Steps of one element path at most.
const STEPS_MAX: usize = 8;

/// What every resource keeps: without these it could not be understood at all.
pub(crate) const ALWAYS_KEPT: [&str; 5] = [
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "modifierExtension",
];

/// Data types with which the members of a choice element end.
const CHOICE_TYPES: [&str; 49] = [
    "Address",
    "Age",
    "Annotation",
    "Attachment",
    "Base64Binary",
    "Boolean",
    "Canonical",
    "Code",
    "CodeableConcept",
    "Coding",
    "ContactDetail",
    "ContactPoint",
    "Contributor",
    "Count",
    "DataRequirement",
    "Date",
    "DateTime",
    "Decimal",
    "Distance",
    "Dosage",
    "Duration",
    "Expression",
    "HumanName",
    "Id",
    "Identifier",
    "Instant",
    "Integer",
    "Markdown",
    "Meta",
    "Money",
    "Oid",
    "ParameterDefinition",
    "Period",
    "PositiveInt",
    "Quantity",
    "Range",
    "Ratio",
    "Reference",
    "RelatedArtifact",
    "SampledData",
    "Signature",
    "String",
    "Time",
    "Timing",
    "TriggerDefinition",
    "UnsignedInt",
    "Uri",
    "Url",
    "UsageContext",
];

/// Why a projection was refused. The text names the type and element.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProjection {
    /// Not an R4 type.
    #[error("`{0}` is not a resource type of FHIR R4")]
    UnknownType(String),
    /// Not the path of an element.
    #[error("`{0}` is not an element: write it as `telecom` or `name.text`")]
    InvalidElement(String),
    /// An element that every resource keeps.
    #[error("`{0}` is part of every resource and cannot be stripped")]
    AlwaysKept(String),
    /// Too many types or elements.
    #[error("a projection names at most {TYPES_MAX} types with {ELEMENTS_MAX} elements each")]
    TooLong,
}

/// Whether the named elements are taken away or are all that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keeping {
    /// All but these.
    Strip,
    /// These and nothing else.
    Only,
}

/// Elements as a tree: `name.text` is a leaf below `name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tree {
    /// The element as a whole is named; what stands below says nothing more.
    whole: bool,
    below: BTreeMap<String, Tree>,
}

impl Tree {
    fn insert<'a>(&mut self, mut steps: impl Iterator<Item = &'a str>) {
        match steps.next() {
            None => self.whole = true,
            Some(step) => self.below.entry(step.to_owned()).or_default().insert(steps),
        }
    }

    /// What is said of a JSON member.
    fn named(&self, member: &str) -> Option<&Self> {
        let member = member.strip_prefix('_').unwrap_or(member);
        self.below.get(member).or_else(|| {
            self.below
                .iter()
                .find(|(element, _)| is_choice_of(member, element))
                .map(|(_, tree)| tree)
        })
    }

    fn paths(&self, above: &str, found: &mut Vec<String>) {
        if self.whole {
            found.push(above.to_owned());
            return;
        }
        for (name, tree) in &self.below {
            let path = if above.is_empty() {
                name.clone()
            } else {
                format!("{above}.{name}")
            };
            tree.paths(&path, found);
        }
    }
}

/// `valueQuantity` is one of `value`'s members; `valueSet` is not.
fn is_choice_of(member: &str, element: &str) -> bool {
    member
        .strip_prefix(element)
        .is_some_and(|suffix| CHOICE_TYPES.contains(&suffix))
}

/// What is said of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Elements {
    keeping: Keeping,
    tree: Tree,
}

/// Which elements are hidden, by resource type. Empty: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    types: BTreeMap<String, Elements>,
}

impl Projection {
    /// Says which elements of a type are stripped, or are the only ones given. Replaces
    /// what was said of the type before.
    ///
    /// # Errors
    /// [`InvalidProjection`] names what cannot be.
    pub fn set(
        &mut self,
        resource_type: &str,
        keeping: Keeping,
        elements: &[String],
    ) -> Result<(), InvalidProjection> {
        if !glovebox_fhir::is_resource_type(resource_type) {
            let name = resource_type.chars().take(80).collect();
            return Err(InvalidProjection::UnknownType(name));
        }
        let is_new = !self.types.contains_key(resource_type);
        if elements.len() > ELEMENTS_MAX || (is_new && self.types.len() >= TYPES_MAX) {
            return Err(InvalidProjection::TooLong);
        }
        let mut tree = Tree::default();
        for element in elements {
            let steps: Vec<&str> = element.split('.').collect();
            if steps.len() > STEPS_MAX || !steps.iter().all(|step| is_element_name(step)) {
                let element = element.chars().take(80).collect();
                return Err(InvalidProjection::InvalidElement(element));
            }
            let first = steps.first().copied().unwrap_or_default();
            if keeping == Keeping::Strip && ALWAYS_KEPT.contains(&first) {
                return Err(InvalidProjection::AlwaysKept(element.clone()));
            }
            tree.insert(steps.into_iter());
        }
        self.types
            .insert(resource_type.to_owned(), Elements { keeping, tree });
        Ok(())
    }

    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Whether resources of this type are shown in part only.
    pub fn concerns(&self, resource_type: &str) -> bool {
        self.types.contains_key(resource_type)
    }

    /// Each type with what is said of it, in order.
    pub fn rows(&self) -> Vec<(&str, Keeping, Vec<String>)> {
        self.types
            .iter()
            .map(|(name, elements)| {
                let mut paths = Vec::new();
                elements.tree.paths("", &mut paths);
                (name.as_str(), elements.keeping, paths)
            })
            .collect()
    }
}

fn is_element_name(step: &str) -> bool {
    step.len() <= 64
        && step.starts_with(|c: char| c.is_ascii_lowercase())
        && step.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
