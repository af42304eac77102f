//! NDJSON, read line by line: the memory taken is that of one line.

use std::io::{BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use glovebox_fhir::{Limits, Resource};

use super::{GZIP_MAGIC, IntakeError, RefusedEntry};

/// The most that is read of one NDJSON input, decompressed, in bytes.
const TOTAL_BYTES_MAX: u64 = 64 << 30;

/// The resources of an NDJSON input, in order; empty lines are skipped.
pub struct Lines<R> {
    reader: R,
    number: usize,
    ended: bool,
}

impl Lines<()> {
    /// Reads plain NDJSON.
    pub fn new<R: Read>(reader: R) -> Lines<BufReader<R>> {
        Lines {
            reader: BufReader::new(reader),
            number: 0,
            ended: false,
        }
    }

    /// Reads NDJSON that is plain or gzipped, whatever its name says.
    pub fn plain_or_gzip<R: Read + Send + 'static>(
        mut reader: R,
    ) -> Result<Lines<BufReader<Box<dyn Read + Send>>>, IntakeError> {
        let mut magic = Vec::new();
        reader.by_ref().take(2).read_to_end(&mut magic)?;
        let is_gzip = magic == GZIP_MAGIC;
        let given = std::io::Cursor::new(magic).chain(reader);
        let reader: Box<dyn Read + Send> = if is_gzip {
            Box::new(MultiGzDecoder::new(given).take(TOTAL_BYTES_MAX))
        } else {
            Box::new(given.take(TOTAL_BYTES_MAX))
        };
        Ok(Lines::new(reader))
    }
}

impl<R: BufRead> Lines<R> {
    /// The next line without its end; one that is too long is passed over and counted.
    fn line(&mut self) -> std::io::Result<Option<Result<Vec<u8>, usize>>> {
        let max = Limits::RESOURCE.bytes_max;
        let mut line = Vec::new();
        let mut length = 0_usize;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = buffer
                .get(..end.unwrap_or(buffer.len()))
                .unwrap_or_default();
            length = length.saturating_add(part.len());
            if length <= max {
                line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                self.number += 1;
                return Ok(Some(if length <= max { Ok(line) } else { Err(length) }));
            }
        }
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(if length <= max { Ok(line) } else { Err(length) }))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Result<Resource, RefusedEntry>, IntakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let line = match self.line() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.ended = true;
                    break;
                }
                Err(problem) => {
                    self.ended = true;
                    return Some(Err(problem.into()));
                }
            };
            let refused = |why: String| RefusedEntry {
                place: format!("line {}", self.number),
                why,
            };
            match line {
                Ok(line) if line.trim_ascii().is_empty() => {}
                Ok(line) => {
                    let parsed = Resource::parse(line.trim_ascii(), Limits::RESOURCE);
                    return Some(Ok(parsed.map_err(|problem| refused(problem.to_string()))));
                }
                Err(length) => {
                    let max = Limits::RESOURCE.bytes_max;
                    return Some(Ok(Err(refused(format!(
                        "it has {length} bytes, at most {max} are accepted"
                    )))));
                }
            }
        }
        None
    }
}
