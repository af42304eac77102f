//! The history of one resource: who may see the current version sees those of the earlier
//! ones that pass by their own facts.

use glovebox_database::fence::Pass;
use glovebox_fhir::{Interaction, InteractionKind};
use glovebox_fhir_store::Head;
use glovebox_model::Timestamp;
use glovebox_model::ledger::Outcome;
use glovebox_policy::Permitted;

use crate::answer::{HistoryPage, Unreleased, Version};
use crate::binary::lifts;
use crate::cursor::Cursor;
use crate::execute::released;
use crate::gateway::Gateway;
use crate::projection::project;
use crate::record;
use crate::refusal::Refusal;
use crate::session::Session;

/// Versions that one page looks at, at most.
const LOOKED_AT_MAX: u64 = 1_000;
/// Bytes of the versions on one page at most; a page always holds one.
const BYTES_MAX: usize = 16 << 20;
/// What marks a cursor as one of a history; no search parameter has this name.
const MARK: &str = "$history";

impl Gateway {
    /// The next page of a history.
    pub async fn history_page(
        &self,
        session: &Session,
        pass: &Pass,
        cursor: &Cursor,
    ) -> Result<Unreleased<HistoryPage>, Refusal> {
        let (interaction, before) = resumed(cursor).ok_or_else(|| {
            let (kind, of) = (InteractionKind::History, cursor.resource_type());
            match self.invalid(session, kind, of, "not a page of a history") {
                Refusal::Invalid(_) => Refusal::BadCursor,
                unavailable => unavailable,
            }
        })?;
        let permitted = self.permit(session, pass, interaction).await?;
        let page = self.history(session, &permitted, Some(before)).await?;
        Ok(Unreleased::new(page))
    }

    /// Versions below `before`, or from the newest on.
    pub(crate) async fn history(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        before: Option<u64>,
    ) -> Result<HistoryPage, Refusal> {
        let interaction = permitted.interaction();
        let Interaction::History { since, count, .. } = interaction else {
            return Err(Refusal::Unavailable);
        };
        let store = self.store(session, interaction)?;
        let broken = |error| self.broken(session, interaction, &error);
        let current = store.head(permitted).await.map_err(broken)?;
        let shown = self.sees_binary(session, permitted).await?;
        let Some(current) = current else {
            return Err(self.absent(session, interaction));
        };
        let known = self
            .knowing_targets(session, permitted, &[&current])
            .await?;
        let permitted = known.as_ref().unwrap_or(permitted);
        let passes = |permitted: &Permitted<Interaction>, head: &Head| {
            // Who shows a Binary shows it as it is now, not as it was.
            let shown = shown && head.version == current.version;
            match permitted.recheck(&head.facts.view()) {
                Err(denial) if !lifts(shown, permitted, &denial, &head.facts.view()) => Err(denial),
                _ => Ok(()),
            }
        };
        if let Err(denial) = passes(permitted, &current) {
            return Err(self.deny(session, interaction, &denial));
        }
        let count = u64::from(*count);
        let mut below = before
            .unwrap_or(current.version + 1)
            .min(current.version + 1);
        let mut left = LOOKED_AT_MAX;
        let mut heads: Vec<Head> = Vec::new();
        let (mut done, mut bytes) = (false, 0_usize);
        while !done && bytes < BYTES_MAX && below > 1 && left > 0 && (heads.len() as u64) < count {
            let wanted = (count - heads.len() as u64).min(left);
            let found = store.versions(permitted, below, wanted).await;
            let found = found.map_err(broken)?;
            left -= wanted;
            below = below.saturating_sub(wanted).max(1);
            // Earlier versions of a Provenance may have had other targets.
            let of_page: Vec<&Head> = found.iter().collect();
            let known = self.knowing_targets(session, permitted, &of_page).await?;
            let permitted = known.as_ref().unwrap_or(permitted);
            for head in found {
                if bytes >= BYTES_MAX {
                    // The next page begins with this one.
                    below = head.version + 1;
                    break;
                }
                if since.is_some_and(|since| head.last_updated < since) {
                    // Versions are in the order of time.
                    done = true;
                    break;
                }
                if passes(permitted, &head).is_ok() {
                    bytes += head.bytes_len();
                    heads.push(head);
                }
            }
        }
        let versions = self.load_versions(session, permitted, &heads).await?;
        let bytes = versions.iter().map(size).sum();
        let ids = heads.iter().map(Head::version_id);
        let entry =
            record::with_authorities(record::event(session, interaction, Outcome::Ok), permitted);
        self.record(record::with_released(entry, ids, versions.len(), bytes))?;
        let more = !done && below > 1;
        Ok(HistoryPage {
            versions,
            next: more.then(|| paused(interaction, below)).flatten(),
        })
    }

    async fn load_versions(
        &self,
        session: &Session,
        permitted: &Permitted<Interaction>,
        heads: &[Head],
    ) -> Result<Vec<Version>, Refusal> {
        let interaction = permitted.interaction();
        let store = self.store(session, interaction)?;
        let mut loaded = Vec::new();
        for head in heads.iter().filter(|head| !head.deleted) {
            let bytes = store.load(head).await;
            loaded.push(bytes.map_err(|error| self.broken(session, interaction, &error))?);
        }
        self.spend(session, permitted, &loaded).await?;
        let mut loaded = loaded.into_iter();
        let mut versions = Vec::with_capacity(heads.len());
        for head in heads {
            versions.push(if head.deleted {
                Version::Deleted {
                    resource_type: head.facts.resource_type().to_owned(),
                    id: head.facts.id().to_owned(),
                    version_id: head.version_id(),
                    last_updated: head.last_updated,
                }
            } else {
                let bytes = loaded.next().ok_or(Refusal::Unavailable)?;
                Version::Released(released(head, project(permitted, bytes)?))
            });
        }
        Ok(versions)
    }
}

fn size(version: &Version) -> usize {
    match version {
        Version::Released(released) => released.bytes.len(),
        Version::Deleted { .. } => 0,
    }
}

/// A history as a cursor: what was asked, and below which version to go on.
fn paused(interaction: &Interaction, below: u64) -> Option<Cursor> {
    let Interaction::History {
        resource_type,
        id,
        since,
        count,
    } = interaction
    else {
        return None;
    };
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut parameters = vec![pair(MARK, id.clone()), pair("_count", count.to_string())];
    parameters.extend(since.map(|since| pair("_since", since.micros().to_string())));
    Some(Cursor {
        resource_type: resource_type.clone(),
        parameters,
        after: below.to_be_bytes().to_vec(),
    })
}

fn resumed(cursor: &Cursor) -> Option<(Interaction, u64)> {
    let value = |name: &str| {
        let mut pairs = cursor.parameters.iter();
        pairs
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    };
    let since = match value("_since") {
        Some(micros) => Some(Timestamp::from_micros(micros.parse().ok()?)),
        None => None,
    };
    let count = value("_count")?.parse().ok()?;
    let of = &cursor.resource_type;
    let history = Interaction::history(of, value(MARK)?, since, Some(count)).ok()?;
    let below = u64::from_be_bytes(cursor.after.as_slice().try_into().ok()?);
    Some((history, below))
}
