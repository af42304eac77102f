//! Searching: candidates by patient, reference or type, matched and re-checked on their
//! stored facts before anything is cut to a page. Bytes are loaded only for what is given
//! out.

mod candidates;
mod page;

use std::collections::{BTreeSet, HashSet};

use bytes::Bytes;
use glovebox_database::Stored;
use glovebox_fhir::search::Total;
use glovebox_fhir::{FactsView, Interaction, SearchQuery, ValueRef};
use glovebox_policy::Permitted;

use crate::error::StoreError;
use crate::head::{facts_part, is_deleted, is_folded};
use crate::key;
use crate::store::{FhirStore, PIECE_BYTES, unreadable, verified};
use candidates::{Candidates, Order, candidates};
use page::Page;
pub use page::{Found, Hit};

/// Candidates that one search looks at most.
const CANDIDATES_MAX: usize = 200_000;
/// Candidates that are read at a time, at most.
const SCAN_CHUNK: usize = 1_024;
/// Candidates that are read beyond a page at first, where they stand in order.
const SCAN_BEYOND: usize = 16;
/// Different targets of what a search matches, where each has to be decided on, at most.
const TARGETS_MAX: usize = 20_000;

impl FhirStore {
    /// One page of a permitted search, after the position `after`. What the permit does not
    /// reach is neither found nor counted. Where the candidates stand in the order asked for,
    /// no more of them are looked at than the page takes, unless a total is asked for.
    pub async fn search(
        &self,
        permitted: &Permitted<Interaction>,
        after: Option<&[u8]>,
        count: usize,
    ) -> Result<Found, StoreError> {
        let Interaction::Search(query) = permitted.interaction() else {
            return Err(StoreError::WrongInteraction);
        };
        let mut page = Page::new(after, count);
        let candidates = candidates(permitted, query);
        let total = query.output().total;
        let counts = count == 0 || matches!(total, Some(Total::Accurate | Total::Estimate));
        let order = if counts && after.is_none() {
            None
        } else {
            self.order(&candidates).await?
        };
        let all = if let Some(prefix) = order {
            let mut scan = Scan::after(prefix, after, count);
            self.visit_in_order(query, &mut scan, |facts, stored| {
                if permitted.recheck(facts).is_ok() {
                    page.offer(query, facts, stored)?;
                }
                Ok(page.is_settled())
            })
            .await?
        } else {
            let mut seen = HashSet::new();
            let several = candidates.overlap();
            self.visit(query, &candidates, |facts, stored| {
                if permitted.recheck(facts).is_err() {
                    return Ok(());
                }
                // A resource in two patients' compartments is met twice.
                if several && !seen.insert(facts.id().to_owned()) {
                    return Ok(());
                }
                page.offer(query, facts, stored)
            })
            .await?;
            true
        };
        Ok(Found {
            outside_reach: candidates.outside_reach,
            ..page.finish(all)
        })
    }

