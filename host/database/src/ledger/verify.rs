//! The offline verifier: reads every line of every segment and names the first bad entry.

use cap_std::fs::Dir;
use glovebox_model::Digest;

use super::checkpoint::{is_checkpoint, is_valid};
use super::error::{Fault, LedgerError};
use super::index::{Index, read_sidecar};
use super::segment;
use super::walk::{Bad, Head, walk};

/// How far a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Segments that were read.
    pub segments: usize,
    /// Segments that there are.
    pub segments_total: usize,
    /// Entries that hold.
    pub entries: u64,
}

/// A ledger that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Segments that were read.
    pub segments: usize,
    /// Entries, which is also the last sequence number.
    pub entries: u64,
    /// Hash of the last entry.
    pub head: Digest,
    /// Signed checkpoints, verified if a key was given.
    pub checkpoints: u64,
    /// The last entry that a checkpoint covers.
    pub covered: u64,
    /// Entries beyond the anchor: they chain, but that none is missing cannot be proved.
    pub beyond_anchor: u64,
    /// Bytes of an unfinished last line beyond the anchor, as a crash leaves it; the next
    /// start drops them and records that.
    pub torn_bytes: u64,
}

/// Verifies the ledger in `dir` against its anchor and its public key, as far as given.
///
/// # Errors
/// [`LedgerError::Broken`] with the first bad entry; [`LedgerError::Io`].
pub fn verify(
    dir: &Dir,
    anchor: Option<(u64, Digest)>,
    public_key: Option<&[u8]>,
    mut progress: impl FnMut(Progress),
) -> Result<VerifyReport, LedgerError> {
    let numbers = segment::list(dir)?;
    let segments_total = numbers.len();
    let mut head = Head::START;
    let mut report = VerifyReport {
        segments: segments_total,
        entries: 0,
        head: head.hash,
        checkpoints: 0,
        covered: 0,
        beyond_anchor: 0,
        torn_bytes: 0,
    };
    let mut end = (1, 1);
    for (position, number) in (1..).zip(numbers) {
        let content = segment::read(dir, number, None)?;
        let mut index = Index::default();
        let mut sealed = false;
        let walked = walk(&content, head, |offset, entry| {
            if let Some((seq, expected)) = anchor
                && seq == entry.seq
                && expected != entry.hash
            {
                return Err(Fault::Anchor { expected });
            }
            sealed = is_checkpoint(entry);
            if sealed {
                if public_key.is_some_and(|key| !is_valid(entry, key)) {
                    return Err(Fault::Checkpoint);
                }
                report.checkpoints += 1;
                report.covered = entry.seq - 1;
            }
            index.add_entry(offset as u64, entry);
            Ok(())
        });
        head = walked.head;
        end = (number, walked.lines + 1);
        let broken = |line, seq, what| LedgerError::Broken {
            segment: number,
            line,
            seq,
            what,
        };
        let last = position == segments_total;
        if let Some(Bad { line, seq, what }) = walked.bad {
            let provable = anchor.is_some_and(|(anchored, _)| head.seq >= anchored);
            if !(last && provable && what == Fault::Torn) {
                return Err(broken(line, seq, what));
            }
            report.torn_bytes = (content.len() - walked.end) as u64;
        }
        if !last {
            if !sealed {
                return Err(broken(walked.lines.max(1), head.seq, Fault::Unsealed));
            }
            let sidecar = read_sidecar(dir, number)?;
            if sidecar.is_some_and(|found| index.sidecar(number).is_ok_and(|made| made != found)) {
                let first = index.first_seq().unwrap_or(head.seq);
                return Err(broken(1, first, Fault::Sidecar));
            }
        }
        progress(Progress {
            segments: position,
            segments_total,
            entries: head.seq,
        });
    }
    if let Some((anchored, _)) = anchor
        && head.seq < anchored
    {
        let (segment, line) = end;
        let what = Fault::Cut { anchor: anchored };
        return Err(LedgerError::Broken {
            segment,
            line,
            seq: head.seq + 1,
            what,
        });
    }
    report.entries = head.seq;
    report.head = head.hash;
    report.beyond_anchor = head.seq - anchor.map_or(0, |(seq, _)| seq);
    Ok(report)
}
