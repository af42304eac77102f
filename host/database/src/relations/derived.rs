//! Relations that follow from resources.
//!
//! Of each such resource is kept what was *accepted* of it: what the hospital itself said,
//! less what the record no longer says. Rights follow from that and from the accounts of
//! the people whom it names, never from the record alone.

use std::collections::{BTreeMap, BTreeSet};

use glovebox_model::{FhirUser, PatientId, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::statement::StoredStatement;
use super::{
    Holding, Origin, OriginKind, Relations, Statement, Term, held, key, put, unchanged, unusable,
};
use crate::records::SCAN_MAX;
use crate::{Batch, Durability, Expect, RecordsError, Stored};

/// Users to whom one resource gives a right at most.
const GIVEN_MAX: usize = 300;
/// By what one right is held at most.
const HOLDINGS_MAX: usize = 64;

/// What was accepted of a resource, as it was read.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What it says of who may open whom.
    pub statement: Statement,
    given: BTreeSet<UserId>,
    expect: Expect,
}

/// A right that changed because a resource or an account did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Whose right it is.
    pub user: UserId,
    /// To open whom.
    pub patient: PatientId,
    /// The resource from which it follows, or followed.
    pub origin: Origin,
    /// Whether it follows from the resource now.
    pub is_given: bool,
    /// Whether the user could open the patient before and cannot any more.
    pub ends: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredAccepted {
    #[serde(flatten)]
    statement: StoredStatement,
    #[serde(default)]
    given: Vec<String>,
}

const ACCEPTED: &str = "~accepted/";

fn accepted_key(tenant: &TenantId, origin: &Origin) -> Vec<u8> {
    format!("{ACCEPTED}{tenant}/{origin}").into_bytes()
}

/// `~naming/{tenant}/{member}/{origin}`: which resources name somebody.
fn naming_key(tenant: &TenantId, member: &FhirUser, origin: &str) -> Vec<u8> {
    format!("~naming/{tenant}/{member}/{origin}").into_bytes()
}

