//! `_include` and `_revinclude`: what the matches of a page refer to, and what refers to
//! them.
//!
//! A target of `_include` is given as a read of it would be (`r`), what `_revinclude` finds
//! as a search for it would (`s`). What the session may not have is left out without a word:
//! a type that no scope names, a resource of somebody else, a version that is gone. Only
//! references of the matches themselves count, to resources of this server; nothing is
//! followed from one included resource to the next.

use std::collections::BTreeSet;

use bytes::Bytes;
use glovebox_fhir::search::Include;
use glovebox_fhir::{Interaction, SearchQuery, ValueRef, resource_types};
use glovebox_fhir_store::{Hit, StoreError};
use glovebox_policy::{Decision, Permitted, decide};

use super::readable::Name;
use crate::answer::Released;
use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::session::Session;

/// Resources that go with one page at most. More are refused rather than cut: whoever sees
/// some of them would take them for all.
const INCLUDED_MAX: usize = 1_000;
/// Bytes of these resources at most.
const BYTES_MAX: usize = 16 << 20;

/// One included resource before projection, by the permit that lets it out.
pub(super) struct Included {
    pub(super) permitted: Permitted<Interaction>,
    pub(super) released: Released,
}

/// What goes with the matches of a page.
#[derive(Default)]
pub(super) struct Includes {
    pub(super) resources: Vec<Included>,
    /// Types that were asked for and of which the session got none: for the ledger.
    pub(super) left_out: BTreeSet<&'static str>,
}

impl Gateway {
    /// What goes with these matches.
    pub(super) async fn includes(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        query: &SearchQuery,
        hits: &[Hit],
    ) -> Result<Includes, Refusal> {
        let output = query.output();
        let mut includes = Includes::default();
        // The host's own pages ask for none.
        if hits.is_empty() || !permitted.asks_for_targets() {
            return Ok(includes);
        }
        let resource_type = query.resource_type();
        let mut given: BTreeSet<Name> = hits
            .iter()
            .map(|hit| (resource_type.to_owned(), hit.id.clone()))
            .collect();
        self.add_targets(session, permitted, query, hits, &mut given, &mut includes)
            .await?;
        for revinclude in &output.revincludes {
            let targets = hits.iter().map(|hit| (resource_type, hit.id.clone()));
            let search = SearchQuery::referring(revinclude.source, revinclude.parameter, targets);
            let Some(search) = search else { continue };
            let interaction = Interaction::search(search);
            let rights = self.rights(session, &interaction).await?;
            match decide(&session.request(&rights), interaction) {
                Decision::Permit(search) => {
                    self.add_referring(session, search, &mut given, &mut includes)
                        .await?;
                }
                Decision::Deny(..) => {
                    includes.left_out.insert(revinclude.source);
                }
            }
        }
        let bytes: usize = includes
            .resources
            .iter()
            .map(|included| included.released.bytes.len())
            .sum();
        if includes.resources.len() > INCLUDED_MAX || bytes > BYTES_MAX {
            return Err(self.too_many(session, permitted.interaction()));
        }
        Ok(includes)
    }

    async fn add_targets(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        query: &SearchQuery,
        hits: &[Hit],
        given: &mut BTreeSet<Name>,
        includes: &mut Includes,
    ) -> Result<(), Refusal> {
        let interaction = permitted.interaction();
        let mut wanted = BTreeSet::new();
        for include in &query.output().includes {
            for name in hits.iter().flat_map(|hit| targets(hit, include)) {
                if !given.contains(&name) {
                    wanted.insert(name);
                }
            }
        }
        // The matches themselves tell how many these are, so the refusal tells nothing new.
        if wanted.len() > INCLUDED_MAX {
            return Err(self.too_many(session, interaction));
        }
        let wanted: Vec<Name> = wanted.into_iter().collect();
        let types: BTreeSet<&str> = wanted.iter().map(|(of, _)| of.as_str()).collect();
        let mut granted = BTreeSet::new();
        let mut bytes_of_all = 0;
        for found in self.readable(session, interaction, &wanted).await? {
            let head = found.head;
            bytes_of_all += head.bytes_len();
            if bytes_of_all > BYTES_MAX {
                return Err(self.too_many(session, interaction));
            }
            let store = self.store(session, interaction)?;
            let bytes = store.load(&head).await;
            let bytes = bytes.map_err(|error| self.broken(session, interaction, &error))?;
            let resource_type = head.facts.resource_type().to_owned();
            granted.insert(resource_type.clone());
            given.insert((resource_type.clone(), head.facts.id().to_owned()));
            includes.resources.push(Included {
                permitted: found.permitted,
                released: Released {
                    resource_type,
                    id: head.facts.id().to_owned(),
                    version_id: head.version_id(),
                    last_updated: head.last_updated,
                    bytes,
                },
            });
        }
        let left_out = resource_types()
            .iter()
            .filter(|name| types.contains(*name) && !granted.contains(**name));
        includes.left_out.extend(left_out);
        Ok(())
    }

    async fn add_referring(
        &self,
        session: &Session,
        search: Permitted<Interaction>,
        given: &mut BTreeSet<Name>,
        includes: &mut Includes,
    ) -> Result<(), Refusal> {
        let known = self.knowing_targets_of_matches(session, &search).await?;
        let search = known.unwrap_or(search);
        let interaction = search.interaction();
        let store = self.store(session, interaction)?;
        let found = store.search(&search, None, INCLUDED_MAX).await;
        let found = found.map_err(|error| self.too_costly(session, interaction, error))?;
        if found.next.is_some() {
            return Err(self.too_many(session, interaction));
        }
        let loaded: Result<Vec<Bytes>, StoreError> = store.load_many(&found.hits).await;
        let loaded = loaded.map_err(|error| self.broken(session, interaction, &error))?;
        for (hit, bytes) in found.hits.into_iter().zip(loaded) {
            let resource_type = interaction.resource_type().to_owned();
            if !given.insert((resource_type.clone(), hit.id.clone())) {
                continue;
            }
            includes.resources.push(Included {
                permitted: search.clone(),
                released: Released {
                    resource_type,
                    version_id: hit.version.to_string(),
                    last_updated: hit.last_updated,
                    id: hit.id,
                    bytes,
                },
            });
        }
        Ok(())
    }

    fn too_many(&self, session: &Session, interaction: &Interaction) -> Refusal {
        let refusal = Refusal::TooCostly(format!(
            "more than {INCLUDED_MAX} resources or 16 MiB would go with this page: ask for \
             smaller pages with `_count`, or for fewer includes"
        ));
        self.failed(session, interaction, "too-costly", refusal)
    }
}

/// What one match refers to by one include.
fn targets(hit: &Hit, include: &Include) -> Vec<Name> {
    let Some(facts) = hit.facts() else {
        return Vec::new();
    };
    facts
        .values(include.parameter)
        .filter_map(|value| match value {
            ValueRef::Reference { resource_type, id }
                if include.target.is_none_or(|only| only == resource_type) =>
            {
                Some((resource_type.to_owned(), id.to_owned()))
            }
            _ => None,
        })
        .collect()
}
