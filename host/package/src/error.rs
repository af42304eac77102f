//! Why a package cannot be made or read. Every text says what to do next.

use std::path::PathBuf;

use glovebox_model::manifest::{BYTES_MAX, InvalidManifest, SECTION};

use crate::manifest_file::MANIFEST_FILE;
use crate::read::COMPONENT_BYTES_MAX;

/// Why a package was refused, or could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Larger than [`COMPONENT_BYTES_MAX`].
    #[error(
        "the component has {bytes} bytes, at most {COMPONENT_BYTES_MAX} are allowed; \
         build it with `glovebox app build`, which optimises for size"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A core module where a component is expected.
    #[error("this is a core module; run `glovebox app build` to make a component of it")]
    CoreModule,
    /// gzip data.
    #[error("this is gzip data; upload the component as it is")]
    Gzip,
    /// Machine code from a runtime's own cache.
    #[error("this is precompiled machine code, which is never accepted; upload the component")]
    Precompiled,
    /// The text form of WebAssembly.
    #[error(
        "this is WebAssembly text; upload the binary component that `glovebox app build` makes"
    )]
    Text,
    /// Something else altogether.
    #[error("this is not a WebAssembly component; run `glovebox app build` to make one")]
    NotWasm,
    /// It begins as a component and then goes wrong.
    #[error("the component is damaged at byte {offset}: {problem}")]
    Damaged {
        /// Where.
        offset: u64,
        /// What the parser says, cut to 200 characters.
        problem: String,
    },
    /// An import or export name over the limit.
    #[error("a name in the component has {bytes} bytes, at most {max} are allowed")]
    NameTooLong {
        /// Its length.
        bytes: usize,
        /// Allowed.
        max: usize,
    },
    /// More imports or exports than any world has.
    #[error("the component has more than {max} imports or exports")]
    TooManyNames {
        /// Allowed.
        max: usize,
    },
    /// No manifest inside.
    #[error("the component has no section `{SECTION}`; run `glovebox app build`, which embeds it")]
    NoManifest,
    /// More than one manifest inside.
    #[error("the component has more than one section `{SECTION}`; build it anew")]
    SeveralManifests,
    /// A manifest over the limit.
    #[error("the manifest has {bytes} bytes, at most {BYTES_MAX} are allowed")]
    ManifestTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The embedded manifest is not JSON of the right shape.
    #[error("the embedded manifest cannot be read: {0}; run `glovebox app build` again")]
    ManifestUnreadable(String),
    /// The embedded manifest says something impossible.
    #[error(transparent)]
    Manifest(#[from] InvalidManifest),
    /// `glovebox-app.toml` is not TOML, or has an unknown or missing key.
    #[error("{MANIFEST_FILE}: {0}")]
    ManifestSyntax(String),
    /// A value in `glovebox-app.toml` is wrong.
    #[error("{MANIFEST_FILE}, line {line}: {problem}")]
    ManifestValue {
        /// Line, from 1.
        line: usize,
        /// Which field and why.
        problem: InvalidManifest,
    },
    /// The core module cannot become a component.
    #[error(
        "the module cannot become a component: {0}; \
         does the crate depend on glovebox-sdk and call `glovebox_sdk::register!`?"
    )]
    Encode(String),
    /// The module exports nothing that the host could call.
    #[error("the module is no app: it exports nothing; call `glovebox_sdk::register!` in it")]
    ExportsNothing,
    /// A file cannot be read or written.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: std::io::Error,
    },
    /// cargo or rustc cannot be started.
    #[error("`{command}` cannot be started ({problem}); install Rust from https://rustup.rs")]
    NoCargo {
        /// What was to be run.
        command: &'static str,
        /// Why not.
        problem: std::io::Error,
    },
    /// The compilation target is missing.
    #[error(
        "the compilation target is not installed; run `rustup target add wasm32-unknown-unknown`"
    )]
    NoTarget,
    /// The folder holds no crate that can become an app.
    #[error("{}: {problem}", dir.display())]
    NotAnApp {
        /// The folder.
        dir: PathBuf,
        /// What is missing and how to add it.
        problem: String,
    },
    /// The crate does not compile; carries what cargo printed last.
    #[error("the app does not compile:\n{0}")]
    Compile(String),
}

impl PackageError {
    pub(crate) fn file(path: &std::path::Path, problem: std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            problem,
        }
    }
}
