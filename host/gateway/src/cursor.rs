//! Where a search goes on: sealed, and bound to the session and the query.

/// A position in a search, for the session that made it. In memory only; what leaves the
/// host is the sealed text of [`crate::Gateway::seal_cursor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Resource type searched.
    pub(crate) resource_type: String,
    /// The search parameters, in the order given.
    pub(crate) parameters: Vec<(String, String)>,
    /// The last match that was given out, as the store orders them.
    pub(crate) after: Vec<u8>,
}

impl Cursor {
    /// The resource type that is searched.
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }
}

/// To whom a sealed cursor belongs: a session and component digest, or a client and token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorBinding(pub String);
