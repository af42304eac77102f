//! Opening a data directory: lock, format, durability of the directory itself.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::SledSettings;
use crate::records::RecordsError;

/// The layout of keys and values that this program reads and writes.
const FORMAT: &[u8] = b"1";
const FORMAT_KEY: &[u8] = b"meta/format";
const RECORDS_TREE: &[u8] = b"records";
/// How often sled writes and fsyncs what was committed relaxed, in milliseconds.
const FLUSH_EVERY_MS: u64 = 200;
/// How often, and how far apart, sled's own lock is tried.
const SLED_LOCK_ATTEMPTS: u32 = 50;
const SLED_LOCK_PAUSE: Duration = Duration::from_millis(20);

/// An open directory. Field order matters: sled closes before the lock is released.
pub(super) struct Opened {
    pub(super) dir: PathBuf,
    pub(super) tree: sled::Tree,
    pub(super) db: sled::Db,
    /// sled's log, opened a second time: an fsync works on the file, not the handle.
    pub(super) file: Arc<File>,
    /// Held for as long as the store is open.
    _lock: Lock,
}

/// The directory is ours. Released by name, not by closing the file: a child process
/// that was just forked holds a copy of every open file until it executes.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of the data directory was not released");
        }
    }
}

impl Opened {
    /// Everything to disk, before the directory is given free.
    pub(super) fn settle(&self) -> Result<(), RecordsError> {
        self.db.flush().map_err(RecordsError::engine)?;
        self.file.sync_all().map_err(RecordsError::engine)
    }
}

pub(super) fn open(dir: &Path, settings: &SledSettings) -> Result<Opened, RecordsError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| unreachable_dir(dir, &error))?;
    let lock = lock(dir)?;
    remove_unfinished(dir).map_err(|error| unreachable_dir(dir, &error))?;
    let db = open_sled(dir, settings)?;
    let file = Arc::new(File::open(dir.join("db")).map_err(RecordsError::engine)?);
    check_format(dir, &db)?;
    let tree = db.open_tree(RECORDS_TREE).map_err(RecordsError::engine)?;
    let opened = Opened {
        dir: dir.to_owned(),
        tree,
        db,
        file,
        _lock: lock,
    };
    opened.settle()?;
    // sled writes its settings without an fsync
    File::open(dir.join("conf"))
        .and_then(|file| file.sync_all())
        .map_err(RecordsError::engine)?;
    // the entries of the directory too, or the store may be gone after a power failure
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(RecordsError::engine)?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent)
            .and_then(|dir| dir.sync_all())
            .map_err(RecordsError::engine)?;
    }
    Ok(opened)
}

/// Opens sled, and waits a little for its lock: our own is held already, so whoever has
/// sled's is most likely on the way out (see [`Lock`]).
fn open_sled(dir: &Path, settings: &SledSettings) -> Result<sled::Db, RecordsError> {
    let config = sled::Config::new()
        .path(dir)
        .cache_capacity(settings.cache_bytes)
        .flush_every_ms(Some(FLUSH_EVERY_MS));
    let mut attempts_left = SLED_LOCK_ATTEMPTS;
    loop {
        attempts_left -= 1;
        match config.open().map_err(|error| cannot_open(dir, error)) {
            Err(RecordsError::Locked) if attempts_left > 0 => {
                std::thread::park_timeout(SLED_LOCK_PAUSE);
            }
            opened => return opened,
        }
    }
}

/// Removes what sled was writing aside when it was killed while it opened. It would
/// take a half-written `snap.*.generating` for its newest snapshot and refuse to open;
/// the snapshot before it is only removed once the new one has its final name.
fn remove_unfinished(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            tracing::warn!(file = %name, "removing a snapshot that was never finished");
            std::fs::remove_file(entry.path())?;
        }
    }
    // the settings are written before the log exists, in two steps
    let settings = dir.join("conf");
    if !dir.join("db").exists() && settings.exists() {
        std::fs::remove_file(settings)?;
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<Lock, RecordsError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(dir.join("lock"))
        .map_err(|error| unreachable_dir(dir, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(RecordsError::Locked),
        Err(TryLockError::Error(error)) => Err(RecordsError::engine(error)),
    }
}

/// A store without the key was cut off while it was created, if it is still empty.
fn check_format(dir: &Path, db: &sled::Db) -> Result<(), RecordsError> {
    match db.get(FORMAT_KEY).map_err(RecordsError::engine)? {
        Some(format) if format == FORMAT => Ok(()),
        Some(format) => Err(RecordsError::Unusable(format!(
            "the record store in {} has format {}, this program reads format {}; run the version of Glovebox that \
             wrote it, or name another data directory",
            dir.display(),
            String::from_utf8_lossy(&format),
            String::from_utf8_lossy(FORMAT),
        ))),
        None if db.is_empty() && !db.tree_names().iter().any(|name| name == RECORDS_TREE) => db
            .insert(FORMAT_KEY, FORMAT)
            .map(drop)
            .map_err(RecordsError::engine),
        None => Err(RecordsError::Unusable(format!(
            "{} holds a sled database that Glovebox did not write; name another data directory",
            dir.display(),
        ))),
    }
}

fn unreachable_dir(dir: &Path, error: &std::io::Error) -> RecordsError {
    RecordsError::Unusable(format!(
        "the data directory {} cannot be used: {error}; create it and let the user that runs Glovebox own it",
        dir.display(),
    ))
}

fn cannot_open(dir: &Path, error: sled::Error) -> RecordsError {
    match error {
        // sled words a lock that is taken as an I/O error of kind Other
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
            RecordsError::Locked
        }
        sled::Error::Io(error) => unreachable_dir(dir, &error),
        error => RecordsError::Unusable(format!(
            "the record store in {} cannot be read: {error}; move the directory aside and restore it from a backup",
            dir.display(),
        )),
    }
}
