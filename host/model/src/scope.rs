//! SMART App Launch 2.2 scopes: one whole-token parser for the v1 and v2 grammars.
//!
//! A token that is not understood as a whole is refused as a whole; nothing is matched
//! by prefix (SMART App Launch 2.2, "Scopes and Launch Context").

use std::fmt;
use std::str::FromStr;

/// Longest scope token that is parsed, in bytes.
pub const TOKEN_BYTES_MAX: usize = 512;
/// Most tokens in one scope string.
pub const TOKENS_MAX: usize = 200;

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
    const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

/// The five letters of a v2 scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// Create.
    pub const CREATE: Self = Self(1);
    /// Read, vread, history of an instance.
    pub const READ: Self = Self(2);
    /// Update and patch.
    pub const UPDATE: Self = Self(4);
    /// Delete.
    pub const DELETE: Self = Self(8);
    /// Search, history of a type.
    pub const SEARCH: Self = Self(16);
    /// No letter at all.
    pub const NONE: Self = Self(0);
    /// All five letters.
    pub const ALL: Self = Self(31);

    const LETTERS: [(char, Self); 5] = [
        ('c', Self::CREATE),
        ('r', Self::READ),
        ('u', Self::UPDATE),
        ('d', Self::DELETE),
        ('s', Self::SEARCH),
    ];

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sets have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether every letter of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is no letter.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Letters in the order `cruds`, each at most once, at least one.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut found = Self::NONE;
        for (letter, permission) in Self::LETTERS {
            if let Some(after) = rest.strip_prefix(letter) {
                found = found.union(permission);
                rest = after;
            }
        }
        (rest.is_empty() && !found.is_empty()).then_some(found)
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::LETTERS
            .iter()
            .filter(|(_, permission)| self.contains(*permission))
            .try_for_each(|(letter, _)| write!(f, "{letter}"))
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
    /// Whether everything that `other` allows is allowed by this scope too. A scope with
    /// parameters covers another only if its parameters are among the other's.
    pub fn covers(&self, other: &Self) -> bool {
        self.level == other.level
            && match (&self.resource_type, &other.resource_type) {
                (TypeSelector::Any, _) => true,
                (mine, theirs) => mine == theirs,
            }
            && self.permissions.contains(other.permissions)
            && self
                .parameters
                .iter()
                .all(|parameter| other.parameters.contains(parameter))
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
        (!permissions.is_empty()).then_some(Self {
            level: self.level,
            resource_type,
            permissions,
            parameters,
            syntax,
        })
    }
}

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
        if let Some((_, scope)) = PLAIN.iter().find(|(text, _)| *text == token) {
            return Ok(scope.clone());
        }
        let scope = parse_resource(token).map(Self::Resource);
        let scope = scope.ok_or_else(|| InvalidScope::Unknown(token.to_owned()))?;
        // What is granted is stored and echoed in canonical form: that must parse again.
        if scope.to_string().len() > TOKEN_BYTES_MAX {
            return Err(InvalidScope::TooLong);
        }
        Ok(scope)
    }
}

fn parse_resource(token: &str) -> Option<ResourceScope> {
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
            .map(parse_parameter)
            .collect::<Option<_>>()?,
    };
    Some(ResourceScope {
        level,
        resource_type,
        permissions,
        parameters,
        syntax,
    })
}

fn is_type_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphabetic())
}

fn parse_parameter(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    // Modifiers (`code:not`) are refused in scopes: they would widen what a filter means.
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let value = percent_decode(value)?;
    (is_name && !value.is_empty()).then(|| (name.to_owned(), value))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    let decoded = String::from_utf8(bytes).ok()?;
    (!decoded.chars().any(char::is_control)).then_some(decoded)
}

fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b':'
            | b'/'
            | b'|'
            | b',' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
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
            write!(f, "{mark}{name}={}", percent_encode(value))?;
        }
        Ok(())
    }
}

/// The scopes of a request, a grant or a manifest, in the order given, without repeats.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ScopeSet(Vec<Scope>);

impl ScopeSet {
    /// Keeps the order and drops repeats.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut set = Self::default();
        for scope in scopes {
            if !set.0.contains(&scope) {
                set.0.push(scope);
            }
        }
        set
    }

    /// Parses a space-separated scope string (RFC 6749 section 3.3). One bad token refuses all.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        let tokens: Vec<_> = text.split(' ').filter(|token| !token.is_empty()).collect();
        if tokens.len() > TOKENS_MAX {
            return Err(InvalidScope::TooLong);
        }
        let scopes = tokens
            .into_iter()
            .map(str::parse)
            .collect::<Result<Vec<Scope>, _>>()?;
        Ok(Self::new(scopes))
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// The resource scopes in order.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceScope> {
        self.0.iter().filter_map(Scope::as_resource)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a plain scope such as `openid` is there.
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// Whether one scope of this set covers `other`.
    pub fn covers(&self, other: &Scope) -> bool {
        match other {
            Scope::Resource(wanted) => self.resources().any(|mine| mine.covers(wanted)),
            plain => self.contains(plain),
        }
    }

    /// What both sets allow: plain scopes that both have, resource scopes narrowed pairwise.
    #[must_use]
    pub fn narrow(&self, ceiling: &Self) -> Self {
        Self::new(self.0.iter().flat_map(|scope| {
            match scope {
                Scope::Resource(mine) => ceiling
                    .resources()
                    .filter_map(|theirs| mine.narrow(theirs))
                    .map(Scope::Resource)
                    .collect(),
                plain if ceiling.contains(plain) => vec![plain.clone()],
                _ => Vec::new(),
            }
        }))
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(position, scope)| {
            if position > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)
        })
    }
}

#[cfg(test)]
mod tests;
