//! One condition of a search, and when facts meet it.

use super::text;
use crate::{DateRange, FactsView, ValueRef};

/// One condition: a parameter and its alternatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    pub(super) parameter: &'static str,
    pub(super) matcher: Matcher,
}

/// The alternatives, by kind of parameter; one must hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// `_id`
    Id(Vec<String>),
    /// `_lastUpdated`
    LastUpdated(Vec<DateMatch>),
    /// A token.
    Token(Vec<TokenMatch>),
    /// A reference.
    Reference(Vec<ReferenceMatch>),
    /// A date.
    Date(Vec<DateMatch>),
    /// Text.
    Text(TextMode, Vec<String>),
    /// A URI, matched exactly.
    Uri(Vec<String>),
    /// An amount or a number.
    Quantity(Vec<QuantityMatch>),
}

/// What a token condition says about the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemMatch {
    /// `code`: whatever the system.
    Any,
    /// `|code`: no system.
    Absent,
    /// `system|code`.
    Is(String),
}

/// `code`, `|code`, `system|code` or `system|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenMatch {
    /// The system.
    pub system: SystemMatch,
    /// The code; `None` for `system|`.
    pub code: Option<String>,
}

impl TokenMatch {
    fn matches(&self, system: &str, code: &str) -> bool {
        self.code.as_deref().is_none_or(|wanted| wanted == code)
            && match &self.system {
                SystemMatch::Any => true,
                SystemMatch::Absent => system.is_empty(),
                SystemMatch::Is(wanted) => wanted == system,
            }
    }
}

/// What a reference condition points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceMatch {
    /// `Type/id`, or an id where the type is known.
    Typed {
        /// Type of the target.
        resource_type: &'static str,
        /// Id of the target.
        id: String,
    },
    /// A bare id of any type.
    Id(String),
    /// An absolute URL, URN or canonical.
    Url(String),
}

impl ReferenceMatch {
    /// The patient it points to, if it can point to nothing else.
    pub(super) fn patient(&self) -> Option<String> {
        match self {
            Self::Typed {
                resource_type: "Patient",
                id,
            } => Some(id.clone()),
            _ => None,
        }
    }

    fn matches(&self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (
                Self::Typed { resource_type, id },
                ValueRef::Reference {
                    resource_type: of,
                    id: target,
                },
            ) => *resource_type == of && id == target,
            (Self::Id(id), ValueRef::Reference { id: target, .. }) => id == target,
            (Self::Url(url), ValueRef::Url(target)) => {
                // A canonical without a version means any version.
                target == url
                    || target
                        .strip_prefix(url.as_str())
                        .is_some_and(|rest| rest.starts_with('|'))
            }
            _ => false,
        }
    }
}

/// The prefixes of dates, numbers and quantities (R4, search: prefixes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparator {
    /// The value lies within what was asked for.
    Eq,
    /// Not `Eq`.
    Ne,
    /// Some of it lies after.
    Gt,
    /// Some of it lies before.
    Lt,
    /// `Gt` or `Eq`.
    Ge,
    /// `Lt` or `Eq`.
    Le,
    /// All of it lies after.
    Sa,
    /// All of it lies before.
    Eb,
}

impl Comparator {
    /// Compares the half-open `value` with the half-open `wanted`.
    pub(super) fn holds<T: PartialOrd>(self, value: (T, T), wanted: (T, T)) -> bool {
        let within = wanted.0 <= value.0 && value.1 <= wanted.1;
        let above = value.1 > wanted.1;
        let below = value.0 < wanted.0;
        match self {
            Self::Eq => within,
            Self::Ne => !within,
            Self::Gt => above,
            Self::Lt => below,
            Self::Ge => above || within,
            Self::Le => below || within,
            Self::Sa => value.0 >= wanted.1,
            Self::Eb => value.1 <= wanted.0,
        }
    }
}

/// A prefix and a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateMatch {
    /// The prefix; `Eq` if none is given.
    pub comparator: Comparator,
    /// What the date means.
    pub range: DateRange,
}

