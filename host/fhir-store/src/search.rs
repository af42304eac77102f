//! Searching: candidates by patient or type, matched and re-checked on their stored facts
//! before anything is cut to a page. Bytes are loaded only for what is given out.

use std::collections::{BTreeSet, BinaryHeap, HashSet};

use bytes::Bytes;
use glovebox_database::Stored;
use glovebox_fhir::search::{self, SortKey};
use glovebox_fhir::{FactsView, Interaction, SearchQuery, compartment};
use glovebox_model::{Digest, Timestamp};
use glovebox_policy::Permitted;

use crate::error::StoreError;
use crate::head::{Fixed, facts_part};
use crate::key;
use crate::store::{FhirStore, PIECE_BYTES, verified};

/// Candidates that one search looks at most.
const CANDIDATES_MAX: usize = 200_000;
/// Candidates that are read at a time.
const SCAN_CHUNK: usize = 1_024;
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
    resource_type: &'static str,
    length: u32,
    digest: Digest,
}

/// One page of matches.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// In the order asked for.
    pub hits: Vec<Hit>,
    /// Where the next page starts, if there is more.
    pub next: Option<Vec<u8>>,
    /// All matches that may be given out; counted on the first page only.
    pub total: Option<u64>,
    /// Whether the search named patients beyond the reach, who were not looked for.
    pub outside_reach: bool,
}

/// The hits of a page while it is filled: the smallest sort keys win.
struct Page {
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

impl FhirStore {
    /// One page of a permitted search, after the position `after`. What the permit does not
    /// reach is neither found nor counted.
    pub async fn search(
        &self,
        permitted: &Permitted<Interaction>,
        after: Option<&[u8]>,
        count: usize,
    ) -> Result<Found, StoreError> {
        let Interaction::Search(query) = permitted.interaction() else {
            return Err(StoreError::WrongInteraction);
        };
        let page = Page {
            after: after.map(|bytes| SortKey::from_bytes(bytes.to_vec())),
            count: count.clamp(1, search::COUNT_MAX as usize),
            hits: BinaryHeap::new(),
            matched: 0,
        };
        let (candidates, outside_reach) = candidates(permitted, query);
        let mut search = Search {
            permitted,
            query,
            page,
            seen: HashSet::new(),
            several: candidates.overlap(),
            looked_at: 0,
        };
        match candidates {
            Candidates::Keys(keys) => {
                for keys in keys.chunks(SCAN_CHUNK) {
                    for stored in self.records.get_many(keys).await?.iter().flatten() {
                        search.look_at(stored)?;
                    }
                }
            }
            Candidates::Prefixes(prefixes) => {
                for prefix in &prefixes {
                    self.scan_all(prefix, &mut search).await?;
                }
            }
        }
        Ok(Found {
            outside_reach,
            ..search.page.finish()
        })
    }

    async fn scan_all(&self, prefix: &[u8], search: &mut Search<'_>) -> Result<(), StoreError> {
        let mut from: Option<Vec<u8>> = None;
        loop {
            let records = self
                .records
                .scan(prefix, from.as_deref(), SCAN_CHUNK)
                .await?;
            for (_, stored) in &records {
                search.look_at(stored)?;
            }
            if records.len() < SCAN_CHUNK {
                return Ok(());
            }
            from = records.into_iter().next_back().map(|(key, _)| key);
            // The embedded store answers without waiting: let others run between chunks.
            tokio::task::yield_now().await;
        }
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

/// A search under way.
struct Search<'a> {
    permitted: &'a Permitted<Interaction>,
    query: &'a SearchQuery,
    page: Page,
    seen: HashSet<String>,
    /// Whether a candidate can be met more than once.
    several: bool,
    looked_at: usize,
}

impl Search<'_> {
    fn look_at(&mut self, stored: &Stored) -> Result<(), StoreError> {
        self.looked_at += 1;
        if self.looked_at > CANDIDATES_MAX {
            return Err(StoreError::TooCostly(CANDIDATES_MAX));
        }
        let damaged = || StoreError::Damaged(self.query.resource_type().to_owned());
        let facts = facts_part(&stored.value)
            .and_then(FactsView::parse)
            .ok_or_else(damaged)?;
        if !self.query.matches(&facts) || self.permitted.recheck(&facts).is_err() {
            return Ok(());
        }
        let fixed = Fixed::decode(&stored.value).ok_or_else(damaged)?;
        // A resource in two patients' compartments is met twice.
        if fixed.deleted || (self.several && !self.seen.insert(facts.id().to_owned())) {
            return Ok(());
        }
        self.page.offer(self.query, &facts, &fixed);
        Ok(())
    }
}

impl Page {
    fn offer(&mut self, query: &SearchQuery, facts: &FactsView<'_>, fixed: &Fixed) {
        self.matched += 1;
        let key = query.sort_key(facts);
        if self.after.as_ref().is_some_and(|after| key <= *after) {
            return;
        }
        // One more than the page is kept, to know whether there is a next page.
        let is_full = self.hits.len() > self.count;
        if is_full && self.hits.peek().is_some_and(|largest| key >= largest.0.key) {
            return;
        }
        self.hits.push(Ordered(Hit {
            id: facts.id().to_owned(),
            version: fixed.version,
            last_updated: fixed.last_updated,
            key,
            resource_type: query.resource_type(),
            length: fixed.length,
            digest: fixed.digest,
        }));
        if self.hits.len() > self.count + 1 {
            self.hits.pop();
        }
    }

