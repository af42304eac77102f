//! Immutable bytes, named by their SHA-256: components, sealed evidence, anything too
//! large for a record.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use aws_lc_rs::digest as sha2;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use glovebox_model::Digest;

/// Largest artifact, in bytes.
pub const ARTIFACT_BYTES_MAX: u64 = 64 << 20;
/// How names of files that are still being written begin.
const UNFINISHED: &str = ".unfinished-";

/// What can go wrong with artifacts.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The bytes on disk are not the ones that were stored.
    #[error(
        "the artifact {expected} is damaged: its bytes have the digest {found}; restore it from a \
         backup or upload it again"
    )]
    Damaged {
        /// The name it is stored under.
        expected: Digest,
        /// What its bytes say.
        found: Digest,
    },
    /// Over [`ARTIFACT_BYTES_MAX`].
    #[error("an artifact has {size} bytes, at most {ARTIFACT_BYTES_MAX} are allowed")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// The disk refused.
    #[error("the artifact store failed: {0}")]
    Io(#[from] std::io::Error),
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

/// The SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    let mut digest = [0; 32];
    // SHA-256 has 32 bytes, so the zip copies all of them
    for (to, from) in digest
        .iter_mut()
        .zip(sha2::digest(&sha2::SHA256, bytes).as_ref())
    {
        *to = *from;
    }
    Digest::from_bytes(digest)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(interrupted) => Err(ArtifactError::Io(std::io::Error::other(interrupted))),
    }
}

/// A directory of artifacts. Methods block, but for [`Artifacts::keep`] and
/// [`Artifacts::fetch`]: call them off the executor. Clones share it.
#[derive(Clone)]
pub struct Artifacts {
    dir: Arc<Dir>,
}

impl Artifacts {
    /// Takes a directory, and removes what a crash left unfinished in it.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn open(dir: Dir) -> Result<Self, ArtifactError> {
        for entry in dir.entries()? {
            let name = entry?.file_name();
            if name.to_string_lossy().starts_with(UNFINISHED) {
                dir.remove_file(&name)?;
            }
        }
        Ok(Self { dir: Arc::new(dir) })
    }

    /// [`Artifacts::put`] off the executor.
    ///
    /// # Errors
    /// Those of [`Artifacts::put`].
    pub async fn keep(&self, bytes: Vec<u8>) -> Result<Digest, ArtifactError> {
        let artifacts = self.clone();
        blocking(move || artifacts.put(&bytes)).await
    }

    /// [`Artifacts::get`] off the executor.
    ///
    /// # Errors
    /// Those of [`Artifacts::get`].
    pub async fn fetch(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ArtifactError> {
        let (artifacts, digest) = (self.clone(), *digest);
        blocking(move || artifacts.get(&digest)).await
    }

    /// Stores bytes and returns their digest once they are on disk. Storing the same
    /// bytes again changes nothing, and mends what was damaged.
    ///
    /// # Errors
    /// [`ArtifactError::TooLarge`], or the disk.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, ArtifactError> {
        check_size(bytes.len().try_into().unwrap_or(u64::MAX))?;
        let digest = sha256(bytes);
        if matches!(self.get(&digest), Ok(Some(_))) {
            return Ok(digest);
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(ArtifactError::Random)?;
        let unfinished = format!("{UNFINISHED}{:032x}", u128::from_be_bytes(random));
        let written = self.write(&unfinished, bytes).and_then(|()| {
            self.dir
                .rename(&unfinished, &self.dir, digest.to_string())?;
            self.sync()
        });
        if let Err(error) = written {
            // the file may not even exist; what counts is the first error
            let _ = self.dir.remove_file(&unfinished);
            return Err(error.into());
        }
        Ok(digest)
    }

    /// The bytes of a digest, hashed again on the way; `None` if there are none.
    ///
    /// # Errors
    /// [`ArtifactError::Damaged`] if they are not the bytes that were stored.
    pub fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>, ArtifactError> {
        let file = match self.dir.open(digest.to_string()) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let size = file.metadata()?.len();
        check_size(size)?;
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.take(ARTIFACT_BYTES_MAX).read_to_end(&mut bytes)?;
        match sha256(&bytes) {
            found if found == *digest => Ok(Some(bytes)),
            found => Err(ArtifactError::Damaged {
                expected: *digest,
                found,
            }),
        }
    }

    /// Removes an artifact; whether there was one.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn remove(&self, digest: &Digest) -> Result<bool, ArtifactError> {
        match self.dir.remove_file(digest.to_string()) {
            Ok(()) => {
                self.sync()?;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let options = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .to_owned();
        let mut file = self.dir.open_with(name, &options)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Makes names durable: a rename is on disk only after an fsync of its directory.
    fn sync(&self) -> std::io::Result<()> {
        self.dir.open(".")?.sync_all()
    }
}

fn check_size(size: u64) -> Result<(), ArtifactError> {
    if size <= ARTIFACT_BYTES_MAX {
        Ok(())
    } else {
        Err(ArtifactError::TooLarge { size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Artifacts) {
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(temp.path(), cap_std::ambient_authority()).unwrap();
        let artifacts = Artifacts::open(dir).unwrap();
        (temp, artifacts)
    }

    #[test]
    fn the_digest_is_sha_256() {
        assert_eq!(
            sha256(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_was_put_comes_back_until_it_is_removed() {
        let (temp, artifacts) = store();
        let digest = artifacts.put(b"component").unwrap();
        assert_eq!(artifacts.put(b"component").unwrap(), digest);
        assert_eq!(
            artifacts.get(&digest).unwrap().as_deref(),
            Some(&b"component"[..])
        );
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
        assert!(artifacts.remove(&digest).unwrap());
        assert!(!artifacts.remove(&digest).unwrap());
        assert_eq!(artifacts.get(&digest).unwrap(), None);
    }

    #[test]
    fn only_the_owner_can_read_an_artifact() {
        use std::os::unix::fs::PermissionsExt;
        let (temp, artifacts) = store();
        let digest = artifacts.put(b"component").unwrap();
        let mode = std::fs::metadata(temp.path().join(digest.to_string()))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_flipped_bit_is_an_error_that_names_the_digest_and_putting_again_mends_it() {
        let (temp, artifacts) = store();
        let digest = artifacts.put(b"component").unwrap();
        std::fs::write(temp.path().join(digest.to_string()), b"componenu").unwrap();
        let error = artifacts.get(&digest).unwrap_err();
        assert!(matches!(error, ArtifactError::Damaged { .. }));
        assert!(error.to_string().contains(&digest.to_string()));
        artifacts.put(b"component").unwrap();
        assert!(artifacts.get(&digest).unwrap().is_some());
    }

    #[test]
    fn what_a_crash_left_unfinished_is_removed_at_start() {
        let (temp, artifacts) = store();
        artifacts.put(b"kept").unwrap();
        std::fs::write(temp.path().join(format!("{UNFINISHED}1")), b"half").unwrap();
        let dir = Dir::open_ambient_dir(temp.path(), cap_std::ambient_authority()).unwrap();
        let reopened = Artifacts::open(dir).unwrap();
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
        assert!(reopened.get(&sha256(b"kept")).unwrap().is_some());
    }

    #[test]
    fn an_artifact_over_the_limit_is_refused() {
        let (_temp, artifacts) = store();
        let bytes = vec![0; usize::try_from(ARTIFACT_BYTES_MAX).unwrap() + 1];
        assert!(matches!(
            artifacts.put(&bytes),
            Err(ArtifactError::TooLarge { .. })
        ));
    }
}
