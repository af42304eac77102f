//! The data directory: its layout has a version, and one of another version is not touched.

use std::path::{Path, PathBuf};

use super::StartError;

/// What stands in the file `format`.
const FORMAT: &str = "glovebox data 1\n";

/// A data directory of the present layout.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// Opens a directory, or makes a new one where there is none or an empty one.
    pub fn open(path: &Path) -> Result<Self, StartError> {
        let io = |source| StartError::Io {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(path).map_err(io)?;
        let format = path.join("format");
        match std::fs::read_to_string(&format) {
            Ok(text) if text == FORMAT => {}
            Ok(text) => {
                return Err(StartError::OtherFormat {
                    path: path.to_owned(),
                    found: text.trim().chars().take(60).collect(),
                });
            }
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => {
                // The demo's own files may stand there before the first start.
                let foreign = std::fs::read_dir(path)
                    .map_err(io)?
                    .filter_map(Result::ok)
                    .any(|entry| entry.file_name() != "demo.json");
                if foreign {
                    return Err(StartError::NotOurs(path.to_owned()));
                }
                restrict(path).map_err(io)?;
                std::fs::write(&format, FORMAT).map_err(io)?;
            }
            Err(problem) => return Err(io(problem)),
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// A folder of it, made if it is missing.
    pub fn path(&self, name: &str) -> Result<PathBuf, StartError> {
        let path = self.path.join(name);
        match std::fs::create_dir_all(&path).and_then(|()| restrict(&path)) {
            Ok(()) => Ok(path),
            Err(source) => Err(StartError::Io { path, source }),
        }
    }
}

/// Only the account that runs the server may look inside.
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_another_version_or_with_other_files_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        DataDir::open(dir.path()).unwrap();
        DataDir::open(dir.path()).unwrap();
        std::fs::write(dir.path().join("format"), "glovebox data 9\n").unwrap();
        assert!(matches!(
            DataDir::open(dir.path()),
            Err(StartError::OtherFormat { .. })
        ));

        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join("thesis.doc"), "x").unwrap();
        assert!(matches!(
            DataDir::open(other.path()),
            Err(StartError::NotOurs(_))
        ));
        assert!(!other.path().join("format").exists());
    }
}