    fn finish(self) -> Found {
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
            total: first.then_some(self.matched),
            outside_reach: false,
        }
    }
}

/// Where the candidates stand.
enum Candidates {
    /// Under these keys.
    Keys(Vec<Vec<u8>>),
    /// Under these prefixes.
    Prefixes(Vec<Vec<u8>>),
}

impl Candidates {
    fn overlap(&self) -> bool {
        matches!(self, Self::Prefixes(prefixes) if prefixes.len() > 1)
    }
}

/// The candidates, narrowed by the permit and by the query itself, and whether the query
/// named patients beyond the permit's reach. Only the two decide where to look, never what
/// is stored: the work done tells nothing of what is absent or forbidden.
fn candidates(permitted: &Permitted<Interaction>, query: &SearchQuery) -> (Candidates, bool) {
    let resource_type = query.resource_type();
    let in_compartment =
        compartment::parameters(resource_type).is_some_and(|parameters| !parameters.is_empty());
    let is_patient = resource_type == "Patient";
    let reach = permitted.patients();
    let asked = if in_compartment || is_patient {
        query.patient_restriction()
    } else {
        None
    };
    let within = |id: &str| {
        reach
            .as_ref()
            .is_none_or(|reach| reach.iter().any(|patient| patient.as_str() == id))
    };
    let outside_reach = asked.iter().flatten().any(|patient| !within(patient));
    let ids: Option<BTreeSet<&str>> = query.id_restriction().map(|ids| ids.into_iter().collect());
    if let Some(ids) = ids {
        let keys = ids.iter().map(|id| key::head(resource_type, id)).collect();
        return (Candidates::Keys(keys), outside_reach);
    }
    if !in_compartment && !is_patient {
        return (
            Candidates::Prefixes(vec![key::heads(resource_type)]),
            outside_reach,
        );
    }
    // A match is with the patients asked for and with those within reach, but it may be so by
    // different references: the two sets must not be intersected. Where somebody beyond reach
    // is named, all within reach are looked through, and nobody else.
    let patients: Option<BTreeSet<&str>> = match (&reach, &asked) {
        (_, Some(asked)) if !outside_reach => Some(asked.iter().map(String::as_str).collect()),
        (Some(reach), _) => Some(reach.iter().map(|patient| patient.as_str()).collect()),
        (None, _) => None,
    };
    let candidates = match patients {
        None => Candidates::Prefixes(vec![key::heads(resource_type)]),
        // Whom a permit reaches is a patient's own record, not one that links to it.
        Some(patients) if is_patient => Candidates::Keys(
            patients
                .iter()
                .map(|patient| key::head(resource_type, patient))
                .collect(),
        ),
        Some(patients) => Candidates::Prefixes(
            patients
                .iter()
                .map(|patient| key::all_of_patient(patient, resource_type))
                .collect(),
        ),
    };
    (candidates, outside_reach)
}
