//! Searching: candidates by patient or type, matched and re-checked on their stored facts
//! before anything is cut to a page. Bytes are loaded only for what is given out.

use std::collections::{BTreeSet, BinaryHeap};

use bytes::Bytes;
use glovebox_fhir::search::SortKey;
use glovebox_fhir::{FactsView, Interaction, SearchQuery, compartment};
use glovebox_model::{Digest, Timestamp};
use glovebox_policy::Permitted;

use crate::error::StoreError;
use crate::head::{Fixed, facts_part};
use crate::key;
use crate::store::FhirStore;

/// Candidates that one search looks at most.
const CANDIDATES_MAX: usize = 200_000;
/// Candidates that are read at a time.
const SCAN_CHUNK: usize = 1_024;

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
        let mut page = Page {
            after: after.map(|bytes| SortKey::from_bytes(bytes.to_vec())),
            count: count.max(1),
            hits: BinaryHeap::new(),
            matched: 0,
        };
        let (prefixes, outside_reach) = prefixes(permitted, query);
        let mut seen = BTreeSet::new();
        let several = prefixes.len() > 1;
        let mut candidates = 0;
        for prefix in &prefixes {
            let mut from: Option<Vec<u8>> = None;
            loop {
                let records = self
                    .records
                    .scan(prefix, from.as_deref(), SCAN_CHUNK)
                    .await?;
                let full = records.len() == SCAN_CHUNK;
                candidates += records.len();
                if candidates > CANDIDATES_MAX {
                    return Err(StoreError::TooCostly(CANDIDATES_MAX));
                }
                for (_, stored) in &records {
                    let damaged = || StoreError::Damaged(query.resource_type().to_owned());
                    let facts = facts_part(&stored.value)
                        .and_then(FactsView::parse)
                        .ok_or_else(damaged)?;
                    // A resource in two patients' compartments is met twice.
                    if !query.matches(&facts)
                        || permitted.recheck(&facts).is_err()
                        || (several && !seen.insert(facts.id().to_owned()))
                    {
                        continue;
                    }
                    let fixed = Fixed::decode(&stored.value).ok_or_else(damaged)?;
                    if !fixed.deleted {
                        page.offer(query, &facts, &fixed);
                    }
                }
                match records.into_iter().last() {
                    Some((last, _)) if full => from = Some(last),
                    _ => break,
                }
            }
        }
        Ok(Found {
            outside_reach,
            ..page.finish()
        })
    }

    /// The bytes of hits, in order.
    pub async fn load_many(&self, hits: &[Hit]) -> Result<Vec<Bytes>, StoreError> {
        let mut all = Vec::with_capacity(hits.len());
        for hit in hits {
            let Hit {
                resource_type,
                id,
                version,
                length,
                digest,
                ..
            } = hit;
            all.push(
                self.load_bytes(resource_type, id, *version, *length, digest)
                    .await?,
            );
        }
        Ok(all)
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
        let more = hits.len() > self.count;
        hits.truncate(self.count);
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

/// Where the candidates stand, narrowed by the permit and by the query itself.
fn prefixes(permitted: &Permitted<Interaction>, query: &SearchQuery) -> (Vec<Vec<u8>>, bool) {
    let resource_type = query.resource_type();
    let whole_type = || vec![key::heads(resource_type)];
    let reach = permitted.patients();
    let in_compartment =
        compartment::parameters(resource_type).is_some_and(|parameters| !parameters.is_empty());
    if resource_type != "Patient" && !in_compartment {
        return (whole_type(), false);
    }
    let asked = query.patient_restriction();
    match (reach, asked) {
        (None, None) => (whole_type(), false),
        (None, Some(asked)) => (
            of_patients(asked.iter().map(String::as_str), resource_type),
            false,
        ),
        (Some(reach), None) => (
            of_patients(reach.iter().map(|p| p.as_str()), resource_type),
            false,
        ),
        (Some(reach), Some(asked)) => {
            let within = |id: &&str| reach.iter().any(|patient| patient.as_str() == *id);
            let outside = !asked.iter().map(String::as_str).all(|id| within(&id));
            let inside = asked.iter().map(String::as_str).filter(within);
            (of_patients(inside, resource_type), outside)
        }
    }
}

fn of_patients<'a>(patients: impl Iterator<Item = &'a str>, resource_type: &str) -> Vec<Vec<u8>> {
    let unique: BTreeSet<&str> = patients.collect();
    unique
        .into_iter()
        .map(|patient| key::all_of_patient(patient, resource_type))
        .collect()
}
