//! What is under the ledger's mutex: the open segment and the head of the chain.

use std::io::Write;
use std::sync::Arc;

use cap_std::fs::Dir;
use glovebox_model::Timestamp;
use glovebox_model::ledger::Event;

use super::checkpoint::Signer;
use super::error::LedgerError;
use super::index::{Dimension, Index, Summary};
use super::intents::Intents;
use super::line::write_line;
use super::segment;
use super::walk::Head;
use super::{Appended, LedgerSettings};

/// Whether entries are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    Poisoned(String),
    Closed,
}

/// A segment that was sealed but is not on disk yet.
pub(super) struct Rotated {
    pub(super) number: u32,
    pub(super) file: Arc<std::fs::File>,
    pub(super) index: Index,
}

/// The end of the chain.
pub(super) struct Writer {
    pub(super) stage: Stage,
    pub(super) number: u32,
    pub(super) file: Arc<std::fs::File>,
    pub(super) bytes: u64,
    pub(super) head: Head,
    pub(super) index: Index,
    pub(super) sealed: Vec<Summary>,
    pub(super) rotated: Vec<Rotated>,
    pub(super) since_checkpoint: u64,
    pub(super) intents: Intents,
    pub(super) buffer: Vec<u8>,
}

impl Writer {
    /// Appends an entry, sealing the segment first if it is full.
    pub(super) fn append(
        &mut self,
        dir: &Dir,
        signer: &Signer,
        settings: &LedgerSettings,
        at: Timestamp,
        event: &Event,
    ) -> Result<Appended, LedgerError> {
        match &self.stage {
            Stage::Open => {}
            Stage::Poisoned(why) => return Err(LedgerError::Poisoned(why.clone())),
            Stage::Closed => return Err(LedgerError::Closed),
        }
        if self.bytes >= settings.segment_bytes_max {
            self.rotate(dir, signer, at)?;
        }
        let appended = self.push(at, event)?;
        if self.since_checkpoint >= settings.checkpoint_every {
            self.checkpoint(signer, at)?;
        }
        Ok(appended)
    }

    /// Signs the chain so far.
    pub(super) fn checkpoint(&mut self, signer: &Signer, at: Timestamp) -> Result<(), LedgerError> {
        let event = signer.event(self.head.seq, self.head.hash, at);
        self.push(at, &event)?;
        self.since_checkpoint = 0;
        Ok(())
    }

    /// Seals the segment with a checkpoint and begins the next one.
    pub(super) fn rotate(
        &mut self,
        dir: &Dir,
        signer: &Signer,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        self.checkpoint(signer, at)?;
        let next = self.number + 1;
        let file = match segment::create(dir, next) {
            Ok(file) => Arc::new(file),
            Err(error) => return Err(self.poison(error.to_string())),
        };
        let index = std::mem::take(&mut self.index);
        self.sealed.extend(index.summary(self.number));
        let file = std::mem::replace(&mut self.file, file);
        self.rotated.push(Rotated {
            number: self.number,
            file,
            index,
        });
        self.number = next;
        self.bytes = 0;
        Ok(())
    }

    /// From now on nothing is taken.
    pub(super) fn poison(&mut self, why: String) -> LedgerError {
        tracing::error!(%why, "the ledger cannot be written; nothing is served until a restart");
        self.stage = Stage::Poisoned(why.clone());
        LedgerError::Poisoned(why)
    }

    fn push(&mut self, at: Timestamp, event: &Event) -> Result<Appended, LedgerError> {
        let seq = self.head.seq + 1;
        let hash = write_line(&mut self.buffer, seq, at, self.head.hash, event)?;
        // one write call: a crash leaves at most one torn line
        if let Err(error) = (&*self.file).write_all(&self.buffer) {
            return Err(self.poison(error.to_string()));
        }
        let subject = &event.subject;
        self.index.add(
            self.bytes,
            (seq, hash, at),
            [
                (Dimension::App, subject.app.as_ref().map(|v| v.as_str())),
                (
                    Dimension::Patient,
                    subject.patient.as_ref().map(|v| v.as_str()),
                ),
                (Dimension::User, subject.user.as_ref().map(|v| v.as_str())),
                (
                    Dimension::Session,
                    subject.session.as_ref().map(|v| v.as_str()),
                ),
            ],
        );
        self.bytes += self.buffer.len() as u64;
        self.head = Head { seq, hash };
        self.since_checkpoint += 1;
        Ok(Appended { seq, hash })
    }
}
