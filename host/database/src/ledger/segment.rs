//! Segment files and their names.

use std::io::{self, Read};

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};

use super::error::{Fault, LedgerError};

/// The file of segment `number`.
pub(super) fn name(number: u32) -> String {
    format!("{number:08}.ndjson")
}

/// The sidecar of segment `number`.
pub(super) fn sidecar_name(number: u32) -> String {
    format!("{number:08}.index.ndjson")
}

/// The numbers of all segments: 1, 2, … without a gap.
pub(super) fn list(dir: &Dir) -> Result<Vec<u32>, LedgerError> {
    let mut numbers = Vec::new();
    for file in dir.entries()? {
        let file = file?.file_name();
        let Some(stem) = file.to_str().and_then(|name| name.strip_suffix(".ndjson")) else {
            continue;
        };
        if let Ok(number) = stem.parse::<u32>()
            && name(number).strip_suffix(".ndjson") == Some(stem)
        {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    match (1..)
        .zip(&numbers)
        .find(|(expected, number)| expected != *number)
    {
        None => Ok(numbers),
        Some((missing, _)) => Err(LedgerError::Broken {
            segment: missing,
            line: 1,
            seq: 0,
            what: Fault::Segment,
        }),
    }
}

/// Creates a segment, for appending only. Its name is durable after [`sync_dir`].
pub(super) fn create(dir: &Dir, number: u32) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    // Names of patients and users are in it: nobody but the server's own user reads it.
    options.append(true).create_new(true).mode(0o600);
    Ok(dir.open_with(name(number), &options)?.into_std())
}

/// Opens a segment for appending.
pub(super) fn open(dir: &Dir, number: u32) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.append(true);
    Ok(dir.open_with(name(number), &options)?.into_std())
}

/// Opens a segment for reading.
pub(super) fn reader(dir: &Dir, number: u32) -> io::Result<File> {
    dir.open(name(number))
}

/// The first `bytes` of a segment, or all of it.
pub(super) fn read(dir: &Dir, number: u32, bytes: Option<u64>) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    reader(dir, number)?
        .take(bytes.unwrap_or(u64::MAX))
        .read_to_end(&mut content)?;
    Ok(content)
}

/// Cuts a segment at `bytes` and waits for the disk.
pub(super) fn truncate(dir: &Dir, number: u32, bytes: u64) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    let file = dir.open_with(name(number), &options)?;
    file.set_len(bytes)?;
    file.sync_all()
}

/// Makes created, renamed and removed names durable.
pub(super) fn sync_dir(dir: &Dir) -> io::Result<()> {
    dir.open(".")?.sync_all()
}
