//! One condition of a search, and when facts meet it.

use super::decimal::Decimal;
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
    /// `:not`: no value is any of these, which also holds where there is none.
    NotToken(Vec<TokenMatch>),
    /// `:missing`: whether the element is absent.
    Missing(bool),
    /// A composite: each alternative has one matcher for each part, to be met in one group.
    Composite(Vec<Vec<Matcher>>),
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

    /// `Type/id`, where that is what it says.
    pub(super) fn local(&self) -> Option<String> {
        match self {
            Self::Typed { resource_type, id } => Some(format!("{resource_type}/{id}")),
            Self::Id(_) | Self::Url(_) => None,
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
            (Self::Url(url), ValueRef::Url(target)) => is_canonical(target, url),
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
    /// Close to it: see [`DateMatch`] and [`QuantityMatch`].
    Ap,
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
            Self::Ap => value.0 < wanted.1 && value.1 > wanted.0,
        }
    }
}

/// A prefix and a date. With `ap` the range is three times as long as the date says, around
/// it: `ap2024-05-31` overlaps the days from the 30th to the 1st.
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
    /// From and to: `5.4` means 5.35 up to 5.45, `ap5.4` a tenth of it less and more.
    pub range: (Decimal, Decimal),
    /// The number itself: the other prefixes compare with it exactly.
    pub exact: Decimal,
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
        if !unit_fits {
            return false;
        }
        Decimal::parse(number).is_some_and(|number| match self.comparator {
            Comparator::Eq => self.range.0 <= number && number < self.range.1,
            Comparator::Ne => number < self.range.0 || self.range.1 <= number,
            Comparator::Gt | Comparator::Sa => number > self.exact,
            Comparator::Lt | Comparator::Eb => number < self.exact,
            Comparator::Ge => number >= self.exact,
            Comparator::Le => number <= self.exact,
            Comparator::Ap => self.range.0 <= number && number <= self.range.1,
        })
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
            Matcher::Missing(missing) => facts.has(self.parameter) != *missing,
            Matcher::Token(tokens) => self.has_token(facts, tokens),
            Matcher::NotToken(tokens) => !self.has_token(facts, tokens),
            positive => facts
                .values(self.parameter)
                .any(|value| positive.accepts(value)),
        }
    }

    fn has_token(&self, facts: &FactsView<'_>, wanted: &[TokenMatch]) -> bool {
        // Labels stand in the header of the facts, not among the search values.
        if self.parameter == "_security" {
            return facts
                .security_labels()
                .any(|(system, code)| wanted.iter().any(|token| token.matches(system, code)));
        }
        facts
            .values(self.parameter)
            .any(|value| is_token(wanted, value))
    }
}

fn is_token(wanted: &[TokenMatch], value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Token { system, code }
        if wanted.iter().any(|token| token.matches(system, code)))
}

impl Matcher {
    /// Whether one value is one of the alternatives. What is not about a single value
    /// accepts none.
    fn accepts(&self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Self::Token(wanted), value) => is_token(wanted, value),
            (Self::Reference(wanted), value) => wanted.iter().any(|target| target.matches(value)),
            (Self::Date(wanted), ValueRef::Date(range)) => {
                wanted.iter().any(|date| date.matches(range))
            }
            (
                Self::Text(mode, wanted),
                ValueRef::Text {
                    normalised,
                    original,
                },
            ) => wanted
                .iter()
                .any(|text| text::matches(*mode, text, normalised, original)),
            (Self::Uri(wanted), ValueRef::Uri(uri)) => {
                wanted.iter().any(|wanted| is_canonical(uri, wanted))
            }
            (Self::Quantity(wanted), value) => {
                wanted.iter().any(|quantity| quantity.matches(value))
            }
            (Self::Composite(wanted), ValueRef::Group(group)) => wanted.iter().any(|parts| {
                let mut values = group.parts();
                parts.iter().all(|part| {
                    values
                        .next()
                        .is_some_and(|mut values| values.any(|value| part.accepts(value)))
                })
            }),
            _ => false,
        }
    }
}

/// Whether a canonical URL is the one wanted; without a version, in any version.
fn is_canonical(url: &str, wanted: &str) -> bool {
    url.strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
}
