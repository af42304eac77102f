//! Searches and their pages. Each page is decided anew.

use glovebox_database::fence::Pass;
use glovebox_fhir::{Interaction, InteractionKind, SearchQuery};
use glovebox_fhir_store::StoreError;
use glovebox_model::ledger::Outcome;
use glovebox_policy::Permitted;

use crate::answer::{Page, Released, Unreleased};
use crate::cursor::Cursor;
use crate::gateway::Gateway;
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;

impl Gateway {
    /// The next page of a search, at most `count` matches.
    pub async fn page(
        &self,
        session: &Session,
        pass: &Pass,
        cursor: &Cursor,
        count: usize,
    ) -> Result<Unreleased<Page>, Refusal> {
        let query = SearchQuery::parse(&cursor.resource_type, &cursor.parameters);
        let query = query.map_err(|problem| {
            let kind = InteractionKind::Search;
            self.invalid(session, kind, &cursor.resource_type, &problem.to_string())
        })?;
        let permitted = self
            .permit(session, pass, Interaction::Search(query))
            .await?;
        let page = self
            .search(session, &permitted, cursor.position(), count)
            .await?;
        Ok(Unreleased::new(page))
    }

    pub(crate) async fn search(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        after: Option<&[u8]>,
        count: usize,
    ) -> Result<Page, Refusal> {
        let interaction = permitted.interaction();
        let Interaction::Search(query) = interaction else {
            return Err(Refusal::Invalid("this is not a search".to_owned()));
        };
        let store = self.store(session, interaction)?;
        let found = match store.search(permitted, after, count).await {
            Ok(found) => found,
            Err(error @ StoreError::TooCostly(_)) => {
                let refusal = Refusal::TooCostly(error.to_string());
                return Err(self.failed(session, interaction, "too-costly", refusal));
            }
            Err(error) => return Err(self.broken(session, interaction, &error)),
        };
        let loaded = store.load_many(&found.hits).await;
        let loaded = loaded.map_err(|error| self.broken(session, interaction, &error))?;
        let matches: Vec<Released> = found
            .hits
            .into_iter()
            .zip(loaded)
            .map(|(hit, bytes)| Released {
                resource_type: query.resource_type().to_owned(),
                version_id: hit.version.to_string(),
                last_updated: hit.last_updated,
                id: hit.id,
                bytes,
            })
            .collect();
        let bytes = matches.iter().map(|released| released.bytes.len()).sum();
        let mut entry =
            record::with_authorities(record::event(session, interaction, Outcome::Ok), permitted);
        if found.outside_reach {
            // The query named patients beyond reach; nothing of theirs was looked at for it.
            entry = entry.with("narrowed", "compartment");
        }
        let ids = matches.iter().map(|released| released.id.clone());
        self.record(record::with_released(entry, ids, matches.len(), bytes))?;
        let next = found.next.map(|after| Cursor {
            resource_type: query.resource_type().to_owned(),
            parameters: query.pairs().to_vec(),
            after,
        });
        Ok(Page {
            matches,
            next,
            total: found.total,
        })
    }
}
