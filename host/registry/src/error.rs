//! Refusals, each with the next step, and failures.

use glovebox_database::RecordsError;
use glovebox_database::artifacts::ArtifactError;
use glovebox_database::fence::FenceError;
use glovebox_database::ledger::LedgerError;
use glovebox_package::PackageError;
use glovebox_runtime::PrepareError;

/// Something that should not happen.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The records failed.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The ledger cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The artifacts cannot be read or written.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// The fence cannot be moved.
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// What is stored is not readable.
    #[error("the stored record of {0} is damaged: restore it from a backup")]
    Damaged(String),
    /// A component that was checked at upload cannot be prepared any more.
    #[error("the component of {app} cannot be prepared: {problem}")]
    Prepare {
        /// App and version.
        app: String,
        /// What the runtime says.
        problem: PrepareError,
    },
}

/// Why an upload was refused. Nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum UploadRefused {
    /// The bytes are no package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The component asks for what no app gets, or is of another interface version.
    #[error(transparent)]
    Component(#[from] PrepareError),
    /// The component imports an interface that its manifest asks no scope for.
    #[error(
        "the component imports {import}, but its manifest asks for no scope that would need it; {fix}"
    )]
    ImportWithoutScope {
        /// The interface.
        import: String,
        /// What to do.
        fix: &'static str,
    },
    /// The uploader speaks for another publisher.
    #[error("the manifest names the publisher `{manifest}`, but you upload for `{uploader}`")]
    OtherPublisher {
        /// In the manifest.
        manifest: String,
        /// Of the uploader.
        uploader: String,
    },
    /// The app belongs to another publisher.
    #[error("the app `{0}` belongs to another publisher: choose another id")]
    OtherOwner(String),
    /// The version exists with other content.
    #[error(
        "version {0} exists already with other content: versions are immutable, raise the version"
    )]
    VersionExists(String),
    /// The manifest leaves no room for what is kept beside it.
    #[error("the manifest takes {bytes} bytes as it is kept, at most {max} are: shorten its texts")]
    ManifestTooLong {
        /// Bytes as kept.
        bytes: usize,
        /// Bytes allowed.
        max: usize,
    },
}

/// Why an act was refused. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActRefused {
    /// There is no such app or version.
    #[error("there is no such app or version")]
    NotFound,
    /// The version is in a stage from which the act does not lead on.
    #[error("the version is `{stage}`: {needs}")]
    WrongStage {
        /// Where it is.
        stage: &'static str,
        /// What the act needs.
        needs: &'static str,
    },
    /// The approval goes beyond the manifest.
    #[error("`{0}` is not among the scopes that the manifest asks for")]
    BeyondManifest(String),
    /// The same person twice.
    #[error("a release needs two different people: {0} has asked for it already")]
    SamePerson(String),
    /// No reason was given.
    #[error("give a reason of 1 to 500 characters")]
    NoReason,
}
