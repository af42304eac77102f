//! How commands end.

use std::fmt;

use crate::config::SettingsError;
use crate::services::StartError;
use glovebox_database::ledger::LedgerError;
use glovebox_database::{RecordsError, VaultError};
use glovebox_package::PackageError;

/// A command that ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// As asked.
    Yes,
    /// The answer is no, and was printed.
    No,
}

/// A command that did not: what is wrong and the next step, for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    is_answer: bool,
}

impl Failure {
    /// A usage error or a fault.
    pub(crate) fn fault(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_answer: false,
        }
    }

    /// The answer is no.
    pub(crate) fn no(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            is_answer: true,
        }
    }

    /// A file or folder that cannot be used.
    pub(crate) fn file(path: &std::path::Path, problem: &std::io::Error) -> Self {
        let next = match problem.kind() {
            std::io::ErrorKind::NotFound => "; check the path",
            std::io::ErrorKind::PermissionDenied => "; check who may read and write it",
            std::io::ErrorKind::StorageFull => "; make room on the disk",
            _ => "",
        };
        Self::fault(format!("{}: {problem}{next}", path.display()))
    }

    /// 1 if the answer is no, 2 otherwise.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.is_answer { 1 } else { 2 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Whether a server holds this data directory.
pub(crate) fn is_locked(problem: &StartError) -> bool {
    matches!(
        problem,
        StartError::Records(RecordsError::Locked)
            | StartError::Ledger(LedgerError::InUse | LedgerError::Records(RecordsError::Locked))
            | StartError::Vault(VaultError::Records(RecordsError::Locked))
    )
}

impl From<StartError> for Failure {
    fn from(problem: StartError) -> Self {
        if is_locked(&problem) {
            return Self::fault(format!(
                "{problem}: stop that server first, or name another directory with --data"
            ));
        }
        Self::fault(problem.to_string())
    }
}

impl From<SettingsError> for Failure {
    fn from(problem: SettingsError) -> Self {
        Self::fault(problem.to_string())
    }
}

impl From<PackageError> for Failure {
    fn from(problem: PackageError) -> Self {
        match problem {
            PackageError::File { .. } | PackageError::NoCargo { .. } | PackageError::NoTarget => {
                Self::fault(problem.to_string())
            }
            _ => Self::no(problem.to_string()),
        }
    }
}

impl From<glovebox_authorization::Error> for Failure {
    fn from(problem: glovebox_authorization::Error) -> Self {
        Self::fault(problem.to_string())
    }
}

impl From<RecordsError> for Failure {
    fn from(problem: RecordsError) -> Self {
        Self::fault(problem.to_string())
    }
}

impl From<LedgerError> for Failure {
    fn from(problem: LedgerError) -> Self {
        Self::fault(problem.to_string())
    }
}