impl Relations {
    /// What was accepted of a resource; nothing at first.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn accepted(
        &self,
        tenant: &TenantId,
        origin: &Origin,
    ) -> Result<Accepted, RecordsError> {
        let stored = self.keyspace.get(&accepted_key(tenant, origin)).await?;
        let expect = unchanged(stored.as_ref());
        let (statement, given) = match &stored {
            None => Default::default(),
            Some(stored) => read(stored)?,
        };
        Ok(Accepted {
            statement,
            given,
            expect,
        })
    }

    /// Accepts a statement in place of what was accepted before, and gives and takes the
    /// rights that follow, in one commit. It is written even if it is the same: whoever read
    /// the record earlier and comes later starts again. `None` if somebody was faster.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn accept(
        &self,
        tenant: &TenantId,
        origin: &Origin,
        found: &Accepted,
        statement: &Statement,
        now: Timestamp,
    ) -> Result<Option<Vec<Shift>>, RecordsError> {
        let wanted = self.wanted(tenant, origin, statement, now).await?;
        let mut terms: BTreeMap<(&UserId, &PatientId), Option<&BTreeSet<Term>>> = BTreeMap::new();
        if let Some(patient) = &found.statement.patient {
            terms.extend(found.given.iter().map(|user| ((user, patient), None)));
        }
        if let Some(patient) = &statement.patient {
            let given = wanted.iter();
            terms.extend(given.map(|(user, terms)| ((user, patient), Some(terms))));
        }
        let keys: Vec<_> = terms
            .keys()
            .map(|(user, patient)| key(tenant, user, patient.as_str()))
            .collect();
        let stored = self.keyspace.get_many(&keys).await?;
        let mut batch = Batch::new();
        let mut shifts = Vec::new();
        for (((name, terms), key), stored) in terms.into_iter().zip(keys).zip(&stored) {
            let before = held(stored.as_ref())?;
            let after = replaced(&before, origin, terms);
            if before == after {
                continue;
            }
            let holds = |holdings: &[Holding]| holdings.iter().any(|one| one.term.holds(now));
            shifts.push(Shift {
                user: name.0.clone(),
                patient: name.1.clone(),
                origin: origin.clone(),
                is_given: terms.is_some(),
                ends: holds(&before) && !holds(&after),
            });
            batch = put(batch, key, &after, stored.as_ref())?;
        }
        batch = self.index(batch, tenant, origin, &found.statement, statement);
        let accepted = StoredAccepted {
            statement: statement.into(),
            given: wanted.keys().map(ToString::to_string).collect(),
        };
        let value = serde_json::to_vec(&accepted).map_err(unusable)?;
        batch = batch.put(accepted_key(tenant, origin), value, found.expect);
        // Not waited for: that it is pending is on disk, and crossing that out waits for all.
        let committed = self.commit(batch, Durability::Relaxed).await?;
        Ok(committed.then_some(shifts))
    }

    /// Keeps who is named by which resource, so that an account leads to them.
    fn index(
        &self,
        mut batch: Batch,
        tenant: &TenantId,
        origin: &Origin,
        old: &Statement,
        new: &Statement,
    ) -> Batch {
        let names = |statement: &Statement| -> BTreeSet<FhirUser> {
            let members = statement.members.iter();
            members.map(|(member, _)| member.clone()).collect()
        };
        let (old, new) = (names(old), names(new));
        for gone in old.difference(&new) {
            let key = naming_key(tenant, gone, &origin.to_string());
            batch = batch.delete(key, Expect::Any);
        }
        for come in new.difference(&old) {
            let key = naming_key(tenant, come, &origin.to_string());
            batch = batch.put(key, Vec::new(), Expect::Any);
        }
        batch
    }

    /// To whom a statement gives a right, and for how long. What is over gives none.
    async fn wanted(
        &self,
        tenant: &TenantId,
        origin: &Origin,
        statement: &Statement,
        now: Timestamp,
    ) -> Result<BTreeMap<UserId, BTreeSet<Term>>, RecordsError> {
        let mut wanted: BTreeMap<UserId, BTreeSet<Term>> = BTreeMap::new();
        if statement.patient.is_none() {
            return Ok(wanted);
        }
        for (member, term) in &statement.members {
            let mut named = vec![(member.clone(), *term)];
            if let Some(role) = role(member) {
                let practitioners = self.accepted(tenant, &role).await?.statement.members;
                named.extend(
                    practitioners
                        .into_iter()
                        .filter_map(|(practitioner, of)| Some((practitioner, term.within(of)?))),
                );
            }
            named.retain(|(_, term)| !term.is_over(now));
            for (member, term) in named {
                for user in self.users_of(tenant, &member).await? {
                    let is_new = !wanted.contains_key(&user);
                    if is_new && wanted.len() >= GIVEN_MAX {
                        tracing::warn!(%origin, "names too many people: not all get a right");
                        return Ok(wanted);
                    }
                    wanted.entry(user).or_default().insert(term);
                }
            }
        }
        Ok(wanted)
    }

    /// The resources from which somebody's rights follow: those that name the person, and
    /// those that name a role of the person. After `after`, some at a time.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn naming(
        &self,
        tenant: &TenantId,
        member: &FhirUser,
        after: Option<&Origin>,
    ) -> Result<Vec<Origin>, RecordsError> {
        let prefix = naming_key(tenant, member, "");
        let after = after.map(|origin| naming_key(tenant, member, &origin.to_string()));
        let found = self.keyspace.scan(&prefix, after.as_deref(), SCAN_MAX);
        let origin = |(key, _): (Vec<u8>, Stored)| {
            let name = key.strip_prefix(prefix.as_slice()).unwrap_or_default();
            let name = std::str::from_utf8(name).map_err(unusable)?;
            name.parse().map_err(unusable)
        };
        found.await?.into_iter().map(origin).collect()
    }
}

/// The role that a CareTeam names as its member.
fn role(member: &FhirUser) -> Option<Origin> {
    let origin: Origin = member.as_str().parse().ok()?;
    (origin.kind() == OriginKind::PractitionerRole).then_some(origin)
}

/// The holdings of a right, with those that follow from a resource exchanged.
fn replaced(before: &[Holding], origin: &Origin, terms: Option<&BTreeSet<Term>>) -> Vec<Holding> {
    let others = before
        .iter()
        .filter(|one| one.origin.as_ref() != Some(origin));
    let mut after: Vec<Holding> = others.cloned().collect();
    let new = terms.into_iter().flatten().map(|term| Holding {
        source: origin.kind().source(),
        origin: Some(origin.clone()),
        term: *term,
    });
    after.extend(new.take(HOLDINGS_MAX.saturating_sub(after.len())));
    after.sort();
    after
}

fn read(stored: &Stored) -> Result<(Statement, BTreeSet<UserId>), RecordsError> {
    let accepted: StoredAccepted = serde_json::from_slice(&stored.value).map_err(unusable)?;
    let given = accepted.given.iter().map(|user| user.parse());
    let given = given.collect::<Result<_, _>>().map_err(unusable)?;
    Ok((accepted.statement.try_into()?, given))
}
