//! The floor under the FHIR lines: the store, asked directly.

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use glovebox_fhir::{Interaction, SearchQuery};
use glovebox_fhir_store::FhirStore;
use glovebox_policy::{Permitted, Reach, SystemReason, permit_system};

use crate::house::House;

/// The store of a house, without anything around it.
#[derive(Clone)]
pub(crate) struct Bare(Arc<FhirStore>);

fn permit(interaction: Interaction) -> Permitted<Interaction> {
    permit_system(SystemReason::Chart, Reach::Everyone, interaction)
}

impl Bare {
    pub(crate) fn of(house: &House) -> Self {
        Self(Arc::new(FhirStore::new(house.fhir_records())))
    }

    /// The current version of a resource.
    pub(crate) async fn read(&self, resource_type: &str, id: &str) -> anyhow::Result<Bytes> {
        let permitted = permit(Interaction::read(resource_type, id)?);
        let head = self.0.head(&permitted).await?;
        Ok(self.0.load(&head.context("it is not there")?).await?)
    }

    /// The first page of a search.
    pub(crate) async fn search(&self, query: SearchQuery) -> anyhow::Result<Vec<Bytes>> {
        let count = usize::try_from(query.count())?;
        let permitted = permit(Interaction::search(query));
        let found = self.0.search(&permitted, None, count).await?;
        Ok(self.0.load_many(&found.hits).await?)
    }
}
