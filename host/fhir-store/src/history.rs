//! The versions of one resource. They never change: a page is read by their numbers.

use glovebox_fhir::Interaction;
use glovebox_policy::Permitted;

use crate::error::StoreError;
use crate::head::Head;
use crate::key;
use crate::store::FhirStore;

impl FhirStore {
    /// Versions of the resource that a history names, the newest first: those below
    /// `before`, `count` at most. `before` is one more than the newest version for the first
    /// page. A deletion is a version whose facts are those of the version before.
    pub async fn versions(
        &self,
        permitted: &Permitted<Interaction>,
        before: u64,
        count: u64,
    ) -> Result<Vec<Head>, StoreError> {
        let Interaction::History {
            resource_type, id, ..
        } = permitted.interaction()
        else {
            return Err(StoreError::WrongInteraction);
        };
        let from = before.saturating_sub(count).max(1);
        let keys: Vec<_> = (from..before)
            .rev()
            .map(|version| key::version(resource_type, id, version))
            .collect();
        let found = self.records.get_many(&keys).await?;
        let mut heads = Vec::with_capacity(found.len());
        for stored in &found {
            let damaged = || StoreError::Damaged(format!("{resource_type}/{id}"));
            let stored = stored.as_ref().ok_or_else(damaged)?;
            heads.push(self.open(resource_type, id, stored).await?);
        }
        Ok(heads)
    }
}
