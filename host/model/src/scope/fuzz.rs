//! The body of the fuzz target `scope`, a plain function, so that tests run it too.

use super::{Scope, ScopeSet};

/// Reads a scope string and checks what must hold for whatever was read.
///
/// # Panics
/// If the grammar breaks a promise: printing and reading are inverse, a set covers its own
/// scopes, and its canonical form says the same and is its own canonical form.
pub fn scopes(text: &str) {
    let Ok(scopes) = ScopeSet::parse(text) else {
        return;
    };
    let printed = scopes.to_string();
    assert_eq!(ScopeSet::parse(&printed).as_ref(), Ok(&scopes));
    assert!(scopes.iter().all(|scope| scopes.covers(scope)));
    let tokens: Vec<Result<Scope, _>> = printed.split(' ').map(str::parse).collect();
    assert!(printed.is_empty() || tokens.iter().all(Result::is_ok));
    // Terms are compared pairwise: bounded here, so that one input stays quick.
    if scopes.iter().count() <= 20 {
        let canonical = scopes.canonical();
        assert!(canonical.covers_all(&scopes) && scopes.covers_all(&canonical));
        assert_eq!(canonical.canonical(), canonical);
    }
}
