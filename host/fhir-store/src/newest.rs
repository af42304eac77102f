//! The order "newest first": a patient's resources of a type by their main date, so that the
//! page that is asked for most reads no more than itself.
//!
//! It is kept by the commit that writes a version. Data from before it was kept has no mark
//! that it is whole: until [`FhirStore::complete_newest`] has filled it in, searches look
//! through everything instead.

use glovebox_database::{Batch, Durability, Expect, Stored};
use glovebox_fhir::FactsView;
use glovebox_fhir::search::newest_first;

use crate::error::StoreError;
use crate::head::{facts_part, is_folded};
use crate::key;
use crate::store::{FhirStore, unreadable};

/// What is kept: which date of a type is its main one, and how it is written.
const FORMAT: &[u8] = b"1";
/// Resources that one commit fills in: their values fit into a batch.
const CHUNK: usize = 256;

/// Where a resource stands under each of its patients; nowhere if its type has no main date.
pub(crate) fn keys(facts: &FactsView<'_>) -> Vec<Vec<u8>> {
    let Some(order) = newest_first(facts.resource_type()) else {
        return Vec::new();
    };
    let sort_key = order.key(facts);
    facts
        .patients()
        .map(|patient| key::newest(patient, facts.resource_type(), sort_key.as_bytes()))
        .collect()
}

/// How many [`keys`] there are.
pub(crate) fn count(facts: &FactsView<'_>) -> usize {
    newest_first(facts.resource_type()).map_or(0, |_| facts.patients().count())
}

impl FhirStore {
    /// Whether the order is known to hold all that it should. A store without any resource
    /// of a patient does: what is written from then on is put into it.
    pub(crate) async fn newest_is_whole(&self) -> Result<bool, StoreError> {
        let known = self.newest_is_whole.get_or_try_init(|| async {
            if self.has_mark().await? {
                return Ok(true);
            }
            let is_empty = self
                .records
                .scan(&key::of_patients(), None, 1)
                .await?
                .is_empty();
            if is_empty {
                self.mark().await?;
            }
            Ok::<_, StoreError>(is_empty)
        });
        Ok(*known.await?)
    }

    async fn has_mark(&self) -> Result<bool, StoreError> {
        let mark = self.records.get(&key::newest_is_whole()).await?;
        Ok(mark.is_some_and(|mark| mark.value == FORMAT))
    }

    async fn mark(&self) -> Result<(), StoreError> {
        let mark = Batch::new().put(key::newest_is_whole(), FORMAT, Expect::Any);
        // The one expectation is `Any`: there is nothing to conflict with.
        let _ = self.records.commit(mark, Durability::Sync).await?;
        Ok(())
    }

    /// Fills the order in where it is not known to be whole: once, after data of an earlier
    /// version was opened, before anything is served. Answers how many resources it took in.
    pub async fn complete_newest(&self) -> Result<usize, StoreError> {
        if self.has_mark().await? {
            return Ok(0);
        }
        let (mut taken_in, mut after) = (0, None::<Vec<u8>>);
        loop {
            let from = after.as_deref();
            let records = self.records.scan(&key::of_patients(), from, CHUNK).await?;
            let Some((last, _)) = records.last() else {
                break;
            };
            let mut batch = Batch::new();
            for (name, stored) in &records {
                batch = match self.place(name, stored).await? {
                    // Only if it is still what was read.
                    Some(key) => batch
                        .check(name.clone(), Expect::Version(stored.version))
                        .put(key, stored.value.clone(), Expect::Any),
                    None => batch,
                };
            }
            // What changed in the meantime was put in its place by whoever changed it; the
            // others are taken in once more.
            if self
                .records
                .commit(batch, Durability::Relaxed)
                .await?
                .is_ok()
            {
                taken_in += records.len();
                after = Some(last.clone());
            }
        }
        self.mark().await?;
        Ok(taken_in)
    }

    /// Where the record `p/{patient}/{type}/{id}` stands in the order.
    async fn place(&self, name: &[u8], stored: &Stored) -> Result<Option<Vec<u8>>, StoreError> {
        let unfolded;
        let value = if is_folded(&stored.value) {
            unfolded = self.unfold(stored).await?;
            &unfolded.value
        } else {
            &stored.value
        };
        let what = || String::from_utf8_lossy(name).into_owned();
        let facts = facts_part(value)
            .and_then(FactsView::parse)
            .ok_or_else(|| unreadable(value, &what()))?;
        let patient = std::str::from_utf8(name)
            .ok()
            .and_then(|name| name.split('/').nth(1))
            .ok_or_else(|| StoreError::Damaged(what()))?;
        let order = newest_first(facts.resource_type());
        Ok(order.map(|order| {
            let sort_key = order.key(&facts);
            key::newest(patient, facts.resource_type(), sort_key.as_bytes())
        }))
    }
}
