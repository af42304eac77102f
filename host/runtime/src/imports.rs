//! What a component may import, one file per interface. Each host function begins with
//! [`crate::state::CallState::enter`], which checks that the call is still alive and
//! counts it.

mod clock;
pub(crate) mod cursor;
pub(crate) mod fault;
mod launch;
mod log;
mod read;
mod storage;
mod write;

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::{ScreenApp, ViewTypesHost};
use crate::state::CallState;

/// An interface that an app may import, and what that lets it do, in words.
pub(crate) struct Allowed {
    /// Without the version.
    pub(crate) name: &'static str,
    /// The version that this host speaks.
    pub(crate) version: &'static str,
    /// For the review desk; empty for interfaces that only hold types.
    pub(crate) words: &'static str,
}

/// The whole list. What is not here does not link.
pub(crate) const ALLOWED: [Allowed; 8] = [
    allowed(
        "glovebox:host/launch",
        "learns for which patient and user it was opened",
    ),
    allowed("glovebox:host/clock", "reads the time, to the second"),
    allowed(
        "glovebox:host/log",
        "writes log lines that stay in the hospital",
    ),
    allowed(
        "glovebox:host/storage",
        "keeps small private state, if approved",
    ),
    allowed("glovebox:fhir/types", ""),
    allowed(
        "glovebox:fhir/read",
        "reads what its granted scopes allow of the record",
    ),
    allowed(
        "glovebox:fhir/write",
        "changes what its granted scopes allow of the record",
    ),
    allowed("glovebox:view/types", ""),
];

const fn allowed(name: &'static str, words: &'static str) -> Allowed {
    Allowed {
        name,
        version: "0.1.0",
        words,
    }
}

/// The view package holds types only.
impl ViewTypesHost for CallState {}

/// A linker with exactly these imports and nothing else: no WASI.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    ScreenApp::add_to_linker::<_, HasSelf<CallState>>(&mut linker, |state| state)?;
    Ok(linker)
}

#[cfg(test)]
mod tests;
