//! Opening a ledger: what is on disk is compared with the anchor before anything is
//! appended.

use std::sync::Arc;

use cap_std::fs::{Dir, OpenOptions};
use glovebox_model::Clock;
use glovebox_model::ledger::{Event, Kind, Outcome, Subject};

use super::LedgerSettings;
use super::anchor::{self, Anchor};
use super::checkpoint::{Signer, is_checkpoint};
use super::error::{Fault, LedgerError};
use super::flusher::{Handle, Shared};
use super::index::{Index, Summary, read_summary};
use super::intents::Intents;
use super::line::sha256;
use super::segment;
use super::walk::{Bad, Head, walk};
use super::writer::{Stage, Writer};
use crate::Keyspace;

/// What the start found, besides a chain that holds.
#[derive(Debug, Default)]
struct Findings {
    /// Entries beyond the anchor that chain.
    kept: u64,
    /// Bytes that were dropped beyond the anchor, and their SHA-256.
    dropped: Option<(u64, String)>,
}

pub(super) async fn open(
    dir: Dir,
    anchors: Keyspace,
    signer: Signer,
    clock: Arc<dyn Clock>,
    settings: LedgerSettings,
) -> Result<Handle, LedgerError> {
    let found = anchor::read(&anchors).await?;
    let (anchor, version) = found.unzip();
    let recover = move || {
        let lock = lock(&dir)?;
        let (writer, findings) = Recovery::new(&dir, anchor)?.run()?;
        Ok::<_, LedgerError>((dir, lock, writer, findings))
    };
    let (dir, lock, writer, findings) = tokio::task::spawn_blocking(recover)
        .await
        .map_err(std::io::Error::other)??;
    let shared = Shared::new((dir, lock), anchors, signer, clock, settings, writer);
    let mut event = Event::new(Kind::LedgerStart, "open", Subject::default(), Outcome::Ok)
        .with("kept_beyond_anchor", findings.kept);
    if let Some((bytes, digest)) = findings.dropped {
        tracing::warn!(
            bytes,
            "a torn end of the ledger, beyond its anchor, was dropped"
        );
        event = event
            .with("dropped_bytes", bytes)
            .with("dropped_sha256", digest);
    }
    let started = shared.append(&event)?;
    let handle = Arc::new(shared).start(version);
    handle.shared().wait_durable(started.seq).await?;
    Ok(handle)
}

fn lock(dir: &Dir) -> Result<std::fs::File, LedgerError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    let file = dir.open_with("lock", &options)?.into_std();
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(LedgerError::InUse),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// One start's pass over the files.
struct Recovery<'a> {
    dir: &'a Dir,
    anchor: Option<Anchor>,
    anchored: Head,
    head: Head,
    sealed: Vec<Summary>,
    intents: Intents,
    since_checkpoint: u64,
    findings: Findings,
}

impl<'a> Recovery<'a> {
    fn new(dir: &'a Dir, anchor: Option<Anchor>) -> Result<Self, LedgerError> {
        let anchored = match &anchor {
            Some(anchor) => Head {
                seq: anchor.seq,
                hash: anchor.digest()?,
            },
            None => Head::START,
        };
        Ok(Self {
            dir,
            anchor,
            anchored,
            head: Head::START,
            sealed: Vec::new(),
            intents: Intents::default(),
            since_checkpoint: 0,
            findings: Findings::default(),
        })
    }

