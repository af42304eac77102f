//! Synthetic patients: FHIR R4 charts, shaped after US Core, that look like real ones and
//! belong to nobody.
//!
//! A patient depends on the seed, on its index and on `today`, and on nothing else: not on
//! how many patients the plan has, nor on the platform. One patient is made at a time, so
//! that memory does not grow with the plan.

mod body;
mod calendar;
mod chance;
mod chart;
mod decimal;
mod facility;
mod growth;
mod names;
mod person;
mod story;
mod terms;

#[cfg(test)]
mod tests;

use serde_json::Value;
use time::Date;

pub use crate::person::Sex;
use crate::person::{NAMED, Person};

/// Id of the Location that is nurse Okafor's ward.
pub const OKAFOR_WARD: &str = facility::WARD_EAST;

/// Which patients to make.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many; `anna-rossi`, `tom-rossi` and `james-miller` exist even if it is less than three.
    pub patients: usize,
    pub seed: u64,
    /// Charts end the day before; only appointments, goals and what is planned lie later.
    pub today: Date,
}

impl Plan {
    /// The number of patients that exist: indices run from 0 to this, exclusive.
    pub fn count(&self) -> usize {
        self.patients.max(NAMED)
    }
}

/// One line of the patient list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterEntry {
    /// The Patient's logical id.
    pub id: String,
    pub name: String,
    pub birth_date: Date,
    pub sex: Sex,
    /// Id of the Location where the patient lies, for those who are in the hospital.
    pub ward: Option<&'static str>,
}

/// What patients refer to and share: organizations, locations, practitioners and their
/// roles, medications. Import these first.
pub fn shared(_plan: &Plan) -> Vec<Value> {
    facility::resources()
}

/// Everything in one patient's chart. References resolve within it or to [`shared`].
pub fn patient(plan: &Plan, index: usize) -> Vec<Value> {
    chart::write(plan, &Person::new(plan, index))
}

/// Who the patients are, by index, without making their charts.
pub fn roster(plan: &Plan) -> Vec<RosterEntry> {
    (0..plan.count())
        .map(|index| {
            let person = Person::new(plan, index);
            RosterEntry {
                name: person.full_name(),
                birth_date: person.birth_date,
                sex: person.sex,
                ward: person.is_on_ward().then_some(OKAFOR_WARD),
                id: person.id,
            }
        })
        .collect()
}
