//! Why a component cannot run here, for its author.

use std::fmt;

/// What a screen app exports.
const SCREEN_EXPORT: &str = "glovebox:app/screen@0.1.0";

/// Why one import is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportProblem {
    /// No app may use it.
    NotAllowed(String),
    /// The interface exists, in another version.
    OtherVersion {
        /// As the component names it.
        import: String,
        /// What this host has.
        supported: &'static str,
    },
    /// It is not an interface; says what it is.
    NotAnInterface(String, &'static str),
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed(import) => write!(f, "imports {import}, which no app may use"),
            Self::OtherVersion { import, supported } => {
                write!(f, "imports {import}, this host has version {supported}")
            }
            Self::NotAnInterface(import, kind) => {
                write!(
                    f,
                    "imports {import} as a {kind}, only interfaces may be imported"
                )
            }
        }
    }
}

/// Why a component cannot be run here. The text is for its author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// Not WebAssembly at all.
    #[error("this is not a WebAssembly component: it begins with other bytes")]
    NotWebAssembly,
    /// A core module.
    #[error("this is a core WebAssembly module, not a component: run `glovebox app build`")]
    CoreModule,
    /// Over the limit.
    #[error("the component has {size} bytes, at most {max} are allowed")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// Not valid, or in need of a proposal that is switched off.
    #[error("the component is not valid here: {0}")]
    Invalid(String),
    /// Imports that it may not have; all of them.
    #[error("{}", list(.0))]
    Imports(Vec<ImportProblem>),
    /// An allowed interface with other functions or types.
    #[error("an imported interface has another type than this host's: {0}")]
    WrongType(String),
    /// It does not export what a screen app exports.
    #[error("the component does not export {SCREEN_EXPORT}: {0}")]
    Exports(String),
    /// It needs more memories, tables or memory from the start than a call may have.
    #[error("the component needs more from the start than a call may have: {0}")]
    Resources(String),
    /// The compiler failed.
    #[error("the component could not be compiled")]
    CompilerFailed,
}

impl PrepareError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotWebAssembly => "not-webassembly",
            Self::CoreModule => "core-module",
            Self::TooLarge { .. } => "too-large",
            Self::Invalid(_) => "invalid-component",
            Self::Imports(_) => "forbidden-import",
            Self::WrongType(_) => "import-type",
            Self::Exports(_) => "missing-export",
            Self::Resources(_) => "too-many-resources",
            Self::CompilerFailed => "compiler-failed",
        }
    }
}

fn list(problems: &[ImportProblem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// The engine or its linker cannot be built on this machine.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine cannot start: {0}")]
pub struct EngineError(String);

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self(format!("{error:#}"))
    }
}