impl DateMatch {
    fn matches(&self, value: DateRange) -> bool {
        self.comparator
            .holds((value.start, value.end), (self.range.start, self.range.end))
    }
}

/// How text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMode {
    /// Starts with, whatever the case and accents.
    StartsWith,
    /// Contains, whatever the case and accents.
    Contains,
    /// Equal, letter by letter.
    Exact,
}

/// A prefix, a number as a range by its digits, and a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantityMatch {
    /// The prefix; `Eq` if none is given.
    pub comparator: Comparator,
    /// From and to: `5.4` means 5.35 up to 5.45.
    pub range: (f64, f64),
    /// The number itself: the other prefixes compare with it exactly.
    pub exact: f64,
    /// The unit's system.
    pub system: SystemMatch,
    /// The unit's code (or, without a system, also its text); `None` for any.
    pub code: Option<String>,
}

impl QuantityMatch {
    fn matches(&self, value: ValueRef<'_>) -> bool {
        let (number, unit_fits) = match value {
            ValueRef::Number(number) => (number, self.code.is_none()),
            ValueRef::Quantity {
                value,
                system,
                code,
                unit,
            } => {
                let code_fits = self.code.as_deref().is_none_or(|wanted| {
                    wanted == code || (self.system == SystemMatch::Any && wanted == unit)
                });
                let system_fits = match &self.system {
                    SystemMatch::Any => true,
                    SystemMatch::Absent => system.is_empty(),
                    SystemMatch::Is(wanted) => wanted == system,
                };
                (value, code_fits && system_fits)
            }
            _ => return false,
        };
        let Some(number) = number.parse::<f64>().ok().filter(|n| n.is_finite()) else {
            return false;
        };
        unit_fits
            && match self.comparator {
                Comparator::Eq => self.range.0 <= number && number < self.range.1,
                Comparator::Ne => number < self.range.0 || self.range.1 <= number,
                Comparator::Gt | Comparator::Sa => number > self.exact,
                Comparator::Lt | Comparator::Eb => number < self.exact,
                Comparator::Ge => number >= self.exact,
                Comparator::Le => number <= self.exact,
            }
    }
}

impl Clause {
    /// The parameter's code.
    pub fn parameter(&self) -> &'static str {
        self.parameter
    }

    /// The alternatives.
    pub fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    pub(super) fn matches(&self, facts: &FactsView<'_>) -> bool {
        match &self.matcher {
            Matcher::Id(ids) => ids.iter().any(|id| id == facts.id()),
            Matcher::LastUpdated(dates) => facts.last_updated().is_some_and(|instant| {
                let value = DateRange::instant(instant.micros());
                dates.iter().any(|date| date.matches(value))
            }),
            Matcher::Token(tokens) if self.parameter == "_security" => facts
                .security_labels()
                .any(|(system, code)| tokens.iter().any(|token| token.matches(system, code))),
            Matcher::Token(tokens) => facts.values(self.parameter).any(|value| match value {
                ValueRef::Token { system, code } => {
                    tokens.iter().any(|token| token.matches(system, code))
                }
                _ => false,
            }),
            Matcher::Reference(targets) => facts
                .values(self.parameter)
                .any(|value| targets.iter().any(|target| target.matches(value))),
            Matcher::Date(dates) => facts.values(self.parameter).any(|value| match value {
                ValueRef::Date(range) => dates.iter().any(|date| date.matches(range)),
                _ => false,
            }),
            Matcher::Text(mode, wanted) => facts.values(self.parameter).any(|value| match value {
                ValueRef::Text {
                    normalised,
                    original,
                } => wanted
                    .iter()
                    .any(|text| text::matches(*mode, text, normalised, original)),
                _ => false,
            }),
            Matcher::Uri(wanted) => facts.values(self.parameter).any(
                |value| matches!(value, ValueRef::Uri(uri) if wanted.iter().any(|w| w == uri)),
            ),
            Matcher::Quantity(wanted) => facts
                .values(self.parameter)
                .any(|value| wanted.iter().any(|quantity| quantity.matches(value))),
        }
    }
}
