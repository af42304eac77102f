//! The matches of one page: the smallest sort keys win.

use std::collections::BinaryHeap;

use bytes::Bytes;
use glovebox_database::Stored;
use glovebox_fhir::search::{self, SortKey};
use glovebox_fhir::{FactsView, SearchQuery};
use glovebox_model::{Digest, Timestamp};

use crate::error::StoreError;
use crate::head::{Fixed, facts_part};
use crate::store::unreadable;

/// Bytes of resources on one page at most; a page always holds one match.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// A match that may be given out.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Logical id.
    pub id: String,
    /// Current version.
    pub version: u64,
    /// `meta.lastUpdated`.
    pub last_updated: Timestamp,
    key: SortKey,
    pub(super) resource_type: &'static str,
    pub(super) length: u32,
    pub(super) digest: Digest,
    value: Bytes,
}

impl Hit {
    /// What is known of it without its bytes.
    pub fn facts(&self) -> Option<FactsView<'_>> {
        facts_part(&self.value).and_then(FactsView::parse)
    }
}

/// One page of matches.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// In the order asked for.
    pub hits: Vec<Hit>,
    /// Where the next page starts, if there is more.
    pub next: Option<Vec<u8>>,
    /// All matches that may be given out: on the first page, if all were looked at, because
    /// that was asked for or because it took no more than that to fill the page.
    pub total: Option<u64>,
    /// Whether the search named patients beyond the reach, who were not looked for.
    pub outside_reach: bool,
}

/// The hits of a page while it is filled: the smallest sort keys win.
pub(super) struct Page {
    after: Option<SortKey>,
    count: usize,
    hits: BinaryHeap<Ordered>,
    matched: u64,
}

struct Ordered(Hit);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}
impl Eq for Ordered {}
impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl Page {
    /// An empty page after a position.
    pub(super) fn new(after: Option<&[u8]>, count: usize) -> Self {
        Self {
            after: after.map(|bytes| SortKey::from_bytes(bytes.to_vec())),
            count: count.min(search::COUNT_MAX as usize),
            hits: BinaryHeap::new(),
            matched: 0,
        }
    }

    /// Counts a match, and keeps it if it belongs to the page.
    pub(super) fn offer(
        &mut self,
        query: &SearchQuery,
        facts: &FactsView<'_>,
        stored: &Stored,
    ) -> Result<(), StoreError> {
        self.matched += 1;
        let key = query.sort_key(facts);
        if self.after.as_ref().is_some_and(|after| key <= *after) {
            return Ok(());
        }
        // One more than the page is kept, to know whether there is a next page.
        let is_full = self.hits.len() > self.count;
        if is_full && self.hits.peek().is_some_and(|largest| key >= largest.0.key) {
            return Ok(());
        }
        let fixed = Fixed::decode(&stored.value)
            .ok_or_else(|| unreadable(&stored.value, query.resource_type()))?;
        self.hits.push(Ordered(Hit {
            id: facts.id().to_owned(),
            version: fixed.version,
            last_updated: fixed.last_updated,
            key,
            resource_type: query.resource_type(),
            length: fixed.length,
            digest: fixed.digest,
            value: stored.value.clone(),
        }));
        if self.hits.len() > self.count + 1 {
            self.hits.pop();
        }
        Ok(())
    }

    /// Whether nothing that stands after what was offered can be on the page: what comes in
    /// order need not be looked at any further.
    pub(super) fn is_settled(&self) -> bool {
        self.hits.len() > self.count
    }

    /// The hits in order. `all` says whether every match was offered.
    pub(super) fn finish(self, all: bool) -> Found {
        let first = self.after.is_none();
        let mut hits: Vec<Hit> = self
            .hits
            .into_sorted_vec()
            .into_iter()
            .map(|ordered| ordered.0)
            .collect();
        let mut bytes = 0;
        let fitting = hits
            .iter()
            .take(self.count)
            .take_while(|hit| {
                let first = bytes == 0;
                bytes += usize::try_from(hit.length).unwrap_or(usize::MAX);
                first || bytes <= PAGE_BYTES_MAX
            })
            .count();
        let more = hits.len() > fitting;
        hits.truncate(fitting);
        let next = hits
            .last()
            .filter(|_| more)
            .map(|last| last.key.as_bytes().to_vec());
        Found {
            hits,
            next,
            total: (first && all).then_some(self.matched),
            outside_reach: false,
        }
    }
}
