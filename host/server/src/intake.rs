//! What people bring: Bundles, single resources and NDJSON, plain or gzipped, read into
//! resources. Shared by the command line and the API.

mod bundle;
mod lines;

#[cfg(test)]
mod tests;

use std::io::Read;

use flate2::read::MultiGzDecoder;
use glovebox_fhir::{Bundle, BundleError, Limits, Resource, ResourceError};

pub use lines::Lines;

/// First bytes of gzip data (RFC 1952 section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Lines of one body that may be refused, each with its reason; beyond it, the body is not
/// NDJSON of FHIR at all, and millions of reasons would only fill the memory.
const REFUSED_MAX: usize = 10_000;

/// An entry that is not a resource that can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEntry {
    /// Where it stands: `entry 12` or `line 7`, with `Type/id` where that is known.
    pub place: String,
    /// What is wrong and how to mend it.
    pub why: String,
}

/// The input as a whole cannot be read. Nothing of it was taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Neither a Bundle nor a resource.
    #[error("it is not a FHIR R4 resource: {0}")]
    NotAResource(#[from] ResourceError),
    /// A Bundle that cannot be read.
    #[error("it is not a Bundle that can be imported: {0}")]
    Bundle(BundleError),
    /// A Bundle that is not a set of resources: a document, a message, versions.
    #[error(
        "a Bundle of type `{0}` is not a set of resources: bring them as `transaction`, `batch`, `collection` or NDJSON"
    )]
    NotASet(String),
    /// More than [`Limits::BUNDLE`] allows, after decompression.
    #[error(
        "it has more than {max} bytes uncompressed: bring it as NDJSON, which is read line by line"
    )]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// Hardly a line of it is a resource.
    #[error("more than {max} lines are not FHIR resources: is it NDJSON, one resource a line?")]
    TooManyRefused {
        /// The limit.
        max: usize,
    },
    /// Broken gzip data, or a file that cannot be read any further.
    #[error("it cannot be read to its end: {0}")]
    Io(#[from] std::io::Error),
}

/// The entries of an input, in order.
pub type Entries = Vec<Result<Resource, RefusedEntry>>;

/// Reads a Bundle (references between its entries resolved) or a single resource.
pub fn document(bytes: &[u8]) -> Result<Entries, IntakeError> {
    if Bundle::is_one(bytes) {
        return bundle::read(bytes);
    }
    Ok(vec![Ok(Resource::parse(bytes, Limits::RESOURCE)?)])
}

/// Reads NDJSON: one resource a line; empty lines are skipped.
pub fn ndjson(bytes: &[u8]) -> Result<Entries, IntakeError> {
    let mut entries = Entries::new();
    let mut refused = 0;
    for entry in Lines::new(bytes) {
        let entry = entry?;
        refused += usize::from(entry.is_err());
        if refused > REFUSED_MAX {
            return Err(IntakeError::TooManyRefused { max: REFUSED_MAX });
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// All bytes of a document, decompressed if they are gzip data; a document that grows
/// beyond the limit of a Bundle is not decompressed any further.
pub fn whole(reader: impl Read) -> Result<Vec<u8>, IntakeError> {
    within(reader, Limits::BUNDLE.bytes_max)
}

fn within(mut reader: impl Read, max: usize) -> Result<Vec<u8>, IntakeError> {
    let mut magic = Vec::new();
    reader.by_ref().take(2).read_to_end(&mut magic)?;
    let is_gzip = magic == GZIP_MAGIC;
    let given = std::io::Cursor::new(magic).chain(reader);
    let bytes = if is_gzip {
        bounded(MultiGzDecoder::new(given), max)
    } else {
        bounded(given, max)
    }?;
    if bytes.len() > max {
        Err(IntakeError::TooLarge { max })
    } else {
        Ok(bytes)
    }
}

/// Reads one byte more than allowed, so that too much is told from just enough.
fn bounded(reader: impl Read, max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader
        .take(u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
