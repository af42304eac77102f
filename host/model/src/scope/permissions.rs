//! The letters of a scope.

use std::fmt;

/// The five letters of a v2 scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Permissions(pub(super) u8);

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

    /// The letters of this set that `other` does not have.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

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
    pub(super) fn parse(text: &str) -> Option<Self> {
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
