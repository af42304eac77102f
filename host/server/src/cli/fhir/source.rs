//! A file that is imported: what its name says it holds, and its resources in chunks.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use glovebox_fhir::Resource;
use indicatif::ProgressBar;

use crate::cli::failure::Failure;
use crate::cli::say;
use crate::intake::{self, IntakeError, Lines, RefusedEntry};

/// Resources of one chunk at most.
const CHUNK_RESOURCES_MAX: usize = 500;
/// Bytes after which a chunk is closed.
const CHUNK_BYTES_MAX: usize = 8 << 20;

/// Some resources of a file, and what of it cannot be taken.
#[derive(Default)]
pub(crate) struct Chunk {
    pub(crate) resources: Vec<Resource>,
    pub(crate) refused: Vec<RefusedEntry>,
}

/// A file that can be read.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    is_ndjson: bool,
    bytes: u64,
}

impl Source {
    /// Looks at a file without reading it.
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_ascii_lowercase();
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        let is_ndjson = stem.ends_with(".ndjson");
        if !is_ndjson && !stem.ends_with(".json") {
            return Err(Failure::fault(format!(
                "{}: name a file that ends in .json or .ndjson, or in .gz after that",
                path.display()
            )));
        }
        let metadata = File::open(path).and_then(|file| file.metadata());
        let metadata = metadata.map_err(|problem| Failure::file(path, &problem))?;
        if !metadata.is_file() {
            return Err(Failure::fault(format!(
                "{}: name files, not folders",
                path.display()
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            is_ndjson,
            bytes: metadata.len(),
        })
    }

    /// Begins to read. A document is read whole, so that a bad one is refused whole.
    pub(crate) fn open(&self) -> Result<Reading, Failure> {
        let file = File::open(&self.path).map_err(|problem| Failure::file(&self.path, &problem))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let failed = |problem: IntakeError| unreadable(&self.path, &problem);
        if self.is_ndjson {
            let bar = say::bytes_bar(&name, self.bytes);
            let lines = Lines::plain_or_gzip(bar.wrap_read(file)).map_err(failed)?;
            return Ok(Reading {
                path: self.path.clone(),
                bar,
                entries: Entries::Lines(lines),
            });
        }
        let entries = intake::whole(file)
            .and_then(|bytes| intake::document(&bytes))
            .map_err(failed)?;
        let bar = say::bar(&name, u64::try_from(entries.len()).unwrap_or(0));
        Ok(Reading {
            path: self.path.clone(),
            bar,
            entries: Entries::Document(entries.into_iter()),
        })
    }
}

enum Entries {
    Document(std::vec::IntoIter<Result<Resource, RefusedEntry>>),
    Lines(Lines<BufReader<Box<dyn Read + Send>>>),
}

/// A file that is being read.
pub(crate) struct Reading {
    path: PathBuf,
    pub(crate) bar: ProgressBar,
    entries: Entries,
}

impl Reading {
    /// The next chunk; `None` at the end. Reads a file: call it on a blocking thread.
    pub(crate) fn chunk(&mut self) -> Result<Option<Chunk>, Failure> {
        let mut chunk = Chunk::default();
        let mut bytes = 0;
        while chunk.resources.len() + chunk.refused.len() < CHUNK_RESOURCES_MAX
            && bytes < CHUNK_BYTES_MAX
        {
            let entry = match &mut self.entries {
                Entries::Document(entries) => entries.next().inspect(|_| self.bar.inc(1)).map(Ok),
                Entries::Lines(lines) => lines.next(),
            };
            match entry {
                None => break,
                Some(Err(problem)) => return Err(unreadable(&self.path, &problem)),
                Some(Ok(Err(refused))) => chunk.refused.push(refused),
                Some(Ok(Ok(resource))) => {
                    bytes += resource.bytes().len();
                    chunk.resources.push(resource);
                }
            }
        }
        let is_empty = chunk.resources.is_empty() && chunk.refused.is_empty();
        Ok((!is_empty).then_some(chunk))
    }
}

fn unreadable(path: &Path, problem: &IntakeError) -> Failure {
    Failure::fault(format!("{}: {problem}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_the_end_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        for (name, known) in [
            ("a.json", Some(false)),
            ("a.JSON.gz", Some(false)),
            ("a.ndjson", Some(true)),
            ("a.ndjson.gz", Some(true)),
            ("a.xml", None),
            ("json", None),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, "").unwrap();
            let source = Source::new(&path);
            assert_eq!(source.ok().map(|source| source.is_ndjson), known, "{name}");
        }
        let missing = Source::new(&dir.path().join("none.json")).err().unwrap();
        assert!(missing.to_string().contains("check the path"), "{missing}");
    }

    #[test]
    fn many_lines_come_in_chunks_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("many.ndjson");
        let line =
            |number: usize| format!("{{\"resourceType\":\"Patient\",\"id\":\"p{number}\"}}\n");
        std::fs::write(
            &path,
            (0..1_234).map(line).collect::<String>() + "nonsense\n",
        )
        .unwrap();
        let mut reading = Source::new(&path).unwrap().open().unwrap();
        let (mut taken, mut refused, mut chunks) = (0, 0, 0);
        while let Some(chunk) = reading.chunk().unwrap() {
            taken += chunk.resources.len();
            refused += chunk.refused.len();
            chunks += 1;
        }
        assert_eq!((taken, refused, chunks), (1_234, 1, 3));
    }
}