    /// Under which prefix the candidates stand in the order asked for, if they do.
    async fn order<'a>(&self, candidates: &'a Candidates) -> Result<Option<&'a [u8]>, StoreError> {
        Ok(match &candidates.order {
            Some(Order::ById(prefix)) => Some(prefix),
            Some(Order::NewestFirst(prefix)) if self.newest_is_whole().await? => Some(prefix),
            _ => None,
        })
    }

    /// What the matches of a search refer to by a parameter, as type and id: for a re-check
    /// that depends on the targets. Nothing is re-checked yet.
    pub async fn targets(
        &self,
        permitted: &Permitted<Interaction>,
        parameter: &str,
    ) -> Result<BTreeSet<(String, String)>, StoreError> {
        let Interaction::Search(query) = permitted.interaction() else {
            return Err(StoreError::WrongInteraction);
        };
        let mut targets = BTreeSet::new();
        let candidates = candidates(permitted, query);
        self.visit(query, &candidates, |facts, _| {
            for value in facts.values(parameter) {
                if let ValueRef::Reference { resource_type, id } = value {
                    targets.insert((resource_type.to_owned(), id.to_owned()));
                }
            }
            if targets.len() > TARGETS_MAX {
                return Err(StoreError::TooCostly(TARGETS_MAX));
            }
            Ok(())
        })
        .await?;
        Ok(targets)
    }

    /// Calls `found` for each candidate that exists and matches.
    async fn visit(
        &self,
        query: &SearchQuery,
        candidates: &Candidates,
        mut found: impl FnMut(&FactsView<'_>, &Stored) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut looked_at = 0;
        let mut look_at = |stored: &Stored| match matching(query, stored, &mut looked_at)? {
            Some(facts) => found(&facts, stored),
            None => Ok(()),
        };
        for keys in candidates.keys.chunks(SCAN_CHUNK) {
            for stored in self.records.get_many(keys).await?.iter().flatten() {
                match is_folded(&stored.value) {
                    true => look_at(&self.unfold(stored).await?)?,
                    false => look_at(stored)?,
                }
            }
        }
        for prefix in &candidates.prefixes {
            let mut scan = Scan::of(prefix);
            while let Some(records) = scan.next(self).await? {
                for (_, stored) in &records {
                    match is_folded(&stored.value) {
                        true => look_at(&self.unfold(stored).await?)?,
                        false => look_at(stored)?,
                    }
                }
            }
        }
        for prefix in &candidates.referring {
            let mut scan = Scan::of(prefix);
            while let Some(records) = scan.next(self).await? {
                let keys: Vec<Vec<u8>> = records
                    .iter()
                    .filter_map(|(key, _)| std::str::from_utf8(key).ok()?.rsplit_once('/'))
                    .map(|(_, id)| key::head(query.resource_type(), id))
                    .collect();
                for stored in self.records.get_many(&keys).await?.iter().flatten() {
                    match is_folded(&stored.value) {
                        true => look_at(&self.unfold(stored).await?)?,
                        false => look_at(stored)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Calls `found` for each candidate of a scan that matches, until it says that this is
    /// enough. Answers whether all were looked at.
    async fn visit_in_order(
        &self,
        query: &SearchQuery,
        scan: &mut Scan<'_>,
        mut found: impl FnMut(&FactsView<'_>, &Stored) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        let mut looked_at = 0;
        let mut look_at = |stored: &Stored| match matching(query, stored, &mut looked_at)? {
            Some(facts) => found(&facts, stored),
            None => Ok(false),
        };
        while let Some(records) = scan.next(self).await? {
            for (_, stored) in &records {
                let is_enough = match is_folded(&stored.value) {
                    true => look_at(&self.unfold(stored).await?)?,
                    false => look_at(stored)?,
                };
                if is_enough {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The bytes of hits, in order.
    pub async fn load_many(&self, hits: &[Hit]) -> Result<Vec<Bytes>, StoreError> {
        // Nearly all resources are one piece: those are read in one go.
        let whole = |hit: &&Hit| usize::try_from(hit.length).is_ok_and(|n| n <= PIECE_BYTES);
        let keys: Vec<_> = hits
            .iter()
            .filter(whole)
            .map(|hit| key::piece(hit.resource_type, &hit.id, hit.version, 0))
            .collect();
        let mut pieces = self.records.get_many(&keys).await?.into_iter();
        let mut all = Vec::with_capacity(hits.len());
        for hit in hits {
            let (resource_type, id) = (hit.resource_type, hit.id.as_str());
            all.push(if whole(&hit) {
                let found = pieces.next().flatten();
                let length = usize::try_from(hit.length).unwrap_or(usize::MAX);
                found
                    .and_then(|piece| verified(piece.value, length, &hit.digest))
                    .ok_or_else(|| StoreError::Damaged(format!("{resource_type}/{id}")))?
            } else {
                self.load_bytes(resource_type, id, hit.version, hit.length, &hit.digest)
                    .await?
            });
        }
        Ok(all)
    }
}

/// The facts of a candidate that exists and matches.
fn matching<'a>(
    query: &SearchQuery,
    stored: &'a Stored,
    looked_at: &mut usize,
) -> Result<Option<FactsView<'a>>, StoreError> {
    *looked_at += 1;
    if *looked_at > CANDIDATES_MAX {
        return Err(StoreError::TooCostly(CANDIDATES_MAX));
    }
    let facts = facts_part(&stored.value)
        .and_then(FactsView::parse)
        .ok_or_else(|| unreadable(&stored.value, query.resource_type()))?;
    Ok((query.matches(&facts) && !is_deleted(&stored.value)).then_some(facts))
}

/// All records under a prefix, some at a time.
struct Scan<'a> {
    prefix: &'a [u8],
    from: Option<Vec<u8>>,
    /// How many are read next.
    chunk: usize,
    is_first: bool,
    is_over: bool,
}

impl<'a> Scan<'a> {
    fn of(prefix: &'a [u8]) -> Self {
        Self {
            prefix,
            from: None,
            chunk: SCAN_CHUNK,
            is_first: true,
            is_over: false,
        }
    }

    /// Those after a sort key, for a page of so many: a few at first, more and more then.
    fn after(prefix: &'a [u8], after: Option<&[u8]>, count: usize) -> Self {
        Self {
            from: after.map(|after| [prefix, after].concat()),
            chunk: count.saturating_add(SCAN_BEYOND).min(SCAN_CHUNK),
            ..Self::of(prefix)
        }
    }

    async fn next(
        &mut self,
        store: &FhirStore,
    ) -> Result<Option<Vec<(Vec<u8>, Stored)>>, StoreError> {
        if self.is_over {
            return Ok(None);
        }
        if !self.is_first {
            // The embedded store answers without waiting: let others run between chunks.
            tokio::task::yield_now().await;
        }
        let from = self.from.as_deref();
        let records = store.records.scan(self.prefix, from, self.chunk).await?;
        self.is_over = records.len() < self.chunk;
        self.is_first = false;
        self.chunk = self.chunk.saturating_mul(2).min(SCAN_CHUNK);
        if let Some((key, _)) = records.last() {
            self.from = Some(key.clone());
        }
        Ok(Some(records))
    }
}
