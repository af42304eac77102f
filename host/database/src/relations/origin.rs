//! The resources from which relations follow.

use std::fmt;
use std::str::FromStr;

use glovebox_model::id::is_fhir_id;

use super::Source;

/// The types of resources that say who cares for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginKind {
    /// Its participants may open its subject.
    CareTeam,
    /// The person may open the patient.
    RelatedPerson,
    /// Says which Practitioner a CareTeam means by it; opens nobody itself.
    PractitionerRole,
}

impl OriginKind {
    /// Each of them. A role comes before the teams that name it.
    pub const ALL: [Self; 3] = [Self::PractitionerRole, Self::CareTeam, Self::RelatedPerson];

    /// The name of the resource type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CareTeam => "CareTeam",
            Self::RelatedPerson => "RelatedPerson",
            Self::PractitionerRole => "PractitionerRole",
        }
    }

    /// What a relation that follows from it is named.
    pub const fn source(self) -> Source {
        match self {
            Self::CareTeam | Self::PractitionerRole => Source::CareTeam,
            Self::RelatedPerson => Source::RelatedPerson,
        }
    }
}

/// A resource from which relations follow, such as `CareTeam/ward-3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    kind: OriginKind,
    id: String,
}

/// The text names no resource from which relations follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("relations follow from a CareTeam, a RelatedPerson or a PractitionerRole, written Type/id")]
pub struct NoOrigin;

impl Origin {
    /// The resource, if its type is one of these and the id is one.
    pub fn of(resource_type: &str, id: &str) -> Option<Self> {
        let kind = OriginKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == resource_type)?;
        let id = is_fhir_id(id).then(|| id.to_owned())?;
        Some(Self { kind, id })
    }

    /// Of which type it is.
    pub fn kind(&self) -> OriginKind {
        self.kind
    }

    /// Its logical id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.id)
    }
}

impl FromStr for Origin {
    type Err = NoOrigin;
    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let parts = text.split_once('/');
        parts
            .and_then(|(resource_type, id)| Self::of(resource_type, id))
            .ok_or(NoOrigin)
    }
}
