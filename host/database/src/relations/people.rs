//! Which users are which people of the record. The accounts themselves are kept elsewhere;
//! here stands what relations follow from.

use std::collections::{BTreeMap, BTreeSet};

use glovebox_model::{FhirUser, TenantId, UserId};

use super::{Pending, Relations, unusable};
use crate::records::SCAN_MAX;
use crate::{Batch, Durability, Expect, RecordsError, Stored};

/// Users that one person of the record has at most.
const USERS_MAX: usize = 16;
/// People that are written in one commit.
const CHUNK: usize = 500;

/// A user who is a person of the record of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// In which tenant.
    pub tenant: TenantId,
    /// The person, such as `Practitioner/rivera`.
    pub member: FhirUser,
    /// The account.
    pub user: UserId,
}

/// People of a tenant whose accounts are others than before: marked as pending.
pub type PeopleChange = BTreeMap<TenantId, Vec<Pending>>;

const PEOPLE: &str = "~person/";

fn person_key(person: &Person) -> Vec<u8> {
    let Person {
        tenant,
        member,
        user,
    } = person;
    format!("{PEOPLE}{tenant}/{member}/{user}").into_bytes()
}

impl Relations {
    /// Makes these, and nobody else, the people whose accounts are known. Answers whose
    /// accounts changed: what follows for them has to be derived again, and is marked as
    /// pending before anything changes.
    ///
    /// # Errors
    /// If the records fail.
    pub async fn set_people(
        &self,
        people: &BTreeSet<Person>,
    ) -> Result<PeopleChange, RecordsError> {
        let known = self.people().await?;
        let changed: Vec<&Person> = known.symmetric_difference(people).collect();
        let mut members: BTreeMap<TenantId, BTreeSet<FhirUser>> = BTreeMap::new();
        for person in &changed {
            let of = members.entry(person.tenant.clone()).or_default();
            of.insert(person.member.clone());
        }
        let mut change = PeopleChange::new();
        for (tenant, members) in members {
            let mut pending: Vec<_> = members.into_iter().map(Pending::member).collect();
            self.mark_pending(&tenant, &mut pending).await?;
            change.insert(tenant, pending);
        }
        for chunk in changed.chunks(CHUNK) {
            let batch = chunk.iter().fold(Batch::new(), |batch, person| {
                let key = person_key(person);
                match people.contains(*person) {
                    true => batch.put(key, Vec::new(), Expect::Any),
                    false => batch.delete(key, Expect::Any),
                }
            });
            self.commit(batch, Durability::Sync).await?;
        }
        Ok(change)
    }

    async fn people(&self) -> Result<BTreeSet<Person>, RecordsError> {
        let mut people = BTreeSet::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let from = after.as_deref();
            let found = self
                .keyspace
                .scan(PEOPLE.as_bytes(), from, SCAN_MAX)
                .await?;
            for (key, _) in &found {
                people.insert(read(key)?);
            }
            match found.into_iter().next_back() {
                Some((key, _)) => after = Some(key),
                None => return Ok(people),
            }
        }
    }

    /// The accounts of a person.
    pub(super) async fn users_of(
        &self,
        tenant: &TenantId,
        member: &FhirUser,
    ) -> Result<Vec<UserId>, RecordsError> {
        let prefix = format!("{PEOPLE}{tenant}/{member}/").into_bytes();
        let found = self.keyspace.scan(&prefix, None, USERS_MAX).await?;
        let user = |(key, _): &(Vec<u8>, Stored)| read(key).map(|person| person.user);
        found.iter().map(user).collect()
    }
}

fn read(key: &[u8]) -> Result<Person, RecordsError> {
    let text = std::str::from_utf8(key).map_err(unusable)?;
    let parts = text.strip_prefix(PEOPLE).unwrap_or_default();
    let parts = parts.split_once('/');
    let (tenant, rest) = parts.ok_or_else(|| unusable("a person without a tenant"))?;
    let parts = rest.rsplit_once('/');
    let (member, user) = parts.ok_or_else(|| unusable("a person without an account"))?;
    Ok(Person {
        tenant: tenant.parse().map_err(unusable)?,
        member: member.parse().map_err(unusable)?,
        user: user.parse().map_err(unusable)?,
    })
}
