//! The demo world.

/// Somebody of the demo world.
pub struct Person {
    /// What is typed at sign-in.
    pub username: &'static str,
    /// In words.
    pub role_words: &'static str,
    /// What to try as this person.
    pub can: &'static str,
}

/// Who can sign in.
pub const PEOPLE: &[Person] = &[];
