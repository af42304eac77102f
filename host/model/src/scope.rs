//! SMART App Launch 2.2 scopes: one whole-token parser for the v1 and v2 grammars.
//!
//! A token that is not understood as a whole is refused as a whole; nothing is matched
//! by prefix (SMART App Launch 2.2, "Scopes and Launch Context").

mod cover;
mod filter;
pub mod fuzz;
mod memo;
mod parse;
mod permissions;
mod resource;
mod set;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use filter::alternatives;
pub use permissions::Permissions;
pub use resource::{Level, ResourceScope, Syntax, TypeSelector};
pub use set::ScopeSet;

/// Longest scope token that is parsed, in bytes.
pub const TOKEN_BYTES_MAX: usize = 512;
/// Most tokens in one scope string.
pub const TOKENS_MAX: usize = 200;

/// One scope token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Access to FHIR resources.
    Resource(ResourceScope),
    /// `openid`.
    OpenId,
    /// `fhirUser`.
    FhirUser,
    /// `launch`: the EHR gives the context.
    Launch,
    /// `launch/patient`.
    LaunchPatient,
    /// `launch/encounter`.
    LaunchEncounter,
    /// `offline_access`.
    OfflineAccess,
    /// `online_access`.
    OnlineAccess,
}

/// Why a token is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// Longer than [`TOKEN_BYTES_MAX`] or more than [`TOKENS_MAX`] tokens.
    #[error("the scope is longer than the server reads")]
    TooLong,
    /// Not in the grammar.
    #[error("`{0}` is not a SMART scope")]
    Unknown(String),
}

const PLAIN: [(&str, Scope); 7] = [
    ("openid", Scope::OpenId),
    ("fhirUser", Scope::FhirUser),
    ("launch", Scope::Launch),
    ("launch/patient", Scope::LaunchPatient),
    ("launch/encounter", Scope::LaunchEncounter),
    ("offline_access", Scope::OfflineAccess),
    ("online_access", Scope::OnlineAccess),
];

/// What a scope in its URI form begins with.
const URI_PREFIXES: [&str; 2] = [
    "http://smarthealthit.org/fhir/scopes/",
    "http://openid.net/specs/openid-connect-core-1_0#",
];

impl Scope {
    /// The resource scope, if it is one.
    pub fn as_resource(&self) -> Option<&ResourceScope> {
        match self {
            Self::Resource(scope) => Some(scope),
            _ => None,
        }
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;
    fn from_str(token: &str) -> Result<Self, InvalidScope> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(InvalidScope::TooLong);
        }
        // Characters of a scope token (RFC 6749 section 3.3).
        let is_token = token
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if !is_token {
            return Err(InvalidScope::Unknown(token.to_owned()));
        }
        if let Some((_, scope)) = PLAIN.iter().find(|(text, _)| *text == token) {
            return Ok(scope.clone());
        }
        // The URI form (SMART App Launch 2.2, "Scopes for requesting FHIR resources",
        // appendix) names the same scope.
        let plain = URI_PREFIXES
            .iter()
            .find_map(|prefix| token.strip_prefix(prefix));
        if let Some(plain) = plain
            && let Some((_, scope)) = PLAIN.iter().find(|(text, _)| *text == plain)
        {
            return Ok(scope.clone());
        }
        let scope = parse::parse_resource(plain.unwrap_or(token))
            .ok_or_else(|| InvalidScope::Unknown(token.to_owned()))?;
        // What is granted is kept and echoed as it prints: that must parse again.
        if !scope.is_within_bounds() {
            return Err(InvalidScope::TooLong);
        }
        Ok(Self::Resource(scope))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(scope) => scope.fmt(f),
            plain => PLAIN
                .iter()
                .find(|(_, scope)| scope == plain)
                .map_or(Ok(()), |(text, _)| f.write_str(text)),
        }
    }
}
