//! One pass over a segment that checks every line and its place in the chain.

use glovebox_model::Digest;

use super::error::Fault;
use super::line::{Entry, read_line};

/// A place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The last sequence number; 0 before the first entry.
    pub(super) seq: u64,
    /// Its hash; zero before the first entry.
    pub(super) hash: Digest,
}

impl Head {
    pub(super) const START: Self = Self {
        seq: 0,
        hash: Digest::ZERO,
    };
}

/// The first line that does not hold.
#[derive(Debug)]
pub(super) struct Bad {
    /// Line in the segment, from 1.
    pub(super) line: u64,
    /// The sequence number that belongs there.
    pub(super) seq: u64,
    /// What is wrong.
    pub(super) what: Fault,
}

/// What a pass found.
#[derive(Debug)]
pub(super) struct Walked {
    /// The head after the last good line.
    pub(super) head: Head,
    /// Where the good lines end.
    pub(super) end: usize,
    /// Good lines.
    pub(super) lines: u64,
    /// The first bad line.
    pub(super) bad: Option<Bad>,
}

/// Checks the lines of `content`, which continue `head`, and hands each good one with its
/// offset to `on_entry`, which may find a fault of its own.
pub(super) fn walk(
    content: &[u8],
    head: Head,
    mut on_entry: impl FnMut(usize, &Entry) -> Result<(), Fault>,
) -> Walked {
    let mut walked = Walked {
        head,
        end: 0,
        lines: 0,
        bad: None,
    };
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let seq = walked.head.seq + 1;
        let checked = match line.strip_suffix(b"\n") {
            None => Err(Fault::Torn),
            Some(line) => check(line, walked.head),
        };
        match checked.and_then(|entry| on_entry(walked.end, &entry).map(|()| entry)) {
            Ok(entry) => {
                walked.head = Head {
                    seq,
                    hash: entry.hash,
                };
                walked.end += line.len();
                walked.lines += 1;
            }
            Err(what) => {
                walked.bad = Some(Bad {
                    line: walked.lines + 1,
                    seq,
                    what,
                });
                break;
            }
        }
    }
    walked
}

fn check(line: &[u8], head: Head) -> Result<Entry, Fault> {
    let entry = read_line(line)?;
    if entry.seq != head.seq + 1 {
        return Err(Fault::Sequence { found: entry.seq });
    }
    if entry.prev != head.hash {
        return Err(Fault::Previous);
    }
    Ok(entry)
}
