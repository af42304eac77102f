//! The grammar of resource scopes, read as a whole or not at all.

use super::filter;
use super::{Level, Permissions, ResourceScope, Syntax, TypeSelector};

/// Reads `patient/Observation.rs?category=laboratory`.
pub(super) fn parse_resource(token: &str) -> Option<ResourceScope> {
    let (level, rest) = token.split_once('/')?;
    let level = [Level::Patient, Level::User, Level::System]
        .into_iter()
        .find(|l| l.as_str() == level)?;
    let (head, query) = match rest.split_once('?') {
        Some((head, query)) => (head, Some(query)),
        None => (rest, None),
    };
    let (resource_type, access) = head.split_once('.')?;
    let resource_type = match resource_type {
        "*" => TypeSelector::Any,
        name if is_type_name(name) => TypeSelector::Named(name.to_owned()),
        _ => return None,
    };
    let (permissions, syntax) = match access {
        "read" => (Permissions::READ.union(Permissions::SEARCH), Syntax::V1),
        "write" => (
            Permissions::CREATE
                .union(Permissions::UPDATE)
                .union(Permissions::DELETE),
            Syntax::V1,
        ),
        "*" => (Permissions::ALL, Syntax::V1),
        letters => (Permissions::parse(letters)?, Syntax::V2),
    };
    let parameters = match query {
        None => Vec::new(),
        // Parameters exist in the v2 grammar only.
        Some(_) if syntax == Syntax::V1 => return None,
        Some(query) => query
            .split('&')
            .map(filter::parse_parameter)
            .collect::<Option<_>>()?,
    };
    // `category` means another thing in each type: a filter over all types may only use
    // what all types have.
    let is_fine = resource_type != TypeSelector::Any
        || parameters
            .iter()
            .all(|(name, _)| filter::is_common_parameter(name));
    let scope = ResourceScope {
        level,
        resource_type,
        permissions,
        parameters,
        syntax,
    };
    is_fine.then_some(scope)
}

fn is_type_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphabetic())
}
