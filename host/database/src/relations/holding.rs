//! By what a right is held, and for how long.

use std::borrow::Cow;

use glovebox_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Origin, unusable};
use crate::RecordsError;

/// Where a relation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// An administrator said so.
    Api,
    /// Read from a file.
    Csv,
    /// Derived from a CareTeam.
    CareTeam,
    /// Derived from a RelatedPerson, or the person's own record.
    RelatedPerson,
    /// Asserted by a trusted EHR.
    Ehr,
}

impl Source {
    /// The stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Csv => "csv",
            Self::CareTeam => "care-team",
            Self::RelatedPerson => "related-person",
            Self::Ehr => "ehr",
        }
    }
}

/// From when to when something counts; an open side has no end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// The first instant.
    pub starts: Option<Timestamp>,
    /// The first instant that no longer counts.
    pub expires: Option<Timestamp>,
}

impl Term {
    /// Whether it counts now.
    pub fn holds(self, now: Timestamp) -> bool {
        self.starts.is_none_or(|starts| starts <= now) && !self.is_over(now)
    }

    /// Whether it never counts again.
    pub fn is_over(self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// The part that lies in both; `None` if there is none.
    #[must_use]
    pub fn within(self, other: Self) -> Option<Self> {
        let starts = self.starts.max(other.starts);
        let expires = match (self.expires, other.expires) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (one, another) => one.or(another),
        };
        let is_empty = starts
            .zip(expires)
            .is_some_and(|(starts, expires)| expires <= starts);
        (!is_empty).then_some(Self { starts, expires })
    }
}

/// One reason why a right is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holding {
    /// Where it comes from.
    pub source: Source,
    /// The resource from which it follows; `None` for what somebody asserted.
    pub origin: Option<Origin>,
    /// For how long.
    pub term: Term,
}

impl Holding {
    /// What somebody asserts.
    pub fn asserted(source: Source, expires: Option<Timestamp>) -> Self {
        let starts = None;
        Self {
            source,
            origin: None,
            term: Term { starts, expires },
        }
    }
}

/// The stored form: either a list, or one holding, as it was before there were several.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    by: Vec<OneHolding<'a>>,
    source: Option<Source>,
    expires: Option<i64>,
}

/// The stored form of a holding; instants in microseconds.
#[derive(Serialize, Deserialize)]
struct OneHolding<'a> {
    source: Source,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    from: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    starts: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
}

impl OneHolding<'_> {
    fn term(&self) -> Term {
        Term {
            starts: self.starts.map(Timestamp::from_micros),
            expires: self.expires.map(Timestamp::from_micros),
        }
    }
}

fn read(value: &[u8]) -> Result<Vec<OneHolding<'_>>, RecordsError> {
    let record: Record<'_> = serde_json::from_slice(value).map_err(unusable)?;
    let mut by = record.by;
    by.extend(record.source.map(|source| OneHolding {
        source,
        from: None,
        starts: None,
        expires: record.expires,
    }));
    Ok(by)
}

/// Whether one of the holdings of a record counts now.
pub(super) fn is_live(value: &[u8], now: Timestamp) -> Result<bool, RecordsError> {
    Ok(read(value)?.iter().any(|one| one.term().holds(now)))
}

pub(super) fn decode(value: &[u8]) -> Result<Vec<Holding>, RecordsError> {
    let holding = |one: OneHolding<'_>| -> Result<Holding, RecordsError> {
        let origin = one.from.as_deref().map(str::parse).transpose();
        Ok(Holding {
            source: one.source,
            origin: origin.map_err(unusable)?,
            term: one.term(),
        })
    };
    let mut holdings: Vec<_> = read(value)?
        .into_iter()
        .map(holding)
        .collect::<Result<_, _>>()?;
    // In one order, so that equal rights are seen to be equal.
    holdings.sort();
    Ok(holdings)
}

pub(super) fn encode(holdings: &[Holding]) -> Result<Vec<u8>, RecordsError> {
    #[derive(Serialize)]
    struct Held<'a> {
        by: Vec<OneHolding<'a>>,
    }
    let one = |holding: &Holding| OneHolding {
        source: holding.source,
        from: holding.origin.as_ref().map(|from| from.to_string().into()),
        starts: holding.term.starts.map(Timestamp::micros),
        expires: holding.term.expires.map(Timestamp::micros),
    };
    let by = holdings.iter().map(one).collect();
    serde_json::to_vec(&Held { by }).map_err(unusable)
}
