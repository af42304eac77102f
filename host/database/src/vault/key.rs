//! The key-encryption key: 32 random bytes in a file of their own.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::VaultError;

/// Length of the key, in bytes: AES-256.
const KEY_BYTES: usize = 32;

/// The key under which everything in the vault is sealed. Whoever loses it loses the
/// vault; whoever copies it together with the database has everything.
pub struct KeyEncryptionKey(Zeroizing<[u8; KEY_BYTES]>);

impl KeyEncryptionKey {
    /// Reads the key, or makes one (readable by its owner alone) where there is no file.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`] if others may read the file, it is not a key, or the
    /// disk refuses.
    pub fn load_or_create(path: &Path) -> Result<Self, VaultError> {
        match Self::load(path)? {
            Some(key) => Ok(key),
            None => {
                create(path).map_err(|error| refused(path, &error))?;
                // also where another process was faster: what is in the file counts
                Self::load(path)?.ok_or_else(|| {
                    VaultError::KeyFile(format!(
                        "the key file {} has vanished while it was made; start again",
                        path.display()
                    ))
                })
            }
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn load(path: &Path) -> Result<Option<Self>, VaultError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(path, &error)),
        };
        let mode = file
            .metadata()
            .map_err(|error| refused(path, &error))?
            .mode()
            & 0o777;
        if mode & 0o077 != 0 {
            return Err(VaultError::KeyFile(format!(
                "the key file {0} can be read by others (mode {mode:o}); run `chmod 600 {0}`",
                path.display(),
            )));
        }
        // one byte more than allowed, so that a file too long is seen
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES + 1));
        file.take(KEY_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| refused(path, &error))?;
        match <[u8; KEY_BYTES]>::try_from(bytes.as_slice()) {
            Ok(key) => Ok(Some(Self(Zeroizing::new(key)))),
            Err(_) => Err(VaultError::KeyFile(format!(
                "{} is not a key file: it does not have {KEY_BYTES} bytes; restore it from a backup",
                path.display(),
            ))),
        }
    }
}

/// Writes the key aside and links it into place, so that nobody ever sees half a key
/// and none is overwritten.
fn create(path: &Path) -> std::io::Result<()> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice())?;
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)?;
    file.write_all(key.as_slice())?;
    file.sync_all()?;
    let linked = match std::fs::hard_link(&aside, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    };
    std::fs::remove_file(&aside)?;
    linked?;
    match path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn refused(path: &Path, error: &std::io::Error) -> VaultError {
    VaultError::KeyFile(format!(
        "the key file {} cannot be used: {error}; check the path and its owner",
        path.display()
    ))
}
