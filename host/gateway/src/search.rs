//! Searches and their pages. Each page is decided anew.

mod include;
mod readable;

pub(crate) use readable::Readable;

use bytes::Bytes;
use glovebox_database::fence::Pass;
use glovebox_fhir::search::{Output, Summary, Total, subset};
use glovebox_fhir::{Interaction, InteractionKind, SearchQuery};
use glovebox_model::ledger::Outcome;
use glovebox_policy::Permitted;

use crate::answer::{Page, Released, Unreleased};
use crate::cursor::Cursor;
use crate::gateway::Gateway;
use crate::projection::project;
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
        let output = query.output();
        let known = self.knowing_targets_of_matches(session, permitted).await?;
        let permitted = known.as_ref().unwrap_or(permitted);
        let store = self.store(session, interaction)?;
        let count = match output.summary {
            Summary::Count => 0,
            _ => count.max(1),
        };
        let found = store.search(permitted, after, count).await;
        let found = found.map_err(|error| self.too_costly(session, interaction, error))?;
        let includes = self
            .includes(session, permitted, query, &found.hits)
            .await?;
        let loaded = store.load_many(&found.hits).await;
        let loaded = loaded.map_err(|error| self.broken(session, interaction, &error))?;
        let included = includes.resources.iter();
        let included = included.map(|included| included.released.bytes.clone());
        let all: Vec<Bytes> = loaded.iter().cloned().chain(included).collect();
        self.spend(session, permitted, &all).await?;
        let mut matches = Vec::with_capacity(loaded.len());
        for (hit, bytes) in found.hits.into_iter().zip(loaded) {
            matches.push(Released {
                resource_type: query.resource_type().to_owned(),
                version_id: hit.version.to_string(),
                last_updated: hit.last_updated,
                id: hit.id,
                bytes: shaped(query.resource_type(), project(permitted, bytes)?, output),
            });
        }
        let mut included = Vec::with_capacity(includes.resources.len());
        for resource in includes.resources {
            let mut released = resource.released;
            let bytes = project(&resource.permitted, released.bytes)?;
            // `_elements` names elements of the matches; `_summary` is about all.
            released.bytes = if output.elements.is_empty() {
                shaped(&released.resource_type, bytes, output)
            } else {
                bytes
            };
            included.push(released);
        }
        let bytes = matches
            .iter()
            .chain(&included)
            .map(|released| released.bytes.len())
            .sum();
        let mut entry =
            record::with_authorities(record::event(session, interaction, Outcome::Ok), permitted);
        if found.outside_reach {
            // The query named patients beyond reach; nothing of theirs was looked at for it.
            entry = entry.with("narrowed", "compartment");
        }
        if !includes.left_out.is_empty() {
            let types: Vec<String> = includes.left_out.iter().map(ToString::to_string).collect();
            entry = entry.with("not_included", types);
        }
        let with = included
            .iter()
            .map(|released| format!("{}/{}", released.resource_type, released.id));
        let ids = matches.iter().map(|released| released.id.clone());
        let released = matches.len() + included.len();
        self.record(record::with_released(
            entry,
            ids.chain(with),
            released,
            bytes,
        ))?;
        let next = found.next.map(|after| Cursor {
            resource_type: query.resource_type().to_owned(),
            parameters: query.pairs().to_vec(),
            after,
        });
        Ok(Page {
            matches,
            included,
            next,
            total: found.total.filter(|_| output.total != Some(Total::None)),
        })
    }
}

/// Fewer elements, where the search asks for fewer. What cannot be made smaller stays whole.
fn shaped(resource_type: &str, bytes: Bytes, output: &Output) -> Bytes {
    if output.is_whole() {
        return bytes;
    }
    subset(resource_type, &bytes, output).map_or(bytes, Bytes::from)
}
