//! Runs apps as WebAssembly components: the engine and its limits, what a component may
//! import, kill, and screen sessions. The only crate that links wasmtime.
//!
//! One call into a guest is one fresh store. Nothing of a guest survives it but the state
//! that it hands back, and nothing reaches a guest but through [`imports`].
#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod bindings;
mod call;
mod code_cache;
mod engine;
mod error;
mod imports;
mod limiter;
mod logs;
mod permits;
mod prepare;
#[cfg(feature = "test-util")]
#[doc(hidden)]
pub mod probe;
mod running;
mod runtime;
mod screen_json;
mod screens;
mod settings;
mod state;
mod stop;
mod trap;
mod usage;
mod wire;

#[cfg(test)]
mod guest;
#[cfg(test)]
mod house;

pub use code_cache::CodeCache;
pub use error::RunError;
pub use logs::{LogLevel, LogLine};
pub use prepare::{EngineError, Import, ImportProblem, PrepareError, Prepared, Preparer};
pub use running::{RunningCall, Target};
pub use runtime::{Runtime, RuntimeError, RuntimeParts};
pub use screen_json::screen_json;
pub use screens::{ScreenInput, ScreenLaunch, Screens, SessionInfo, SessionsPage, Shown};
pub use settings::RuntimeSettings;
pub use usage::Usage;
