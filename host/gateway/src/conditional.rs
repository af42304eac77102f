//! Conditional writes. The condition is a search like any other: it needs the scope of a
//! search, is narrowed as one, and what lies outside does not count. So zero, one or several
//! matches tell nothing of what the session may not see.
//!
//! A client never chooses an id: an update of what is not there is "not found" for absent
//! and forbidden alike, and a conditional update without a match creates under an id of the
//! host, which needs the scope of a create.

use glovebox_database::fence::Pass;
use glovebox_fhir::{Interaction, InteractionKind, Resource, SearchQuery};
use glovebox_fhir_store::{Hit, StoreError};
use glovebox_model::ledger::Outcome;
use glovebox_policy::Permitted;

use crate::answer::Written;
use crate::gateway::Gateway;
use crate::plan::{Planned, Within};
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;

/// What a condition found.
pub(crate) enum Matches {
    None,
    One(Hit),
    Several,
}

impl Gateway {
    /// Plans a conditional interaction, which was permitted as the write that it is.
    pub(crate) async fn conditional(
        &self,
        session: &Session,
        pass: &Pass,
        permitted: Permitted<Interaction>,
        within: &Within,
    ) -> Result<Planned, Refusal> {
        let asked = permitted.interaction();
        let Some(query) = asked.query() else {
            return Err(Refusal::Unavailable);
        };
        let found = self.matches(session, pass, query).await?;
        let hit = match found {
            Matches::One(hit) => Some(hit),
            Matches::None => None,
            Matches::Several => {
                let refusal = Refusal::SeveralMatches;
                return Err(self.failed(session, asked, "several-matches", refusal));
            }
        };
        let invalid = |problem: &dyn std::error::Error| Refusal::Invalid(problem.to_string());
        let name = query.resource_type();
        let (concrete, kind) = match (asked, hit) {
            (Interaction::ConditionalCreate { .. }, Some(hit)) => {
                let entry = record::event(session, asked, Outcome::Ok)
                    .with("id", hit.id.as_str())
                    .with("matched", "1");
                self.record(record::with_authorities(entry, &permitted))?;
                return Ok(Planned::Unchanged(Written {
                    resource_type: name.to_owned(),
                    version_id: hit.version.to_string(),
                    last_updated: hit.last_updated,
                    id: hit.id,
                    created: false,
                    changed: false,
                }));
            }
            (Interaction::ConditionalCreate { resource, .. }, None) => (
                Interaction::create(resource.clone()),
                InteractionKind::Create,
            ),
            (Interaction::ConditionalUpdate { resource, .. }, None) => {
                if resource.id().is_some() {
                    let why = "nothing matches, and an id is chosen by this server: send the resource without `id` to create it";
                    let refusal = Refusal::Invalid(why.to_owned());
                    return Err(self.failed(session, asked, "invalid", refusal));
                }
                let create = Interaction::create(resource.clone());
                (create, InteractionKind::Create)
            }
            (Interaction::ConditionalUpdate { resource, .. }, Some(hit)) => {
                let resource = self.identified(session, asked, resource, &hit.id)?;
                let update = Interaction::update(resource, Some(&hit.version.to_string()));
                let update = update.map_err(|problem| invalid(&problem))?;
                (update, InteractionKind::Update)
            }
            (Interaction::ConditionalPatch { patch, .. }, Some(hit)) => {
                let version = hit.version.to_string();
                let patch = Interaction::patch(name, &hit.id, patch.clone(), Some(&version));
                let patch = patch.map_err(|problem| invalid(&problem))?;
                (patch, InteractionKind::Patch)
            }
            (Interaction::ConditionalDelete { .. }, Some(hit)) => {
                let delete = Interaction::delete(name, &hit.id, Some(&hit.version.to_string()));
                let delete = delete.map_err(|problem| invalid(&problem))?;
                (delete, InteractionKind::Delete)
            }
            _ => return Err(self.absent(session, asked)),
        };
        let permitted = self.decided(session, pass, concrete).await?;
        if kind == InteractionKind::Patch {
            return self.patched(session, pass, permitted, within).await;
        }
        self.plain(session, permitted, kind, within).await
    }

    /// The resource under the id of the match; one that names another is refused.
    fn identified(
        &self,
        session: &Session,
        asked: &Interaction,
        resource: &Resource,
        id: &str,
    ) -> Result<Resource, Refusal> {
        if resource.id().is_some_and(|own| own != id) {
            let why = "the `id` in the resource is not that of the match";
            let refusal = Refusal::Invalid(why.to_owned());
            return Err(self.failed(session, asked, "invalid", refusal));
        }
        resource.with_id(id).map_err(|problem| {
            let refusal = Refusal::Invalid(problem.to_string());
            self.failed(session, asked, "invalid", refusal)
        })
    }

    /// How many matches a condition has within the session's own reach.
    pub(crate) async fn matches(
        &self,
        session: &Session,
        pass: &Pass,
        query: &SearchQuery,
    ) -> Result<Matches, Refusal> {
        let search = Interaction::search(query.clone());
        let permitted = self.decided(session, pass, search).await?;
        // Which Provenance there is depends on what it is about, as for any search.
        let known = self.knowing_targets_of_matches(session, &permitted).await?;
        let permitted = known.unwrap_or(permitted);
        let interaction = permitted.interaction();
        let store = self.store(session, interaction)?;
        let mut found = match store.search(&permitted, None, 2).await {
            Ok(found) => found,
            Err(error @ StoreError::TooCostly(_)) => {
                let refusal = Refusal::TooCostly(error.to_string());
                return Err(self.failed(session, interaction, "too-costly", refusal));
            }
            Err(error) => return Err(self.broken(session, interaction, &error)),
        };
        let count = u64::try_from(found.hits.len()).unwrap_or(u64::MAX);
        let entry = record::event(session, interaction, Outcome::Ok)
            .with("use", "condition")
            .with("count", count);
        self.record(record::with_authorities(entry, &permitted))?;
        Ok(match (found.hits.pop(), found.hits.is_empty()) {
            (Some(hit), true) => Matches::One(hit),
            (None, _) => Matches::None,
            (Some(_), false) => Matches::Several,
        })
    }
}
