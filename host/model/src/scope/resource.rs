//! A scope on FHIR resources: level, type, letters and filter.

use std::fmt;

use super::Permissions;
use super::filter;

/// Whose data a resource scope speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The patient in context.
    Patient,
    /// Whatever the user may see.
    User,
    /// No user: a backend service.
    System,
}

impl Level {
    /// How it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

/// The resource types that a scope names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeSelector {
    /// `*`.
    Any,
    /// One resource type, such as `Observation`.
    Named(String),
}

impl TypeSelector {
    /// Whether a resource type is meant.
    pub fn matches(&self, resource_type: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Named(name) => name == resource_type,
        }
    }
}

impl fmt::Display for TypeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "*",
            Self::Named(name) => name,
        })
    }
}

/// The grammar in which a scope was written. It is echoed as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Syntax {
    /// `.read`, `.write`, `.*`.
    V1,
    /// Letters.
    V2,
}

/// `patient/Observation.rs?category=laboratory`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceScope {
    /// Whose data.
    pub level: Level,
    /// Which types.
    pub resource_type: TypeSelector,
    /// Which interactions.
    pub permissions: Permissions,
    /// Granular restriction: FHIR search parameters that a resource must match,
    /// decoded, in the order given. All must hold.
    pub parameters: Vec<(String, String)>,
    /// How it was written.
    pub syntax: Syntax,
}

impl ResourceScope {
    /// Whether everything that `other` allows is allowed by this scope too. Sound, and
    /// complete but for what search values imply of each other (`system|code` of `code`).
    pub fn covers(&self, other: &Self) -> bool {
        super::cover::covers(&[self], other)
    }

    /// What this scope and `ceiling` both allow, if that is anything.
    pub fn narrow(&self, ceiling: &Self) -> Option<Self> {
        if self.level != ceiling.level {
            return None;
        }
        let resource_type = match (&self.resource_type, &ceiling.resource_type) {
            (TypeSelector::Any, other) | (other, TypeSelector::Any) => other.clone(),
            (mine, theirs) if mine == theirs => mine.clone(),
            _ => return None,
        };
        let permissions = self.permissions.intersection(ceiling.permissions);
        let mut parameters = self.parameters.clone();
        for parameter in &ceiling.parameters {
            if !parameters.contains(parameter) {
                parameters.push(parameter.clone());
            }
        }
        let v1 = [
            Permissions::READ.union(Permissions::SEARCH),
            Permissions::CREATE
                .union(Permissions::UPDATE)
                .union(Permissions::DELETE),
            Permissions::ALL,
        ];
        let syntax =
            if self.syntax == Syntax::V1 && parameters.is_empty() && v1.contains(&permissions) {
                Syntax::V1
            } else {
                Syntax::V2
            };
        let narrowed = Self {
            level: self.level,
            resource_type,
            permissions,
            parameters,
            syntax,
        };
        // What is granted is kept as text: what could not be read again is not granted.
        (!permissions.is_empty() && narrowed.is_within_bounds()).then_some(narrowed)
    }
}

impl ResourceScope {
    /// Whether each parameter of this filter is one of `other`'s, and the rest covers it.
    pub(super) fn says(&self, other: &Self) -> bool {
        self.level == other.level
            && (self.resource_type == TypeSelector::Any
                || self.resource_type == other.resource_type)
            && self.permissions.contains(other.permissions)
            && self
                .parameters
                .iter()
                .all(|parameter| other.parameters.contains(parameter))
    }

    /// Whether its text is one that the grammar reads.
    pub(super) fn is_within_bounds(&self) -> bool {
        filter::is_within_bounds(&self.parameters)
            && self.to_string().len() <= super::TOKEN_BYTES_MAX
    }
}

impl fmt::Display for ResourceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.", self.level.as_str(), self.resource_type)?;
        match self.syntax {
            Syntax::V1 if self.permissions == Permissions::ALL => f.write_str("*")?,
            Syntax::V1 if self.permissions.contains(Permissions::READ) => f.write_str("read")?,
            Syntax::V1 => f.write_str("write")?,
            Syntax::V2 => self.permissions.fmt(f)?,
        }
        for (position, (name, value)) in self.parameters.iter().enumerate() {
            let mark = if position == 0 { '?' } else { '&' };
            write!(f, "{mark}{name}={}", filter::percent_encode(value))?;
        }
        Ok(())
    }
}