    fn run(mut self) -> Result<(Writer, Findings), LedgerError> {
        let mut numbers = segment::list(self.dir)?;
        let mut open = (Index::default(), 0);
        let mut at = 0;
        while let Some(number) = numbers.get(at).copied() {
            at += 1;
            let last = at == numbers.len();
            if !last && self.skip(number)? {
                continue;
            }
            let (index, bytes, torn) = self.segment(number)?;
            if torn {
                // what follows a torn line cannot continue it
                for later in numbers.drain(at..) {
                    self.dir.remove_file(segment::name(later))?;
                }
            }
            if at == numbers.len() {
                open = (index, bytes);
            } else {
                self.sealed.extend(index.summary(number));
                if read_summary(self.dir, number)?.is_none() {
                    index.write_sidecar(self.dir, number)?;
                }
            }
        }
        let segment = numbers.last().copied().unwrap_or(1);
        if self.head.seq < self.anchored.seq {
            let what = Fault::Cut {
                anchor: self.anchored.seq,
            };
            let line = self.head.seq + 1 - open.0.first_seq().unwrap_or(self.head.seq + 1) + 1;
            return Err(LedgerError::Broken {
                segment,
                line,
                seq: self.head.seq + 1,
                what,
            });
        }
        self.findings.kept = self.head.seq - self.anchored.seq;
        let file = match numbers.last() {
            Some(number) => segment::open(self.dir, *number)?,
            None => segment::create(self.dir, segment)?,
        };
        segment::sync_dir(self.dir)?;
        let writer = Writer {
            stage: Stage::Open,
            number: segment,
            file: Arc::new(file),
            bytes: open.1,
            head: self.head,
            index: open.0,
            sealed: self.sealed,
            rotated: Vec::new(),
            since_checkpoint: self.since_checkpoint,
            intents: self.intents,
            buffer: Vec::with_capacity(1024),
        };
        Ok((writer, self.findings))
    }

    /// Takes a sealed segment from its sidecar if it lies before both the anchor and the
    /// oldest open intent; `verify` looks at those.
    fn skip(&mut self, number: u32) -> Result<bool, LedgerError> {
        let Some(anchor) = &self.anchor else {
            return Ok(false);
        };
        let summary = match read_summary(self.dir, number)? {
            Some(summary) if number < anchor.segment && summary.last_seq < anchor.open_from => {
                summary
            }
            _ => return Ok(false),
        };
        let Some(head) = summary.head() else {
            return Ok(false);
        };
        if summary.first_seq != self.head.seq + 1 {
            let what = Fault::Sequence {
                found: summary.first_seq,
            };
            let seq = self.head.seq + 1;
            return Err(LedgerError::Broken {
                segment: number,
                line: 1,
                seq,
                what,
            });
        }
        self.head = head;
        self.sealed.push(summary);
        Ok(true)
    }

    /// Checks a segment; returns its index, where its good lines end, and whether a torn
    /// end was cut off.
    fn segment(&mut self, number: u32) -> Result<(Index, u64, bool), LedgerError> {
        let content = segment::read(self.dir, number, None)?;
        let mut index = Index::default();
        let (anchor, anchored) = (&self.anchor, self.anchored);
        let (intents, since) = (&mut self.intents, &mut self.since_checkpoint);
        let open_from = anchor.as_ref().map_or(1, |anchor| anchor.open_from);
        let walked = walk(&content, self.head, |offset, entry| {
            if anchor.is_none() && entry.kind != Kind::LedgerStart.as_str() {
                // only a start that was interrupted before its anchor leaves such a ledger
                return Err(Fault::NoAnchor);
            }
            if entry.seq == anchored.seq && entry.hash != anchored.hash {
                return Err(Fault::Anchor {
                    expected: anchored.hash,
                });
            }
            index.add_entry(offset as u64, entry);
            if entry.seq >= open_from {
                intents.replay(entry);
            }
            *since = if is_checkpoint(entry) { 0 } else { *since + 1 };
            Ok(())
        });
        self.head = walked.head;
        let Some(Bad { line, seq, what }) = walked.bad else {
            return Ok((index, walked.end as u64, false));
        };
        let rest = content.get(walked.end..).unwrap_or_default();
        // a power cut may leave a hole of zeros where the length was written first
        let torn = what == Fault::Torn || rest.contains(&0);
        if seq <= self.anchored.seq || !torn {
            return Err(LedgerError::Broken {
                segment: number,
                line,
                seq,
                what,
            });
        }
        segment::truncate(self.dir, number, walked.end as u64)?;
        self.findings.dropped = Some((rest.len() as u64, sha256(rest).to_string()));
        Ok((index, walked.end as u64, true))
    }
}
