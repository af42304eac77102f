//! Several scopes: a union.

use std::fmt;
use std::sync::Arc;

use super::cover;
use super::memo::Memo;
use super::{InvalidScope, PLAIN, ResourceScope, Scope, TOKENS_MAX};

/// The scopes of a request, a grant or a manifest, in the order given, without repeats.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ScopeSet(Arc<[Scope]>, Memo);

impl ScopeSet {
    /// Keeps the order and drops repeats.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut kept = Vec::new();
        for scope in scopes {
            if !kept.contains(&scope) {
                kept.push(scope);
            }
        }
        Self(kept.into(), Memo::default())
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

    /// What is made of the set once and looked at again and again, such as its filters,
    /// parsed. Clones share it. There is one place: what another type made is not kept.
    pub fn memo<T: Send + Sync + 'static>(&self, make: impl FnOnce(&Self) -> T) -> Arc<T> {
        self.1.get_or(|| make(self))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a plain scope such as `openid` is there.
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// Whether this set allows everything that `other` does: several of its scopes may do
    /// so together.
    pub fn covers(&self, other: &Scope) -> bool {
        match other {
            Scope::Resource(wanted) => {
                let mine: Vec<&ResourceScope> = self.resources().collect();
                cover::covers(&mine, wanted)
            }
            plain => self.contains(plain),
        }
    }

    /// Whether this set allows everything that each scope of `other` does.
    pub fn covers_all(&self, other: &Self) -> bool {
        other.iter().all(|scope| self.covers(scope))
    }

    /// The same permissions in the one spelling that equal sets share: v2 letters, joined
    /// where they can be, nothing that another scope allows already, in order.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let plain = PLAIN
            .iter()
            .map(|(_, scope)| scope)
            .filter(|scope| self.contains(scope))
            .cloned();
        let resources = cover::canonical(self.resources()).into_iter();
        let scopes = plain.chain(resources.map(Scope::Resource)).collect();
        Self(scopes, Memo::default())
    }

    /// What both sets allow: plain scopes that both have, resource scopes narrowed pairwise.
    #[must_use]
    pub fn narrow(&self, ceiling: &Self) -> Self {
        let mut narrowed = Vec::new();
        for scope in self.iter() {
            match scope {
                Scope::Resource(mine) => {
                    let pairs = ceiling.resources().filter_map(|theirs| mine.narrow(theirs));
                    pairs.for_each(|pair| add(&mut narrowed, pair));
                }
                plain if ceiling.contains(plain) => narrowed.push(plain.clone()),
                _ => {}
            }
        }
        // What is granted is kept as text: what could not be read again is not granted.
        narrowed.truncate(TOKENS_MAX);
        Self(narrowed.into(), Memo::default())
    }
}

/// Adds a scope unless one that is there says as much in so many words.
fn add(scopes: &mut Vec<Scope>, scope: ResourceScope) {
    let known = |known: &Scope| known.as_resource().is_some_and(|known| known.says(&scope));
    if !scopes.iter().any(known) {
        scopes.push(Scope::Resource(scope));
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
