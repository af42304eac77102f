//! The demo world: synthetic patients, people who can sign in, clients, and sample apps.
//! Building it twice changes nothing; a build that was interrupted is taken up again.

mod apps;
mod build;
mod clients;
mod description;
mod keepsake;
mod patients;
mod people;
mod tokens;

pub use build::{DemoError, DemoPlan, Step, World, build, precheck};
pub use description::remove as remove_description;
pub use people::{PEOPLE, Person};

use glovebox_model::Timestamp;
use time::{Date, OffsetDateTime};

/// The seed of the demo's patients.
pub const SEED: u64 = 1;
/// Patients of the sandbox, or as many as `main` has if those are fewer.
pub const SANDBOX_PATIENTS: usize = 10;

/// The UTC day of an instant.
pub fn day_of(now: Timestamp) -> Date {
    OffsetDateTime::from_unix_timestamp(now.seconds()).map_or(Date::MIN, OffsetDateTime::date)
}
