//! Searching, page by page or all at once.

use serde_json::Value;

use super::{Entry, FhirError, backend, parse};

/// Bytes of one page, unless [`Search::page_bytes`] says otherwise.
const PAGE_BYTES: u32 = 256 << 10;

/// A FHIR search under construction: `Search::new("Observation").with("patient", id)`.
#[derive(Clone, Debug)]
pub struct Search {
    resource_type: String,
    parameters: Vec<(String, String)>,
    page_bytes: u32,
}

impl Search {
    /// A search for resources of one type.
    pub fn new(resource_type: impl Into<String>) -> Self {
        Self {
            resource_type: resource_type.into(),
            parameters: Vec::new(),
            page_bytes: PAGE_BYTES,
        }
    }

    /// Adds a search parameter, for example `("category", "laboratory")`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Newest first, by the resource's own date.
    #[must_use]
    pub fn newest_first(self) -> Self {
        self.with("_sort", "-date")
    }

    /// Results per page (`_count`); the host bounds it further.
    #[must_use]
    pub fn count(self, results: u32) -> Self {
        self.with("_count", results.to_string())
    }

    /// Greatest size of a page in bytes.
    #[must_use]
    pub fn page_bytes(mut self, bytes: u32) -> Self {
        self.page_bytes = bytes;
        self
    }

    /// Starts the search.
    pub fn start(self) -> Result<Cursor, FhirError> {
        Ok(Cursor {
            pages: backend::search(&self.resource_type, &self.parameters)?,
            page_bytes: self.page_bytes,
        })
    }

    /// Collects pages until there are none, or until at least `matches_max` matches are
    /// there: [`Found::complete`] says which.
    pub fn all(self, matches_max: usize) -> Result<Found, FhirError> {
        let mut cursor = self.start()?;
        let mut found = Found {
            total: cursor.total(),
            ..Found::default()
        };
        while let Some(page) = cursor.next_page()? {
            for entry in page {
                match entry.mode.as_str() {
                    "match" => found.matches.push(entry.resource),
                    "include" => found.included.push(entry.resource),
                    _ => {}
                }
            }
            if found.matches.len() >= matches_max {
                found.matches.truncate(matches_max);
                return Ok(found);
            }
        }
        found.complete = true;
        Ok(found)
    }
}

/// The collected results of a search.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Resources that matched.
    pub matches: Vec<Value>,
    /// Resources that came along (`_include`).
    pub included: Vec<Value>,
    /// Matches in all, where the host counted them: ask for it with `_total`.
    pub total: Option<u64>,
    /// Whether every match was collected.
    pub complete: bool,
}

/// A running search.
pub struct Cursor {
    pages: backend::Cursor,
    page_bytes: u32,
}

impl Cursor {
    /// Goes on from the token of an earlier cursor of this session.
    pub fn resume(token: &str) -> Result<Self, FhirError> {
        Ok(Self {
            pages: backend::resume(token)?,
            page_bytes: PAGE_BYTES,
        })
    }

    /// The next page; `None` after the last.
    pub fn next_page(&mut self) -> Result<Option<Vec<Entry>>, FhirError> {
        let Some(page) = self.pages.next_page(self.page_bytes)? else {
            return Ok(None);
        };
        page.into_iter()
            .map(|(mode, text)| {
                Ok(Entry {
                    mode,
                    resource: parse(&text)?,
                })
            })
            .collect::<Result<_, FhirError>>()
            .map(Some)
    }

    /// Matches in all, where the host counted them: ask for it with `_total`.
    pub fn total(&self) -> Option<u64> {
        self.pages.total()
    }

    /// Where this cursor stands, sealed to this session: keep it in the state to go on
    /// in a later call.
    pub fn token(&self) -> String {
        self.pages.token()
    }
}
