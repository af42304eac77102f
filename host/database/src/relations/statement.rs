//! What a resource says of who may open whom.

use std::collections::BTreeSet;

use glovebox_model::{FhirUser, PatientId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Term, unusable};
use crate::RecordsError;

/// Members that one statement names at most; beyond it nobody more is taken.
pub const MEMBERS_MAX: usize = 200;

/// Who, by a resource, cares for which patient, and for how long. A PractitionerRole names
/// its Practitioner and no patient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// The patient.
    pub patient: Option<PatientId>,
    /// The people; somebody may be named for several terms.
    pub members: BTreeSet<(FhirUser, Term)>,
}

impl Statement {
    /// What of it is also said by one of `others` about the same patient.
    #[must_use]
    pub fn agreed(&self, others: &[&Self]) -> Self {
        let mut members = BTreeSet::new();
        for other in others {
            if other.patient != self.patient {
                continue;
            }
            for (member, term) in &self.members {
                let same = other.members.iter().filter(|(one, _)| one == member);
                let both = same.filter_map(|(_, said)| term.within(*said));
                members.extend(both.map(|term| (member.clone(), term)));
            }
        }
        Self {
            patient: self.patient.clone(),
            members: tidy(members),
        }
    }
}

/// Without terms that lie within another of the same member, and no more than are allowed.
fn tidy(members: BTreeSet<(FhirUser, Term)>) -> BTreeSet<(FhirUser, Term)> {
    let is_covered = |member: &FhirUser, term: &Term| {
        members.iter().any(|(one, other)| {
            one == member && other != term && term.within(*other) == Some(*term)
        })
    };
    members
        .iter()
        .filter(|(member, term)| !is_covered(member, term))
        .take(MEMBERS_MAX)
        .cloned()
        .collect()
}

/// The stored form; instants in microseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredStatement {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patient: Option<String>,
    members: Vec<(String, Option<i64>, Option<i64>)>,
}

impl From<&Statement> for StoredStatement {
    fn from(statement: &Statement) -> Self {
        let micros = |at: Option<Timestamp>| at.map(Timestamp::micros);
        Self {
            patient: statement.patient.as_ref().map(ToString::to_string),
            members: statement
                .members
                .iter()
                .map(|(who, term)| (who.to_string(), micros(term.starts), micros(term.expires)))
                .collect(),
        }
    }
}

impl TryFrom<StoredStatement> for Statement {
    type Error = RecordsError;
    fn try_from(stored: StoredStatement) -> Result<Self, RecordsError> {
        let patient = stored.patient.as_deref().map(str::parse).transpose();
        let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        let member = |(who, starts, expires): (String, _, _)| {
            let (starts, expires) = (at(starts), at(expires));
            Ok((who.parse().map_err(unusable)?, Term { starts, expires }))
        };
        Ok(Self {
            patient: patient.map_err(unusable)?,
            members: stored
                .members
                .into_iter()
                .map(member)
                .collect::<Result<_, RecordsError>>()?,
        })
    }
}
