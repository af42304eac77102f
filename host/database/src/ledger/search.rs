//! Finding entries, newest first.

use std::io::{self, Read, Seek, SeekFrom};

use glovebox_model::Timestamp;

use super::error::{Fault, LedgerError};
use super::flusher::Shared;
use super::index::{Dimension, Summary, read_offsets};
use super::line::{Entry, LINE_BYTES_MAX, read_line};
use super::segment;

/// Most entries that one search returns.
pub const SEARCH_MAX: usize = 10_000;

/// What to look for; `None` matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The tenant.
    pub tenant: Option<String>,
    /// The app.
    pub app: Option<String>,
    /// The patient in context.
    pub patient: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The app session.
    pub session: Option<String>,
    /// The kind, in its text form.
    pub kind: Option<String>,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// Only entries before this sequence number: the page after an entry.
    pub before_seq: Option<u64>,
    /// Most entries wanted; 0 means [`SEARCH_MAX`], which is also the most.
    pub limit: usize,
}

impl Filter {
    /// Whether an entry is looked for.
    pub fn matches(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        is(&self.tenant, entry.tenant.as_deref())
            && is(&self.app, entry.app.as_deref())
            && is(&self.patient, entry.patient.as_deref())
            && is(&self.user, entry.user.as_deref())
            && is(&self.session, entry.session.as_deref())
            && is(&self.kind, Some(&entry.kind))
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
            && self.before_seq.is_none_or(|before| entry.seq < before)
    }

    fn may_hold(&self, summary: &Summary) -> bool {
        self.before_seq
            .is_none_or(|before| summary.first_seq < before)
            && self.from.is_none_or(|from| summary.latest >= from.micros())
            && self.to.is_none_or(|to| summary.earliest < to.micros())
    }

    fn indexed(&self) -> impl Iterator<Item = (Dimension, &str)> {
        [
            (Dimension::Session, &self.session),
            (Dimension::Patient, &self.patient),
            (Dimension::App, &self.app),
            (Dimension::User, &self.user),
        ]
        .into_iter()
        .filter_map(|(dimension, name)| Some((dimension, name.as_deref()?)))
    }
}

/// Where to look in a segment.
enum Candidates {
    /// Everywhere, up to this many bytes.
    All(Option<u64>),
    /// At these offsets, ascending.
    At(Vec<u64>),
}

pub(super) fn search(shared: &Shared, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
    let limit = match filter.limit {
        0 => SEARCH_MAX,
        limit => limit.min(SEARCH_MAX),
    };
    let (open, candidates, sealed) = {
        let writer = shared.writer();
        let shortest = filter
            .indexed()
            .map(|(dimension, name)| writer.index.offsets(dimension, name))
            .min_by_key(Vec::len);
        let candidates = shortest.map_or(Candidates::All(Some(writer.bytes)), Candidates::At);
        let sealed: Vec<_> = writer
            .sealed
            .iter()
            .filter(|summary| filter.may_hold(summary))
            .map(|s| s.segment)
            .collect();
        (writer.number, candidates, sealed)
    };
    let mut found = Vec::new();
    collect(shared, open, candidates, filter, limit, &mut found)?;
    for number in sealed.into_iter().rev() {
        if found.len() >= limit {
            break;
        }
        let candidates = sealed_candidates(shared, number, filter)?;
        collect(shared, number, candidates, filter, limit, &mut found)?;
    }
    Ok(found)
}

fn sealed_candidates(shared: &Shared, number: u32, filter: &Filter) -> io::Result<Candidates> {
    let mut shortest: Option<Vec<u64>> = None;
    for (dimension, name) in filter.indexed() {
        let Some(offsets) = read_offsets(&shared.dir, number, dimension, name)? else {
            // sealed a moment ago: the sidecar comes with the next flush
            return Ok(Candidates::All(None));
        };
        if shortest
            .as_ref()
            .is_none_or(|shortest| offsets.len() < shortest.len())
        {
            shortest = Some(offsets);
        }
    }
    Ok(shortest.map_or(Candidates::All(None), Candidates::At))
}

fn collect(
    shared: &Shared,
    number: u32,
    candidates: Candidates,
    filter: &Filter,
    limit: usize,
    found: &mut Vec<Entry>,
) -> Result<(), LedgerError> {
    let mut take = |line: &[u8]| {
        let entry = read_line(line).map_err(|what| broken(number, what))?;
        if filter.matches(&entry) {
            found.push(entry);
        }
        Ok::<_, LedgerError>(found.len() >= limit)
    };
    match candidates {
        Candidates::All(bytes) => {
            let content = segment::read(&shared.dir, number, bytes)?;
            let content = content.strip_suffix(b"\n").unwrap_or(&content);
            if content.is_empty() {
                return Ok(());
            }
            for line in content.rsplit(|byte| *byte == b'\n') {
                if take(line)? {
                    break;
                }
            }
        }
        Candidates::At(offsets) if offsets.is_empty() => {}
        Candidates::At(offsets) => {
            let mut file = segment::reader(&shared.dir, number)?;
            for offset in offsets.into_iter().rev() {
                if take(&line_at(&mut file, offset)?)? {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The line that starts at `offset`, without its newline.
fn line_at(file: &mut cap_std::fs::File, offset: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut block = [0; 1024];
    file.seek(SeekFrom::Start(offset))?;
    while line.len() < LINE_BYTES_MAX {
        let read = file.read(&mut block)?;
        let block = block.get(..read).unwrap_or_default();
        match block.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                line.extend_from_slice(block.get(..end).unwrap_or_default());
                break;
            }
            None if block.is_empty() => break,
            None => line.extend_from_slice(block),
        }
    }
    Ok(line)
}

fn broken(segment: u32, what: Fault) -> LedgerError {
    // where exactly is for `verify` to say: a search does not count lines
    LedgerError::Broken {
        segment,
        line: 0,
        seq: 0,
        what,
    }
}
