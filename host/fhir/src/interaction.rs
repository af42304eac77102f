//! Everything that touches patient data is one of these.

use std::fmt;

use glovebox_model::Timestamp;
use glovebox_model::id::is_fhir_id;

use crate::{Patch, Resource, SearchQuery, types};

/// Versions on a page of a history unless the request says otherwise.
pub const HISTORY_COUNT_DEFAULT: u32 = 50;
/// Most versions on a page of a history; a larger `_count` is lowered to it.
pub const HISTORY_COUNT_MAX: u32 = 200;

/// FHIR's restful-interaction codes that the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InteractionKind {
    /// `read`
    Read,
    /// `vread`
    Vread,
    /// `history-instance`
    History,
    /// `search-type`
    Search,
    /// `create`
    Create,
    /// `update`
    Update,
    /// `patch`
    Patch,
    /// `delete`
    Delete,
    /// `$validate`, for what would be done: no data is touched.
    Validate(ValidateMode),
}

/// `mode` of `$validate`: what the resource is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValidateMode {
    /// It would be created.
    Create,
    /// It would replace another version.
    Update,
    /// It would be deleted.
    Delete,
}

impl InteractionKind {
    /// The FHIR code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Vread => "vread",
            Self::History => "history-instance",
            Self::Search => "search-type",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Validate(_) => "validate",
        }
    }

    /// Whether it changes data.
    pub const fn is_write(self) -> bool {
        matches!(
            self,
            Self::Create | Self::Update | Self::Patch | Self::Delete
        )
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
    /// The address and the resource name different resources.
    #[error("the resource's type and `id` must be those of the address")]
    OtherIdentity,
    /// The resource and the condition are of different types.
    #[error("the condition must search for the resource's own type")]
    OtherType,
    /// A condition that names nothing would match everything.
    #[error("a condition needs at least one search parameter")]
    EmptyCondition,
    /// `$validate` needs what it is to judge.
    #[error("there is no resource to validate")]
    NothingToValidate,
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
    /// Read the versions of one resource, the newest first.
    History {
        /// Resource type.
        resource_type: String,
        /// Logical id.
        id: String,
        /// Only versions made at or after this instant (`_since`).
        since: Option<Timestamp>,
        /// Versions on a page.
        count: u32,
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
    /// Change parts of a resource.
    Patch {
        /// Resource type.
        resource_type: String,
        /// Logical id.
        id: String,
        /// What to change.
        patch: Patch,
        /// The version it must be at (`If-Match`).
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
    /// Create unless there is a match already (`If-None-Exist`).
    ConditionalCreate {
        /// The resource.
        resource: Resource,
        /// What must match nothing.
        query: SearchQuery,
    },
    /// Replace the only match, or create if there is none.
    ConditionalUpdate {
        /// The resource.
        resource: Resource,
        /// What says which.
        query: SearchQuery,
    },
    /// Change parts of the only match.
    ConditionalPatch {
        /// What to change.
        patch: Patch,
        /// What says which.
        query: SearchQuery,
    },
    /// Delete the only match.
    ConditionalDelete {
        /// What says which.
        query: SearchQuery,
    },
    /// Judge a resource without storing it.
    Validate {
        /// Resource type.
        resource_type: String,
        /// Logical id, where one is meant.
        id: Option<String>,
        /// The resource; may be missing for a deletion.
        resource: Option<Resource>,
        /// What it would be used for.
        mode: ValidateMode,
    },
}

/// A condition that could match anything is none.
fn checked_condition(query: SearchQuery) -> Result<SearchQuery, InvalidInteraction> {
    if query.clauses().is_empty() {
        return Err(InvalidInteraction::EmptyCondition);
    }
    Ok(query)
}

fn condition_for(
    resource: &Resource,
    query: SearchQuery,
) -> Result<SearchQuery, InvalidInteraction> {
    if query.resource_type() != resource.resource_type() {
        return Err(InvalidInteraction::OtherType);
    }
    checked_condition(query)
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

    /// The versions of one resource. `count` is lowered to [`HISTORY_COUNT_MAX`].
    pub fn history(
        resource_type: &str,
        id: &str,
        since: Option<Timestamp>,
        count: Option<u32>,
    ) -> Result<Self, InvalidInteraction> {
        Ok(Self::History {
            resource_type: checked_type(resource_type)?,
            id: checked_id(id)?,
            since,
            count: count
                .unwrap_or(HISTORY_COUNT_DEFAULT)
                .clamp(1, HISTORY_COUNT_MAX),
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

    /// An update at an address: type and id of the resource must be those of the address.
    pub fn update_at(
        resource_type: &str,
        id: &str,
        resource: Resource,
        if_match: Option<&str>,
    ) -> Result<Self, InvalidInteraction> {
        let update = Self::update(resource, if_match)?;
        if update.resource_type() == resource_type && update.id() == Some(id) {
            Ok(update)
        } else {
            Err(InvalidInteraction::OtherIdentity)
        }
    }

    /// A patch.
    pub fn patch(
        resource_type: &str,
        id: &str,
        patch: Patch,
        if_match: Option<&str>,
    ) -> Result<Self, InvalidInteraction> {
        Ok(Self::Patch {
            resource_type: checked_type(resource_type)?,
            id: checked_id(id)?,
            patch,
            if_match: if_match.map(checked_id).transpose()?,
        })
    }

    /// A create unless `query` has a match.
    pub fn conditional_create(
        resource: Resource,
        query: SearchQuery,
    ) -> Result<Self, InvalidInteraction> {
        let query = condition_for(&resource, query)?;
        Ok(Self::ConditionalCreate { resource, query })
    }

    /// An update of the only match of `query`.
    pub fn conditional_update(
        resource: Resource,
        query: SearchQuery,
    ) -> Result<Self, InvalidInteraction> {
        let query = condition_for(&resource, query)?;
        Ok(Self::ConditionalUpdate { resource, query })
    }

    /// A patch of the only match of `query`.
    pub fn conditional_patch(patch: Patch, query: SearchQuery) -> Result<Self, InvalidInteraction> {
        let query = checked_condition(query)?;
        Ok(Self::ConditionalPatch { patch, query })
    }

    /// A delete of the only match of `query`.
    pub fn conditional_delete(query: SearchQuery) -> Result<Self, InvalidInteraction> {
        let query = checked_condition(query)?;
        Ok(Self::ConditionalDelete { query })
    }

    /// A judgement about a resource, which only a deletion can do without.
    pub fn validate(
        resource_type: &str,
        id: Option<&str>,
        resource: Option<Resource>,
        mode: ValidateMode,
    ) -> Result<Self, InvalidInteraction> {
        if resource.is_none() && mode != ValidateMode::Delete {
            return Err(InvalidInteraction::NothingToValidate);
        }
        let resource_type = checked_type(resource_type)?;
        let other = |resource: &Resource| resource.resource_type() != resource_type;
        if resource.as_ref().is_some_and(other) {
            return Err(InvalidInteraction::OtherIdentity);
        }
        Ok(Self::Validate {
            resource_type,
            id: id.map(checked_id).transpose()?,
            resource,
            mode,
        })
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
            Self::History { .. } => InteractionKind::History,
            Self::Search(_) => InteractionKind::Search,
            Self::Create { .. } | Self::ConditionalCreate { .. } => InteractionKind::Create,
            Self::Update { .. } | Self::ConditionalUpdate { .. } => InteractionKind::Update,
            Self::Patch { .. } | Self::ConditionalPatch { .. } => InteractionKind::Patch,
            Self::Delete { .. } | Self::ConditionalDelete { .. } => InteractionKind::Delete,
            Self::Validate { mode, .. } => InteractionKind::Validate(*mode),
        }
    }

    /// The resource type it is about.
    pub fn resource_type(&self) -> &str {
        match self {
            Self::Read { resource_type, .. }
            | Self::Vread { resource_type, .. }
            | Self::History { resource_type, .. }
            | Self::Patch { resource_type, .. }
            | Self::Delete { resource_type, .. }
            | Self::Validate { resource_type, .. } => resource_type,
            Self::Search(query)
            | Self::ConditionalPatch { query, .. }
            | Self::ConditionalDelete { query } => query.resource_type(),
            Self::Create { resource }
            | Self::Update { resource, .. }
            | Self::ConditionalCreate { resource, .. }
            | Self::ConditionalUpdate { resource, .. } => resource.resource_type(),
        }
    }

    /// The logical id it is about; a search and a create have none.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Read { id, .. }
            | Self::Vread { id, .. }
            | Self::History { id, .. }
            | Self::Patch { id, .. }
            | Self::Delete { id, .. } => Some(id),
            Self::Update { resource, .. } => resource.id(),
            Self::Validate { id, .. } => id.as_deref(),
            Self::Search(_)
            | Self::Create { .. }
            | Self::ConditionalCreate { .. }
            | Self::ConditionalUpdate { .. }
            | Self::ConditionalPatch { .. }
            | Self::ConditionalDelete { .. } => None,
        }
    }

    /// What is to be stored, for a create and an update.
    pub fn resource(&self) -> Option<&Resource> {
        match self {
            Self::Create { resource } | Self::Update { resource, .. } => Some(resource),
            _ => None,
        }
    }

    /// The version that a change of one resource must find (`If-Match`).
    pub fn if_match(&self) -> Option<&str> {
        match self {
            Self::Update { if_match, .. }
            | Self::Patch { if_match, .. }
            | Self::Delete { if_match, .. } => if_match.as_deref(),
            _ => None,
        }
    }

    /// What a search, or the condition of a conditional interaction, looks for.
    pub fn query(&self) -> Option<&SearchQuery> {
        match self {
            Self::Search(query)
            | Self::ConditionalCreate { query, .. }
            | Self::ConditionalUpdate { query, .. }
            | Self::ConditionalPatch { query, .. }
            | Self::ConditionalDelete { query } => Some(query),
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
    fn a_condition_names_something_and_searches_for_the_resources_own_type() {
        let patient = || Resource::parse(br#"{"resourceType":"Patient"}"#, Limits::RESOURCE);
        let query =
            |name: &str, pairs: &[(String, String)]| SearchQuery::parse(name, pairs).unwrap();
        let id = [("_id".to_owned(), "1".to_owned())];
        let count = [("_count".to_owned(), "1".to_owned())];
        let create = |query| Interaction::conditional_create(patient().unwrap(), query);
        assert!(create(query("Patient", &id)).is_ok());
        assert_eq!(
            create(query("Group", &id)),
            Err(InvalidInteraction::OtherType)
        );
        for empty in [&[][..], &count] {
            let empty = || query("Patient", empty);
            assert_eq!(create(empty()), Err(InvalidInteraction::EmptyCondition));
            let deleted = Interaction::conditional_delete(empty());
            assert_eq!(deleted, Err(InvalidInteraction::EmptyCondition));
        }
        assert_eq!(
            Interaction::update_at(
                "Patient",
                "b",
                Resource::parse(br#"{"resourceType":"Patient","id":"a"}"#, Limits::RESOURCE)
                    .unwrap(),
                None
            ),
            Err(InvalidInteraction::OtherIdentity)
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
