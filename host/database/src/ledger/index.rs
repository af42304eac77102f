//! Which apps, patients, users and sessions appear in a segment, and where. Kept in memory
//! for the segment that is written, in a sidecar file for sealed ones. A sidecar is
//! derived from its segment: it can be made again, and `verify` compares the two.
//!
//! The file is JSON lines too: a summary, then one line per name, such as
//! `["app","lab-viewer",[0,412]]`, so that a search reads one short line of it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};

use cap_std::fs::Dir;
use glovebox_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use super::line::Entry;
use super::segment;
use super::walk::Head;

/// What an index is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dimension {
    App,
    Patient,
    User,
    Session,
}

impl Dimension {
    const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Patient => "patient",
            Self::User => "user",
            Self::Session => "session",
        }
    }
}

/// What a segment holds, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) segment: u32,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
    /// Earliest and latest instant, in microseconds: a clock may have been set back.
    pub(super) earliest: i64,
    pub(super) latest: i64,
    /// Hash of the last entry.
    pub(super) head: String,
}

impl Summary {
    /// The chain's head at the end of the segment.
    pub(super) fn head(&self) -> Option<Head> {
        Some(Head {
            seq: self.last_seq,
            hash: Digest::parse(&self.head)?,
        })
    }
}

/// The index of one segment, as it grows.
#[derive(Debug, Default)]
pub(super) struct Index {
    first_seq: Option<u64>,
    last: Option<(u64, Digest)>,
    span: Option<(Timestamp, Timestamp)>,
    names: BTreeMap<Dimension, BTreeMap<String, Vec<u64>>>,
}

impl Index {
    /// Notes an entry that starts at `offset`.
    pub(super) fn add(
        &mut self,
        offset: u64,
        (seq, hash, at): (u64, Digest, Timestamp),
        names: [(Dimension, Option<&str>); 4],
    ) {
        self.first_seq.get_or_insert(seq);
        self.last = Some((seq, hash));
        let (earliest, latest) = self.span.unwrap_or((at, at));
        self.span = Some((earliest.min(at), latest.max(at)));
        for (dimension, name) in names {
            let Some(name) = name else { continue };
            let names = self.names.entry(dimension).or_default();
            match names.get_mut(name) {
                Some(offsets) => offsets.push(offset),
                None => {
                    names.insert(name.to_owned(), vec![offset]);
                }
            }
        }
    }

    /// Notes a stored entry.
    pub(super) fn add_entry(&mut self, offset: u64, entry: &Entry) {
        self.add(
            offset,
            (entry.seq, entry.hash, entry.at),
            [
                (Dimension::App, entry.app.as_deref()),
                (Dimension::Patient, entry.patient.as_deref()),
                (Dimension::User, entry.user.as_deref()),
                (Dimension::Session, entry.session.as_deref()),
            ],
        );
    }

    /// Offsets of the entries about `name`.
    pub(super) fn offsets(&self, dimension: Dimension, name: &str) -> Vec<u64> {
        self.names
            .get(&dimension)
            .and_then(|names| names.get(name))
            .cloned()
            .unwrap_or_default()
    }

    /// The first sequence number, if there is an entry.
    pub(super) fn first_seq(&self) -> Option<u64> {
        self.first_seq
    }

    /// The earliest instant, if there is an entry.
    pub(super) fn earliest(&self) -> Option<Timestamp> {
        self.span.map(|(earliest, _)| earliest)
    }

    /// The summary, unless there is no entry.
    pub(super) fn summary(&self, segment: u32) -> Option<Summary> {
        let (last_seq, head) = self.last?;
        let (earliest, latest) = self.span?;
        Some(Summary {
            segment,
            first_seq: self.first_seq?,
            last_seq,
            earliest: earliest.micros(),
            latest: latest.micros(),
            head: head.to_string(),
        })
    }

    /// The sidecar's content.
    pub(super) fn sidecar(&self, segment: u32) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        serde_json::to_writer(&mut content, &self.summary(segment))?;
        content.push(b'\n');
        for (dimension, names) in &self.names {
            for (name, offsets) in names {
                serde_json::to_writer(&mut content, &(dimension.as_str(), name, offsets))?;
                content.push(b'\n');
            }
        }
        Ok(content)
    }

    /// Writes the sidecar beside its segment, whole or not at all.
    pub(super) fn write_sidecar(&self, dir: &Dir, number: u32) -> io::Result<()> {
        let name = segment::sidecar_name(number);
        let partial = format!("{name}.partial");
        let mut file = dir.create(&partial)?;
        file.write_all(&self.sidecar(number)?)?;
        file.sync_all()?;
        dir.rename(&partial, dir, &name)
    }
}

/// The summary of a sealed segment, unless its sidecar is missing or unreadable.
pub(super) fn read_summary(dir: &Dir, number: u32) -> io::Result<Option<Summary>> {
    let Some(file) = open(dir, number)? else {
        return Ok(None);
    };
    let mut line = String::new();
    BufReader::new(file).read_line(&mut line)?;
    let summary: Option<Summary> = serde_json::from_str(&line).ok();
    Ok(summary.filter(|summary| summary.segment == number && summary.head().is_some()))
}

/// Offsets of the entries about `name` in a sealed segment; `None` without a sidecar.
pub(super) fn read_offsets(
    dir: &Dir,
    number: u32,
    dimension: Dimension,
    name: &str,
) -> io::Result<Option<Vec<u64>>> {
    let Some(file) = open(dir, number)? else {
        return Ok(None);
    };
    let mut wanted = serde_json::to_string(&(dimension.as_str(), name))?;
    wanted.pop();
    wanted.push(',');
    for line in BufReader::new(file).lines() {
        let line = line?;
        if line.starts_with(&wanted) {
            let (_, _, offsets): (String, String, Vec<u64>) = serde_json::from_str(&line)?;
            return Ok(Some(offsets));
        }
    }
    Ok(Some(Vec::new()))
}

/// The whole sidecar, if there is one.
pub(super) fn read_sidecar(dir: &Dir, number: u32) -> io::Result<Option<Vec<u8>>> {
    match dir.read(segment::sidecar_name(number)) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn open(dir: &Dir, number: u32) -> io::Result<Option<cap_std::fs::File>> {
    match dir.open(segment::sidecar_name(number)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
