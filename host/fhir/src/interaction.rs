//! Everything that touches patient data is one of these.

use std::fmt;

use glovebox_model::id::is_fhir_id;

use crate::{Resource, SearchQuery, types};

/// FHIR's restful-interaction codes that the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InteractionKind {
    /// `read`
    Read,
    /// `vread`
    Vread,
    /// `search-type`
    Search,
    /// `create`
    Create,
    /// `update`
    Update,
    /// `delete`
    Delete,
}

impl InteractionKind {
    /// The FHIR code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Vread => "vread",
            Self::Search => "search-type",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Whether it changes data.
    pub const fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Delete)
    }
}

impl fmt::Display for InteractionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An interaction cannot be made of these parts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInteraction {
    /// Not an R4 type.
    #[error("`{0}` is not a resource type of FHIR R4")]
    UnknownType(String),
    /// Not a FHIR id.
    #[error("an id is 1 to 64 of A-Z, a-z, 0-9, - and .")]
    InvalidId,
    /// An update needs the id in the resource.
    #[error("the resource to update has no `id`")]
    MissingId,
}

/// One request for patient data. Made by the constructors, which check names and ids.
#[derive(Clone, Debug, PartialEq)]
pub enum Interaction {
    /// Read the current version.
    Read {
        /// Resource type.
        resource_type: String,
        /// Logical id.
        id: String,
    },
    /// Read one version.
    Vread {
        /// Resource type.
        resource_type: String,
        /// Logical id.
        id: String,
        /// The version.
        version_id: String,
    },
    /// Search one type.
    Search(SearchQuery),
    /// Store a new resource under an id that the store chooses.
    Create {
        /// The resource.
        resource: Resource,
    },
    /// Replace a resource; its `id` says which.
    Update {
        /// The resource.
        resource: Resource,
        /// The version it must replace (`If-Match`).
        if_match: Option<String>,
    },
    /// Delete a resource.
    Delete {
        /// Resource type.
        resource_type: String,
        /// Logical id.
        id: String,
        /// The version it must be at (`If-Match`).
        if_match: Option<String>,
    },
}

fn checked_type(name: &str) -> Result<String, InvalidInteraction> {
    types::known(name)
        .map(str::to_owned)
        .ok_or_else(|| InvalidInteraction::UnknownType(name.chars().take(80).collect()))
}

fn checked_id(id: &str) -> Result<String, InvalidInteraction> {
    if is_fhir_id(id) {
        Ok(id.to_owned())
    } else {
        Err(InvalidInteraction::InvalidId)
    }
}

impl Interaction {
    /// A read by id.
    pub fn read(resource_type: &str, id: &str) -> Result<Self, InvalidInteraction> {
        Ok(Self::Read {
            resource_type: checked_type(resource_type)?,
            id: checked_id(id)?,
        })
    }

    /// A read of one version.
    pub fn vread(
        resource_type: &str,
        id: &str,
        version_id: &str,
    ) -> Result<Self, InvalidInteraction> {
        Ok(Self::Vread {
            resource_type: checked_type(resource_type)?,
            id: checked_id(id)?,
            version_id: checked_id(version_id)?,
        })
    }

    /// A search.
    pub fn search(query: SearchQuery) -> Self {
        Self::Search(query)
    }

    /// A create.
    pub fn create(resource: Resource) -> Self {
        Self::Create { resource }
    }

    /// An update; the resource must have an id.
    pub fn update(resource: Resource, if_match: Option<&str>) -> Result<Self, InvalidInteraction> {
        if resource.id().is_none() {
            return Err(InvalidInteraction::MissingId);
        }
        let if_match = if_match.map(checked_id).transpose()?;
        Ok(Self::Update { resource, if_match })
    }

    /// A delete.
    pub fn delete(
        resource_type: &str,
        id: &str,
        if_match: Option<&str>,
    ) -> Result<Self, InvalidInteraction> {
        Ok(Self::Delete {
            resource_type: checked_type(resource_type)?,
            id: checked_id(id)?,
            if_match: if_match.map(checked_id).transpose()?,
        })
    }

    /// Which kind it is.
    pub fn kind(&self) -> InteractionKind {
        match self {
            Self::Read { .. } => InteractionKind::Read,
            Self::Vread { .. } => InteractionKind::Vread,
            Self::Search(_) => InteractionKind::Search,
            Self::Create { .. } => InteractionKind::Create,
            Self::Update { .. } => InteractionKind::Update,
            Self::Delete { .. } => InteractionKind::Delete,
        }
    }

    /// The resource type it is about.
    pub fn resource_type(&self) -> &str {
        match self {
            Self::Read { resource_type, .. }
            | Self::Vread { resource_type, .. }
            | Self::Delete { resource_type, .. } => resource_type,
            Self::Search(query) => query.resource_type(),
            Self::Create { resource } | Self::Update { resource, .. } => resource.resource_type(),
        }
    }

    /// The logical id it is about; a search and a create have none.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Read { id, .. } | Self::Vread { id, .. } | Self::Delete { id, .. } => Some(id),
            Self::Update { resource, .. } => resource.id(),
            Self::Search(_) | Self::Create { .. } => None,
        }
    }

    /// What is to be stored, for a create and an update.
    pub fn resource(&self) -> Option<&Resource> {
        match self {
            Self::Create { resource } | Self::Update { resource, .. } => Some(resource),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn an_interaction_names_an_r4_type_and_a_valid_id() {
        let unknown = |name: &str| Err(InvalidInteraction::UnknownType(name.into()));
        assert_eq!(Interaction::read("Bot", "1"), unknown("Bot"));
        assert_eq!(
            Interaction::read("Patient", "../x"),
            Err(InvalidInteraction::InvalidId)
        );
        assert_eq!(
            Interaction::vread("Patient", "1", ""),
            Err(InvalidInteraction::InvalidId)
        );
        assert_eq!(
            Interaction::delete("Patient", "1", Some("W/\"1\"")),
            Err(InvalidInteraction::InvalidId)
        );
        let nameless = Resource::parse(br#"{"resourceType":"Patient"}"#, Limits::RESOURCE).unwrap();
        assert_eq!(
            Interaction::update(nameless, None),
            Err(InvalidInteraction::MissingId)
        );
    }

    #[test]
    fn an_interaction_says_what_it_is_about() {
        let resource =
            Resource::parse(br#"{"resourceType":"Patient","id":"p"}"#, Limits::RESOURCE).unwrap();
        let query = SearchQuery::parse("Patient", &[]).unwrap();
        for (interaction, code, id) in [
            (
                Interaction::read("Patient", "p").unwrap(),
                "read",
                Some("p"),
            ),
            (
                Interaction::vread("Patient", "p", "1").unwrap(),
                "vread",
                Some("p"),
            ),
            (Interaction::search(query), "search-type", None),
            (Interaction::create(resource.clone()), "create", None),
            (
                Interaction::update(resource, Some("1")).unwrap(),
                "update",
                Some("p"),
            ),
            (
                Interaction::delete("Patient", "p", None).unwrap(),
                "delete",
                Some("p"),
            ),
        ] {
            assert_eq!(interaction.kind().as_str(), code);
            assert_eq!(interaction.id(), id);
            assert_eq!(interaction.resource_type(), "Patient");
        }
    }
}
